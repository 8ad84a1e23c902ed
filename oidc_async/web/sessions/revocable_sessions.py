"""Sessions that a provider may end, wherever they are kept."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from oidc_async.errors import LoginExpired
from oidc_async.web.http.messages import Cookie

from .port import Sessions
from .revocations import Revocation, SessionRevocations
from .session_record import SessionRecord
from .user_session import UserSession

OF_AN_ID_TOKEN = frozenset({"id_token", "id_token_jwt"})


class RevocableSessions:
    """The sessions of `kept`, without those that a provider has ended.

    `clients` tells, for each name of a provider, which client of which issuer that is. What goes with a session
    that has ended is left to `forget`. With `expects_frames` each session can be ended by a frame, too.
    All methods but `load` raise StoreUnavailable.
    """

    reads_store = True

    def __init__(
        self,
        kept: Sessions,
        revocations: SessionRevocations,
        clients: Mapping[str, str],
        forget: Callable[[UserSession], Awaitable[None]],
        *,
        expects_frames: bool,
    ) -> None:
        self._kept, self._revocations, self._clients, self._forget = kept, revocations, clients, forget
        self._expects_frames = expects_frames

    @property
    def keeps_in_store(self) -> bool:
        """Whether the underlying storage keeps the records in a store."""
        return self._kept.keeps_in_store

    def is_present(self, present: Mapping[str, str]) -> bool:
        """Whether these cookies bring a session at all."""
        return self._kept.is_present(present)

    def load(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """An empty record: whether one has ended has to be asked for."""
        return self._kept.new(present, now)

    def new(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """An empty record."""
        return self._kept.new(present, now)

    async def open(self, present: Mapping[str, str], now: float, *, is_seen: bool = True) -> SessionRecord:
        """The record of this browser; an emptied one, to be saved as such, when the provider has ended it."""
        record = await self._kept.open(present, now, is_seen=is_seen)
        if record and self._revocations.is_ended(await self._find(record), record.login_begun):
            user = UserSession(dict(record))
            record.clear()
            await self._forget(user)
        return record

    async def keep(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """Save what was changed. One that has ended meanwhile is found to have ended when it is opened next."""
        if self._expects_frames and OF_AN_ID_TOKEN & record.changed and record:
            # the session at the provider may be another one than at login
            await self._expect(record)
        return await self._kept.keep(record, present, now)

    async def begin(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """Keep a new session. Raises LoginExpired when the provider has ended it before it began."""
        revocations = await self._find(record)
        if self._revocations.is_ended(revocations, record.login_begun):
            raise LoginExpired("The provider has ended this login before it was completed. Begin it again.")
        if self._expects_frames:
            await self._expect(record)
        # from now on any other mark ends it
        versions = tuple(revocation.version for revocation in revocations)
        record.login_begun = replace(record.login_begun, revocations=versions)
        return await self._kept.begin(record, present, now)

    def require_room(self, record: SessionRecord) -> None:
        """Raise SessionTooLarge for a record that can't be kept."""
        self._kept.require_room(record)

    def drop_refresh_token(self, record: SessionRecord, now: float) -> list[Cookie]:
        """Forget the refresh token, which the provider takes no more. The cookies that say so."""
        return self._kept.drop_refresh_token(record, now)

    async def _expect(self, record: SessionRecord) -> None:
        await self._revocations.expect(self._client_of(record), UserSession(record).claims_of_login or {})

    async def _find(self, record: SessionRecord) -> Sequence[Revocation]:
        claims = UserSession(record).claims_of_login if record.get("current_provider") else None
        return [] if claims is None else await self._revocations.find(self._client_of(record), claims)

    def _client_of(self, record: SessionRecord) -> str:
        return self._clients.get(record.get("current_provider", ""), "")
