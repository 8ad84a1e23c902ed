"""A table in an SQLite database that many threads and processes of one host share."""

import os
import sqlite3
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from oidc_async.errors import ConfigurationError, StoreUnavailable

from .port import milliseconds

T = TypeVar("T")

SCHEMA_VERSION = 1
APPLICATION_ID = 0x6F696463  # "oidc"
SWEEP_SECONDS = 60.0
SWEEP_ROWS = 500

_TABLE = "CREATE TABLE entries (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL, expires INTEGER NOT NULL)"
_INDEX = "CREATE INDEX entries_by_expiry ON entries (expires)"
_PUT = (
    "INSERT INTO entries (key, value, expires) VALUES (?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
)
_PUT_IF_ABSENT = f"{_PUT} WHERE entries.expires <= ?"
_REPLACE = "UPDATE entries SET value = ?, expires = ? WHERE key = ? AND value = ? AND expires > ?"
_DELETE_IF = "DELETE FROM entries WHERE key = ? AND value = ? AND expires > ?"
_SWEEP = "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE expires <= ? LIMIT ?)"


class SQLiteFile:
    """The entries of one file. Each change is one statement, so it happens as a whole or not at all.

    One connection reads and one writes, each used by one thread at a time: in WAL mode no reader waits for a writer,
    and SQLite lets no two write at once anyway. Both are closed before a fork, as none may be carried across.
    """

    def __init__(self, path: str, timeout: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._new_lane = partial(_Lane, path, timeout)
        self._lanes = [self._new_lane(), self._new_lane()]
        self._held: list[_Lane] = []
        self._left_behind: list[_Lane] = []
        self._sweep_at = 0.0
        weakref.finalize(self, _close, self._lanes)
        _follow_forks(self)

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        marks = ", ".join("?" * len(keys))
        query = f"SELECT key, value FROM entries WHERE key IN ({marks}) AND expires > ?"  # noqa: S608 marks only
        rows = self._lanes[0].run(lambda connection: connection.execute(query, (*keys, self._now())).fetchall())
        # a column of SQLite's holds values of any type, and others may write to the file
        found = {key: value for key, value in rows if isinstance(value, bytes)}
        return [found.get(key) for key in keys]

    def put(self, key: str, value: bytes, seconds: float) -> None:
        self._change(_PUT, key, value, self._now() + milliseconds(seconds))

    def put_if_absent(self, key: str, value: bytes, seconds: float) -> bool:
        now = self._now()
        return self._change(_PUT_IF_ABSENT, key, value, now + milliseconds(seconds), now)

    def replace(self, key: str, expected: bytes, value: bytes, seconds: float) -> bool:
        now = self._now()
        return self._change(_REPLACE, value, now + milliseconds(seconds), key, expected, now)

    def delete(self, keys: Sequence[str]) -> None:
        self._change(f"DELETE FROM entries WHERE key IN ({', '.join('?' * len(keys))})", *keys)  # noqa: S608 marks only

    def delete_if(self, key: str, expected: bytes) -> bool:
        return self._change(_DELETE_IF, key, expected, self._now())

    def close(self) -> None:
        _close(self._lanes)

    def _change(self, statement: str, *values: object) -> bool:
        return self._lanes[1].run(lambda connection: self._execute(connection, statement, values))

    def _execute(self, connection: sqlite3.Connection, statement: str, values: tuple[object, ...]) -> bool:
        changed = connection.execute(statement, values).rowcount > 0
        if self._clock() >= self._sweep_at:
            # what could not be swept now is swept later, and never read meanwhile
            with suppress(sqlite3.OperationalError):
                self._sweep(connection)
        return changed

    def _sweep(self, connection: sqlite3.Connection) -> None:
        self._sweep_at = self._clock() + SWEEP_SECONDS
        if connection.execute(_SWEEP, (self._now(), SWEEP_ROWS)).rowcount >= SWEEP_ROWS:
            self._sweep_at = 0.0  # the rest with the next change, so that none takes long

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def before_fork(self) -> None:
        for lane in self._lanes:
            if lane.acquire():
                self._held.append(lane)
                lane.close()

    def after_fork_in_parent(self) -> None:
        held, self._held = self._held, []
        for lane in held:
            lane.release()

    def after_fork_in_child(self) -> None:
        # One that was in use all the time stays as it is, unused: closing it would close the parent's, too.
        stuck = [lane for lane in self._lanes if lane not in self._held]
        self._left_behind += stuck
        self._lanes[:] = [self._new_lane() if lane in stuck else lane for lane in self._lanes]
        self.after_fork_in_parent()


class _Lane:
    """One connection for one thread at a time, opened when it is needed."""

    def __init__(self, path: str, timeout: float) -> None:
        self._path, self._timeout = path, timeout
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` gives. Raises StoreUnavailable; the next one begins with a new connection then."""
        if not self.acquire():
            raise self._failure("other threads have used it all the time")
        try:
            if self._connection is None:
                self._connection = _open(self._path, self._timeout)
            return work(self._connection)
        except sqlite3.Error as error:
            self.close()
            # the name alone: messages may quote what was to be written
            failure = self._failure(getattr(error, "sqlite_errorname", type(error).__name__))
        except OSError as error:
            failure = self._failure(error.strerror or type(error).__name__)
        finally:
            self.release()
        raise failure

    def acquire(self) -> bool:
        return self._lock.acquire(timeout=self._timeout)

    def release(self) -> None:
        self._lock.release()

    def close(self) -> None:
        """By whoever has acquired it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _failure(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(f"the SQLite store {self._path} can't be used: {reason}", store=self._path)


def _close(lanes: list[_Lane]) -> None:
    for lane in lanes:
        if lane.acquire():
            try:
                lane.close()
            finally:
                lane.release()


def _follow_forks(file: SQLiteFile) -> None:
    known = weakref.ref(file)

    def tell(event: Callable[[SQLiteFile], None]) -> None:
        found = known()
        if found is not None:
            event(found)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=partial(tell, SQLiteFile.before_fork),
            after_in_parent=partial(tell, SQLiteFile.after_fork_in_parent),
            after_in_child=partial(tell, SQLiteFile.after_fork_in_child),
        )


def _open(path: str, timeout: float) -> sqlite3.Connection:
    """A connection to the entries at `path`, which are made when there are none."""
    if not os.path.exists(path):
        _create(path)
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        # in one transaction: another process may be making the table
        connection.execute("BEGIN")
        is_ready = _is_ours(connection, path)
        connection.execute("COMMIT")
        _write_ahead(connection, time.monotonic() + timeout)
        if not is_ready:
            _make_table(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: str) -> None:
    """An empty file that nobody else may read. SQLite's own files beside it take over its mode."""
    directory, name = os.path.split(os.path.abspath(path))
    descriptor, draft = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
    # Closed before it has its name: closing a file in use would lose the locks that this process has on it.
    os.close(descriptor)
    try:
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)


def _is_ours(connection: sqlite3.Connection, path: str) -> bool:
    """Whether the table is there; False for an empty database. Raises ConfigurationError for any other."""
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if (owner, version) == (APPLICATION_ID, SCHEMA_VERSION):
        return True
    (things,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (owner, version, things) == (0, 0, 0):
        return False
    whose = f"version {version} of the store" if owner == APPLICATION_ID else "the database of something else"
    raise ConfigurationError(
        f"{path} is {whose}, and version {SCHEMA_VERSION} is expected: name another file, or remove it",
        setting="path",
    )


def _write_ahead(connection: sqlite3.Connection, end: float) -> None:
    # For the change to WAL itself SQLite does not wait.
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except sqlite3.OperationalError:
            if time.monotonic() >= end:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise OSError(0, "its file system does not allow WAL mode")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA journal_size_limit = 16777216")


def _make_table(connection: sqlite3.Connection, path: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _is_ours(connection, path):
            connection.execute(_TABLE)
            connection.execute(_INDEX)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
