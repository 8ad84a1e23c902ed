"""The login of this browser: our own record beside the framework's session, sealed in cookies."""

import json
import re
import zlib
from collections import UserDict
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigurationError, SessionTooLarge
from ..protocol.strict_json import MAX_DEPTH, read_object
from .cookies import Cookies
from .messages import Cookie
from .sealing import Sealer
from .settings import Settings

MAX_RECORD_BYTES = 256 * 1024
MAX_RECORD_DEPTH = MAX_DEPTH + 2
"""A provider's claims may be as deep as JSON from a provider may be; the record wraps them twice."""
KIND = "session"
SEEN_KIND = "seen"
ENDED_KIND = "ended"
ENDED_SECONDS = 3600
"""How long a response of before may still be under way."""
MAX_CLOCK_DIFFERENCE = 60
"""Seconds between the clocks of two workers."""
_TIME = re.compile(r"\d{1,12}\.\d{6}", re.ASCII)


class SessionRecord(UserDict[str, Any]):
    """What a login brought. Knows when it began, when it was last seen, and whether that or it was changed."""

    def __init__(self, values: Mapping[str, Any], *, begun_at: float, seen_at: float) -> None:
        self.begun_at, self.seen_at = begun_at, seen_at
        super().__init__(values)
        self.modified = self.seen_again = False

    def __setitem__(self, name: str, value: Any) -> None:
        self.modified = True
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        self.modified = True
        super().__delitem__(name)

    def __repr__(self) -> str:
        return f"<SessionRecord of {', '.join(self.data) or 'nobody'}>"


class SessionCookies:
    """Loads and saves session records as sealed cookies: any worker serves them, without infrastructure.

    `clients` tells, for each name of a provider, which client of which issuer that is: a record outlives neither.
    That a session was seen stands in a small cookie of its own: a page that takes long must not write back the
    session of before a change.
    """

    def __init__(self, settings: Settings, sealer: Sealer, cookies: Cookies, clients: Mapping[str, str]) -> None:
        self._settings, self._sealer, self._cookies, self._clients = settings, sealer, cookies, clients
        self._context = cookies.name(KIND)

    def load(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """The record in the cookies `present`; an empty one when there is none, it was altered, or is too old."""
        text = self._cookies.read_long(KIND, present)
        data = self._sealer.open(KIND, self._context, text) if text else None
        record = _decode(data, self._clients) if data else None
        if record is not None:
            record.seen_at = max(record.seen_at, self._last_seen(record, present))
        if record is None or not self._is_alive(record, now) or record.begun_at < self._ended_at(present, now):
            return self.new(present, now)
        idle = self._settings.session_idle_seconds
        # written now and then, not with every response
        if idle is not None and now - record.seen_at > idle / 10:
            record.seen_at, record.seen_again = now, True
        return record

    def save(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """The cookies to set. Raises SessionTooLarge, or ConfigurationError for what isn't JSON."""
        if not record:
            deleted = (cookie for kind in (KIND, SEEN_KIND) for cookie in self._cookies.delete_long(kind, present))
            return [*deleted, self.end(now)]
        text = self._sealer.seal(KIND, self._context, _encode(record, self._clients))
        return self._cookies.set_long(KIND, text, self._max_age(record, now), present)

    def save_seen(self, record: SessionRecord, now: float) -> Cookie:
        """The cookie that prolongs the session of `record`, and no other."""
        sealed = self._sealer.seal(SEEN_KIND, repr(record.begun_at), repr(record.seen_at).encode())
        return self._cookies.set(self._cookies.name(SEEN_KIND), sealed, self._max_age(record, now))

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

    def _max_age(self, record: SessionRecord, now: float) -> int | None:
        left = record.begun_at + self._settings.session_seconds - now
        return max(int(left), 0) if self._settings.session_permanent else None

    def _is_alive(self, record: SessionRecord, now: float) -> bool:
        idle = self._settings.session_idle_seconds
        in_use = idle is None or now - record.seen_at <= idle
        return in_use and now - record.begun_at <= self._settings.session_seconds


def _encode(record: SessionRecord, clients: Mapping[str, str]) -> bytes:
    client = clients.get(record.get("current_provider", ""))
    document = {"begun_at": record.begun_at, "seen_at": record.seen_at, "client": client, "values": record.data}
    try:
        text = json.dumps(document, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        raise _not_json() from None
    if len(text) > MAX_RECORD_BYTES:
        raise SessionTooLarge(
            f"The session needs {len(text)} bytes; at most {MAX_RECORD_BYTES} are kept.", size=len(text)
        )
    data = zlib.compress(text)
    # what could not be read back would lock the user out
    if _decode(data, clients) is None:
        raise _not_json()
    return data


def _decode(data: bytes, clients: Mapping[str, str]) -> SessionRecord | None:
    # None for what another version of us sealed: both may be at work while a new one is rolled out; and for what
    # was sealed for another client, when a provider was configured anew under its name
    try:
        document = read_object(zlib.decompressobj().decompress(data, MAX_RECORD_BYTES), max_depth=MAX_RECORD_DEPTH)
        begun_at, seen_at = float(document["begun_at"]), float(document["seen_at"])
        record = SessionRecord(document["values"], begun_at=begun_at, seen_at=seen_at)
        return record if document["client"] == clients.get(record.get("current_provider", "")) else None
    except (KeyError, TypeError, ValueError, zlib.error):
        return None


def _not_json() -> ConfigurationError:
    return ConfigurationError("A session holds JSON only: what UserSession.update() was given can't be kept.")
