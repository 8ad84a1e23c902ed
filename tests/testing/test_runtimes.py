"""The real runtimes, with simulated providers for a network: the same in both worlds."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from oidc_async.errors import OIDCError, ProviderTimeout, ProviderUnreachable, ResponseTooLarge
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.runtime.async_runtime import AsyncRuntime
from oidc_async.runtime.blocking_runtime import BlockingRuntime
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.testing import Clock, Fault, Misbehaviour, SimulatedProvider
from oidc_async.testing.runtimes import async_runtime, blocking_runtime

T = TypeVar("T")


class World:
    """One way to make a runtime and to run a coroutine on it."""

    def __init__(self, runtime: Callable[..., Runtime], run: Callable[[Any], Any]) -> None:
        self.runtime = runtime
        self._run = run

    def send(self, runtime: Runtime, url: str, **request: Any) -> HttpResponse:
        response: HttpResponse = self._run(runtime.send(HttpRequest(method="GET", url=url, **request)))
        return response

    def run(self, awaitable: Awaitable[T]) -> T:
        result: T = self._run(awaitable)
        return result


@pytest.fixture(params=["async", "blocking"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "async":
        return World(async_runtime, asyncio.run)
    return World(blocking_runtime, run_without_loop)


def test_a_runtime_reaches_the_provider(world: World, provider: SimulatedProvider) -> None:
    runtime = world.runtime(provider)
    response = world.send(runtime, f"{provider.issuer}/jwks")
    assert (response.status, type(response)) == (200, HttpResponse)
    assert provider.count("jwks") == 1


def test_the_provider_makes_its_own_runtimes(provider: SimulatedProvider) -> None:
    assert isinstance(provider.async_runtime(), AsyncRuntime)
    assert isinstance(provider.blocking_runtime(HttpSettings(deadline=1)), BlockingRuntime)


def test_a_runtime_lives_on_the_clock_of_its_provider(world: World, provider: SimulatedProvider) -> None:
    runtime = world.runtime(provider)
    now, monotonic = runtime.now(), runtime.monotonic()
    assert now == provider.clock()
    provider.clock.advance(600)
    assert (runtime.now(), runtime.monotonic()) == (now + 600, monotonic + 600)
    world.run(runtime.sleep(60))
    assert provider.clock() == now + 660


def test_those_who_sleep_at_the_same_time_sleep_no_longer_than_one_of_them(provider: SimulatedProvider) -> None:
    """Else fifty who wait for their turn at an endpoint would all have waited too long at once."""
    runtime, begin = async_runtime(provider), provider.clock.monotonic()

    async def sleep_together() -> None:
        await asyncio.gather(*(runtime.sleep(60) for _ in range(20)), runtime.sleep(90))

    asyncio.run(sleep_together())
    assert provider.clock.monotonic() == begin + 90


def test_nothing_else_can_be_reached(world: World, provider: SimulatedProvider) -> None:
    runtime = world.runtime(provider)
    with pytest.raises(ProviderUnreachable):
        world.send(runtime, "https://evil.example/jwks")
    with pytest.raises(ProviderUnreachable):
        world.send(runtime, "http://op.example/jwks")


def test_several_providers_share_a_network(world: World) -> None:
    providers = [
        SimulatedProvider(issuer)
        for issuer in ("https://a.example", "https://b.example/one", "https://b.example/one/two", "https://b.example")
    ]
    runtime = world.runtime(*providers)
    for provider in providers:
        response = world.send(runtime, f"{provider.issuer}/.well-known/openid-configuration")
        assert f'"issuer":"{provider.issuer}"'.encode() in response.body
    assert [provider.count("discovery") for provider in providers] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("fault", "error", "seconds"),
    [
        (Fault.JWKS_SLOW, ProviderTimeout, 5),
        (Fault.DISCOVERY_DRIP, ProviderTimeout, 5),
        (Fault.JWKS_RESET, ProviderUnreachable, 0),
        (Fault.DISCOVERY_CUT_OFF, ProviderUnreachable, 0),
        (Fault.JWKS_ENDLESS, ResponseTooLarge, 0),
        (Fault.JWKS_HUGE, ResponseTooLarge, 0),
        (Fault.DISCOVERY_GZIP_BOMB, ResponseTooLarge, 0),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value),
)
def test_accidents_become_errors_in_no_real_time(
    world: World, provider: SimulatedProvider, fault: Misbehaviour, error: type[OIDCError], seconds: float
) -> None:
    runtime = world.runtime(provider, settings=HttpSettings(deadline=5))
    path = "/jwks" if fault.name.startswith("JWKS") else "/.well-known/openid-configuration"
    before = provider.clock()
    with provider.misbehaving(fault), pytest.raises(error):
        world.send(runtime, provider.issuer + path)
    assert provider.clock() - before == seconds


def test_the_cap_of_the_request_counts(world: World, provider: SimulatedProvider) -> None:
    with pytest.raises(ResponseTooLarge):
        world.send(world.runtime(provider), f"{provider.issuer}/jwks", max_body=10)


def test_latency_takes_real_time(world: World, provider: SimulatedProvider) -> None:
    runtime = world.runtime(provider, latency=0.02)
    began = time.monotonic()
    world.send(runtime, f"{provider.issuer}/jwks")
    assert time.monotonic() - began >= 0.02


def test_waiting_tasks_let_others_run(provider: SimulatedProvider) -> None:
    runtime = provider.async_runtime(latency=0.05)
    request = HttpRequest(method="GET", url=f"{provider.issuer}/jwks")

    async def many() -> list[HttpResponse]:
        return await asyncio.gather(*(runtime.send(request) for _ in range(20)))

    began = time.monotonic()
    assert [response.status for response in asyncio.run(many())] == [200] * 20
    assert time.monotonic() - began < 20 * 0.05


def test_many_threads_may_ask_at_once() -> None:
    provider = SimulatedProvider(clock=Clock(start=0.0))
    provider.register("client1", "secret1", redirect_uris=["https://rp.example/"])
    start = threading.Barrier(8)

    def ask(_: int) -> set[int]:
        start.wait()
        paths = ["/jwks", "/.well-known/openid-configuration"] * 25
        return {provider.handle(HttpRequest(method="GET", url=provider.issuer + path)).status for path in paths}

    with ThreadPoolExecutor(8) as pool:
        assert set().union(*pool.map(ask, range(8))) == {200}
    assert provider.count("jwks") == provider.count("discovery") == 200
