"""Session storage in sealed cookies, beside the session of the framework."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from oidc_async.sealing import Sealer
from oidc_async.web.http.cookies import CookieKind, Cookies
from oidc_async.web.http.messages import Cookie
from oidc_async.web.settings import Settings

from .session_record import MAX_RECORD_BYTES, Lifetime, SessionRecord, decode_record, encode_record

__all__ = ["KIND", "MAX_RECORD_BYTES", "CookieSessions", "SessionRecord"]

KIND: Final = "session"
CURRENT_KIND: Final = "current"
SEEN_KIND: Final = "seen"
SPENT_KIND: Final = "spent"


class CookieSessions:
    """Loads and saves session records as sealed cookies, which any worker can read without infrastructure.

    `clients` maps provider names to the issuer and client of each; a record is valid only for the same client.

    Several responses of one browser can be in flight, and any of them may arrive late. Three small cookies beside the
    record make late responses harmless:

    - `current` holds the id of the current session, and no record is accepted without it. A login sets it and a
      logout deletes it; a response that only changes the session never sets it. So a late response may restore the
      sealed record of before a logout or another login, but not its validity. This needs no clock, and losing either
      cookie ends the session. The id is not a secret, since the sealed record must match it: an attacker who can
      set another one can only log the user out.
    - `seen` extends an idle session. A slow response thus does not write back the record that it loaded.
    - `spent` names a refresh token that the provider rejected, for the same reason.
    """

    keeps_in_store = False
    reads_store = False

    def __init__(self, settings: Settings, sealer: Sealer, cookies: Cookies, clients: Mapping[str, str]) -> None:
        self._sealer = sealer
        self._cookies = cookies
        self._clients = clients
        self._lifetime = Lifetime(settings)
        self._context = cookies.name(KIND)
        self._current = cookies.name(CURRENT_KIND)

    def is_present(self, present: Mapping[str, str]) -> bool:
        """Whether the cookies contain a record, valid or not."""
        return self._context in present

    def load(self, present: Mapping[str, str], now: float, *, is_seen: bool = True) -> SessionRecord:
        """Return the record in the cookies; an empty one if it is missing, altered, expired or not current.

        With `is_seen` an idle session is extended.
        """
        record = self._read(present)
        if record is None:
            return self.new(present, now)
        # Both small cookies are applied before the lifetime is checked, since `seen` may extend it.
        record.seen_at = max(record.seen_at, self._last_seen(record, present))
        self._remove_spent_refresh_token(record, present)
        if record.session_id != present.get(self._current) or not self._lifetime.is_alive(record, now):
            # A late response has restored the record of a former session, or the session has expired. Its cookies are
            # deleted with the next response.
            empty = self.new(present, now)
            empty.has_remains = True
            return empty
        if is_seen:
            self._lifetime.touch(record, now)
        return record

    async def open(self, present: Mapping[str, str], now: float, *, is_seen: bool = True) -> SessionRecord:
        """Return the same as `load`, since the cookies contain everything."""
        return self.load(present, now, is_seen=is_seen)

    async def keep(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """Return the cookies that save the changes of a record; none if it was not changed."""
        if record.modified:
            return self.save(record, present, now)
        if record.has_remains:
            return self._delete_record(present)
        return [self.save_seen(record, now)] if record.seen_again else []

    async def begin(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """Return the cookies of a new session, which replace those of the former one."""
        return self.save(record, present, now)

    def save(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """Return the cookies that save a record.

        Raises:
            SessionTooLarge: Cookies cannot hold the record.
            ConfigurationError: The record contains values that JSON does not have.
        """
        if not record:
            # `current` is deleted only if the request had it. A form that another site posts to a logout has no
            # cookies (SameSite=Lax) and must not end the session.
            ended = [self._cookies.delete(self._current)] if self._current in present else []
            return [*self._delete_record(present), *ended]
        text = self._seal(record)
        max_age = self._lifetime.max_age(record, now)
        cookies = self._cookies.set_long(KIND, text, max_age, present)
        # Only a new session lacks the id; a record is not loaded without it.
        begins = present.get(self._current) != record.session_id
        return [*cookies, self._cookies.set(self._current, record.session_id, max_age)] if begins else cookies

    def require_room(self, record: SessionRecord) -> None:
        """Raise SessionTooLarge for a record that cookies cannot hold."""
        self._cookies.require_room(self._seal(record))

    def save_seen(self, record: SessionRecord, now: float) -> Cookie:
        """Return the cookie that extends the session of `record`, and no other session."""
        sealed = self._sealer.seal(SEEN_KIND, record.session_id, repr(record.seen_at).encode())
        return self._cookies.set(self._cookies.name(SEEN_KIND), sealed, self._lifetime.max_age(record, now))

    def drop_refresh_token(self, record: SessionRecord, now: float) -> list[Cookie]:
        """Remove a refresh token that the provider rejects, and return the cookie that records this.

        The record itself is not written, since it could replace one with a newer token that another response sets.
        """
        # Removed from `data` directly, so that the record does not count as changed.
        digest = _digest(record.data.pop("refresh_token"))
        sealed = self._sealer.seal(SPENT_KIND, record.session_id, digest)
        return [self._cookies.set(self._cookies.name(SPENT_KIND), sealed, self._lifetime.max_age(record, now))]

    def new(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """Return an empty record."""
        return SessionRecord({}, begun_at=now, seen_at=now)

    def _seal(self, record: SessionRecord) -> str:
        return self._sealer.seal(KIND, self._context, encode_record(record, self._clients))

    def _read(self, present: Mapping[str, str]) -> SessionRecord | None:
        text = self._cookies.read_long(KIND, present)
        data = self._sealer.open(KIND, self._context, text) if text else None
        return decode_record(data, self._clients) if data else None

    def _delete_record(self, present: Mapping[str, str]) -> list[Cookie]:
        kinds: tuple[CookieKind, ...] = (KIND, SEEN_KIND, SPENT_KIND)
        return [cookie for kind in kinds for cookie in self._cookies.delete_long(kind, present)]

    def _last_seen(self, record: SessionRecord, present: Mapping[str, str]) -> float:
        sealed = present.get(self._cookies.name(SEEN_KIND), "")
        return float(self._sealer.open(SEEN_KIND, record.session_id, sealed) or 0)

    def _remove_spent_refresh_token(self, record: SessionRecord, present: Mapping[str, str]) -> None:
        refresh_token = record.get("refresh_token")
        sealed = present.get(self._cookies.name(SPENT_KIND))
        if refresh_token is None or sealed is None:
            return
        if self._sealer.open(SPENT_KIND, record.session_id, sealed) == _digest(refresh_token):
            del record.data["refresh_token"]


def _digest(refresh_token: str) -> bytes:
    return sha256(refresh_token.encode("utf-8", "surrogatepass")).digest()
