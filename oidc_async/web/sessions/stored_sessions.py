"""Session storage in a store: the browser has an opaque id, and the store a record that it cannot read."""

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
TOKEN_MEMBERS = frozenset({"access_token", "access_token_expires_at", "id_token", "id_token_jwt", "refresh_token"})
REFRESH_MEMBERS = TOKEN_MEMBERS | {"last_authenticated", "last_session_refresh", "of_login"}
TRIES = 5
"""How often the changes of a request are merged if other requests change the record at the same time."""
_ID = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class StoredRecord(SessionRecord):
    """A record with its key in the store, and its sealed value as it was loaded or saved."""

    key = ""
    sealed = b""


class StoredSessions:
    """Loads and saves session records in a store.

    `clients` maps provider names to the issuer and client of each; a record is valid only for the same client.
    All methods except `load` raise StoreUnavailable, which ends no session.
    """

    keeps_in_store = True
    reads_store = True

    def __init__(
        self, store: Store, settings: Settings, sealer: Sealer, cookies: Cookies, clients: Mapping[str, str]
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._cookies = cookies
        self._clients = clients
        self._lifetime = Lifetime(settings)
        self._name = cookies.name(KIND)

    def is_present(self, present: Mapping[str, str]) -> bool:
        """Whether the cookies contain a session id, valid or not."""
        return bool(self._key_in(present))

    def load(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """Return an empty record, since only `open` reads the store."""
        return self.new(present, now)

    def new(self, present: Mapping[str, str], now: float) -> StoredRecord:
        """Return an empty record."""
        return StoredRecord({}, begun_at=now, seen_at=now)

    async def open(self, present: Mapping[str, str], now: float, *, is_seen: bool = True) -> SessionRecord:
        """Return the record of this browser; an empty one if it has none or its session has expired.

        With `is_seen` an idle session is extended.
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
        """Save the changes of a record. Only a session that starts or ends has cookies to set."""
        if not isinstance(record, StoredRecord) or not (record.modified or record.seen_again):
            return []
        if not record:
            if keys := [key for key in (record.key, self._key_in(present)) if key]:
                await self._store.delete(keys)
            return self._cookies.delete_long(KIND, present)
        if not record.key:
            # The application filled an empty session by itself, for instance with UserSession.update().
            return await self._create(record, now)
        await self._merge(record, now)
        return []

    async def begin(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """Save a new session under a new id, and delete the former one."""
        # A new id at each login prevents session fixation.
        cookies = await self._create(record, now)
        # The former session is deleted last, so that it remains if the new one cannot be saved.
        if key := self._key_in(present):
            await self._store.delete([key])
        return cookies

    def require_room(self, record: SessionRecord) -> None:
        """Raise SessionTooLarge for a record that is too large for the store."""
        encode_record(record, self._clients)

    def drop_refresh_token(self, record: SessionRecord, now: float) -> list[Cookie]:
        """Remove a refresh token that the provider rejects. It is saved with the other changes."""
        del record["refresh_token"]
        return []

    async def _create(self, record: SessionRecord, now: float) -> list[Cookie]:
        session_id = token_urlsafe(32)
        key = self._key(session_id)
        sealed = self._seal(key, record)
        await self._store.put(key, sealed, self._lifetime.kept_for(record, now))
        if isinstance(record, StoredRecord):
            # A hook of the application may change the new session in the same request.
            record.key = key
            record.sealed = sealed
        return [self._cookies.set(self._name, session_id, self._lifetime.max_age(record, now))]

    async def _merge(self, record: StoredRecord, now: float) -> None:
        """Save the changes of this request without undoing those of requests that ran at the same time.

        The record is replaced only if its value in the store is still the one that was loaded (compare and swap).
        Otherwise the changes are applied to the present record, and the replacement is tried again.
        """
        key = record.key
        kept = record
        for _ in range(TRIES):
            sealed = self._seal(key, kept)
            if await self._store.replace(key, kept.sealed, sealed, self._lifetime.kept_for(kept, now)):
                return
            (present,) = await self._store.get_many([key])
            other = self._opened(key, present) if present else None
            # The session ended meanwhile. A request that was in flight must not restore it.
            if other is None or (loaded := self._opened(key, record.sealed)) is None:
                return
            # The changes are compared with the record as this request loaded it, however often they are applied:
            # `other` is a fresh copy from the store each time.
            _apply(record, loaded, other)
            kept = other
        logger.warning(
            "the changes of one request to a session are lost: other requests changed it %d times meanwhile", TRIES
        )

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
        stored.key = key
        stored.sealed = sealed
        return stored

    def _seal(self, key: str, record: SessionRecord) -> bytes:
        return self._sealer.seal(KIND, key, encode_record(record, self._clients)).encode()

    def _key_in(self, present: Mapping[str, str]) -> str:
        session_id = present.get(self._name, "")
        return self._key(session_id) if _ID.fullmatch(session_id) else ""

    def _key(self, session_id: str) -> str:
        # Only a hash of the id is stored, so that read access to the store does not reveal ids. The name of the
        # cookie is part of it: applications that share a store and a secret have different ones and do not accept
        # each other's ids.
        return "session:" + sha256(f"{self._name}={session_id}".encode()).hexdigest()


def _apply(changes: StoredRecord, loaded: StoredRecord, kept: StoredRecord) -> None:
    """Apply the changes that one request made since it loaded the record to the present record in the store.

    Args:
        changes: The record as this request changed it.
        loaded: The record as this request loaded it.
        kept: The record as it is in the store now, which is modified.
    """
    kept.seen_at = max(kept.seen_at, changes.seen_at)
    names = set(changes.changed)
    if kept.session_id != loaded.session_id:
        # Another login has replaced the session, and this request belongs to the former one.
        return
    if changes.session_id != loaded.session_id:
        # This request has ended the session and started another one in its record, which replaces all values.
        kept.session_id = changes.session_id
        names |= kept.keys()
    elif _has_other_tokens(kept, loaded):
        # Another request has saved tokens since. A refresh token is used once, so those tokens come from the same
        # refresh as ours or from a later one, and are kept. Times could not decide this, since late requests receive
        # the result of an earlier refresh.
        names -= REFRESH_MEMBERS
    for name in names:
        if name in changes:
            kept[name] = changes[name]
        else:
            kept.pop(name, None)


def _has_other_tokens(kept: StoredRecord, loaded: StoredRecord) -> bool:
    # A refresh token that another request removed does not count as another token: this request may have used it
    # with success.
    return _differ(kept, loaded, TOKEN_MEMBERS if "refresh_token" in kept else TOKEN_MEMBERS - {"refresh_token"})


def _differ(one: StoredRecord, other: StoredRecord, names: Set[str]) -> bool:
    return any(one.get(name) != other.get(name) for name in names)
