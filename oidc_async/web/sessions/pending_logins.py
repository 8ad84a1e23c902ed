"""Logins that were begun in this browser: one short-lived sealed cookie for each `state`."""

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
"""Characters of all pending logins together: many servers refuse more than 8,192 bytes of cookies."""
MAX_USED = 10_000
"""Used-up states that one process remembers. The provider refuses a code that is used twice in any case."""
MAX_USED_PATH = 500
"""Characters of the path that is remembered with each."""
KIND: Final = "login"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginInBrowser:
    """A pending login, at which provider, and the path to return to afterwards.

    `renews` is the id of the session that it is to renew; None for a login of its own.
    """

    pending: PendingLogin
    provider: str
    return_path: str = field(repr=False)
    renews: str | None = None


class PendingLogins:
    """Keeps pending logins in the browser that began them; no other can finish them.

    Nothing is kept here for visitors, but for the states that were used up: a login finishes once.
    """

    def __init__(self, sealer: Sealer, cookies: Cookies, lifetime: float) -> None:
        self._sealer, self._cookies, self._lifetime = sealer, cookies, lifetime
        self._used: dict[str, _Used] = {}

    def begin(self, login: LoginInBrowser, present: Mapping[str, str]) -> list[Cookie]:
        """The cookie that keeps `login`, and the deletion of the oldest ones above the limits."""
        pending = login.pending
        name = self._name(pending.state)
        # the time stands outside of the seal only to find the oldest
        value = f"{int(pending.begun_at * 1000)}.{self._sealer.seal(KIND, name, _encode(login))}"
        kept = self._cookies.set(name, value, int(self._lifetime))
        return [kept, *(self._cookies.delete(old) for old in self._surplus(present, len(value)))]

    def finish(self, state: str, present: Mapping[str, str]) -> LoginInBrowser:
        """The login begun with `state` in this browser, once.

        Raises StateMismatch when there is none, it belongs to another browser, or it was finished before.
        """
        name = self._name(state)
        sealed = present.get(name, "").partition(".")[2]
        data = self._sealer.open(KIND, name, sealed) if sealed else None
        login = _decode(data) if data else None
        if login is None or not self._use_up(name, login):
            raise StateMismatch(
                "No login with this state is pending in this browser: it was finished before, took too long, "
                "or was begun on another host name than that of OIDC_REDIRECT_URI."
            )
        return login

    def give_back(self, state: str) -> str:
        """Let the login of `state` be finished after all: nothing of it was used. The name of its cookie."""
        name = self._name(state)
        self._used.pop(name, None)
        return name

    def is_begun(self, state: str, present: Mapping[str, str]) -> bool:
        """Whether the cookies `present` hold a login that was begun with `state`, whatever becomes of it."""
        return self._name(state) in present

    def forget(self, state: str) -> Cookie:
        return self._cookies.delete(self._name(state))

    def path_of_used(self, state: str) -> str | None:
        """The path at which the login of `state` was begun, if this process finished it and remembers that."""
        used = self._used.get(self._name(state))
        return None if used is None else used.return_path

    def _use_up(self, name: str, login: LoginInBrowser) -> bool:
        if len(self._used) >= MAX_USED:
            for old in list(self._used)[: MAX_USED // 2]:
                self._used.pop(old, None)
        mark = _Used(login.return_path if len(login.return_path) <= MAX_USED_PATH else None)
        # setdefault is atomic: of two callbacks at the same time, one wins
        return self._used.setdefault(name, mark) is mark

    def _surplus(self, present: Mapping[str, str], length: int) -> list[str]:
        ours = re.compile(re.escape(self._name_prefix()) + "[0-9a-f]{16}")
        pending = [(_begun_at(value), name, len(value)) for name, value in present.items() if ours.fullmatch(name)]
        surplus: list[str] = []
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
    # None for what another version of us sealed: both may be at work while a new one is rolled out
    try:
        document = read_object(data)
        pending = PendingLogin.from_dict(document["pending"])
        provider, return_path, renews = (document[name] for name in ("provider", "return_path", "renews"))
        return LoginInBrowser(pending=pending, provider=provider, return_path=return_path, renews=renews)
    except (KeyError, TypeError, ValueError):
        return None


@dataclass(frozen=True, slots=True, eq=False)
class _Used:
    """A login that was finished, one way or the other. `return_path` is None when it is too long to be kept."""

    return_path: str | None = field(repr=False)
