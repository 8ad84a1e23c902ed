"""The bounded gate in front of a provider."""

import asyncio
import threading
import time
from dataclasses import replace
from typing import Any, cast

import pytest

from oidc_async.errors import ConfigurationError, ProviderOverloaded, ProviderUnreachable
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.runtime import async_runtime, blocking_runtime
from oidc_async.runtime.async_runtime import AsyncRuntime
from tests.core.conftest import Serve
from tests.core.raw_server import Connection, always, get, response
from tests.core.worlds import AsyncWorld, World, quick


class InWaves:
    """Answers when so many requests have come together, and knows how many it had at most."""

    def __init__(self, width: int) -> None:
        self._all_here = threading.Barrier(width, timeout=5)
        self._lock = threading.Lock()
        self._here = 0
        self.peak = 0

    def __call__(self, connection: Connection) -> None:
        for _ in connection.requests():
            self._count(1)
            self._all_here.wait()
            time.sleep(0.02)
            self._count(-1)
            connection.send(response())

    def _count(self, change: int) -> None:
        with self._lock:
            self._here += change
            self.peak = max(self.peak, self._here)


def names(outcomes: list[HttpResponse | BaseException]) -> list[str]:
    return sorted(type(outcome).__name__ for outcome in outcomes)


def test_so_many_requests_are_under_way_and_no_more(world: World, serve: Serve) -> None:
    answer = InWaves(3)
    server = serve(answer)
    runtime = world.runtime(HttpSettings(max_concurrency=3))
    outcomes = world.run_together([lambda: runtime.send(get(server.url))] * 21)
    assert names(outcomes) == ["HttpResponse"] * 21
    assert (answer.peak, server.connections) == (3, 3)


def test_a_full_queue_rejects_at_once(world: World, serve: Serve) -> None:
    """threat model 229"""
    all_rejected = threading.Event()

    def answer(connection: Connection) -> None:
        for _ in connection.requests():
            all_rejected.wait(5)
            connection.send(response())

    rejected = list[float]()

    async def send() -> HttpResponse:
        try:
            return await runtime.send(get(server.url))
        except ProviderOverloaded as error:
            rejected.append(error.retry_after)
            if len(rejected) == 5:
                all_rejected.set()
            raise

    server = serve(answer)
    runtime = world.runtime(HttpSettings(max_concurrency=2, max_queue=3, deadline=4))
    outcomes = world.run_together([send] * 10)
    assert names(outcomes) == ["HttpResponse"] * 5 + ["ProviderOverloaded"] * 5
    assert min(rejected) > 0
    assert len(server.seen) == 5


def test_the_length_of_the_queue_is_known(world: World, serve: Serve) -> None:
    seen = threading.Event()

    def answer(connection: Connection) -> None:
        for _ in connection.requests():
            seen.wait(5)
            connection.send(response())

    server, other = serve(answer), serve(answer)
    runtime = world.runtime(HttpSettings(max_concurrency=2))
    lengths = list[int]()

    async def watch() -> HttpResponse:
        end = time.monotonic() + 5
        while runtime.queue_length(server.url) < 3 and time.monotonic() < end:
            await runtime.sleep(0.01)
        lengths.extend(runtime.queue_length(url) for url in (f"{server.url}/other/path", other.url))
        seen.set()
        return await runtime.send(get(other.url))

    outcomes = world.run_together([*[lambda: runtime.send(get(server.url))] * 5, watch])
    assert names(outcomes) == ["HttpResponse"] * 6
    assert lengths == [3, 0]
    assert runtime.queue_length(server.url) == 0


def test_waiting_in_the_queue_counts_against_the_deadline(world: World, serve: Serve) -> None:
    """threat model 223"""
    server = serve(always(response(), after=0.5))
    runtime = world.runtime(HttpSettings(deadline=0.9, max_concurrency=1))
    outcomes = world.run_together([lambda: runtime.send(get(server.url))] * 4)
    assert names(outcomes) == ["HttpResponse"] + ["ProviderTimeout"] * 3


def test_the_gate_opens_again_after_failures(world: World, serve: Serve) -> None:
    server = serve(Connection.reset)
    runtime = world.runtime(HttpSettings(max_concurrency=1, max_queue=0))
    for _ in range(3):
        with pytest.raises(ProviderUnreachable):
            world.run(runtime.send(get(server.url)))


def test_a_cancelled_request_gives_its_place_back(serve: Serve) -> None:
    server = serve(always(response(), after=0.1))
    runtime = AsyncRuntime(quick(HttpSettings(max_concurrency=2, max_queue=100)))

    async def scenario() -> list[HttpResponse]:
        tasks = [asyncio.create_task(runtime.send(get(server.url))) for _ in range(12)]
        await asyncio.sleep(0.05)
        for task in tasks[::2]:  # of those under way and of those that wait
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes[::2]] == [asyncio.CancelledError] * 6
        assert [type(outcome) for outcome in outcomes[1::2]] == [HttpResponse] * 6
        return await asyncio.gather(*(runtime.send(get(server.url)) for _ in range(4)))

    answers = asyncio.run(scenario())
    assert [answer.status for answer in answers] == [200] * 4


