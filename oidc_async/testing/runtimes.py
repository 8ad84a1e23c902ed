"""The real runtimes with simulated providers instead of a network."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from oidc_async.errors import ProviderTimeout, ProviderUnreachable, ResponseTooLarge
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.runtime.async_runtime import AsyncRuntime
from oidc_async.runtime.blocking_runtime import BlockingRuntime

from .interfaces import Reachable
from .reply import Reply


def async_runtime(*providers: Reachable, settings: HttpSettings | None = None, latency: float = 0.0) -> AsyncRuntime:
    """Create an AsyncRuntime that reaches only these providers.

    It uses the clock of the first provider: sleeping, and waiting for a slow provider, advances that clock and
    takes no real time.

    Args:
        providers: the providers to reach.
        settings: HTTP settings.
        latency: real seconds per request.
    """
    return _AsyncSimulation(Network(providers=providers, settings=settings or HttpSettings(), latency=latency))


def blocking_runtime(
    *providers: Reachable, settings: HttpSettings | None = None, latency: float = 0.0
) -> BlockingRuntime:
    """Create a BlockingRuntime like the AsyncRuntime of `async_runtime`."""
    return _BlockingSimulation(Network(providers=providers, settings=settings or HttpSettings(), latency=latency))


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The simulated network: providers that are found by the origin of a URL."""

    providers: tuple[Reachable, ...]
    settings: HttpSettings
    latency: float

    def exchange(self, request: HttpRequest) -> HttpResponse:
        """Send a request, and return or raise what a real runtime would."""
        reply = self._host(request.url).handle(request)
        self._wait_for(reply, request.deadline(self.settings.deadline))
        if reply.breaks_after is not None:
            answered = {"answered": reply.status} if reply.breaks_after else {}
            raise ProviderUnreachable("the connection broke", host=urlsplit(request.url).netloc, **answered)
        if reply.never_ends or len(reply.body) > request.max_body or "content-encoding" in reply.headers:
            raise ResponseTooLarge(
                "the response is larger than allowed", limit=request.max_body, answered=reply.status
            )
        return HttpResponse(status=reply.status, headers=reply.headers, body=reply.body)

    def pass_time(self, seconds: float) -> None:
        self.providers[0].clock.advance(seconds)

    def end_of(self, seconds: float) -> float:
        """Return the monotonic time in `seconds` seconds."""
        return self.providers[0].clock.monotonic() + seconds

    def pass_until(self, end: float) -> None:
        """Advance the clock to `end`, unless it is later: concurrent sleeps overlap."""
        self.pass_time(max(end - self.providers[0].clock.monotonic(), 0))

    def _wait_for(self, reply: Reply, deadline: float) -> None:
        if reply.drips or reply.delay >= deadline:
            self.pass_time(deadline)
            answered = {"answered": reply.status} if reply.delay < deadline else {}
            raise ProviderTimeout(f"the provider did not answer within {deadline:g} s", seconds=deadline, **answered)
        self.pass_time(reply.delay)

    def _host(self, url: str) -> Reachable:
        """Find the provider of this URL by origin, then by the longest issuer."""
        neighbours = [provider for provider in self.providers if _origin(provider.issuer) == _origin(url)]
        if not neighbours:
            raise ProviderUnreachable("no simulated provider has this origin", host=urlsplit(url).netloc)
        fitting = [provider for provider in neighbours if url.startswith(provider.issuer.rstrip("/") + "/")]
        return max(fitting or neighbours, key=lambda provider: len(provider.issuer))


SWITCH_SECONDS = 0.001
PUBLIC_ADDRESS = "8.8.8.8"
"""Address of every host: names are not resolved, and nothing is sent to it."""


class _AsyncSimulation(AsyncRuntime):
    def __init__(self, network: Network) -> None:
        clock = network.providers[0].clock
        super().__init__(network.settings, clock=clock, monotonic=clock.monotonic)
        self._network = network

    async def send(self, request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(self._network.latency)
        return self._network.exchange(request)

    async def addresses(self, request: HttpRequest) -> Sequence[str]:
        return [PUBLIC_ADDRESS]

    async def sleep(self, seconds: float) -> None:
        end = self._network.end_of(seconds)
        await asyncio.sleep(0)
        self._network.pass_until(end)


class _BlockingSimulation(BlockingRuntime):
    def __init__(self, network: Network) -> None:
        clock = network.providers[0].clock
        super().__init__(network.settings, clock=clock, monotonic=clock.monotonic)
        self._network = network

    async def send(self, request: HttpRequest) -> HttpResponse:
        time.sleep(self._network.latency)
        return self._network.exchange(request)

    async def addresses(self, request: HttpRequest) -> Sequence[str]:
        return [PUBLIC_ADDRESS]

    async def sleep(self, seconds: float) -> None:
        end = self._network.end_of(seconds)
        # lets the other threads run before the clock advances
        time.sleep(SWITCH_SECONDS)
        self._network.pass_until(end)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
