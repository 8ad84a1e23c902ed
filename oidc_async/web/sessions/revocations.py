"""Session revocations in the store, which end sessions without finding them, wherever they are kept."""

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
"""The assumed difference between the clocks of two workers, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A revocation of sessions by a provider.

    Attributes:
        version: Unique for each logout. A session that started when the store had this version is a later one,
            whatever the clocks say.
        issued_at: When the provider ended the sessions, by its clock, in seconds since 1970.
        received_at: When we received the logout, by our clock, in seconds since 1970.
    """

    version: str
    issued_at: float
    received_at: float

    @classmethod
    def new(cls, issued_at: float, received_at: float) -> Self:
        """Make a revocation with a new version."""
        return cls(version=token_urlsafe(8), issued_at=issued_at, received_at=received_at)

    @classmethod
    def by_frame(cls, now: float) -> Self:
        """Make the revocation of a front-channel logout, which does not state its time."""
        return cls.new(MAX_TIME, now)

    def ends(self, login: LoginBegun, leeway: float) -> bool:
        """Whether the session of this login is older than the revocation, by both clocks."""
        # A session knows the revocations that existed when it started, so any other one is later. This needs no
        # clock. For a login that is not a session yet, times are compared, each with one of the same clock. By our
        # clock a login is new if it was started after we received the logout, even in the same second. A login that
        # was pending then is not new, although the provider may still have issued tokens for its code.
        if self.version in (login.revocations or ()):
            return False
        if login.revocations is None and login.here > self.received_at:
            return False
        # By the clock of the provider a login is new if it was started clearly later than the logout, whose token
        # then arrived late. The margin allows for providers with several machines and for times in whole seconds.
        return login.at_provider < self.issued_at + 1 + leeway

    def combined_with(self, former: "Revocation | None", leeway: float) -> "Revocation":
        """Combine this revocation with a former one into one that ends the sessions of both."""
        if former is None:
            return self
        # An older logout that arrives later must not end sessions that started after the former one, so it does not
        # change the version. Within the leeway the order is unknown, as two machines may have issued the logouts.
        is_older = self.issued_at + leeway < former.issued_at < MAX_TIME
        return replace(
            former if is_older else self,
            issued_at=max(self.issued_at, former.issued_at),
            received_at=max(self.received_at, former.received_at),
        )


Change = Callable[[Revocation | None], Revocation | None]
"""Makes the revocation to store of the present one; None is a session that is expected, but not revoked."""


