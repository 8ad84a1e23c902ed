"""What is asked of redis-py and valkey-py: settings, clients of a caller's own, and what their errors mean."""

import os
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from oidc_async.errors import ConfigurationError, StoreUnavailable

_FAMILIES = {"redis": "RedisError", "valkey": "ValkeyError"}
"""The libraries, and the root of the errors of each."""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """How to reach a server whose clients are ours; the URL is never shown.

    Raises ConfigurationError for what no client can be made of.
    """

    url: str
    timeout: float
    max_connections: int

    def __post_init__(self) -> None:
        if not 0 < self.timeout < 1e6:
            raise ConfigurationError("timeout must be a positive number of seconds", setting="timeout")
        if self.max_connections < 1:
            raise ConfigurationError("max_connections must be at least 1", setting="max_connections")
        self.place()

    def __repr__(self) -> str:
        return f"RedisServer({self.place()})"

    def pool(self, library: Any) -> Any:
        """A pool of redis or redis.asyncio. What the query of the URL says goes before these settings."""
        settings = {
            "socket_timeout": self.timeout,
            "socket_connect_timeout": self.timeout,
            "max_connections": self.max_connections,
            "timeout": self.timeout,
            "protocol": 2,
            # The pool notices what a restart closed. To try again what was sent would be wrong for put_if_absent.
            "retry": None,
        }
        if not self.url.startswith("unix:"):
            settings["socket_keepalive"] = True
        return library.BlockingConnectionPool.from_url(self.url, **settings)

    def place(self) -> str:
        """Where it is, without any secret."""
        try:
            pool = self.pool(_redis())
            pool.connection_class(**pool.connection_kwargs)
        except (TypeError, ValueError, _redis().RedisError):
            # without what it said, which may quote a password
            failure = ConfigurationError(
                "this Redis URL can't be used: redis://, rediss:// and unix:// are understood, as redis-py does, "
                "and special characters in a password are percent-encoded",
                setting="url",
            )
        else:
            return place_of(pool)
        raise failure


def _redis() -> ModuleType:
    try:
        import redis
    except ImportError:
        failure = ConfigurationError('RedisStore needs redis-py: pip install "oidc-async[redis]"', setting="redis")
    else:
        return redis
    raise failure


def own_client(server: RedisServer) -> Any:
    redis = _redis()
    return redis.Redis(connection_pool=server.pool(redis))


def own_async_client(server: RedisServer) -> Any:
    _redis()
    import redis.asyncio

    return redis.asyncio.Redis(connection_pool=server.pool(redis.asyncio))


def require_client(client: object, *, is_async: bool) -> Any:
    """`client`, when it is a Redis or Valkey of this kind. Raises ConfigurationError."""
    if isinstance(client, tuple(_client_classes(is_async=is_async))):
        return client
    wanted = "redis.asyncio.Redis or valkey.asyncio.Valkey" if is_async else "redis.Redis or valkey.Valkey"
    raise ConfigurationError(
        f"the client of RedisStore is {type(client).__module__}.{type(client).__name__}; "
        f"{'event loops (Quart)' if is_async else 'threads (Flask)'} need a {wanted}",
        setting="client",
    )


def place_of_client(client: object) -> str:
    """Where a client of either kind goes. Raises ConfigurationError when it is none."""
    pool: Any = getattr(client, "connection_pool", None)
    if isinstance(client, (*_client_classes(is_async=True), *_client_classes(is_async=False))):
        return place_of(pool)
    raise ConfigurationError(
        f"RedisStore takes a client of redis-py or valkey-py, not {type(client).__module__}.{type(client).__name__}",
        setting="client",
    )


def _client_classes(*, is_async: bool) -> Iterator[type]:
    for family in _FAMILIES:
        # whoever has such a client has imported its library
        module = sys.modules.get(f"{family}.asyncio" if is_async else family)
        if module is not None:
            yield getattr(module, family.capitalize())


def store_errors() -> tuple[type[Exception], ...]:
    """What a call of a client may raise when the server can't be used."""
    modules = [(sys.modules.get(f"{family}.exceptions"), root) for family, root in _FAMILIES.items()]
    return (OSError, *(getattr(module, root) for module, root in modules if module is not None))


def place_of(pool: Any) -> str:
    """Where its connections go, without any secret."""
    settings = pool.connection_kwargs
    if "path" in settings:
        return f"unix:{settings['path']}"
    if "host" not in settings:
        return str(getattr(pool, "service_name", "localhost"))
    return f"{settings['host']}:{settings.get('port', 6379)}/{settings.get('db', 0)}"


def store_failure(error: Exception, place: str) -> StoreUnavailable:
    """What the application is told: never the server's own words, as they may quote keys and values."""
    name = type(error).__name__
    reasons = [reason for reason in map(_reason, _causes(error)) if reason]
    reason = reasons[0] if reasons else name
    return StoreUnavailable(f"Redis at {place} can't be used: {reason}", store=place, error=name)


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return type(error).__name__  # its number is none of the system's
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
