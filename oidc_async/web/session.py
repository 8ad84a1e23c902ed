"""The login of this browser: our own record beside the framework's session, sealed in cookies."""

import json
import zlib
from collections import UserDict
from collections.abc import Mapping
from typing import Any

from ..protocol.strict_json import read_object
from .cookies import Cookies
from .messages import Cookie
from .sealing import Sealer
from .settings import Settings

MAX_RECORD_BYTES = 256 * 1024
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
        """The cookies to set. Raises SessionTooLarge."""
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
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode())


def _decode(data: bytes) -> SessionRecord | None:
    inflate = zlib.decompressobj()
    document = read_object(inflate.decompress(data, MAX_RECORD_BYTES))
    return SessionRecord(document["values"], begun_at=document["begun_at"], seen_at=document["seen_at"])
