"""Entries in an SQLite database: for the processes of one host, without a server."""

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
    """Keeps entries in a file that all processes of a host share; survives restarts, also sudden ones.

    The file is made at first use, readable to its owner only, in a directory that must exist, on a disk of this
    host. Lifetimes follow the wall clock, the only one that processes share. On asyncio, calls run in two threads of
    the store's own, so that the loop never waits for a lock.

    Parameters:
        path: of the database file; better an absolute one.
        timeout: seconds to wait for other threads and processes.
        clock: seconds since the epoch.

    Raises ConfigurationError for a timeout that cannot work; at first use when the file is another application's.
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
    """How calls that block are made."""

    def read(self, work: Callable[[], T]) -> Awaitable[T]: ...

    def write(self, work: Callable[[], T]) -> Awaitable[T]: ...

    def close(self) -> None: ...


class BlockingCalls:
    """In the thread of the caller."""

    async def read(self, work: Callable[[], T]) -> T:
        return work()

    async def write(self, work: Callable[[], T]) -> T:
        return work()

    def close(self) -> None: ...


class SQLiteEntries:
    """A file as a `Store`."""

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
