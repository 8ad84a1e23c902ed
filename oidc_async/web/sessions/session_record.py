"""The record of a session: its values, its lifetime, and its encoding for one client."""

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
"""The claims of a provider may have the maximum depth of JSON, and the record nests them two levels deeper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginBegun:
    """When a login was started, in seconds since 1970.

    Attributes:
        here: The time by our clock.
        at_provider: The time by the clock of the provider: `iat` of the ID token minus the duration of the login, so
            that the difference of the clocks does not matter.
        revocations: The versions of the session revocations that the store had when the session started, which
            therefore do not end it; None while the session has not started.
    """

    here: float
    at_provider: float
    revocations: tuple[str, ...] | None = None


class SessionRecord(UserDict[str, Any]):
    """The values of a session, which knows what was changed since it was loaded.

    Attributes:
        begun_at: When the session started, in seconds since 1970.
        seen_at: When it was last used, in seconds since 1970.
        seen_again: Whether `seen_at` is to be saved.
        login_begun: When the login of the session was started; when the session started, unless given.
        session_id: Identifies the session as long as it belongs to one login, whatever else changes. Times cannot
            identify it, since clocks differ.
        changed: The names of the values that were changed since the record was loaded or saved.
        has_remains: Whether the request had cookies of a session that has ended, which are to be deleted.
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
        self.begun_at = begun_at
        self.seen_at = seen_at
        self.session_id = session_id or token_urlsafe(16)
        self.login_begun = login_begun or LoginBegun(here=begun_at, at_provider=begun_at)
        self.changed: set[str] = set()
        super().__init__()
        # Not by __setitem__, which would mark each value as changed.
        self.data.update(values)
        self.settle()

    @property
    def modified(self) -> bool:
        """Whether the record has to be saved."""
        return bool(self.changed) or self._is_ended

    def end(self) -> None:
        """Empty the record and mark it as modified even if it was empty, so that the browser deletes its cookies."""
        self.clear()
        self._is_ended = True

    def settle(self) -> None:
        """Mark the record as saved."""
        self.changed.clear()
        self.seen_again = False
        self.has_remains = False
        self._is_ended = False

    @contextmanager
    def undone_by_errors(self) -> Generator[None]:
        """Restore the record if the body of the `with` statement raises an exception."""
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
            # What follows is another session, which a late response of this one must not replace.
            self.session_id = token_urlsafe(16)
        self.changed.add(name)
        super().__delitem__(name)

    def __repr__(self) -> str:
        return f"<SessionRecord of {', '.join(self.data) or 'nobody'}>"


class Lifetime:
    """The lifetime of sessions, by the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def is_alive(self, record: SessionRecord, now: float) -> bool:
        """Whether the session has neither expired nor been idle for too long."""
        idle = self._settings.session_idle_seconds
        in_use = idle is None or now - record.seen_at <= idle
        return in_use and now - record.begun_at <= self._settings.session_seconds

    def touch(self, record: SessionRecord, now: float) -> None:
        """Update the time of the last use, at most once in a tenth of the idle time, to save writes."""
        idle = self._settings.session_idle_seconds
        if idle is not None and now - record.seen_at > idle / 10:
            record.seen_at = now
            record.seen_again = True

    def left(self, record: SessionRecord, now: float) -> float:
        """Return the seconds until the session expires, however it is used."""
        return max(record.begun_at + self._settings.session_seconds - now, 0)

    def kept_for(self, record: SessionRecord, now: float) -> float:
        """Return the seconds for which a store keeps the record. An idle session ends before its expiry."""
        idle = self._settings.session_idle_seconds
        return self.left(record, now) if idle is None else min(self.left(record, now), idle * 1.1 + 1)

    def max_age(self, record: SessionRecord, now: float) -> int | None:
        """Return the lifetime of the cookies in seconds; None if they last until the browser closes."""
        return int(self.left(record, now)) if self._settings.session_permanent else None


def encode_record(record: SessionRecord, clients: Mapping[str, str]) -> bytes:
    """Encode a record.

    Args:
        record: The record.
        clients: The issuer and client of each provider name. `decode_record` requires the same client.

    Raises:
        SessionTooLarge: The record is larger than MAX_RECORD_BYTES.
        ConfigurationError: The record contains values that JSON does not have.
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
            f"The session has {len(text)} bytes; at most {MAX_RECORD_BYTES} are allowed.", size=len(text)
        )
    _require_readable(text)
    return zlib.compress(text)


def _require_readable(text: bytes) -> None:
    # A record that cannot be decoded would lock the user out.
    try:
        read_object(text, max_depth=MAX_RECORD_DEPTH)
    except ValueError:
        raise _not_json() from None


def decode_record(data: bytes, clients: Mapping[str, str]) -> SessionRecord | None:
    """Decode a record. Returns None if the data is invalid or belongs to another client."""
    # The data may come from another version, as two versions run at the same time during a deployment. It belongs to
    # another client if the configuration of the provider was replaced under the same name.
    # The size is limited while decompressing, so that a small input cannot expand without bounds.
    try:
        document = read_object(zlib.decompressobj().decompress(data, MAX_RECORD_BYTES), max_depth=MAX_RECORD_DEPTH)
        begun_at = float(document["begun_at"])
        seen_at = float(document["seen_at"])
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
    return ConfigurationError(
        "A session can only hold JSON: UserSession.update() received a value that JSON does not have."
    )
