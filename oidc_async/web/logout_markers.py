"""Marks in the store that a provider has ended sessions: no session needs to be found, wherever it is kept."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

from ..errors import StoreUnavailable
from ..protocol.claims import MAX_TIME
from ..protocol.logout_token import LogoutToken
from ..stores import Store
from .session_record import LoginBegun

TRIES = 5
NOT_ENDED = b"-"
"""A session that a frame may end: nothing else is known of it."""
MAX_CLOCK_DIFFERENCE = 60
"""Seconds between the clocks of two workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """When a provider ended sessions: by its clock, and when we were told, by ours."""

    issued_at: float
    received_at: float

    def ends(self, login: LoginBegun, leeway: float) -> bool:
        """Whether the session of this login is from before, as both clocks have it."""
        # Each time is compared with one of the same clock. By ours a login is a new one when it was begun after we
        # were told, be it in the same second; one that was under way then is not, whatever the provider still gave
        # for its code. By the provider's it is a new one when it was begun well after the logout: then the token came
        # late. "Well after" makes up for providers of several machines, and for times without a fraction.
        return login.here <= self.received_at and login.at_provider < self.issued_at + 1 + leeway

    def joined(self, former: bytes | None) -> bytes:
        """This one and a `former` one as one that ends what either does."""
        other = _decode(former)
        issued_at = max(self.issued_at, other.issued_at) if other else self.issued_at
        received_at = max(self.received_at, other.received_at) if other else self.received_at
        return json.dumps([issued_at, received_at]).encode()

    @classmethod
    def by_frame(cls, now: float) -> Self:
        """That of a logout that doesn't say when it was."""
        return cls(issued_at=MAX_TIME, received_at=now)


class LogoutMarkers:
    """The marks of one application's clients.

    `lifetime` is for how many seconds a session may outlive its logout, `leeway` by how many the clocks of a
    provider's machines may differ. All methods raise StoreUnavailable.
    """

    def __init__(self, store: Store, lifetime: float, leeway: float) -> None:
        self._store, self._lifetime, self._leeway = store, lifetime, leeway

    async def is_ended(self, client: str, claims: Mapping[str, Any], login: LoginBegun) -> bool:
        """Whether the session of this login, with these claims of its ID token, was ended by the provider."""
        kept = await self._store.get_many(_keys_of_session(client, claims))
        markers = [marker for marker in map(_decode, kept) if marker is not None]
        return any(marker.ends(login, self._leeway) for marker in markers)

    async def end(self, client: str, token: LogoutToken, now: float) -> None:
        """End the sessions that a logout token names."""
        marker = Marker(issued_at=token.iat, received_at=now)
        for key in _keys_of_token(client, token):
            await self._change(key, marker.joined)

    async def is_used(self, token: LogoutToken) -> bool:
        """Whether a logout token of this name was used before."""
        (used,) = await self._store.get_many([_key_of_use(token)])
        return used is not None

    async def use(self, token: LogoutToken, now: float) -> bool:
        """Note that it is used, for as long as it would be accepted; False when another request did so first."""
        seconds = max(token.good_until - now, 0) + MAX_CLOCK_DIFFERENCE
        return await self._store.put_if_absent(_key_of_use(token), NOT_ENDED, seconds)

    async def expect(self, client: str, claims: Mapping[str, Any]) -> None:
        """Note that there is such a session, so that a frame may end it.

        Marks for sessions that there aren't, anybody could make as many as the store holds.
        """
        if sid := claims.get("sid"):
            await self._change(_key(client, "sid", sid), lambda former: former or NOT_ENDED)

    async def end_expected(self, client: str, sid: str, now: float) -> bool:
        """End the session of this `sid`; False when none was expected."""
        key = _key(client, "sid", sid)
        (kept,) = await self._store.get_many([key])
        if kept is not None:
            await self._change(key, Marker.by_frame(now).joined)
        return kept is not None

    async def _change(self, key: str, change: Callable[[bytes | None], bytes]) -> None:
        for _ in range(TRIES):
            (kept,) = await self._store.get_many([key])
            if kept is None and await self._store.put_if_absent(key, change(None), self._lifetime):
                return
            if kept is not None and await self._store.replace(key, kept, change(kept), self._lifetime):
                return
        raise StoreUnavailable("A logout could not be marked: too many requests mark the same one.")


def _keys_of_session(client: str, claims: Mapping[str, Any]) -> list[str]:
    sub, sid = claims.get("sub"), claims.get("sid")
    # a session of which the provider gave no `sid` ends with any one of its user
    return [_key(client, "sub", sub), _key(client, "sid", sid) if sid else _key(client, "sub without sid", sub)]


def _keys_of_token(client: str, token: LogoutToken) -> list[str]:
    if token.sid is None:
        return [_key(client, "sub", token.sub)]
    nameless = [] if token.sub is None else [_key(client, "sub without sid", token.sub)]
    return [_key(client, "sid", token.sid), *nameless]


def _key_of_use(token: LogoutToken) -> str:
    return _key(token.iss, "jti", token.jti)


def _key(*names: object) -> str:
    # as JSON, so that no two lists of names are one text
    return "logout:" + sha256(json.dumps(names).encode()).hexdigest()


def _decode(kept: bytes | None) -> Marker | None:
    if kept is None or kept == NOT_ENDED:
        return None
    issued_at, received_at = json.loads(kept)
    return Marker(issued_at=issued_at, received_at=received_at)
