"""Session revocations in the store: no session needs to be found, wherever it is kept."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from secrets import token_urlsafe
from typing import Any, Self

from oidc_async.errors import StoreUnavailable
from oidc_async.protocol.claims import MAX_TIME
from oidc_async.protocol.logout_token import LogoutToken
from oidc_async.protocol.strict_json import read_object
from oidc_async.sealing import Sealer
from oidc_async.stores import Store

from .session_record import LoginBegun

TRIES = 5
PURPOSE = "logout"
MAX_CLOCK_DIFFERENCE = 60
"""Seconds between the clocks of two workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """When a provider ended sessions: by its clock, and when we were told, by ours.

    `version` is another one for each logout: a session that began when the store held it already is a later one,
    whatever the clocks say.
    """

    version: str
    issued_at: float
    received_at: float

    @classmethod
    def new(cls, issued_at: float, received_at: float) -> Self:
        return cls(version=token_urlsafe(8), issued_at=issued_at, received_at=received_at)

    @classmethod
    def by_frame(cls, now: float) -> Self:
        """That of a logout that doesn't say when it was."""
        return cls.new(MAX_TIME, now)

    def ends(self, login: LoginBegun, leeway: float) -> bool:
        """Whether the session of this login is from before, as both clocks have it."""
        # A session that has begun knows the marks that were there: any other mark came later, without any clock.
        # For a login that is about to end in a session, each time is compared with one of the same clock. By ours a
        # login is a new one when it was begun after we were told, be it in the same second; one that was under way
        # then is not, whatever the provider still gave for its code.
        if self.version in (login.revocations or ()):
            return False
        if login.revocations is None and login.here > self.received_at:
            return False
        # By the provider's clock it is a new one when it was begun well after the logout: then the token came late.
        # "Well after" makes up for providers of several machines, and for times without a fraction.
        return login.at_provider < self.issued_at + 1 + leeway

    def joined(self, former: "Revocation | None", leeway: float) -> "Revocation":
        """This one and a `former` one as one that ends what either does."""
        if former is None:
            return self
        # An older logout that comes later concerns no session that began after the former one. Within the leeway
        # nobody can tell which one is older: they may come from two machines of the provider.
        is_older = self.issued_at + leeway < former.issued_at < MAX_TIME
        return replace(
            former if is_older else self,
            issued_at=max(self.issued_at, former.issued_at),
            received_at=max(self.received_at, former.received_at),
        )


Change = Callable[[Revocation | None], Revocation | None]
"""Makes the revocation to store of the present one; None is a session that is expected, but not revoked."""


