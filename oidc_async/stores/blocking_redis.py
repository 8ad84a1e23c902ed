"""Commands to Redis from threads."""

import os
from collections.abc import Callable
from typing import Any

from .redis_connection import store_errors, store_failure


class BlockingCommands:
    """Sends commands over the clients that `client` gives, one for each process."""

    def __init__(self, client: Callable[[], Any], place: str, *, is_ours: bool) -> None:
        self._client = client
        self._place = place
        self._is_ours = is_ours
        self._clients: dict[int, Any] = {}

    async def execute(self, *command: str | bytes | int) -> Any:
        client = self._of_this_process()
        try:
            # as bytes, whatever the client of a caller's own makes of answers
            return client.execute_command(*command, NEVER_DECODE=True)
        except store_errors() as error:
            failure = store_failure(error, self._place)
        raise failure

    async def close(self) -> None:
        client = self._clients.pop(os.getpid(), None)
        if client is not None and self._is_ours:
            client.close()
            client.connection_pool.disconnect()

    def _of_this_process(self) -> Any:
        # The parent's client stays referred to in the child: nothing of it may be closed there.
        pid = os.getpid()
        return self._clients.get(pid) or self._clients.setdefault(pid, self._client())
