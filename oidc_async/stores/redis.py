"""A store in Redis or Valkey: for processes on several hosts."""

from collections.abc import Sequence
from typing import Any, Protocol

from .async_redis import AsyncCommands
from .blocking_redis import BlockingCommands
from .port import Store, milliseconds
from .redis_connection import (
    RedisServer,
    address_of_client,
    own_async_client,
    own_client,
    require_client,
)

# Scripts are sent with each call. EVALSHA would save few bytes and needs a fallback for a server that was restarted.
_REPLACE = (
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
    "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1"
)
_DELETE_IF = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end return redis.call('DEL', KEYS[1])"


class RedisStore:
    """A store in Redis or Valkey, 6 or newer: a single server or a Sentinel setup, but not a cluster.

    Args:
        client: a redis.Redis or valkey.Valkey for threads, one of their asyncio classes for event loops. The store
            never closes it and does not change its timeouts and retries. An asyncio client belongs to one event loop.
            Sentinel's `master_for()` returns such a client.
        prefix: the prefix of all keys, so that applications can share a server.

    Raises:
        ConfigurationError: `client` is not such a client.
    """

    def __init__(self, client: object, *, prefix: str = "oidc:") -> None:
        self._address = client.address() if isinstance(client, RedisServer) else address_of_client(client)
        self._client = client
        self._prefix = prefix

    @classmethod
    def from_url(
        cls, url: str, *, prefix: str = "oidc:", timeout: float = 2.0, max_connections: int = 50
    ) -> "RedisStore":
        """Create a store with its own connections, separate for each process and event loop.

        Args:
            url: redis://, rediss:// or unix://, with the query parameters of redis-py.
            prefix: the prefix of all keys.
            timeout: the seconds to connect, to wait for a response, and to wait for a free connection, each; in event
                loops also the limit of all three together.
            max_connections: the limit for each process or event loop.

        Raises:
            ConfigurationError: redis-py is not installed, or can't use the URL. The message never shows the URL.
        """
        return cls(RedisServer(url, timeout, max_connections), prefix=prefix)

    def __repr__(self) -> str:
        return f"RedisStore({self._address}, prefix={self._prefix!r})"

    def blocking(self) -> Store:
        client = self._client
        if isinstance(client, RedisServer):
            commands = BlockingCommands(lambda: own_client(client), self._address, owns_client=True)
        else:
            given = require_client(client, is_async=False)
            commands = BlockingCommands(lambda: given, self._address, owns_client=False)
        return RedisEntries(commands, self._prefix)

    def asynchronous(self) -> Store:
        client = self._client
        if isinstance(client, RedisServer):
            commands = AsyncCommands(
                lambda: own_async_client(client), self._address, client.timeout, owns_client=True
            )
        else:
            given = require_client(client, is_async=True)
            commands = AsyncCommands(lambda: given, self._address, None, owns_client=False)
        return RedisEntries(commands, self._prefix)


class Commands(Protocol):
    """Sends commands and returns responses. Failures raise StoreUnavailable."""

    async def execute(self, *command: str | bytes | int) -> Any: ...

    async def close(self) -> None: ...


class RedisEntries:
    """The `Store` over a Redis or Valkey server."""

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
        # SET with NX and PX is atomic. SETNX and EXPIRE would be two commands, and a crash between them would leave
        # an entry that never expires.
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
