"""The real runtimes with simulated providers in place of the network."""

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from oidc_async.async_runtime import AsyncRuntime
from oidc_async.blocking_runtime import BlockingRuntime
from oidc_async.errors import ProviderTimeout, ProviderUnreachable, ResponseTooLarge
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.runtime import HttpSettings

from .provider import SimulatedProvider
from .reply import Reply


def async_runtime(
    *providers: SimulatedProvider, settings: HttpSettings | None = None, latency: float = 0.0
) -> AsyncRuntime:
    """An AsyncRuntime on which these providers are the whole internet.

    It lives on the clock of the first one: its waiting, and that for a slow provider, moves that clock and
    takes no real time. `latency` is in real seconds, for each exchange.
    """
    return _AsyncSimulation(providers, settings or HttpSettings(), latency)


def blocking_runtime(
    *providers: SimulatedProvider, settings: HttpSettings | None = None, latency: float = 0.0
) -> BlockingRuntime:
    """A BlockingRuntime on which these providers are the whole internet; see `async_runtime`."""
    return _BlockingSimulation(providers, settings or HttpSettings(), latency)


class _AsyncSimulation(AsyncRuntime):
    def __init__(self, providers: Sequence[SimulatedProvider], settings: HttpSettings, latency: float) -> None:
        clock = providers[0].clock
        super().__init__(settings, clock=clock, monotonic=clock.monotonic)
        self._providers = providers
        self._deadline = settings.deadline
        self._latency = latency

    async def send(self, request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(self._latency)
        return exchange(self._providers, request, self._deadline)

    async def sleep(self, seconds: float) -> None:
        self._providers[0].clock.advance(seconds)
        await asyncio.sleep(0)


class _BlockingSimulation(BlockingRuntime):
    def __init__(self, providers: Sequence[SimulatedProvider], settings: HttpSettings, latency: float) -> None:
        clock = providers[0].clock
        super().__init__(settings, clock=clock, monotonic=clock.monotonic)
        self._providers = providers
        self._deadline = settings.deadline
        self._latency = latency

    async def send(self, request: HttpRequest) -> HttpResponse:
        time.sleep(self._latency)
        return exchange(self._providers, request, self._deadline)

    async def sleep(self, seconds: float) -> None:
        self._providers[0].clock.advance(seconds)


def exchange(providers: Sequence[SimulatedProvider], request: HttpRequest, deadline: float) -> HttpResponse:
    """What a runtime would make of the answer, accidents on the way included."""
    provider = _host(providers, request.url)
    reply = provider.handle(request)
    if not isinstance(reply, Reply):
        return reply
    if reply.drips or reply.delay >= deadline:
        providers[0].clock.advance(deadline)
        raise ProviderTimeout(f"the provider did not answer within {deadline:g} s", seconds=deadline)
    providers[0].clock.advance(reply.delay)
    if reply.breaks_after is not None:
        raise ProviderUnreachable("the connection was reset", host=urlsplit(request.url).netloc)
    if reply.never_ends or len(reply.body) > request.max_body:
        raise ResponseTooLarge("the response is larger than allowed", limit=request.max_body)
    return HttpResponse(status=reply.status, headers=reply.headers, body=reply.body)


def _host(providers: Sequence[SimulatedProvider], url: str) -> SimulatedProvider:
    """The provider at this origin; several may share one, then the longest issuer that fits answers."""
    at_origin = [provider for provider in providers if _origin(provider.issuer) == _origin(url)]
    if not at_origin:
        raise ProviderUnreachable("no simulated provider lives at this address", host=urlsplit(url).netloc)
    fitting = [provider for provider in at_origin if url.startswith(provider.issuer.rstrip("/") + "/")]
    return max(fitting or at_origin, key=lambda provider: len(provider.issuer))


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
