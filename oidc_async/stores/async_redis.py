"""Commands to Redis from event loops."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from oidc_async.errors import StoreUnavailable

from .redis_connection import store_errors, store_failure


class AsyncCommands:
    """Sends commands over the clients that `client` gives, one for each event loop.

    A command runs in a task of its own and is never cancelled: a connection that was left in the middle of an
    answer would give it to the next one who asks, or would never come back to its pool.

    `timeout` is in seconds, for a command from its place in the queue to its answer; None leaves that to the client.
    """

    def __init__(self, client: Callable[[], Any], place: str, timeout: float | None, *, is_ours: bool) -> None:
        self._client = client
        self._place, self._timeout = place, timeout
        self._is_ours = is_ours
        self._homes: dict[asyncio.AbstractEventLoop, _Home] = {}
        self._under_way: set[asyncio.Task[Any]] = set()

    async def execute(self, *command: str | bytes | int) -> Any:
        client = (await self._home()).client
        task = asyncio.get_running_loop().create_task(_execute(client, command, self._place))
        self._under_way.add(task)
        task.add_done_callback(self._landed)
        done, _ = await asyncio.wait((task,), timeout=self._timeout)
        if not done:
            message = f"Redis at {self._place} can't be used: no answer in {self._timeout:g} s"
            raise StoreUnavailable(message, store=self._place)
        return task.result()

    async def close(self) -> None:
        home = self._homes.pop(asyncio.get_running_loop(), None)
        if home is not None:
            await home.close()

    def _landed(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # seen, also when its caller is gone

    async def _home(self) -> "_Home":
        loop = asyncio.get_running_loop()
        home = self._homes.get(loop)
        if home is None:
            for closed in [known for known in list(self._homes) if known.is_closed()]:
                self._homes.pop(closed, None)
            home = self._homes[loop] = _Home(self._client())
            if self._is_ours:
                await home.live()
        return home


class _Home:
    """The client of one event loop; one of ours is closed with it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._lifeline: AsyncGenerator[None] | None = None

    async def live(self) -> None:
        self._lifeline = _closing_with_the_loop(self.client)
        await anext(self._lifeline)

    async def close(self) -> None:
        if self._lifeline is not None:
            await self._lifeline.aclose()


async def _execute(client: Any, command: tuple[str | bytes | int, ...], place: str) -> Any:
    try:
        # as bytes, whatever the client of a caller's own makes of answers
        return await client.execute_command(*command, NEVER_DECODE=True)
    except store_errors() as error:
        failure = store_failure(error, place)
    raise failure


async def _closing_with_the_loop(client: Any) -> AsyncGenerator[None]:
    # A loop that shuts down closes the async generators that it has begun.
    try:
        yield
    finally:
        await client.aclose(close_connection_pool=True)
