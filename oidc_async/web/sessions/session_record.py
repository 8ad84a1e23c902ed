"""What a login brought, as it is kept between requests: as JSON, for so long, and for one client."""

import json
import zlib
from collections import UserDict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

from oidc_async.errors import ConfigurationError, SessionTooLarge
from oidc_async.protocol.strict_json import MAX_DEPTH, read_object
from oidc_async.web.settings import Settings

MAX_RECORD_BYTES = 256 * 1024
MAX_RECORD_DEPTH = MAX_DEPTH + 2
"""A provider's claims may be as deep as JSON from a provider may be; the record wraps them twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginBegun:
    """When a login was begun, in seconds since 1970: by our clock, and by that of the provider.

    The provider's is reckoned back from `iat` of the ID token by how long the login took, so that it doesn't matter
    how far the clocks are apart.

    `revocations` are the versions of the session revocations that the store held when the session began, which
    therefore don't concern it; None while it has not begun.
    """

    here: float
    at_provider: float
    revocations: tuple[str, ...] | None = None


class SessionRecord(UserDict[str, Any]):
    """What a login brought. Knows when it began, when it was last seen, and what was changed since it was loaded.

    `login_begun` is when the login began that ended with it; with it itself, unless given. `session_id` identifies
    the session while it is that of one login, whatever else is changed in it: times can't, since clocks differ.

    Attributes:
        has_remains: whether the request brought cookies of a session that has ended, which are to be deleted.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        *,
        begun_at: float,
        seen_at: float,
        login_begun: LoginBegun | None = None,
        session_id: str | None = None,
    ) -> None:
        self.begun_at, self.seen_at = begun_at, seen_at
        self.session_id = session_id or token_urlsafe(16)
        self.login_begun = login_begun or LoginBegun(here=begun_at, at_provider=begun_at)
        self.changed: set[str] = set()
        super().__init__()
        # as they are: one after the other they would pass by __setitem__
        self.data.update(values)
        self.settle()

    @property
    def modified(self) -> bool:
        return bool(self.changed) or self._is_ended

    def end(self) -> None:
        """Empty it, and have it saved as such even if it was empty: then nothing of it may be left in the browser."""
        self.clear()
        self._is_ended = True

    def settle(self) -> None:
        """Note that it is kept as it is now."""
        self.changed.clear()
        self.seen_again = False
        self.has_remains = False
        self._is_ended = False

    @contextmanager
    def undone_by_errors(self) -> Generator[None]:
        """Leave the record as it was if what is done within raises an exception."""
        former = dict(self.data), set(self.changed), self.session_id
        try:
            yield
        except BaseException:
            self.data, self.changed, self.session_id = former
            raise

    def __setitem__(self, name: str, value: Any) -> None:
        self.changed.add(name)
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        if name == "current_provider":
            # What follows is another session: a late response of this one must not take its place.
            self.session_id = token_urlsafe(16)
        self.changed.add(name)
        super().__delitem__(name)

    def __repr__(self) -> str:
        return f"<SessionRecord of {', '.join(self.data) or 'nobody'}>"


class Lifetime:
    """How long sessions last, by the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def is_alive(self, record: SessionRecord, now: float) -> bool:
        idle = self._settings.session_idle_seconds
        in_use = idle is None or now - record.seen_at <= idle
        return in_use and now - record.begun_at <= self._settings.session_seconds

    def touch(self, record: SessionRecord, now: float) -> None:
        """Note that it was seen; now and then, not with every request."""
        idle = self._settings.session_idle_seconds
        if idle is not None and now - record.seen_at > idle / 10:
            record.seen_at, record.seen_again = now, True

    def left(self, record: SessionRecord, now: float) -> float:
        """Seconds until it ends, whatever happens."""
        return max(record.begun_at + self._settings.session_seconds - now, 0)

    def kept_for(self, record: SessionRecord, now: float) -> float:
        """Seconds for which it has to be kept: when nobody comes again, it ends before."""
        idle = self._settings.session_idle_seconds
        return self.left(record, now) if idle is None else min(self.left(record, now), idle * 1.1 + 1)

    def max_age(self, record: SessionRecord, now: float) -> int | None:
        """Seconds for its cookies; None until the browser closes."""
        return int(self.left(record, now)) if self._settings.session_permanent else None


def encode_record(record: SessionRecord, clients: Mapping[str, str]) -> bytes:
    """As bytes; `clients` tells, for each name of a provider, which client of which issuer that is.

    Raises SessionTooLarge, or ConfigurationError for what isn't JSON.
    """
    client = clients.get(record.get("current_provider", ""))
    begun = record.login_begun
    login_begun = [begun.here, begun.at_provider, begun.revocations]
    document = {
        "session_id": record.session_id,
        "begun_at": record.begun_at,
        "seen_at": record.seen_at,
        "login_begun": login_begun,
        "client": client,
        "values": record.data,
    }
    try:
        text = json.dumps(document, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        raise _not_json() from None
    if len(text) > MAX_RECORD_BYTES:
        raise SessionTooLarge(
            f"The session needs {len(text)} bytes; at most {MAX_RECORD_BYTES} are kept.", size=len(text)
        )
    _require_readable(text)
    return zlib.compress(text)


def _require_readable(text: bytes) -> None:
    # what could not be read back would lock the user out
    try:
        read_object(text, max_depth=MAX_RECORD_DEPTH)
    except ValueError:
        raise _not_json() from None


def decode_record(data: bytes, clients: Mapping[str, str]) -> SessionRecord | None:
    """The record in `data`; None when it isn't one, or not one of these clients."""
    # None for what another version of us sealed: both may be at work while a new one is rolled out; and for what
    # was sealed for another client, when a provider was configured anew under its name
    try:
        document = read_object(zlib.decompressobj().decompress(data, MAX_RECORD_BYTES), max_depth=MAX_RECORD_DEPTH)
        begun_at, seen_at = float(document["begun_at"]), float(document["seen_at"])
        record = SessionRecord(
            document["values"],
            begun_at=begun_at,
            seen_at=seen_at,
            login_begun=_read_login_begun(*document["login_begun"]),
            session_id=str(document["session_id"]),
        )
        return record if document["client"] == clients.get(record.get("current_provider", "")) else None
    except (KeyError, TypeError, ValueError, OverflowError, zlib.error):
        return None


def _read_login_begun(here: float, at_provider: float, revocations: list[str] | None) -> LoginBegun:
    seen = None if revocations is None else tuple(revocations)
    return LoginBegun(here=float(here), at_provider=float(at_provider), revocations=seen)


def _not_json() -> ConfigurationError:
    return ConfigurationError("A session holds JSON only: what UserSession.update() was given can't be kept.")
