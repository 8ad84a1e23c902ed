"""Pending logins: one short-lived sealed cookie in the browser for each `state`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from oidc_async.errors import StateMismatch
from oidc_async.protocol.strict_json import read_object
from oidc_async.relying_party.login import PendingLogin
from oidc_async.sealing import Sealer
from oidc_async.web.http.cookies import Cookies
from oidc_async.web.http.messages import Cookie

MAX_PENDING = 7
MAX_PENDING_LENGTH = 6000
"""Characters of all pending logins together. Many servers reject more than 8,192 bytes of cookies."""
MAX_USED = 10_000
"""Used states that one process keeps. The provider rejects the second use of a code in any case."""
MAX_USED_PATH = 500
"""Characters of the path that is kept with each used state."""
KIND: Final = "login"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginInBrowser:
    """A pending login in a browser.

    Attributes:
        pending: The values that the authorization response is verified with.
        provider: The name of the provider.
        return_path: The path to redirect to after the login.
        renews: The id of the session that a silent renewal renews; None for a login.
    """

    pending: PendingLogin
    provider: str
    return_path: str = field(repr=False)
    renews: str | None = None


class PendingLogins:
    """Keeps pending logins in the browser that started them; no other browser can complete them.

    The server keeps only the states that were used, so that each login is completed once. Visitors who start logins
    cost it nothing.
    """

    def __init__(self, sealer: Sealer, cookies: Cookies, lifetime: float) -> None:
        self._sealer = sealer
        self._cookies = cookies
        self._lifetime = lifetime
        self._used: dict[str, _UsedLogin] = {}

    def begin(self, login: LoginInBrowser, present: Mapping[str, str]) -> list[Cookie]:
        """Return the cookie that keeps a login, and deletions of the oldest logins above the limits."""
        pending = login.pending
        name = self._name(pending.state)
        # The time is outside the seal only to find the oldest login without opening all of them.
        value = f"{int(pending.begun_at * 1000)}.{self._sealer.seal(KIND, name, _encode(login))}"
        kept = self._cookies.set(name, value, int(self._lifetime))
        return [kept, *(self._cookies.delete(old) for old in self._surplus(present, len(value)))]

    def use(self, state: str, present: Mapping[str, str]) -> LoginInBrowser:
        """Return the login that was started with `state` in this browser. Each login can be used once.

        Raises:
            StateMismatch: This browser has no such login, or it was used before.
        """
        name = self._name(state)
        sealed = present.get(name, "").partition(".")[2]
        data = self._sealer.open(KIND, name, sealed) if sealed else None
        login = _decode(data) if data else None
        if login is None or not self._use_up(name, login):
            raise StateMismatch(
                "No login with this state is pending in this browser: it was completed before, it took too long, or "
                "it was started on another host name than that of OIDC_REDIRECT_URI."
            )
        return login

    def release(self, state: str) -> str:
        """Allow the login with `state` to be used again. Returns the name of its cookie."""
        name = self._name(state)
        self._used.pop(name, None)
        return name

    def is_pending(self, state: str, present: Mapping[str, str]) -> bool:
        """Whether the browser has a login with `state`, whether it is valid or not."""
        return self._name(state) in present

    def delete(self, state: str) -> Cookie:
        """Return the cookie that deletes the login with `state`."""
        return self._cookies.delete(self._name(state))

    def return_path_of_used(self, state: str) -> str | None:
        """Return the return URL of a used login; None if this process did not use it or no longer knows it."""
        used = self._used.get(self._name(state))
        return None if used is None else used.return_path

    def _use_up(self, name: str, login: LoginInBrowser) -> bool:
        # dict keeps the order of insertion, so the first half has the oldest states. Their cookies have expired long
        # before under normal load.
        if len(self._used) >= MAX_USED:
            for old in list(self._used)[: MAX_USED // 2]:
                self._used.pop(old, None)
        used = _UsedLogin(login.return_path if len(login.return_path) <= MAX_USED_PATH else None)
        # setdefault is atomic, so that one of two simultaneous callbacks wins.
        return self._used.setdefault(name, used) is used

    def _surplus(self, present: Mapping[str, str], length: int) -> list[str]:
        ours = re.compile(re.escape(self._name_prefix()) + "[0-9a-f]{16}")
        pending = [(_begun_at(value), name, len(value)) for name, value in present.items() if ours.fullmatch(name)]
        surplus: list[str] = []
        # From the newest to the oldest; the new login itself is the first.
        for count, (_, name, own_length) in enumerate(sorted(pending, reverse=True), start=2):
            length += own_length
            if count > MAX_PENDING or length > MAX_PENDING_LENGTH:
                surplus.append(name)
        return surplus

    def _name(self, state: str) -> str:
        return self._name_prefix() + sha256(state.encode(errors="replace")).hexdigest()[:16]

    def _name_prefix(self) -> str:
        return self._cookies.name(KIND) + "-"


def _begun_at(value: str) -> int:
    milliseconds = value.partition(".")[0]
    return int(milliseconds) if re.fullmatch("[0-9]{1,15}", milliseconds) else 0


def _encode(login: LoginInBrowser) -> bytes:
    document = {
        "provider": login.provider,
        "return_path": login.return_path,
        "renews": login.renews,
        "pending": login.pending.to_dict(),
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _decode(data: bytes) -> LoginInBrowser | None:
    # Another version may have sealed the login, as two versions run at the same time during a deployment.
    try:
        document = read_object(data)
        pending = PendingLogin.from_dict(document["pending"])
        provider, return_path, renews = (document[name] for name in ("provider", "return_path", "renews"))
        return LoginInBrowser(pending=pending, provider=provider, return_path=return_path, renews=renews)
    except (KeyError, TypeError, ValueError):
        return None


@dataclass(frozen=True, slots=True, eq=False)
class _UsedLogin:
    """A login that was used, with success or not. `return_path` is None if it is too long to be kept."""

    return_path: str | None = field(repr=False)
