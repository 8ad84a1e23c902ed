"""SQLite calls from event loops: they run in threads, so that no event loop waits for a lock."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from oidc_async.errors import StoreUnavailable

T = TypeVar("T")


class AsyncCalls:
    """Runs reads in one thread and writes in another, for all event loops of a process.

    These are not the threads of asyncio.to_thread(): views that wait for the store may occupy all of those.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._path, self._timeout = path, timeout
        self._threads: dict[int, tuple[ThreadPoolExecutor, ThreadPoolExecutor]] = {}

    async def read(self, work: Callable[[], T]) -> T:
        return await self._run(self._process_threads()[0], work)

    async def write(self, work: Callable[[], T]) -> T:
        return await self._run(self._process_threads()[1], work)

    def close(self) -> None:
        for thread in self._threads.pop(os.getpid(), ()):
            thread.shutdown(wait=False)

    async def _run(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        running = asyncio.get_running_loop().run_in_executor(thread, work)
        try:
            # A thread can't be cancelled: after a timeout, the call may still be carried out, as the port says.
            async with asyncio.timeout(self._timeout):
                return await running
        except TimeoutError:
            message = f"the SQLite store {self._path} can't be used: it has not answered within {self._timeout:g} s"
            failure = StoreUnavailable(message, store=self._path)
        raise failure

    def _process_threads(self) -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
        pid = os.getpid()
        return self._threads.get(pid) or self._threads.setdefault(
            pid, (ThreadPoolExecutor(1, "oidc-store-reader"), ThreadPoolExecutor(1, "oidc-store-writer"))
        )
