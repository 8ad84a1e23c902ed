"""The core as threads and as asyncio see it, called alike."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar

from oidc_async import (
    Access,
    AsyncRelyingParty,
    AsyncResourceServer,
    AsyncRuntime,
    BlockingRuntime,
    HttpSettings,
    ProviderConfiguration,
    RelyingParty,
    ResourceServer,
    Statistics,
)
from oidc_async.protocol.token import TokenResponse

P = ParamSpec("P")
T = TypeVar("T")

REDIRECT_URI = "http://127.0.0.1/callback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A resource server."""

    verify: Callable[..., Access]
    forget: Callable[[str], None]
    statistics: Callable[[], Statistics]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A client that acts on its own."""

    client_credentials_grant: Callable[..., TokenResponse]
    service_token: Callable[..., TokenResponse]
    revoke: Callable[..., bool]


class World(Protocol):
    def api(self, configuration: ProviderConfiguration) -> Api: ...

    def service(self, configuration: ProviderConfiguration) -> Service: ...

    def close(self) -> None: ...


class Threads:
    def __init__(self) -> None:
        self._runtimes: dict[HttpSettings, BlockingRuntime] = {}

    def api(self, configuration: ProviderConfiguration) -> Api:
        server = ResourceServer(configuration, runtime=self._runtime(configuration))
        return Api(verify=server.verify, forget=server.forget, statistics=server.statistics)

    def service(self, configuration: ProviderConfiguration) -> Service:
        rp = RelyingParty(configuration, redirect_uri=REDIRECT_URI, runtime=self._runtime(configuration))
        return Service(
            client_credentials_grant=rp.client_credentials_grant, service_token=rp.service_token, revoke=rp.revoke
        )

    def close(self) -> None:
        for runtime in self._runtimes.values():
            runtime.close()

    def _runtime(self, configuration: ProviderConfiguration) -> BlockingRuntime:
        settings = configuration.http_settings
        return self._runtimes.setdefault(settings, BlockingRuntime(settings))


class Asyncio:
    def __init__(self) -> None:
        self._runner, self._runtimes = asyncio.Runner(), dict[HttpSettings, AsyncRuntime]()

    def api(self, configuration: ProviderConfiguration) -> Api:
        server = AsyncResourceServer(configuration, runtime=self._runtime(configuration))
        return Api(
            verify=self._awaited(server.verify), forget=self._awaited(server.forget), statistics=server.statistics
        )

    def service(self, configuration: ProviderConfiguration) -> Service:
        rp = AsyncRelyingParty(configuration, redirect_uri=REDIRECT_URI, runtime=self._runtime(configuration))
        return Service(
            client_credentials_grant=self._awaited(rp.client_credentials_grant),
            service_token=self._awaited(rp.service_token),
            revoke=self._awaited(rp.revoke),
        )

    def close(self) -> None:
        for runtime in self._runtimes.values():
            self._awaited(runtime.aclose)()
        self._runner.close()

    def _runtime(self, configuration: ProviderConfiguration) -> AsyncRuntime:
        settings = configuration.http_settings
        return self._runtimes.setdefault(settings, AsyncRuntime(settings))

    def _awaited(self, method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
        return lambda *args, **kwargs: self._runner.run(method(*args, **kwargs))
