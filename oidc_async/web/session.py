"""The login of this browser: our own record beside the framework's session, sealed in cookies."""

import re
from collections.abc import Mapping
from hashlib import sha256

from ..sealing import Sealer
from .cookies import Cookies
from .messages import Cookie
from .session_record import MAX_RECORD_BYTES, Lifetime, SessionRecord, decode_record, encode_record
from .settings import Settings

__all__ = ["KIND", "MAX_RECORD_BYTES", "SessionCookies", "SessionRecord"]

KIND = "session"
SEEN_KIND = "seen"
SPENT_KIND = "spent"
ENDED_KIND = "ended"
ENDED_SECONDS = 3600
"""How long a response of before may still be under way."""
MAX_CLOCK_DIFFERENCE = 60
"""Seconds between the clocks of two workers."""
_TIME = re.compile(r"\d{1,12}\.\d{6}", re.ASCII)


class SessionCookies:
    """Loads and saves session records as sealed cookies: any worker serves them, without infrastructure.

    `clients` tells, for each name of a provider, which client of which issuer that is: a record outlives neither.
    That a session was seen stands in a small cookie of its own: a page that takes long must not write back the
    session of before a change.
    """

    def __init__(self, settings: Settings, sealer: Sealer, cookies: Cookies, clients: Mapping[str, str]) -> None:
        self._sealer, self._cookies, self._clients = sealer, cookies, clients
        self._lifetime = Lifetime(settings)
        self._context = cookies.name(KIND)

    def is_present(self, present: Mapping[str, str]) -> bool:
        """Whether these cookies bring a session at all."""
        return self._context in present

    def load(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """The record in the cookies `present`; an empty one when there is none, it was altered, or is too old."""
        text = self._cookies.read_long(KIND, present)
        data = self._sealer.open(KIND, self._context, text) if text else None
        record = decode_record(data, self._clients) if data else None
        if record is not None:
            record.seen_at = max(record.seen_at, self._last_seen(record, present))
            self._forget_spent(record, present)
        if (
            record is None
            or not self._lifetime.is_alive(record, now)
            or record.begun_at < self._ended_at(present, now)
        ):
            return self.new(present, now)
        self._lifetime.touch(record, now)
        return record

    async def open(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """As `load`: everything is in the cookies."""
        return self.load(present, now)

    async def keep(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """The cookies that a response sets for what was changed in `record`; none for nothing."""
        if record.modified:
            return self.save(record, present, now)
        return [self.save_seen(record, now)] if record.seen_again else []

    async def begin(
        self, record: SessionRecord, former: SessionRecord, present: Mapping[str, str], now: float
    ) -> list[Cookie]:
        """The cookies of a new session, in place of the `former` one."""
        cookies = self.save(record, present, now)
        return [*cookies, self.end(record.begun_at)] if former else cookies

    def save(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """The cookies to set. Raises SessionTooLarge, or ConfigurationError for what isn't JSON."""
        if not record:
            kinds = (KIND, SEEN_KIND, SPENT_KIND)
            deleted = (cookie for kind in kinds for cookie in self._cookies.delete_long(kind, present))
            return [*deleted, self.end(now)]
        text = self._sealer.seal(KIND, self._context, encode_record(record, self._clients))
        return self._cookies.set_long(KIND, text, self._lifetime.max_age(record, now), present)

    def save_seen(self, record: SessionRecord, now: float) -> Cookie:
        """The cookie that prolongs the session of `record`, and no other."""
        sealed = self._sealer.seal(SEEN_KIND, repr(record.begun_at), repr(record.seen_at).encode())
        return self._cookies.set(self._cookies.name(SEEN_KIND), sealed, self._lifetime.max_age(record, now))

    def drop_refresh_token(self, record: SessionRecord, now: float) -> list[Cookie]:
        """Forget the refresh token, which the provider takes no more. The cookies that say so.

        The record is not written for it: that could take the place of one with a newer token that another response
        brings.
        """
        digest = _digest(record.data.pop("refresh_token"))
        sealed = self._sealer.seal(SPENT_KIND, repr(record.begun_at), digest)
        return [self._cookies.set(self._cookies.name(SPENT_KIND), sealed, self._lifetime.max_age(record, now))]

    def new(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """An empty record, begun after whatever ended before in this browser, though the clocks may differ."""
        begun_at = max(now, self._ended_at(present, now + MAX_CLOCK_DIFFERENCE))
        return SessionRecord({}, begun_at=round(begun_at, 6), seen_at=now)

    def end(self, at: float) -> Cookie:
        """The mark that nothing from before is a session of this browser any more.

        A response that was under way during a logout or another login may bring the old cookies once more (its
        view changed them); they are dead then. The time is no secret, and who could set another gains nothing but
        a logout.
        """
        return self._cookies.set(self._cookies.name(ENDED_KIND), f"{at:.6f}", ENDED_SECONDS)

    def _ended_at(self, present: Mapping[str, str], latest: float) -> float:
        mark = present.get(self._cookies.name(ENDED_KIND), "")
        ended_at = float(mark) if _TIME.fullmatch(mark) else 0.0
        return ended_at if ended_at <= latest else 0.0

    def _last_seen(self, record: SessionRecord, present: Mapping[str, str]) -> float:
        sealed = present.get(self._cookies.name(SEEN_KIND), "")
        return float(self._sealer.open(SEEN_KIND, repr(record.begun_at), sealed) or 0)

    def _forget_spent(self, record: SessionRecord, present: Mapping[str, str]) -> None:
        refresh_token, sealed = record.get("refresh_token"), present.get(self._cookies.name(SPENT_KIND))
        if refresh_token is None or sealed is None:
            return
        if self._sealer.open(SPENT_KIND, repr(record.begun_at), sealed) == _digest(refresh_token):
            del record.data["refresh_token"]


def _digest(refresh_token: str) -> bytes:
    return sha256(refresh_token.encode("utf-8", "surrogatepass")).digest()
