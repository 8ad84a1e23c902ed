"""Logins that were begun in this browser: one short-lived sealed cookie for each `state`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ..errors import StateMismatch
from ..protocol.strict_json import read_object
from ..relying_party import PendingLogin
from .cookies import Cookies
from .messages import Cookie
from .sealing import Sealer

MAX_PENDING = 7
MAX_USED = 10_000
"""Used-up states that one process remembers. The provider refuses a code that is used twice in any case."""
KIND = "login"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginInBrowser:
    """A pending login, at which provider, and the path to return to afterwards."""

    pending: PendingLogin
    provider: str
    return_path: str


class PendingLogins:
    """Keeps pending logins in the browser that began them; no other can finish them.

    Nothing is kept here for visitors, but for the states that were used up: a login finishes once.
    """

    def __init__(self, sealer: Sealer, cookies: Cookies, lifetime: float) -> None:
        self._sealer, self._cookies, self._lifetime = sealer, cookies, lifetime
        self._used: dict[str, object] = {}

    def begin(self, login: LoginInBrowser, present: Mapping[str, str]) -> list[Cookie]:
        """The cookie that keeps `login`, and the deletion of the oldest ones above the limit."""
        pending = login.pending
        name = self._name(pending.state)
        document: dict[str, Any] = {"provider": login.provider, "return_path": login.return_path}
        document["pending"] = pending.to_dict()
        sealed = self._sealer.seal(KIND, name, json.dumps(document).encode())
        # the time stands outside of the seal only to find the oldest
        value = f"{int(pending.begun_at)}.{sealed}"
        cross_site = pending.response_mode == "form_post"
        kept = self._cookies.set(name, value, int(self._lifetime), cross_site=cross_site)
        return [kept, *(self._cookies.delete(old) for old in self._surplus(present))]

    def finish(self, state: str, present: Mapping[str, str]) -> LoginInBrowser:
        """The login begun with `state` in this browser, once.

        Raises StateMismatch when there is none, it belongs to another browser, or it was finished before.
        """
        name = self._name(state)
        sealed = present.get(name, "").partition(".")[2]
        data = self._sealer.open(KIND, name, sealed) if sealed else None
        if data is None or not self._use_up(name):
            raise StateMismatch(
                "No login with this state is pending in this browser: it was finished before, took too long, "
                "or was begun on another host name than that of OIDC_REDIRECT_URI."
            )
        document = read_object(data)
        pending = PendingLogin.from_dict(document["pending"])
        return LoginInBrowser(pending=pending, provider=document["provider"], return_path=document["return_path"])

    def forget(self, state: str) -> Cookie:
        return self._cookies.delete(self._name(state))

    def _use_up(self, name: str) -> bool:
        if len(self._used) >= MAX_USED:
            self._used = dict(list(self._used.items())[MAX_USED // 2 :])
        mark = object()
        # setdefault is atomic: of two callbacks at the same time, one wins
        return self._used.setdefault(name, mark) is mark

    def _surplus(self, present: Mapping[str, str]) -> list[str]:
        prefix = self._name_prefix()
        begun = {name: value.partition(".")[0] for name, value in present.items() if name.startswith(prefix)}
        oldest_first = sorted(begun, key=lambda name: (len(begun[name]), begun[name]))
        return oldest_first[: max(len(begun) + 1 - MAX_PENDING, 0)]

    def _name(self, state: str) -> str:
        return self._name_prefix() + sha256(state.encode(errors="replace")).hexdigest()[:16]

    def _name_prefix(self) -> str:
        return self._cookies.name(KIND) + "-"
