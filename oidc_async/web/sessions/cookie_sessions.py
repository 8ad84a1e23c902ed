"""The login of this browser: our own record beside the framework's session, sealed in cookies."""

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
    """Loads and saves session records as sealed cookies: any worker serves them, without infrastructure.

    `clients` tells, for each name of a provider, which client of which issuer that is: a record outlives neither.
    That a session was seen stands in a small cookie of its own: a page that takes long must not write back the
    session of before a change.

    A second small cookie holds the id of the browser's current session, and no session is accepted without it. A
    login sets it and a logout deletes it; a response that only changes the session never touches it. So a response
    that was under way during a logout or another login may set the sealed cookies of before once more, at any time,
    and they are of no use. No clock takes part in this, and whatever the browser loses ends a session.
    The id is no secret, since the sealed record has to match it: who can set another one gains nothing but a logout.
    """

    keeps_in_store = False
    reads_store = False

    def __init__(self, settings: Settings, sealer: Sealer, cookies: Cookies, clients: Mapping[str, str]) -> None:
        self._sealer, self._cookies, self._clients = sealer, cookies, clients
        self._lifetime = Lifetime(settings)
        self._context = cookies.name(KIND)
        self._current = cookies.name(CURRENT_KIND)

    def is_present(self, present: Mapping[str, str]) -> bool:
        """Whether these cookies bring a session at all."""
        return self._context in present

    def load(self, present: Mapping[str, str], now: float, *, is_seen: bool = True) -> SessionRecord:
        """The record in the cookies `present`; an empty one when there is none, it was altered, or is too old.

        With `is_seen` an idle session is prolonged.
        """
        record = self._read(present)
        if record is None:
            return self.new(present, now)
        record.seen_at = max(record.seen_at, self._last_seen(record, present))
        self._forget_spent(record, present)
        if record.session_id != present.get(self._current) or not self._lifetime.is_alive(record, now):
            empty = self.new(present, now)
            empty.has_remains = True
            return empty
        if is_seen:
            self._lifetime.touch(record, now)
        return record

    async def open(self, present: Mapping[str, str], now: float, *, is_seen: bool = True) -> SessionRecord:
        """As `load`: everything is in the cookies."""
        return self.load(present, now, is_seen=is_seen)

    async def keep(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """The cookies that a response sets for what was changed in `record`; none for nothing."""
        if record.modified:
            return self.save(record, present, now)
        if record.has_remains:
            return self._delete_record(present)
        return [self.save_seen(record, now)] if record.seen_again else []

    async def begin(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """The cookies of a new session, in place of the former one."""
        return self.save(record, present, now)

    def save(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """The cookies to set. Raises SessionTooLarge, or ConfigurationError for what isn't JSON."""
        if not record:
            # Only if the request brought it: a form that another site posts to a logout brings no cookies
            # (SameSite=Lax), and must end nothing.
            ended = [self._cookies.delete(self._current)] if self._current in present else []
            return [*self._delete_record(present), *ended]
        text = self._seal(record)
        max_age = self._lifetime.max_age(record, now)
        cookies = self._cookies.set_long(KIND, text, max_age, present)
        # Only a session that begins here lacks it: one that was loaded had it.
        begins = present.get(self._current) != record.session_id
        return [*cookies, self._cookies.set(self._current, record.session_id, max_age)] if begins else cookies

    def require_room(self, record: SessionRecord) -> None:
        """Raise SessionTooLarge for a record that can't be kept."""
        self._cookies.require_room(self._seal(record))

    def save_seen(self, record: SessionRecord, now: float) -> Cookie:
        """The cookie that prolongs the session of `record`, and no other."""
        sealed = self._sealer.seal(SEEN_KIND, record.session_id, repr(record.seen_at).encode())
        return self._cookies.set(self._cookies.name(SEEN_KIND), sealed, self._lifetime.max_age(record, now))

    def drop_refresh_token(self, record: SessionRecord, now: float) -> list[Cookie]:
        """Forget the refresh token, which the provider takes no more. The cookies that say so.

        The record is not written for it: that could take the place of one with a newer token that another response
        brings.
        """
        digest = _digest(record.data.pop("refresh_token"))
        sealed = self._sealer.seal(SPENT_KIND, record.session_id, digest)
        return [self._cookies.set(self._cookies.name(SPENT_KIND), sealed, self._lifetime.max_age(record, now))]

    def new(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """An empty record."""
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

    def _forget_spent(self, record: SessionRecord, present: Mapping[str, str]) -> None:
        refresh_token, sealed = record.get("refresh_token"), present.get(self._cookies.name(SPENT_KIND))
        if refresh_token is None or sealed is None:
            return
        if self._sealer.open(SPENT_KIND, record.session_id, sealed) == _digest(refresh_token):
            del record.data["refresh_token"]


def _digest(refresh_token: str) -> bytes:
    return sha256(refresh_token.encode("utf-8", "surrogatepass")).digest()
