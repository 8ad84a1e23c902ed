"""Redis commands from threads."""

import os
from collections.abc import Callable
from typing import Any

from .redis_connection import store_errors, store_failure


class BlockingCommands:
    """Sends commands, with one client for each process.

    Args:
        new_client: creates the client of a process.
        address: the server, for messages.
        owns_client: whether `close` closes the client.
    """

    def __init__(self, new_client: Callable[[], Any], address: str, *, owns_client: bool) -> None:
        self._new_client = new_client
        self._address = address
        self._owns_client = owns_client
        self._clients: dict[int, Any] = {}

    async def execute(self, *command: str | bytes | int) -> Any:
        client = self._process_client()
        try:
            # Always bytes: the application's client may be configured to decode responses.
            return client.execute_command(*command, NEVER_DECODE=True)
        except store_errors() as error:
            failure = store_failure(error, self._address)
        raise failure

    async def close(self) -> None:
        client = self._clients.pop(os.getpid(), None)
        if client is not None and self._owns_client:
            client.close()
            client.connection_pool.disconnect()

    def _process_client(self) -> Any:
        # After a fork, the child keeps a reference to the client of its parent: closing it would disturb the parent.
        pid = os.getpid()
        return self._clients.get(pid) or self._clients.setdefault(pid, self._new_client())
