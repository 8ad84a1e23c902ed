"""Calls of SQLite from event loops: each runs in a thread, so that no loop waits for a lock."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from oidc_async.errors import StoreUnavailable

T = TypeVar("T")


class AsyncCalls:
    """One thread reads and one writes, for all loops of a process.

    They are the store's own: those of asyncio.to_thread() may all be taken by views that wait for the store.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._path, self._timeout = path, timeout
        self._threads: dict[int, tuple[ThreadPoolExecutor, ThreadPoolExecutor]] = {}

    async def read(self, work: Callable[[], T]) -> T:
        return await self._run(self._of_this_process()[0], work)

    async def write(self, work: Callable[[], T]) -> T:
        return await self._run(self._of_this_process()[1], work)

    def close(self) -> None:
        for thread in self._threads.pop(os.getpid(), ()):
            thread.shutdown(wait=False)

    async def _run(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        running = asyncio.get_running_loop().run_in_executor(thread, work)
        try:
            async with asyncio.timeout(self._timeout):
                return await running
        except TimeoutError:
            message = f"the SQLite store {self._path} can't be used: it has not answered in {self._timeout:g} s"
            failure = StoreUnavailable(message, store=self._path)
        raise failure

    def _of_this_process(self) -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
        pid = os.getpid()
        return self._threads.get(pid) or self._threads.setdefault(
            pid, (ThreadPoolExecutor(1, "oidc-store-reader"), ThreadPoolExecutor(1, "oidc-store-writer"))
        )
