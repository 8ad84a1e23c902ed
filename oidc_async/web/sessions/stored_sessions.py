"""Sessions in a store: the browser holds an id that tells nothing, the store a record that it can't read."""

import logging
import re
from collections.abc import Mapping, Set
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

from oidc_async.sealing import Sealer
from oidc_async.stores import Store
from oidc_async.web.http.cookies import Cookies
from oidc_async.web.http.messages import Cookie
from oidc_async.web.settings import Settings

from .session_record import Lifetime, SessionRecord, decode_record, encode_record

logger = logging.getLogger("oidc_async.sessions")

KIND: Final = "sid"
OF_THE_TOKENS = frozenset({"access_token", "access_token_expires_at", "id_token", "id_token_jwt", "refresh_token"})
OF_A_REFRESH = OF_THE_TOKENS | {"last_authenticated", "last_session_refresh", "of_login"}
TRIES = 5
_ID = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class StoredRecord(SessionRecord):
    """A record of which is known where it is kept, and as what."""

    key = ""
    sealed = b""


class StoredSessions:
    """Loads and saves session records in a store.

    `clients` tells, for each name of a provider, which client of which issuer that is: a record outlives neither.
    All methods but `load` raise StoreUnavailable; nothing has ended then.
    """

    keeps_in_store = True
    reads_store = True

    def __init__(
        self, store: Store, settings: Settings, sealer: Sealer, cookies: Cookies, clients: Mapping[str, str]
    ) -> None:
        self._store, self._sealer, self._cookies, self._clients = store, sealer, cookies, clients
        self._lifetime = Lifetime(settings)
        self._name = cookies.name(KIND)

    def is_present(self, present: Mapping[str, str]) -> bool:
        """Whether these cookies name a session at all."""
        return bool(self._key_in(present))

    def load(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """An empty record: one that is kept has to be opened."""
        return self.new(present, now)

    def new(self, present: Mapping[str, str], now: float) -> StoredRecord:
        """An empty record."""
        return StoredRecord({}, begun_at=now, seen_at=now)

    async def open(self, present: Mapping[str, str], now: float, *, is_seen: bool = True) -> SessionRecord:
        """The record of the browser with the cookies `present`; an empty one when there is none, or none any more.

        With `is_seen` an idle session is prolonged.
        """
        key = self._key_in(present)
        (sealed,) = await self._store.get_many([key]) if key else (None,)
        record = self._opened(key, sealed) if sealed else None
        if record is None or not self._lifetime.is_alive(record, now):
            return self.new(present, now)
        if is_seen:
            self._lifetime.touch(record, now)
        return record

    async def keep(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """Save what was changed in `record`. The cookies to set are those of a session that begins or ends."""
        if not isinstance(record, StoredRecord) or not (record.modified or record.seen_again):
            return []
        if not record:
            if keys := [key for key in (record.key, self._key_in(present)) if key]:
                await self._store.delete(keys)
            return self._cookies.delete_long(KIND, present)
        if not record.key:
            return await self._create(record, now)
        await self._merge(record, now)
        return []

    async def begin(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """Keep a new session under a new id, in place of the former one."""
        cookies = await self._create(record, now)
        # afterwards: whoever fails to begin a session keeps the one that there is
        if key := self._key_in(present):
            await self._store.delete([key])
        return cookies

    def require_room(self, record: SessionRecord) -> None:
        """Raise SessionTooLarge for a record that can't be kept."""
        encode_record(record, self._clients)

    def drop_refresh_token(self, record: SessionRecord, now: float) -> list[Cookie]:
        """Forget the refresh token, which the provider takes no more: saved with what else was changed."""
        del record["refresh_token"]
        return []

    async def _create(self, record: SessionRecord, now: float) -> list[Cookie]:
        session_id = token_urlsafe(32)
        key = self._key(session_id)
        sealed = self._seal(key, record)
        await self._store.put(key, sealed, self._lifetime.kept_for(record, now))
        if isinstance(record, StoredRecord):
            # a hook may change what a login has just begun
            record.key, record.sealed = key, sealed
        return [self._cookies.set(self._name, session_id, self._lifetime.max_age(record, now))]

    async def _merge(self, record: StoredRecord, now: float) -> None:
        """Write what this request changed, and nothing that another one has changed since."""
        key, kept = record.key, record
        for _ in range(TRIES):
            sealed = self._seal(key, kept)
            if await self._store.replace(key, kept.sealed, sealed, self._lifetime.kept_for(kept, now)):
                return
            (present,) = await self._store.get_many([key])
            other = self._opened(key, present) if present else None
            # it has ended meanwhile: nobody is logged in again by a request that was under way
            if other is None or (loaded := self._opened(key, record.sealed)) is None:
                return
            _apply(record, loaded, other)
            kept = other
        logger.warning("a session was changed by many requests at once, and the changes of one of them are lost")

    def _opened(self, key: str, sealed: bytes) -> StoredRecord | None:
        data = self._sealer.open(KIND, key, sealed.decode("latin-1"))
        record = decode_record(data, self._clients) if data else None
        if record is None:
            return None
        stored = StoredRecord(
            record.data,
            begun_at=record.begun_at,
            seen_at=record.seen_at,
            login_begun=record.login_begun,
            session_id=record.session_id,
        )
        stored.key, stored.sealed = key, sealed
        return stored

    def _seal(self, key: str, record: SessionRecord) -> bytes:
        return self._sealer.seal(KIND, key, encode_record(record, self._clients)).encode()

    def _key_in(self, present: Mapping[str, str]) -> str:
        session_id = present.get(self._name, "")
        return self._key(session_id) if _ID.fullmatch(session_id) else ""

    def _key(self, session_id: str) -> str:
        # Whoever reads the store can't become anybody. With the name of the cookie, by which applications with one
        # store and one secret keep apart: an id of one is none at another.
        return "session:" + sha256(f"{self._name}={session_id}".encode()).hexdigest()


def _apply(changes: StoredRecord, loaded: StoredRecord, kept: StoredRecord) -> None:
    """Lay what one request has changed since it `loaded` the record over the record as another one left it."""
    kept.seen_at = max(kept.seen_at, changes.seen_at)
    names = set(changes.changed)
    if kept.session_id != loaded.session_id:
        # another login has taken its place
        return
    if changes.session_id != loaded.session_id:
        kept.session_id = changes.session_id
        names |= kept.keys()
    elif _has_other_tokens(kept, loaded):
        # A refresh token is used once: the tokens of another request came from the same use, or from a later one.
        # Clocks could not tell, as what was refreshed is replayed to those who come late.
        names -= OF_A_REFRESH
    for name in names:
        if name in changes:
            kept[name] = changes[name]
        else:
            kept.pop(name, None)


def _has_other_tokens(kept: StoredRecord, loaded: StoredRecord) -> bool:
    # a refresh token that another request dropped is no other token: this one may have had more luck with it
    return _differ(kept, loaded, OF_THE_TOKENS if "refresh_token" in kept else OF_THE_TOKENS - {"refresh_token"})


def _differ(one: StoredRecord, other: StoredRecord, names: Set[str]) -> bool:
    return any(one.get(name) != other.get(name) for name in names)
