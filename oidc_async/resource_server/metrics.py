"""Metrics of resource servers for OpenTelemetry, where its API is installed: tokens and introspection requests."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol
from weakref import ReferenceType, finalize, ref

from oidc_async.runtime import telemetry
from oidc_async.runtime.telemetry import Attributes

from .statistics import Counters, Statistics

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metric:
    """A counter that shows some of `Counters`, each with the attributes that distinguish it from the others."""

    name: str
    unit: str
    description: str
    shows: Mapping[str, Attributes]


METRICS = (
    _Metric(
        name="oidc.access_token.lookups",
        unit="{token}",
        description="Access tokens that were received, by the result of the cache lookup.",
        shows={
            "hits": {"oidc.result": "hit"},
            "refused_hits": {"oidc.result": "refused_hit"},
            "misses": {"oidc.result": "miss"},
        },
    ),
    # Not a result of the lookups: a lookup that joins was counted as a miss before, and counters never decrease.
    _Metric(
        name="oidc.access_token.joined",
        unit="{token}",
        description="Of the misses, those that waited for another caller's verification of the same token.",
        shows={"joined": {}},
    ),
    _Metric(
        name="oidc.access_token.found_in_store",
        unit="{token}",
        description="Of the misses, those that another process had introspected.",
        shows={"store_hits": {}},
    ),
    _Metric(
        name="oidc.access_token.verified_here",
        unit="{token}",
        description="JWTs whose signature this process verified.",
        shows={"verified_here": {}},
    ),
    _Metric(
        name="oidc.introspection.requests",
        unit="{request}",
        description="Introspection requests that were sent.",
        shows={"upstream_calls": {}},
    ),
    _Metric(
        name="oidc.introspection.failures",
        unit="{request}",
        description="Introspection requests that failed.",
        shows={"failures": {}},
    ),
    _Metric(
        name="oidc.introspection.paused",
        unit="{token}",
        description="Tokens that were rejected while the circuit breaker was open.",
        shows={"paused": {}},
    ),
)


class ResourceServer(Protocol):
    """The part of a resource server that metrics need."""

    @property
    def issuer(self) -> str: ...

    def statistics(self) -> Statistics: ...


def watch(server: ResourceServer, counters: Counters, cache: object) -> None:
    """Export the counters and the cache size of `server` as metrics. Only a weak reference to the server is kept."""
    if telemetry.is_available():
        _servers.add(server, counters, cache)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Watched:
    server: ReferenceType[ResourceServer]
    issuer: str
    counters: Counters
    cache: int = field(repr=False)
    """The id of the cache, which several servers may share."""


class _ResourceServers:
    """All resource servers, and the counts of those that no longer exist, as a counter must never decrease."""

    def __init__(self) -> None:
        self._alive: set[_Watched] = set()
        self._gone: dict[str, Counter[str]] = {}

    def add(self, server: ResourceServer, counters: Counters, cache: object) -> None:
        watched = _Watched(server=ref(server), issuer=server.issuer, counters=counters, cache=id(cache))
        self._alive.add(watched)
        finalize(server, self._end, watched).atexit = False

    def show(self, meter: "Meter") -> None:
        for metric in METRICS:
            meter.create_observable_counter(
                metric.name, [partial(self._counts, metric)], unit=metric.unit, description=metric.description
            )
        meter.create_observable_gauge(
            "oidc.introspection.queue_length",
            [self._queue_lengths],
            unit="{request}",
            description="Requests that wait now for a free connection to the provider.",
        )
        meter.create_observable_gauge(
            "oidc.access_token.cache.entries",
            [self._entries],
            unit="{token}",
            description="Valid access tokens that are cached now.",
        )

    def _counts(self, metric: _Metric, _: "CallbackOptions") -> "Iterator[Observation]":
        from opentelemetry.metrics import Observation

        for issuer, counts in self._counted().items():
            for name, attributes in metric.shows.items():
                yield Observation(counts[name], {"oidc.issuer": issuer, **attributes})

    def _queue_lengths(self, _: "CallbackOptions") -> "Iterator[Observation]":
        from opentelemetry.metrics import Observation

        longest: dict[str, int] = {}
        for watched, statistics in self._statistics():
            # The maximum and not the sum, as resource servers with the same runtime share one queue.
            longest[watched.issuer] = max(longest.get(watched.issuer, 0), statistics.queue_length)
        for issuer, length in longest.items():
            yield Observation(length, {"oidc.issuer": issuer})

    def _entries(self, _: "CallbackOptions") -> "Iterator[Observation]":
        from opentelemetry.metrics import Observation

        caches = {watched.cache: statistics.entries for watched, statistics in self._statistics()}
        yield Observation(sum(caches.values()))

    def _counted(self) -> dict[str, Counter[str]]:
        """Return the counts by issuer, since the process started."""
        totals = {issuer: counts.copy() for issuer, counts in list(self._gone.items())}
        for watched in list(self._alive):
            totals.setdefault(watched.issuer, Counter()).update(vars(watched.counters))
        return totals

    def _statistics(self) -> Iterator[tuple[_Watched, Statistics]]:
        for watched in list(self._alive):
            server = watched.server()
            if server is not None:
                yield watched, server.statistics()

    def _end(self, watched: _Watched) -> None:
        self._gone.setdefault(watched.issuer, Counter()).update(vars(watched.counters))
        self._alive.discard(watched)


_servers = _ResourceServers()
# A lambda, as tests replace _servers.show.
telemetry.add_instruments(lambda meter: _servers.show(meter))
