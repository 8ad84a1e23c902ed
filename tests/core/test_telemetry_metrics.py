"""Metrics that OpenTelemetry gets to see: what the statistics count, and how long the provider took."""

import gc
import logging
import weakref
from collections.abc import Callable, Iterator

import pytest

from oidc_async.errors import ProviderError, ProviderTimeout
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.resource_server.metrics import watch
from oidc_async.resource_server.statistics import Counters, Statistics
from oidc_async.runtime import telemetry
from tests.core.api import API, ISSUER, new_api, new_provider
from tests.core.observed_calls import Scripted, asking, fail, join, know, outcome_of, reject
from tests.core.observer import DURATION, Observer
from tests.core.worlds import World


@pytest.fixture
def api(either_world: World, observer: Observer) -> API:
    return new_api(either_world, latency=0.02)


SHOWN = {
    "hits": ("oidc.access_token.lookups", "hit"),
    "refused_hits": ("oidc.access_token.lookups", "refused_hit"),
    "misses": ("oidc.access_token.lookups", "miss"),
    "joined": ("oidc.access_token.joined", None),
    "verified_here": ("oidc.access_token.verified_here", None),
    "upstream_calls": ("oidc.introspection.requests", None),
    "failures": ("oidc.introspection.failures", None),
    "paused": ("oidc.introspection.paused", None),
}


def counts_shown(observer: Observer, issuer: str = ISSUER) -> dict[str, float]:
    """What the metrics say, under the names of `Statistics`; without what is nothing."""
    results = {
        counter: observer.value(name, issuer=issuer, **({"result": result} if result else {}))
        for counter, (name, result) in SHOWN.items()
    }
    return {counter: value for counter, value in results.items() if value}


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (know, {"misses": 1, "hits": 2, "upstream_calls": 1}),
        (reject, {"misses": 1, "refused_hits": 2, "upstream_calls": 1}),
        (join, {"misses": 10, "joined": 9, "upstream_calls": 1}),
        (fail, {"misses": 3, "failures": 1, "paused": 2, "upstream_calls": 1}),
    ],
)
def test_metrics_say_what_the_statistics_say(
    api: API, observer: Observer, happens: Callable[[API], None], expected: dict[str, float]
) -> None:
    happens(api)
    told = api.statistics.to_dict()
    assert counts_shown(observer) == expected == {name: told[name] for name in SHOWN if told[name]}
    assert observer.value("oidc.access_token.cache.entries") == told["entries"]


def test_jwts_that_are_verified_here_are_shown(either_world: World, observer: Observer) -> None:
    api = new_api(either_world, audience="api", access_token_verification="jwt")
    api.verify(api.issue(jwt=True))
    assert counts_shown(observer) == {"misses": 1, "verified_here": 1}


def test_each_issuer_has_counts_of_its_own(either_world: World, observer: Observer) -> None:
    apis = [new_api(either_world, new_provider(f"https://op{number}.example")) for number in (1, 2)]
    know(apis[0])
    reject(apis[1])
    assert counts_shown(observer, "https://op1.example") == {"misses": 1, "hits": 2, "upstream_calls": 1}
    assert counts_shown(observer, "https://op2.example") == {"misses": 1, "refused_hits": 2, "upstream_calls": 1}


def test_two_servers_of_one_issuer_are_added_up(api: API, observer: Observer) -> None:
    other = new_api(api.world)
    know(api)
    know(other)
    assert counts_shown(observer) == {"misses": 2, "hits": 4, "upstream_calls": 2}


def test_counts_stay_when_a_server_is_gone(api: API, observer: Observer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)  # a record of the failure would refer to the server
    know(api)
    fail(api)
    before, server = counts_shown(observer), weakref.ref(getattr(api.server, "_origin", api.server))
    del api.server
    gc.collect()
    assert server() is None, "it is kept alive"
    assert counts_shown(observer) == before
    another = new_api(api.world)
    know(another)
    assert counts_shown(observer)["hits"] == before["hits"] + 2
    assert observer.value("oidc.access_token.cache.entries") == 1


class Told:
    """A resource server of which everything is known."""

    def __init__(self, issuer: str, **statistics: int) -> None:
        self.issuer, self._statistics = issuer, statistics

    def statistics(self) -> Statistics:
        return Statistics(**self._statistics)


@pytest.fixture
def told(observer: Observer) -> Iterator[Callable[..., None]]:
    servers: list[Told] = []

    def tell(issuer: str, cache: object, **statistics: int) -> None:
        servers.append(Told(issuer, **statistics))
        watch(servers[-1], Counters(), cache)

    yield tell
    servers.clear()


def test_of_several_queues_the_longest_is_shown(told: Callable[..., None], observer: Observer) -> None:
    for issuer, length in (("one", 3), ("one", 7), ("one", 0), ("two", 2)):
        told(issuer, object(), queue_length=length)
    assert observer.value("oidc.introspection.queue_length", issuer="one") == 7
    assert observer.value("oidc.introspection.queue_length", issuer="two") == 2


def test_a_cache_that_several_share_is_counted_once(told: Callable[..., None], observer: Observer) -> None:
    shared, other = object(), object()
    for cache, entries in ((shared, 5), (shared, 5), (other, 2)):
        told("one", cache, entries=entries)
    assert observer.value("oidc.access_token.cache.entries") == 7


def test_who_registers_twice_is_counted_once(api: API, observer: Observer) -> None:
    """As two threads may that are the first ones together."""
    telemetry._set_up(observer.tracer, observer.meter)
    know(api)
    assert counts_shown(observer) == {"misses": 1, "hits": 2, "upstream_calls": 1}


def test_how_long_the_provider_took_is_measured_in_seconds(either_world: World, observer: Observer) -> None:
    runtime = Scripted(HttpResponse(status=200, seconds=0.3), takes=0.5)
    either_world.run(asking(runtime))
    (point,) = observer.points(DURATION).values()
    assert (point.count, point.sum) == (1, 0.3)
    assert list(point.explicit_bounds) == list(telemetry.BUCKETS)


@pytest.mark.parametrize("outcome", [HttpResponse(status=200), ProviderTimeout("late")], ids=["answer", "failure"])
def test_what_no_runtime_measured_is_measured_here(
    either_world: World, observer: Observer, outcome: HttpResponse | ProviderError
) -> None:
    either_world.run(outcome_of(asking(Scripted(outcome, takes=0.5))))
    (point,) = observer.points(DURATION).values()
    assert (point.count, point.sum) == (1, 0.5)
