"""Spans and durations of requests for OpenTelemetry, if its API is installed.

They contain no tokens or secrets.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from oidc_async.errors import OIDCError
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.uri import origin

from .port import Runtime

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Span, Tracer

logger = logging.getLogger("oidc_async.http")

SCOPE = "oidc_async"
OTHER = "other"
"""The name of an endpoint without a name."""
PORTS = {"https": 443, "http": 80}
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The bounds of the histogram in seconds; the default bounds of the SDK are for milliseconds."""

Attributes = Mapping[str, str | int]


_instruments: list[Callable[["Meter"], object]] = []


def add_instruments(create: Callable[["Meter"], object]) -> None:
    """Register a function that adds instruments to the meter at its first use."""
    _instruments.append(create)


def is_available() -> bool:
    """Whether OpenTelemetry can be used.

    The first call imports it and creates all instruments.
    """
    return _exchanges() is not None


async def exchange(runtime: Runtime, request: HttpRequest, endpoint: str) -> HttpResponse:
    """Send `request` with a span and a duration that name the `endpoint`.

    Raises as `runtime.send`.
    """
    exchanges = _exchanges()
    sent = runtime.send(request) if exchanges is None else exchanges.send(runtime, request, endpoint)
    return replace(await sent, request=request)


@cache
def _exchanges() -> "_Exchanges | None":
    """Return None without a usable OpenTelemetry.

    It is imported at the first call, because that takes a while.
    """
    try:
        from opentelemetry.metrics import get_meter
        from opentelemetry.trace import get_tracer
    except ImportError:
        return None
    # These are proxies, which use the SDK's providers as soon as those are set.
    try:
        return _set_up(get_tracer(SCOPE), get_meter(SCOPE))
    except TypeError:
        logger.warning("no metrics and spans: opentelemetry-api is older than 1.30")
        return None


def _set_up(tracer: "Tracer", meter: "Meter") -> "_Exchanges":
    # Two threads may be the first together: the SDK treats an instrument that is created twice as one.
    exchanges = _Exchanges(tracer, meter)
    for create in _instruments:
        create(meter)
    return exchanges


class _Exchanges:
    """Creates one span and one measurement for each exchange with a provider."""

    def __init__(self, tracer: "Tracer", meter: "Meter") -> None:
        from opentelemetry.trace import SpanKind, use_span

        self._start = partial(tracer.start_span, kind=SpanKind.CLIENT)
        # Exceptions are not recorded: the texts of foreign ones may contain secrets.
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
        # Without an SDK there is no context, and entering it would be half of the cost of this method.
        with self._within(span) if span.get_span_context().is_valid else nullcontext():
            begun = runtime.monotonic()
            try:
                response = await runtime.send(request)
            except BaseException as error:
                self._end(span, measured, _failure(error), runtime.monotonic() - begun)
                raise
            # A runtime of the application need not measure how long the provider took.
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
    """Return attributes of server and URL, without the query: it may have a secret."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        server: Attributes = {"server.address": parts.hostname or "", "server.port": port}
        return server, {"url.full": origin(url) + parts.path}
    except (ValueError, KeyError):
        return {}, {}
