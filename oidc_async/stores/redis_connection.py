"""The use of redis-py and valkey-py: connection settings, checks of an application's client, and errors."""

import os
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from oidc_async.errors import ConfigurationError, StoreUnavailable

_FAMILIES = {"redis": "RedisError", "valkey": "ValkeyError"}
"""The libraries, and the base class of the errors of each."""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """The connection settings of a server. The URL is never shown, as it may contain a password.

    Raises:
        ConfigurationError: no client can be created from these settings.
    """

    url: str
    timeout: float
    max_connections: int

    def __post_init__(self) -> None:
        if not 0 < self.timeout < 1e6:
            raise ConfigurationError("timeout must be a positive number of seconds", setting="timeout")
        if self.max_connections < 1:
            raise ConfigurationError("max_connections must be at least 1", setting="max_connections")
        self.address()

    def __repr__(self) -> str:
        return f"RedisServer({self.address()})"

    def pool(self, library: Any) -> Any:
        """Create a pool of redis or redis.asyncio. The query of the URL takes precedence over these settings."""
        settings = {
            "socket_timeout": self.timeout,
            "socket_connect_timeout": self.timeout,
            "max_connections": self.max_connections,
            "timeout": self.timeout,
            "protocol": 2,
            # The pool replaces connections that a restart closed. A command is never sent twice: a put_if_absent
            # that was carried out the first time would report that somebody else created the entry.
            "retry": None,
        }
        if not self.url.startswith("unix:"):
            settings["socket_keepalive"] = True
        return library.BlockingConnectionPool.from_url(self.url, **settings)

    def address(self) -> str:
        """The address of the server, without secrets."""
        try:
            pool = self.pool(_redis())
            pool.connection_class(**pool.connection_kwargs)
        except (TypeError, ValueError, _redis().RedisError):
            # The message of this error may quote a password.
            failure = ConfigurationError(
                "this Redis URL can't be used: it must begin with redis://, rediss:// or unix://, have options that "
                "redis-py supports, and special characters in a password must be percent-encoded",
                setting="url",
            )
        else:
            return pool_address(pool)
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
    """Return `client` if it is a blocking or asyncio client, as needed. Raises ConfigurationError."""
    if isinstance(client, tuple(_client_classes(is_async=is_async))):
        return client
    wanted = "redis.asyncio.Redis or valkey.asyncio.Valkey" if is_async else "redis.Redis or valkey.Valkey"
    raise ConfigurationError(
        f"the client of RedisStore is {type(client).__module__}.{type(client).__name__}; "
        f"{'event loops (Quart)' if is_async else 'threads (Flask)'} need a {wanted}",
        setting="client",
    )


def address_of_client(client: object) -> str:
    """Return the address of the server of a client. Raises ConfigurationError if it is not a client."""
    pool: Any = getattr(client, "connection_pool", None)
    if isinstance(client, (*_client_classes(is_async=True), *_client_classes(is_async=False))):
        return pool_address(pool)
    raise ConfigurationError(
        f"RedisStore needs a client of redis-py or valkey-py, not {type(client).__module__}.{type(client).__name__}",
        setting="client",
    )


def _client_classes(*, is_async: bool) -> Iterator[type]:
    for family in _FAMILIES:
        # An application that has such a client has imported its library.
        module = sys.modules.get(f"{family}.asyncio" if is_async else family)
        if module is not None:
            yield getattr(module, family.capitalize())


def store_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions that a client raises if the server can't be used."""
    modules = [(sys.modules.get(f"{family}.exceptions"), root) for family, root in _FAMILIES.items()]
    return (OSError, *(getattr(module, root) for module, root in modules if module is not None))


def pool_address(pool: Any) -> str:
    """Return the address that a pool connects to, without secrets."""
    settings = pool.connection_kwargs
    if "path" in settings:
        return f"unix:{settings['path']}"
    if "host" not in settings:
        return str(getattr(pool, "service_name", "localhost"))
    return f"{settings['host']}:{settings.get('port', 6379)}/{settings.get('db', 0)}"


def store_failure(error: Exception, address: str) -> StoreUnavailable:
    """Create the error for the application, without the server's message, which may contain keys and values."""
    name = type(error).__name__
    reasons = [reason for reason in map(_reason, _causes(error)) if reason]
    reason = reasons[0] if reasons else name
    return StoreUnavailable(f"Redis at {address} can't be used: {reason}", store=address, error=name)


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        # its errno is a number of OpenSSL, not of the operating system
        return type(error).__name__
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
