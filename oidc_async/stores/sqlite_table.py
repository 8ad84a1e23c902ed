"""A table in an SQLite database that the threads and processes of one host share."""

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
# An expired entry counts as absent: the condition on the upsert overwrites it in the same statement.
_PUT_IF_ABSENT = f"{_PUT} WHERE entries.expires <= ?"
_REPLACE = "UPDATE entries SET value = ?, expires = ? WHERE key = ? AND value = ? AND expires > ?"
_DELETE_IF = "DELETE FROM entries WHERE key = ? AND value = ? AND expires > ?"
_SWEEP = "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE expires <= ? LIMIT ?)"


class SQLiteFile:
    """The entries of one file. Each change is a single statement, so it is atomic.

    One connection reads and another one writes; one thread at a time uses each of them. In WAL mode readers don't
    wait for a writer, and SQLite has a single writer at a time anyway. Both are closed before a fork, because SQLite
    forbids to use a connection in a child process.
    """

    def __init__(self, path: str, timeout: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._new_connection = partial(_Connection, path, timeout)
        self._connections = [self._new_connection(), self._new_connection()]
        self._held: list[_Connection] = []
        self._abandoned: list[_Connection] = []
        self._sweep_at = 0.0
        weakref.finalize(self, _close, self._connections)
        _follow_forks(self)

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        marks = ", ".join("?" * len(keys))
        query = f"SELECT key, value FROM entries WHERE key IN ({marks}) AND expires > ?"  # noqa: S608 only marks
        rows = self._connections[0].run(lambda connection: connection.execute(query, (*keys, self._now())).fetchall())
        # SQLite does not enforce the type of a column, and other programs may write to the file.
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
        _close(self._connections)

    def _change(self, statement: str, *values: object) -> bool:
        return self._connections[1].run(lambda connection: self._execute(connection, statement, values))

    def _execute(self, connection: sqlite3.Connection, statement: str, values: tuple[object, ...]) -> bool:
        changed = connection.execute(statement, values).rowcount > 0
        if self._clock() >= self._sweep_at:
            # If this fails, a later call removes the expired entries. They are never read until then.
            with suppress(sqlite3.OperationalError):
                self._sweep(connection)
        return changed

    def _sweep(self, connection: sqlite3.Connection) -> None:
        self._sweep_at = self._clock() + SWEEP_SECONDS
        if connection.execute(_SWEEP, (self._now(), SWEEP_ROWS)).rowcount >= SWEEP_ROWS:
            # The next change removes more, so that none of them takes long.
            self._sweep_at = 0.0

    def _now(self) -> int:
        return int(self._clock() * 1000)

    # Handlers of forks: the connections are acquired and closed before a fork, so that the child inherits neither an
    # open connection nor a lock that another thread holds.
    def before_fork(self) -> None:
        for connection in self._connections:
            if connection.acquire():
                self._held.append(connection)
                connection.close()

    def after_fork_in_parent(self) -> None:
        held, self._held = self._held, []
        for connection in held:
            connection.release()

    def after_fork_in_child(self) -> None:
        # A connection that was in use during the fork is abandoned, but referenced: closing it in the child would
        # release the file locks of the parent.
        in_use = [connection for connection in self._connections if connection not in self._held]
        self._abandoned += in_use
        self._connections[:] = [
            self._new_connection() if connection in in_use else connection for connection in self._connections
        ]
        self.after_fork_in_parent()


class _Connection:
    """A connection that one thread at a time uses, opened on first use."""

    def __init__(self, path: str, timeout: float) -> None:
        self._path, self._timeout = path, timeout
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return the result of `work`. Raises StoreUnavailable; the next call then opens a new connection."""
        if not self.acquire():
            raise self._failure(f"other threads have used the connection for {self._timeout:g} s")
        try:
            if self._connection is None:
                self._connection = _open(self._path, self._timeout)
            return work(self._connection)
        except sqlite3.Error as error:
            self.close()
            # Only the name of the error: its message may quote the values.
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
        """Close the connection; the caller has acquired it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _failure(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(f"the SQLite store {self._path} can't be used: {reason}", store=self._path)


def _close(connections: list[_Connection]) -> None:
    for connection in connections:
        if connection.acquire():
            try:
                connection.close()
            finally:
                connection.release()


def _follow_forks(file: SQLiteFile) -> None:
    # Handlers of forks can't be unregistered: a strong reference would keep the store for ever.
    reference = weakref.ref(file)

    def notify(event: Callable[[SQLiteFile], None]) -> None:
        found = reference()
        if found is not None:
            event(found)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=partial(notify, SQLiteFile.before_fork),
            after_in_parent=partial(notify, SQLiteFile.after_fork_in_parent),
            after_in_child=partial(notify, SQLiteFile.after_fork_in_child),
        )


def _open(path: str, timeout: float) -> sqlite3.Connection:
    """Open a connection; create the file and its table if necessary."""
    if not os.path.exists(path):
        _create(path)
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        # In one transaction, because another process may be creating the table.
        connection.execute("BEGIN")
        is_ready = _has_our_table(connection, path)
        connection.execute("COMMIT")
        _write_ahead(connection, time.monotonic() + timeout)
        if not is_ready:
            _create_table(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: str) -> None:
    """Create an empty file that only its owner may read; SQLite gives the same mode to the files beside it."""
    directory, name = os.path.split(os.path.abspath(path))
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
    # Close the file before it gets its name: POSIX releases all locks that a process has on a file when it closes any
    # descriptor of that file.
    os.close(descriptor)
    try:
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)


def _has_our_table(connection: sqlite3.Connection, path: str) -> bool:
    """Whether the table exists; False for an empty database. Raises ConfigurationError for any other database."""
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if (owner, version) == (APPLICATION_ID, SCHEMA_VERSION):
        return True
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (owner, version, objects) == (0, 0, 0):
        return False
    found = f"version {version} of the store" if owner == APPLICATION_ID else "the database of another application"
    raise ConfigurationError(
        f"{path} is {found}, not version {SCHEMA_VERSION} of the store: choose another file, or remove this one",
        setting="path",
    )


def _write_ahead(connection: sqlite3.Connection, end: float) -> None:
    # The timeout of a connection does not apply to the change to WAL mode, so this waits itself.
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except sqlite3.OperationalError:
            if time.monotonic() >= end:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise OSError(0, "its file system does not support WAL mode")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA journal_size_limit = 16777216")


def _create_table(connection: sqlite3.Connection, path: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _has_our_table(connection, path):
            connection.execute(_TABLE)
            connection.execute(_INDEX)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
