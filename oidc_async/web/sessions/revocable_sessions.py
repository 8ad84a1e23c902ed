"""Session storage with revocations: sessions that a provider may end, wherever they are kept."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from oidc_async.errors import LoginExpired
from oidc_async.web.http.messages import Cookie

from .port import Sessions
from .revocations import Revocation, SessionRevocations
from .session_record import SessionRecord
from .user_session import UserSession

MEMBERS_OF_ID_TOKENS = frozenset({"id_token", "id_token_jwt"})


class RevocableSessions:
    """Another session storage, without the sessions that a provider has revoked.

    All methods except `load` raise StoreUnavailable.

    Args:
        kept: The storage that keeps the records.
        revocations: The revocations in the store.
        clients: The issuer and client of each provider name.
        invalidate_tokens: Invalidates what is cached about the tokens of a revoked session.
        expects_frames: Whether the provider can revoke sessions by front-channel logout, too.
    """

    reads_store = True

    def __init__(
        self,
        kept: Sessions,
        revocations: SessionRevocations,
        clients: Mapping[str, str],
        invalidate_tokens: Callable[[UserSession], Awaitable[None]],
        *,
        expects_frames: bool,
    ) -> None:
        self._kept = kept
        self._revocations = revocations
        self._clients = clients
        self._invalidate_tokens = invalidate_tokens
        self._expects_frames = expects_frames

    @property
    def keeps_in_store(self) -> bool:
        """Whether the underlying storage keeps the records in a store."""
        return self._kept.keeps_in_store

    def is_present(self, present: Mapping[str, str]) -> bool:
        """Whether the cookies belong to a session, revoked or not."""
        return self._kept.is_present(present)

    def load(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """Return an empty record, since only `open` reads the revocations."""
        return self._kept.new(present, now)

    def new(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """Return an empty record."""
        return self._kept.new(present, now)

    async def open(self, present: Mapping[str, str], now: float, *, is_seen: bool = True) -> SessionRecord:
        """Return the record of this browser. One that the provider revoked is emptied, and is saved as empty."""
        # Each request reads the revocations of its session, in one call to the store: nothing has to find sessions.
        record = await self._kept.open(present, now, is_seen=is_seen)
        if record and self._revocations.is_ended(await self._find(record), record.login_begun):
            # The copy keeps the tokens, whose caches are invalidated after the record is emptied.
            user = UserSession(dict(record))
            record.clear()
            await self._invalidate_tokens(user)
        return record

    async def keep(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """Save the changes of a record. If it is revoked meanwhile, the next `open` finds that."""
        if self._expects_frames and MEMBERS_OF_ID_TOKENS & record.changed and record:
            # The session at the provider may have another `sid` than at login.
            await self._expect(record)
        return await self._kept.keep(record, present, now)

    async def begin(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """Save a new session. Raises LoginExpired if the provider has revoked it before it started."""
        revocations = await self._find(record)
        if self._revocations.is_ended(revocations, record.login_begun):
            raise LoginExpired("The provider ended this login before it was completed. Start it again.")
        # This is recorded before the session starts: a logout between the two steps must find it.
        if self._expects_frames:
            await self._expect(record)
        # The session ignores the revocations that exist now, and any later one ends it.
        versions = tuple(revocation.version for revocation in revocations)
        record.login_begun = replace(record.login_begun, revocations=versions)
        return await self._kept.begin(record, present, now)

    def require_room(self, record: SessionRecord) -> None:
        """Raise SessionTooLarge for a record that does not fit."""
        self._kept.require_room(record)

    def drop_refresh_token(self, record: SessionRecord, now: float) -> list[Cookie]:
        """Remove a refresh token that the provider rejects, and return the cookies to set."""
        return self._kept.drop_refresh_token(record, now)

    async def _expect(self, record: SessionRecord) -> None:
        await self._revocations.expect(self._client_of(record), UserSession(record).claims_of_login or {})

    async def _find(self, record: SessionRecord) -> Sequence[Revocation]:
        claims = UserSession(record).claims_of_login if record.get("current_provider") else None
        return [] if claims is None else await self._revocations.find(self._client_of(record), claims)

    def _client_of(self, record: SessionRecord) -> str:
        return self._clients.get(record.get("current_provider", ""), "")