def test_cancelling_at_any_moment_loses_neither_places_nor_connections(serve: Serve) -> None:
    server = serve(always(response(), after=0.005))
    world = AsyncWorld()
    runtime = world.runtime(HttpSettings(max_concurrency=2, max_queue=1000))

    async def scenario() -> None:
        for step in range(60):
            tasks = [asyncio.create_task(runtime.send(get(server.url))) for _ in range(4)]
            await asyncio.sleep(step * 0.0003)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        answers = await asyncio.gather(*(runtime.send(get(server.url)) for _ in range(10)))
        assert [answer.status for answer in answers] == [200] * 10

    world.run(scenario())
    world.close()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (HttpSettings(deadline=0), "deadline"),
        (HttpSettings(deadline=float("inf")), "deadline"),
        (HttpSettings(deadline=float("nan")), "deadline"),
        (HttpSettings(connect_timeout=-1), "connect_timeout"),
        (HttpSettings(max_concurrency=0), "max_concurrency"),
        (HttpSettings(max_queue=-1), "max_queue"),
        (HttpSettings(failure_pause=-1), "failure_pause"),
        (HttpSettings(failure_pause=float("nan")), "failure_pause"),
        (HttpSettings(engine=cast("Any", "urllib")), "engine"),
        (HttpSettings(proxy="proxy.example:8080"), "proxy"),
        (HttpSettings(proxy="socks5://proxy.example"), "proxy"),
        (HttpSettings(proxy="http://[::1"), "proxy"),
    ],
)
def test_settings_that_cannot_work_are_rejected(either_world: World, settings: HttpSettings, named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{named} "):
        either_world.runtime(settings)


def test_a_provider_that_hangs_does_not_hold_up_another(world: World, serve: Serve) -> None:
    """threat model 229"""
    others_are_done = threading.Event()

    def hang(connection: Connection) -> None:
        for _ in connection.requests():
            others_are_done.wait(5)
            connection.send(response())

    hanging, answering = serve(hang), serve(always(response()))
    runtime = world.runtime(HttpSettings(max_concurrency=2))

    async def send_elsewhere() -> HttpResponse:
        outcome = await runtime.send(get(answering.url))
        others_are_done.set()
        return outcome

    calls = [*[lambda: runtime.send(get(hanging.url))] * 4, send_elsewhere]
    begin = time.monotonic()
    assert names(world.run_together(calls)) == ["HttpResponse"] * 5
    assert time.monotonic() - begin < 4.5


LOGIN_PATIENCE = 0.3


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logins wait for LOGIN_PATIENCE seconds only."""
    for runtime in (async_runtime, blocking_runtime):
        monkeypatch.setattr(runtime, "LOGIN_PATIENCE_SECONDS", LOGIN_PATIENCE)


def of_login(url: str) -> HttpRequest:
    return replace(get(url), is_caused_by_login=True)


@pytest.mark.usefixtures("hurried")
def test_logins_leave_threads_to_others_while_an_endpoint_hangs(own_world: World, serve: Serve) -> None:
    """threat model 371: those that find no slot give up soon, and later ones at once."""
    all_rejected = threading.Event()

    def answer(connection: Connection) -> None:
        for _ in connection.requests():
            all_rejected.wait(10)
            connection.send(response())

    seconds: list[float] = []

    async def send() -> HttpResponse:
        begun = time.monotonic()
        try:
            return await runtime.send(of_login(server.url))
        except ProviderOverloaded:
            seconds.append(time.monotonic() - begun)
            if len(seconds) == 4:
                all_rejected.set()
            raise

    server = serve(answer)
    runtime = own_world.runtime(HttpSettings(max_login_requests=2, deadline=20))
    outcomes = own_world.run_together([send] * 6)
    assert names(outcomes) == ["HttpResponse"] * 2 + ["ProviderOverloaded"] * 4
    assert all(LOGIN_PATIENCE * 0.9 <= waited < 5 for waited in seconds)


@pytest.mark.usefixtures("hurried")
def test_logins_wait_for_an_endpoint_that_is_slow_but_answers(own_world: World, serve: Serve) -> None:
    """Each answer takes a part of the patience, and the last login waits for longer than that, for many answers."""

    def answer(connection: Connection) -> None:
        for _ in connection.requests():
            time.sleep(LOGIN_PATIENCE / 6)
            connection.send(response())

    server = serve(answer)
    runtime = own_world.runtime(HttpSettings(max_login_requests=2, deadline=20))
    outcomes = own_world.run_together([lambda: runtime.send(of_login(server.url))] * 24)
    assert names(outcomes) == ["HttpResponse"] * 24


@pytest.mark.usefixtures("hurried")
def test_logins_at_one_endpoint_do_not_hold_up_another(own_world: World, serve: Serve) -> None:
    hangs, done = threading.Event(), threading.Event()

    def hang(connection: Connection) -> None:
        for _ in connection.requests():
            hangs.set()
            done.wait(10)
            connection.send(response())

    stuck, other = serve(hang), serve(always(response()))
    runtime = own_world.runtime(HttpSettings(max_login_requests=1, deadline=20))

    async def send_elsewhere() -> HttpResponse:
        for _ in range(3):
            await runtime.send(of_login(other.url))
        done.set()
        return await runtime.send(of_login(other.url))

    outcomes = own_world.run_together([lambda: runtime.send(of_login(stuck.url)), send_elsewhere])
    assert names(outcomes) == ["HttpResponse"] * 2
    assert hangs.is_set()
