"""A store in an SQLite database: for the processes of one host, without a server."""

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from oidc_async.errors import ConfigurationError

from .async_sqlite import AsyncCalls
from .port import Store
from .sqlite_table import SQLiteFile

T = TypeVar("T")


class SQLiteStore:
    """A store in a file that all processes of a host share. It survives restarts and crashes.

    The file is created on first use, readable by its owner only. Its directory must exist, on a local disk.
    Lifetimes follow the wall clock, the only clock that processes share. On asyncio, calls run in two threads of the
    store, so that the event loop never waits for a lock.

    Args:
        path: the database file, preferably an absolute path.
        timeout: how many seconds to wait for other threads and processes.
        clock: the wall clock, in seconds since the epoch.

    Raises:
        ConfigurationError: `timeout` is invalid; on first use, if the file is the database of another application.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, timeout: float = 5.0, clock: Callable[[], float] = time.time
    ) -> None:
        if not 0 < timeout < 1e6:
            raise ConfigurationError("timeout must be a positive number of seconds", setting="timeout")
        self._path = os.fspath(path)
        file = SQLiteFile(self._path, timeout, clock)
        self._blocking = SQLiteEntries(file, BlockingCalls())
        self._asynchronous = SQLiteEntries(file, AsyncCalls(self._path, timeout))

    def __repr__(self) -> str:
        return f"SQLiteStore({self._path!r})"

    def blocking(self) -> Store:
        return self._blocking

    def asynchronous(self) -> Store:
        return self._asynchronous


class Calls(Protocol):
    """Runs blocking calls."""

    def read(self, work: Callable[[], T]) -> Awaitable[T]: ...

    def write(self, work: Callable[[], T]) -> Awaitable[T]: ...

    def close(self) -> None: ...


class BlockingCalls:
    """Runs calls in the thread of the caller."""

    async def read(self, work: Callable[[], T]) -> T:
        return work()

    async def write(self, work: Callable[[], T]) -> T:
        return work()

    def close(self) -> None: ...


class SQLiteEntries:
    """The `Store` over an SQLite file."""

    def __init__(self, file: SQLiteFile, calls: Calls) -> None:
        self._file = file
        self._calls = calls

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        if not keys:
            return []
        return await self._calls.read(partial(self._file.get_many, keys))

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        await self._calls.write(partial(self._file.put, key, value, seconds))

    async def put_if_absent(self, key: str, value: bytes, seconds: float) -> bool:
        return await self._calls.write(partial(self._file.put_if_absent, key, value, seconds))

    async def replace(self, key: str, expected: bytes, value: bytes, seconds: float) -> bool:
        return await self._calls.write(partial(self._file.replace, key, expected, value, seconds))

    async def delete(self, keys: Sequence[str]) -> None:
        if keys:
            await self._calls.write(partial(self._file.delete, keys))

    async def delete_if(self, key: str, expected: bytes) -> bool:
        return await self._calls.write(partial(self._file.delete_if, key, expected))

    async def close(self) -> None:
        await self._calls.write(self._file.close)
        self._calls.close()
