"""Metrics and spans for OpenTelemetry, where its API is installed. No token, subject or secret is in them."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from weakref import ReferenceType, finalize, ref

from oidc_async.errors import OIDCError
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.uri import origin

from .port import Runtime
from .statistics import Counters, Statistics

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation
    from opentelemetry.trace import Span, Tracer

logger = logging.getLogger("oidc_async.http")

SCOPE = "oidc_async"
OTHER = "other"
"""The endpoint that nobody named."""
PORTS = {"https": 443, "http": 80}
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds; the SDK's own are made for milliseconds."""

Attributes = Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metric:
    """A counter. `shows` says which of `Counters`, each with the attributes that tell it from the others."""

    name: str
    unit: str
    description: str
    shows: Mapping[str, Attributes]


METRICS = (
    _Metric(
        name="oidc.access_token.lookups",
        unit="{token}",
        description="Access tokens that came in, by what was known of them.",
        shows={
            "hits": {"oidc.result": "hit"},
            "refused_hits": {"oidc.result": "refused_hit"},
            "misses": {"oidc.result": "miss"},
        },
    ),
    # no result of its own: a lookup that joins was counted as a miss before, and counters never go back
    _Metric(
        name="oidc.access_token.joined",
        unit="{token}",
        description="Of the misses, those that waited for somebody who asked about the same token already.",
        shows={"joined": {}},
    ),
    _Metric(
        name="oidc.access_token.found_in_store",
        unit="{token}",
        description="Of the misses, those that another process had found out about.",
        shows={"store_hits": {}},
    ),
    _Metric(
        name="oidc.access_token.verified_here",
        unit="{token}",
        description="JWTs whose signature was verified here.",
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
        description="Introspection requests that told nothing of the token.",
        shows={"failures": {}},
    ),
    _Metric(
        name="oidc.introspection.paused",
        unit="{token}",
        description="Tokens that were turned away because the provider had failed a moment before.",
        shows={"paused": {}},
    ),
)


class ResourceServer(Protocol):
    """Of a resource server, what is shown."""

    @property
    def issuer(self) -> str: ...

    def statistics(self) -> Statistics: ...


def watch(server: ResourceServer, counters: Counters, cache: object) -> None:
    """Show what `server` counts in `counters`, and how full its `cache` is, from now on. It isn't kept alive."""
    if _exchanges() is not None:
        _servers.add(server, counters, cache)


async def exchange(runtime: Runtime, request: HttpRequest, endpoint: str) -> HttpResponse:
    """`runtime.send(request)`, with a span and a measurement of it that name the `endpoint`. Raises the same."""
    exchanges = _exchanges()
    sent = runtime.send(request) if exchanges is None else exchanges.send(runtime, request, endpoint)
    return replace(await sent, request=request)


@cache
def _exchanges() -> "_Exchanges | None":
    """None without a usable OpenTelemetry. Looked for at first need: its import takes a while."""
    try:
        from opentelemetry.metrics import get_meter
        from opentelemetry.trace import get_tracer
    except ImportError:
        return None
    # proxies, which go over to the SDK's providers whenever those are set
    try:
        return _set_up(get_tracer(SCOPE), get_meter(SCOPE), _servers)
    except TypeError:
        logger.warning("no metrics and spans: opentelemetry-api is older than 1.30")
        return None


def _set_up(tracer: "Tracer", meter: "Meter", servers: "_ResourceServers") -> "_Exchanges":
    # Two threads may come here first, together: the SDK takes the same instrument twice for one.
    exchanges = _Exchanges(tracer, meter)
    servers.show(meter)
    return exchanges


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Watched:
    server: ReferenceType[ResourceServer]
    issuer: str
    counters: Counters
    cache: int = field(repr=False)
    """Which one it is: several servers may share one."""


class _ResourceServers:
    """All that there are, and what those that are gone have counted: a counter never goes back."""

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
            description="Requests that wait now for their turn at the provider.",
        )
        meter.create_observable_gauge(
            "oidc.access_token.cache.entries",
            [self._entries],
            unit="{token}",
            description="Access tokens that are kept now.",
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
            # not their sum: servers over one runtime stand in one queue
            longest[watched.issuer] = max(longest.get(watched.issuer, 0), statistics.queue_length)
        for issuer, length in longest.items():
            yield Observation(length, {"oidc.issuer": issuer})

    def _entries(self, _: "CallbackOptions") -> "Iterator[Observation]":
        from opentelemetry.metrics import Observation

        caches = {watched.cache: statistics.entries for watched, statistics in self._statistics()}
        yield Observation(sum(caches.values()))

    def _counted(self) -> dict[str, Counter[str]]:
        """By issuer, since the process began."""
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


class _Exchanges:
    """Every exchange with a provider, one span and one measurement for each."""

    def __init__(self, tracer: "Tracer", meter: "Meter") -> None:
        from opentelemetry.trace import SpanKind, use_span

        self._start = partial(tracer.start_span, kind=SpanKind.CLIENT)
        # exceptions aren't recorded: of those that aren't ours, nobody knows what they say
        self._within = partial(use_span, end_on_exit=True, record_exception=False, set_status_on_exception=False)
        self._seconds = meter.create_histogram(
            "oidc.provider.request.duration",
            unit="s",
            description="How long exchanges with the provider took.",
            explicit_bucket_boundaries_advisory=BUCKETS,
        )

    async def send(self, runtime: Runtime, request: HttpRequest, endpoint: str) -> HttpResponse:
        attributes = {"oidc.endpoint": endpoint, "http.request.method": request.method}
        place, url = _place(request.url)
        measured = {**attributes, **place}
        span = self._start(f"{request.method} {endpoint}", attributes={**measured, **url})
        # without an SDK there is no context, and to enter it would be half of all that this costs
        with self._within(span) if span.get_span_context().is_valid else nullcontext():
            begun = runtime.monotonic()
            try:
                response = await runtime.send(request)
            except BaseException as error:
                self._end(span, measured, _failure(error), runtime.monotonic() - begun)
                raise
            # a runtime of somebody else's need not say how long the provider took
            seconds = response.seconds or runtime.monotonic() - begun
            self._end(span, measured, _outcome(response), seconds)
            return response

    def _end(self, span: "Span", measured: Attributes, outcome: Attributes, seconds: float) -> None:
        span.set_attributes(outcome)
        if "error.type" in outcome:
            from opentelemetry.trace import StatusCode

            span.set_status(StatusCode.ERROR)
        self._seconds.record(seconds, {**measured, **outcome})


def _failure(error: BaseException) -> Attributes:
    return {"error.type": error.code if isinstance(error, OIDCError) else type(error).__name__}


def _outcome(response: HttpResponse) -> Attributes:
    status: Attributes = {"http.response.status_code": response.status}
    return status if response.status < 400 else {**status, "error.type": str(response.status)}


@lru_cache(maxsize=100)
def _place(url: str) -> tuple[Attributes, Attributes]:
    """The server, and the URL without its query, which may hold a secret; nothing of one that can't be requested."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        server: Attributes = {"server.address": parts.hostname or "", "server.port": port}
        return server, {"url.full": origin(url) + parts.path}
    except (ValueError, KeyError):
        return {}, {}


_servers = _ResourceServers()
