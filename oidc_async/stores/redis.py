"""Entries in Redis or Valkey: for many processes on many hosts."""

from collections.abc import Sequence
from typing import Any, Protocol

from .async_redis import AsyncCommands
from .blocking_redis import BlockingCommands
from .port import Store, milliseconds
from .redis_connection import (
    RedisServer,
    own_async_client,
    own_client,
    place_of_client,
    require_client,
)

# Sent with each call: no longer than its digest with all that it takes when a restarted server has forgotten it.
_REPLACE = (
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
    "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1"
)
_DELETE_IF = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end return redis.call('DEL', KEYS[1])"


class RedisStore:
    """Keeps entries in Redis or Valkey, 6 or newer, a single server or one that Sentinel chose; not in a cluster.

    Parameters:
        client: a redis.Redis or valkey.Valkey for threads, one of their asyncio classes for event loops. It is
            never closed, its timeouts and retries stay as they are, and an asyncio one belongs to one event loop.
            Sentinel's `master_for()` gives such a client.
        prefix: of all keys, to share a server with others.

    Raises ConfigurationError when it is no such client.
    """

    def __init__(self, client: object, *, prefix: str = "oidc:") -> None:
        self._place = client.place() if isinstance(client, RedisServer) else place_of_client(client)
        self._client = client
        self._prefix = prefix

    @classmethod
    def from_url(
        cls, url: str, *, prefix: str = "oidc:", timeout: float = 2.0, max_connections: int = 50
    ) -> "RedisStore":
        """Over connections of its own, those of a process or event loop apart from all others'.

        Parameters:
            url: redis://, rediss:// or unix://, with what redis-py understands in its query.
            prefix: of all keys.
            timeout: seconds to connect, for an answer, and to wait for a free connection, each; in event loops
                also for all of it together.
            max_connections: for each process or event loop.

        Raises ConfigurationError when redis-py is not installed or can't use the URL, whose text is never shown.
        """
        return cls(RedisServer(url, timeout, max_connections), prefix=prefix)

    def __repr__(self) -> str:
        return f"RedisStore({self._place}, prefix={self._prefix!r})"

    def blocking(self) -> Store:
        client = self._client
        if isinstance(client, RedisServer):
            commands = BlockingCommands(lambda: own_client(client), self._place, is_ours=True)
        else:
            given = require_client(client, is_async=False)
            commands = BlockingCommands(lambda: given, self._place, is_ours=False)
        return RedisEntries(commands, self._prefix)

    def asynchronous(self) -> Store:
        client = self._client
        if isinstance(client, RedisServer):
            commands = AsyncCommands(lambda: own_async_client(client), self._place, client.timeout, is_ours=True)
        else:
            given = require_client(client, is_async=True)
            commands = AsyncCommands(lambda: given, self._place, None, is_ours=False)
        return RedisEntries(commands, self._prefix)


class Commands(Protocol):
    """How commands get to a server and answers back; what fails raises StoreUnavailable."""

    async def execute(self, *command: str | bytes | int) -> Any: ...

    async def close(self) -> None: ...


class RedisEntries:
    """A server as a `Store`."""

    def __init__(self, commands: Commands, prefix: str) -> None:
        self._commands = commands
        self._prefix = prefix

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        if not keys:
            return []
        values: list[bytes | None] = await self._commands.execute("MGET", *map(self._name, keys))
        return values

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        await self._commands.execute("SET", self._name(key), value, "PX", milliseconds(seconds))

    async def put_if_absent(self, key: str, value: bytes, seconds: float) -> bool:
        return bool(await self._commands.execute("SET", self._name(key), value, "PX", milliseconds(seconds), "NX"))

    async def replace(self, key: str, expected: bytes, value: bytes, seconds: float) -> bool:
        lifetime = milliseconds(seconds)
        return bool(await self._commands.execute("EVAL", _REPLACE, 1, self._name(key), expected, value, lifetime))

    async def delete(self, keys: Sequence[str]) -> None:
        if keys:
            await self._commands.execute("DEL", *map(self._name, keys))

    async def delete_if(self, key: str, expected: bytes) -> bool:
        return bool(await self._commands.execute("EVAL", _DELETE_IF, 1, self._name(key), expected))

    async def close(self) -> None:
        await self._commands.close()

    def _name(self, key: str) -> str:
        return self._prefix + key