class SessionRevocations:
    """The marks of one application's clients.

    `sealers` are one for each secret key, the present one first. A mark is kept under all of them, so that processes
    with the former key alone find it while keys are replaced. Who doesn't have the key can neither name nor make one.
    `lifetime` is for how many seconds a session may outlive its logout, `leeway` by how many the clocks of a
    provider's machines may differ. All methods raise StoreUnavailable, also for a mark that somebody else wrote.
    """

    def __init__(self, store: Store, sealers: Sequence[Sealer], lifetime: float, leeway: float) -> None:
        self._store, self._lifetime, self._leeway = store, lifetime, leeway
        self._sealers = sealers

    async def find(self, client: str, claims: Mapping[str, Any]) -> list[Revocation]:
        """Those that concern sessions with these claims of their ID token."""
        names = [(sealer, key) for name in _names_of_session(client, claims) for sealer, key in self._keys(name)]
        kept = await self._store.get_many([key for _, key in names])
        found = [_decode(sealer, key, sealed) for (sealer, key), sealed in zip(names, kept, strict=True)]
        return [revocation for revocation in found if revocation is not None]

    def is_ended(self, revocations: Sequence[Revocation], login: LoginBegun) -> bool:
        """Whether the session of this login was ended by one of them."""
        return any(revocation.ends(login, self._leeway) for revocation in revocations)

    async def end(self, client: str, token: LogoutToken, now: float) -> None:
        """End the sessions that a logout token names."""
        revocation = Revocation.new(token.iat, now)
        for name in _names_of_token(client, token):
            await self._change(name, self._joining(revocation))

    async def is_used(self, token: LogoutToken) -> bool:
        """Whether a logout token of this name was used before."""
        used = await self._store.get_many([key for _, key in self._keys(_name_of_use(token))])
        return any(value is not None for value in used)

    async def use(self, token: LogoutToken, now: float) -> bool:
        """Note that it is used, for as long as it would be accepted; False when another request did so first."""
        seconds = max(token.valid_until - now, 0) + MAX_CLOCK_DIFFERENCE
        keys = self._keys(_name_of_use(token))
        done = [await self._store.put_if_absent(key, _encode(sealer, key, None), seconds) for sealer, key in keys]
        return all(done)

    async def expect(self, client: str, claims: Mapping[str, Any]) -> None:
        """Note that there is such a session, so that a frame may end it.

        Marks for sessions that there aren't, anybody could make as many as the store holds.
        """
        if sid := claims.get("sid"):
            await self._change(_name(client, "sid", sid), lambda former: former)

    async def end_expected(self, client: str, sid: str, now: float) -> bool:
        """End the session of this `sid`; False when none was expected."""
        name = _name(client, "sid", sid)
        kept = await self._store.get_many([key for _, key in self._keys(name)])
        is_expected = any(value is not None for value in kept)
        if is_expected:
            await self._change(name, self._joining(Revocation.by_frame(now)))
        return is_expected

    def _joining(self, revocation: Revocation) -> Callable[[Revocation | None], Revocation]:
        return lambda former: revocation.joined(former, self._leeway)

    def _keys(self, name: str) -> list[tuple[Sealer, str]]:
        return [(sealer, "logout:" + sealer.keyed_hash(PURPOSE, name)) for sealer in self._sealers]

    async def _change(self, name: str, change: Change) -> None:
        for sealer, key in self._keys(name):
            await self._change_at(sealer, key, change)

    async def _change_at(self, sealer: Sealer, key: str, change: Change) -> None:
        for _ in range(TRIES):
            (kept,) = await self._store.get_many([key])
            sealed = _encode(sealer, key, change(_decode(sealer, key, kept)))
            if kept is None and await self._store.put_if_absent(key, sealed, self._lifetime):
                return
            if kept is not None and await self._store.replace(key, kept, sealed, self._lifetime):
                return
        raise StoreUnavailable("A logout could not be marked: too many requests mark the same one.")


def _names_of_session(client: str, claims: Mapping[str, Any]) -> list[str]:
    sub, sid = claims.get("sub"), claims.get("sid")
    # a session of which the provider gave no `sid` ends with any one of its user
    return [_name(client, "sub", sub), _name(client, "sid", sid) if sid else _name(client, "sub without sid", sub)]


def _names_of_token(client: str, token: LogoutToken) -> list[str]:
    if token.sid is None:
        return [_name(client, "sub", token.sub)]
    nameless = [] if token.sub is None else [_name(client, "sub without sid", token.sub)]
    return [_name(client, "sid", token.sid), *nameless]


def _name_of_use(token: LogoutToken) -> str:
    return _name(token.iss, "jti", token.jti)


def _name(*names: object) -> str:
    # as JSON, so that no two lists of names are one text
    return json.dumps(names)


def _encode(sealer: Sealer, key: str, revocation: Revocation | None) -> bytes:
    """None is a session that a frame may end, or a token that is used: nothing else is known of it."""
    document = {} if revocation is None else asdict(revocation)
    return sealer.seal(PURPOSE, key, json.dumps(document).encode()).encode()


def _decode(sealer: Sealer, key: str, sealed: bytes | None) -> Revocation | None:
    if sealed is None:
        return None
    data = sealer.open(PURPOSE, key, sealed.decode("latin-1"))
    try:
        document = read_object(data or b"")
        return _read_marker(**document) if document else None
    except (TypeError, ValueError, OverflowError):
        # Neither "ended" nor "not ended" would be safe: somebody else has written to the store.
        raise StoreUnavailable(
            "A session revocation in the store was altered, or put there by something else than this application."
        ) from None


def _read_marker(version: str, issued_at: float, received_at: float) -> Revocation:
    return Revocation(version=str(version), issued_at=float(issued_at), received_at=float(received_at))
