"""Redis commands from event loops."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from oidc_async.errors import StoreUnavailable

from .redis_connection import store_errors, store_failure


class AsyncCommands:
    """Sends commands, with one client for each event loop.

    A command runs in its own task and is never cancelled. A connection that is left with half a response would give
    the rest to the next command, or would never return to its pool.

    Args:
        new_client: creates the client of an event loop.
        address: the server, for messages.
        timeout: the seconds for a command, including the wait for a connection; None leaves that to the client.
        owns_client: whether the clients are closed with their event loops.
    """

    def __init__(
        self, new_client: Callable[[], Any], address: str, timeout: float | None, *, owns_client: bool
    ) -> None:
        self._new_client = new_client
        self._address, self._timeout = address, timeout
        self._owns_client = owns_client
        self._clients: dict[asyncio.AbstractEventLoop, _LoopClient] = {}
        self._running: set[asyncio.Task[Any]] = set()

    async def execute(self, *command: str | bytes | int) -> Any:
        client = (await self._loop_client()).client
        task = asyncio.get_running_loop().create_task(_execute(client, command, self._address))
        # The event loop has only a weak reference to a task.
        self._running.add(task)
        task.add_done_callback(self._complete)
        done, _ = await asyncio.wait((task,), timeout=self._timeout)
        if not done:
            message = f"Redis at {self._address} can't be used: no response within {self._timeout:g} s"
            raise StoreUnavailable(message, store=self._address)
        return task.result()

    async def close(self) -> None:
        found = self._clients.pop(asyncio.get_running_loop(), None)
        if found is not None:
            await found.close()

    def _complete(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            # Retrieve the exception: if its caller has timed out, asyncio would log it as never retrieved.
            task.exception()

    async def _loop_client(self) -> "_LoopClient":
        loop = asyncio.get_running_loop()
        found = self._clients.get(loop)
        if found is None:
            for closed in [other for other in list(self._clients) if other.is_closed()]:
                self._clients.pop(closed, None)
            found = self._clients[loop] = _LoopClient(self._new_client())
            if self._owns_client:
                await found.close_with_loop()
        return found


class _LoopClient:
    """The client of one event loop."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._closer: AsyncGenerator[None] | None = None

    async def close_with_loop(self) -> None:
        self._closer = _closing_with_loop(self.client)
        await anext(self._closer)

    async def close(self) -> None:
        if self._closer is not None:
            await self._closer.aclose()


async def _execute(client: Any, command: tuple[str | bytes | int, ...], address: str) -> Any:
    try:
        # Always bytes: the application's client may be configured to decode responses.
        return await client.execute_command(*command, NEVER_DECODE=True)
    except store_errors() as error:
        failure = store_failure(error, address)
    raise failure


async def _closing_with_loop(client: Any) -> AsyncGenerator[None]:
    # asyncio has no hook for the end of an event loop, but an event loop that ends closes its async generators.
    try:
        yield
    finally:
        await client.aclose(close_connection_pool=True)