class SessionRevocations:
    """The session revocations of the clients of one application.

    Revocations are sealed, and their keys in the store are keyed hashes. So a party without the secret key can
    neither find nor forge one. All methods raise StoreUnavailable, also for a revocation that somebody else wrote.

    Args:
        store: The store.
        sealers: One for each secret key, the present one first. Each revocation is stored under all of them, so that
            processes that only have the former key find it while keys are replaced.
        lifetime: For how long a session may outlive its revocation, in seconds.
        leeway: By how much the clocks of a provider's machines may differ, in seconds.
    """

    def __init__(self, store: Store, sealers: Sequence[Sealer], lifetime: float, leeway: float) -> None:
        self._store = store
        self._lifetime = lifetime
        self._leeway = leeway
        self._sealers = sealers

    async def find(self, client: str, claims: Mapping[str, Any]) -> list[Revocation]:
        """Return the revocations for sessions whose ID token has these claims."""
        names = [(sealer, key) for name in _names_of_session(client, claims) for sealer, key in self._keys(name)]
        kept = await self._store.get_many([key for _, key in names])
        found = [_decode(sealer, key, sealed) for (sealer, key), sealed in zip(names, kept, strict=True)]
        return [revocation for revocation in found if revocation is not None]

    def is_ended(self, revocations: Sequence[Revocation], login: LoginBegun) -> bool:
        """Whether one of the revocations ends the session of this login."""
        return any(revocation.ends(login, self._leeway) for revocation in revocations)

    async def end(self, client: str, token: LogoutToken, now: float) -> None:
        """Revoke the sessions that a logout token names."""
        revocation = Revocation.new(token.iat, now)
        for name in _names_of_token(client, token):
            await self._change(name, self._combine(revocation))

    async def is_used(self, token: LogoutToken) -> bool:
        """Whether a logout token with this `jti` was used before."""
        used = await self._store.get_many([key for _, key in self._keys(_name_of_use(token))])
        return any(value is not None for value in used)

    async def use(self, token: LogoutToken, now: float) -> bool:
        """Record the use of a logout token while it is valid. Returns False if another request used it first."""
        seconds = max(token.valid_until - now, 0) + MAX_CLOCK_DIFFERENCE
        keys = self._keys(_name_of_use(token))
        done = [await self._store.put_if_absent(key, _encode(sealer, key, None), seconds) for sealer, key in keys]
        return all(done)

    async def expect(self, client: str, claims: Mapping[str, Any]) -> None:
        """Record that a session exists, so that a front-channel logout can revoke it.

        Such a logout is not authenticated. If it could revoke sessions that do not exist, anybody could fill the
        store.
        """
        if sid := claims.get("sid"):
            await self._change(_name(client, "sid", sid), lambda former: former)

    async def end_expected(self, client: str, sid: str, now: float) -> bool:
        """Revoke the session with this `sid`. Returns False if no such session is recorded."""
        name = _name(client, "sid", sid)
        kept = await self._store.get_many([key for _, key in self._keys(name)])
        is_expected = any(value is not None for value in kept)
        if is_expected:
            await self._change(name, self._combine(Revocation.by_frame(now)))
        return is_expected

    def _combine(self, revocation: Revocation) -> Callable[[Revocation | None], Revocation]:
        return lambda former: revocation.combined_with(former, self._leeway)

    def _keys(self, name: str) -> list[tuple[Sealer, str]]:
        return [(sealer, "logout:" + sealer.keyed_hash(PURPOSE, name)) for sealer in self._sealers]

    async def _change(self, name: str, change: Change) -> None:
        for sealer, key in self._keys(name):
            await self._change_at(sealer, key, change)

    async def _change_at(self, sealer: Sealer, key: str, change: Change) -> None:
        # Several logouts may revoke the same session at the same time. Each must see the result of the one before, so
        # the value is replaced only if it is still the one that was read (compare and swap).
        for _ in range(TRIES):
            (kept,) = await self._store.get_many([key])
            sealed = _encode(sealer, key, change(_decode(sealer, key, kept)))
            if kept is None and await self._store.put_if_absent(key, sealed, self._lifetime):
                return
            if kept is not None and await self._store.replace(key, kept, sealed, self._lifetime):
                return
        raise StoreUnavailable(
            f"A session revocation could not be stored: other requests changed it {TRIES} times meanwhile."
        )


def _names_of_session(client: str, claims: Mapping[str, Any]) -> list[str]:
    sub = claims.get("sub")
    sid = claims.get("sid")
    # A session without a `sid` ends with any session of its user.
    return [_name(client, "sub", sub), _name(client, "sid", sid) if sid else _name(client, "sub without sid", sub)]


def _names_of_token(client: str, token: LogoutToken) -> list[str]:
    if token.sid is None:
        return [_name(client, "sub", token.sub)]
    nameless = [] if token.sub is None else [_name(client, "sub without sid", token.sub)]
    return [_name(client, "sid", token.sid), *nameless]


def _name_of_use(token: LogoutToken) -> str:
    return _name(token.iss, "jti", token.jti)


def _name(*names: object) -> str:
    # JSON keeps the parts distinct: no two lists have the same text.
    return json.dumps(names)


def _encode(sealer: Sealer, key: str, revocation: Revocation | None) -> bytes:
    """Seal a revocation. None stands for a session that is expected, or for a used logout token."""
    document = {} if revocation is None else asdict(revocation)
    return sealer.seal(PURPOSE, key, json.dumps(document).encode()).encode()


def _decode(sealer: Sealer, key: str, sealed: bytes | None) -> Revocation | None:
    if sealed is None:
        return None
    data = sealer.open(PURPOSE, key, sealed.decode("latin-1"))
    try:
        document = read_object(data or b"")
        return _read_revocation(**document) if document else None
    except (TypeError, ValueError, OverflowError):
        # Somebody else has written to the store, so neither "revoked" nor "not revoked" would be safe.
        raise StoreUnavailable(
            "A session revocation in the store was altered or was not written by this application."
        ) from None


def _read_revocation(version: str, issued_at: float, received_at: float) -> Revocation:
    return Revocation(version=str(version), issued_at=float(issued_at), received_at=float(received_at))
