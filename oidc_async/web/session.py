"""The login of this browser: our own record beside the framework's session, sealed in cookies."""

import json
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


class SessionRecord(UserDict[str, Any]):
    """What a login brought. Knows when it began, when it was last seen, and whether it was changed."""

    def __init__(self, values: Mapping[str, Any], *, begun_at: float, seen_at: float) -> None:
        self.begun_at, self.seen_at = begun_at, seen_at
        super().__init__(values)
        self.modified = False

    def __setitem__(self, name: str, value: Any) -> None:
        self.modified = True
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        self.modified = True
        super().__delitem__(name)

    def __repr__(self) -> str:
        return f"<SessionRecord of {', '.join(self.data) or 'nobody'}>"


class SessionCookies:
    """Loads and saves session records as sealed cookies: any worker serves them, without infrastructure."""

    def __init__(self, settings: Settings, sealer: Sealer, cookies: Cookies) -> None:
        self._settings, self._sealer, self._cookies = settings, sealer, cookies
        self._context = cookies.name(KIND)

    def load(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """The record in the cookies `present`; an empty one when there is none, it was altered, or is too old."""
        text = self._cookies.read_long(KIND, present)
        data = self._sealer.open(KIND, self._context, text) if text else None
        record = _decode(data) if data else None
        if record is None or not self._is_alive(record, now):
            return SessionRecord({}, begun_at=now, seen_at=now)
        idle = self._settings.session_idle_seconds
        # seen again: written back now and then, not with every response
        if idle is not None and now - record.seen_at > idle / 10:
            record.seen_at, record.modified = now, True
        return record

    def save(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """The cookies to set. Raises SessionTooLarge, or ConfigurationError for what isn't JSON."""
        if not record:
            return self._cookies.delete_long(KIND, present)
        left = record.begun_at + self._settings.session_seconds - now
        max_age = max(int(left), 0) if self._settings.session_permanent else None
        text = self._sealer.seal(KIND, self._context, _encode(record))
        return self._cookies.set_long(KIND, text, max_age, present)

    def _is_alive(self, record: SessionRecord, now: float) -> bool:
        idle = self._settings.session_idle_seconds
        in_use = idle is None or now - record.seen_at <= idle
        return in_use and now - record.begun_at <= self._settings.session_seconds


def _encode(record: SessionRecord) -> bytes:
    document = {"begun_at": record.begun_at, "seen_at": record.seen_at, "values": record.data}
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
    if _decode(data) is None:
        raise _not_json()
    return data


def _decode(data: bytes) -> SessionRecord | None:
    # None for what another version of us sealed: both may be at work while a new one is rolled out
    try:
        document = read_object(zlib.decompressobj().decompress(data, MAX_RECORD_BYTES), max_depth=MAX_RECORD_DEPTH)
        begun_at, seen_at = float(document["begun_at"]), float(document["seen_at"])
        return SessionRecord(document["values"], begun_at=begun_at, seen_at=seen_at)
    except (KeyError, TypeError, ValueError, zlib.error):
        return None


def _not_json() -> ConfigurationError:
    return ConfigurationError("A session holds JSON only: what UserSession.update() was given can't be kept.")
