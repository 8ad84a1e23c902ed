"""The real runtimes with simulated providers in place of the network."""

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
    """An AsyncRuntime on which these providers are the whole internet.

    It lives on the clock of the first one: its waiting, and that for a slow provider, moves that clock and
    takes no real time. `latency` is in real seconds, for each exchange.
    """
    return _AsyncSimulation(Network(providers=providers, settings=settings or HttpSettings(), latency=latency))


def blocking_runtime(
    *providers: Reachable, settings: HttpSettings | None = None, latency: float = 0.0
) -> BlockingRuntime:
    """A BlockingRuntime on which these providers are the whole internet; see `async_runtime`."""
    return _BlockingSimulation(Network(providers=providers, settings=settings or HttpSettings(), latency=latency))


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """All there is to reach."""

    providers: tuple[Reachable, ...]
    settings: HttpSettings
    latency: float

    def exchange(self, request: HttpRequest) -> HttpResponse:
        """What a runtime would make of the answer, accidents on the way included."""
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
        """When it will be so many seconds later."""
        return self.providers[0].clock.monotonic() + seconds

    def pass_until(self, end: float) -> None:
        """Let time pass until `end`, unless it has: who sleep at the same time need no longer than one of them."""
        self.pass_time(max(end - self.providers[0].clock.monotonic(), 0))

    def _wait_for(self, reply: Reply, deadline: float) -> None:
        if reply.drips or reply.delay >= deadline:
            self.pass_time(deadline)
            answered = {"answered": reply.status} if reply.delay < deadline else {}
            raise ProviderTimeout(f"the provider did not answer within {deadline:g} s", seconds=deadline, **answered)
        self.pass_time(reply.delay)

    def _host(self, url: str) -> Reachable:
        """The provider at this origin; where several share one, the longest issuer that fits."""
        neighbours = [provider for provider in self.providers if _origin(provider.issuer) == _origin(url)]
        if not neighbours:
            raise ProviderUnreachable("no simulated provider lives there", host=urlsplit(url).netloc)
        fitting = [provider for provider in neighbours if url.startswith(provider.issuer.rstrip("/") + "/")]
        return max(fitting or neighbours, key=lambda provider: len(provider.issuer))


SWITCH_SECONDS = 0.001
PUBLIC_ADDRESS = "8.8.8.8"
"""That of everybody: names are not looked up, and nothing is sent to it."""


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
        # the others have to get on meanwhile
        time.sleep(SWITCH_SECONDS)
        self._network.pass_until(end)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
