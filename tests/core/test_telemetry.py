"""What OpenTelemetry gets to see: the right numbers, a span for each exchange, and no secret in either."""

import asyncio
import gc
import logging
import re
import subprocess
import sys
import weakref
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Metric
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

from oidc_async import RelyingParty, telemetry
from oidc_async.errors import OIDCError, ProviderError, ProviderOverloaded, ProviderTimeout, ProviderUnreachable
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.token import TokenResponse
from oidc_async.statistics import Counters, Statistics
from oidc_async.telemetry import exchange, watch
from oidc_async.testing import ALL_FAULTS, API_FAULTS, Fault, Misbehaviour
from tests.core.api import API, ISSUER, SECRET, Service, new_api, new_provider, new_service
from tests.core.realm import new_realm
from tests.core.test_secrets import meet, secrets_of, shown
from tests.core.worlds import World

DURATION = "oidc.provider.request.duration"
ENDPOINTS = {"GET discovery", "GET jwks", "GET userinfo", "POST introspection", "POST token"}


class Observer:
    """An SDK that keeps all that it is given, and knows nothing of any other test."""

    def __init__(self) -> None:
        self._reader, self._exporter = InMemoryMetricReader(), InMemorySpanExporter()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = tracers.get_tracer("tests")
        self.meter = MeterProvider([self._reader], shutdown_on_exit=False).get_meter("tests")

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def span(self, name: str) -> ReadableSpan:
        (found,) = (span for span in self.spans if span.name == name)
        return found

    def metrics(self) -> dict[str, Metric]:
        data = self._reader.get_metrics_data()
        return {
            metric.name: metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self, name: str) -> dict[tuple[tuple[str, Any], ...], Any]:
        """The points of one metric, by their attributes."""
        points = self.metrics()[name].data.data_points
        return {tuple(sorted((point.attributes or {}).items())): point for point in points}

    def value(self, name: str, **attributes: str) -> float:
        named = {f"oidc.{key}": value for key, value in attributes.items()}
        return float(self.points(name)[tuple(sorted(named.items()))].value)

    def told_by_spans(self) -> list[str]:
        return [span.to_json(indent=None) for span in self.spans]

    def told_by_metrics(self) -> list[str]:
        data = self._reader.get_metrics_data()
        return [data.to_json(indent=None)] if data else []

    def texts(self) -> list[str]:
        return self.told_by_spans() + self.told_by_metrics()


@pytest.fixture
def observer(monkeypatch: pytest.MonkeyPatch) -> Observer:
    observer, servers = Observer(), telemetry._ResourceServers()
    exchanges = telemetry._set_up(observer.tracer, observer.meter, servers)
    monkeypatch.setattr(telemetry, "_servers", servers)
    monkeypatch.setattr(telemetry, "_exchanges", lambda: exchanges)
    return observer


@pytest.fixture
def api(either_world: World, observer: Observer) -> API:
    return new_api(either_world, latency=0.02)


# Metrics


def know(api: API) -> None:
    token = api.issue()
    for _ in range(3):
        api.verify(token)


def refuse(api: API) -> None:
    for _ in range(3):
        api.refusal("guessed")


def join(api: API) -> None:
    api.together([api.issue()] * 10)


def fail(api: API) -> None:
    with api.provider.misbehaving(Fault.INTROSPECTION_RESET):
        for token in ("one", "two", "three"):
            api.refusal(token)


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
        (refuse, {"misses": 1, "refused_hits": 2, "upstream_calls": 1}),
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
    refuse(apis[1])
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
    telemetry._set_up(observer.tracer, observer.meter, telemetry._servers)
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


# Spans


def attributes_of(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_a_login_has_a_span_for_each_exchange(either_world: World, observer: Observer) -> None:
    realm = new_realm(either_world)
    realm.log_in()
    assert [span.name for span in observer.spans] == ["GET discovery", "POST token", "GET jwks", "GET userinfo"]
    assert {span.kind for span in observer.spans} == {SpanKind.CLIENT}
    assert {span.status.status_code for span in observer.spans} == {StatusCode.UNSET}
    measured = {
        dict(attributes)["oidc.endpoint"]: point.count for attributes, point in observer.points(DURATION).items()
    }
    assert measured == {"discovery": 1, "token": 1, "jwks": 1, "userinfo": 1}


def test_client_credentials_have_a_span(either_world: World, observer: Observer) -> None:
    new_service(either_world).token("read")
    assert [span.name for span in observer.spans] == ["GET discovery", "POST token"]


def test_a_span_says_what_was_asked_and_answered(api: API, observer: Observer) -> None:
    api.verify(api.issue())
    assert attributes_of(observer.span("POST introspection")) == {
        "oidc.endpoint": "introspection",
        "http.request.method": "POST",
        "server.address": "op.example",
        "server.port": 443,
        "url.full": "https://op.example/introspect",
        "http.response.status_code": 200,
    }


def test_a_known_token_costs_no_span_and_no_measurement(api: API, observer: Observer) -> None:
    token = api.issue()
    api.verify(token)
    before = len(observer.spans)
    api.verify(token)
    assert api.server.known(token)
    assert len(observer.spans) == before == 2
    assert sum(point.count for point in observer.points(DURATION).values()) == before


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (Fault.INTROSPECTION_500, {"http.response.status_code": 500, "error.type": "500"}),
        (Fault.INTROSPECTION_401, {"http.response.status_code": 401, "error.type": "401"}),
        (Fault.INTROSPECTION_SLOW, {"error.type": "provider_timeout"}),
        (Fault.INTROSPECTION_ENDLESS, {"error.type": "response_too_large"}),
    ],
    ids=str,
)
def test_a_failure_is_told_by_its_code(
    api: API, observer: Observer, fault: Misbehaviour, seen: dict[str, object]
) -> None:
    with api.provider.misbehaving(fault):
        api.refusal(api.issue())
    span = observer.span("POST introspection")
    assert span.status.status_code is StatusCode.ERROR
    assert (span.status.description, span.events) == (None, ())
    told = {"http.response.status_code", "error.type"}
    assert {name: value for name, value in attributes_of(span).items() if name in told} == seen
    measured = [dict(attributes) for attributes in observer.points(DURATION)]
    (introspection,) = (attributes for attributes in measured if attributes["oidc.endpoint"] == "introspection")
    assert seen.items() <= introspection.items()


def test_each_try_has_its_span(api: API, observer: Observer) -> None:
    with api.provider.misbehaving(Fault.INTROSPECTION_BUSY_ONCE):
        api.verify(api.issue())
    tries = [span for span in observer.spans if span.name == "POST introspection"]
    assert [attributes_of(span)["http.response.status_code"] for span in tries] == [503, 200]


def test_what_is_shared_belongs_to_no_request(api: API, observer: Observer) -> None:
    """And what is done for one request belongs to it."""
    realm = new_realm(api.world)

    async def request() -> int:
        with observer.tracer.start_as_current_span("request") as span:
            await api.verifying(api.issue())
            await realm.logging_in()
        return span.get_span_context().span_id

    mine = api.world.run(request())
    parents = {span.name: span.parent and span.parent.span_id for span in observer.spans if span.name in ENDPOINTS}
    assert parents == {
        "GET discovery": None,
        "GET jwks": None,
        "POST introspection": None,
        "POST token": mine,
        "GET userinfo": mine,
    }


async def granted(service: Service) -> TokenResponse:
    if isinstance(service.party, RelyingParty):
        return service.party.client_credentials_grant()
    return await service.party.client_credentials_grant()


@pytest.mark.parametrize(("ask", "is_mine"), [(granted, True), (Service.getting, False)])
def test_a_service_token_belongs_to_all_and_a_grant_to_its_request(
    either_world: World, observer: Observer, ask: Callable[[Service], Awaitable[TokenResponse]], is_mine: bool
) -> None:
    service = new_service(either_world)

    async def request() -> SpanContext:
        with observer.tracer.start_as_current_span("request") as span:
            await ask(service)
        return span.get_span_context()

    mine = either_world.run(request())
    parent = observer.span("POST token").parent
    assert (parent and parent.span_id) == (mine.span_id if is_mine else None)


def test_what_an_instrumented_client_tells_belongs_to_the_exchange(either_world: World, observer: Observer) -> None:
    async def send() -> HttpResponse:
        with observer.tracer.start_as_current_span("httpx"):
            return HttpResponse(status=200)

    either_world.run(asking(Scripted(send)))
    inner, outer = observer.spans
    assert inner.parent is not None
    assert (inner.name, inner.parent.span_id) == ("httpx", outer.context.span_id)


def test_a_caller_who_goes_away_ends_the_span(observer: Observer) -> None:
    async def give_up() -> None:
        asked = asyncio.create_task(asking(Scripted(asyncio.Event().wait)))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    asyncio.run(give_up())
    assert attributes_of(observer.span("GET userinfo"))["error.type"] == "CancelledError"


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://op.example/a?key=secret", ("op.example", 443, "https://op.example/a")),
        ("https://user:secret@op.example:8443/a#secret", ("op.example", 8443, "https://op.example:8443/a")),
        ("http://127.0.0.1/", ("127.0.0.1", 80, "http://127.0.0.1/")),
        ("https://[::1]:9/a", ("::1", 9, "https://[::1]:9/a")),
        ("https://op.example:port/secret", (None, None, None)),
        ("https://[secret/", (None, None, None)),
        ("ftp://op.example/secret", (None, None, None)),
        ("secret", (None, None, None)),
    ],
)
def test_of_a_url_only_what_is_public_is_told(
    either_world: World, observer: Observer, url: str, seen: tuple[object, ...]
) -> None:
    either_world.run(asking(Scripted(HttpResponse(status=200)), url))
    attributes = attributes_of(observer.span("GET userinfo"))
    assert tuple(attributes.get(name) for name in ("server.address", "server.port", "url.full")) == seen
    assert not [text for text in observer.texts() if "secret" in text]


# No secret


def meet_as_api(world: World, fault: Misbehaviour) -> set[str]:
    """A call to an API that meets the fault; what must not show of it."""
    is_signed, is_jwt = fault.exchange == "signed_introspection", fault.exchange == "access_token"
    signed: dict[str, Any] = {"introspection_signed_response_alg": "RS256"} if is_signed else {}
    verification: dict[str, Any] = {"access_token_verification": "jwt", "audience": "api"} if is_jwt else {}
    api = new_api(world, new_provider(**signed), client=signed, **verification)
    with api.provider.misbehaving(fault):
        tokens = [api.issue(jwt=is_jwt), "a token that was guessed"]
        for token in tokens:
            world.run(outcome_of(api.verifying(token)))
    assert api.statistics.misses == 2
    basic = b64encode(f"api:{quote_plus(SECRET)}".encode()).decode()
    return {SECRET, quote_plus(SECRET), basic, "alice", *tokens, *(tokens[0].split(".") if is_jwt else ())} - {""}


def test_no_secret_and_no_subject_shows_whatever_goes_wrong_at_an_api(
    either_world: World, observer: Observer
) -> None:
    everything = set[str]()
    for fault in API_FAULTS:
        secrets = meet_as_api(either_world, fault)
        assert (fault.name, shown(secrets, *observer.told_by_spans())) == (fault.name, [])
        observer._exporter.clear()
        everything |= secrets
    assert shown(everything, *observer.told_by_metrics()) == []


def test_no_secret_and_no_subject_shows_whatever_goes_wrong_at_a_login(
    either_world: World, observer: Observer
) -> None:
    everything = set[str]()
    for fault in ALL_FAULTS:
        realm = new_realm(either_world, alg=fault.needs_alg)
        pending, _ = meet(realm, fault)
        assert len(observer.spans) > 0
        secrets = secrets_of(realm, *pending) | {"alice"}
        assert (fault.name, shown(secrets, *observer.told_by_spans())) == (fault.name, [])
        observer._exporter.clear()
        everything |= secrets
    assert shown(everything, *observer.told_by_metrics()) == []


def test_a_secret_would_be_seen(either_world: World, observer: Observer) -> None:
    """The two tests above look at what is exported, and find what is in it."""
    either_world.run(asking(Scripted(HttpResponse(status=200)), "https://op.example/alice"))
    span, metrics = (bool(shown({secret}, *observer.texts())) for secret in ("alice", DURATION))
    assert (span, metrics) == (True, True)


def test_what_others_raise_is_told_by_its_class_alone(either_world: World, observer: Observer) -> None:
    either_world.run(outcome_of(asking(Scripted(RuntimeError("Bearer alice")))))
    assert attributes_of(observer.span("GET userinfo"))["error.type"] == "RuntimeError"
    assert shown({"Bearer", "alice"}, *observer.texts()) == []


# With and without the package


class Scripted:
    """A runtime that does one thing, on a clock that only this moves."""

    def __init__(self, outcome: Any, *, takes: float = 0.0) -> None:
        self._outcome, self._takes, self._time = outcome, takes, 0.0

    async def send(self, request: HttpRequest) -> Any:
        self._time += self._takes
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return await self._outcome() if callable(self._outcome) else self._outcome

    def monotonic(self) -> float:
        return self._time


async def asking(runtime: Any, url: str = "https://op.example/userinfo") -> HttpResponse:
    return await exchange(runtime, HttpRequest(method="GET", url=url), "userinfo")


async def outcome_of(work: Any) -> Any:
    try:
        return await work
    except (OIDCError, RuntimeError) as error:
        return error


ERRORS = (ProviderUnreachable("no way"), ProviderTimeout("late"), ProviderOverloaded("full"))


@pytest.fixture
def looked_for_again() -> Iterator[None]:
    telemetry._exchanges.cache_clear()
    yield
    telemetry._exchanges.cache_clear()


@pytest.fixture(params=["observed", "API without SDK", "absent", "older"])
def any_telemetry(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    kind: str = request.param
    request.getfixturevalue("observer" if kind == "observed" else "looked_for_again")
    if kind == "absent":
        for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "opentelemetry", None)
    if kind == "older":
        monkeypatch.setattr("opentelemetry.metrics.get_meter", lambda name: OlderMeter())


class OlderMeter:
    def create_histogram(self, name: str, unit: str = "", description: str = "") -> None: ...


@pytest.mark.usefixtures("any_telemetry")
def test_everything_works_in_the_same_way(either_world: World) -> None:
    api = new_api(either_world)
    know(api)
    fail(api)
    assert new_realm(either_world).log_in().id_token["sub"] == "alice"
    counted = api.statistics
    assert (counted.hits, counted.misses, counted.upstream_calls, counted.failures) == (2, 4, 2, 1)


@pytest.mark.usefixtures("any_telemetry")
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_errors_pass_untouched(either_world: World, error: ProviderError) -> None:
    assert either_world.run(outcome_of(asking(Scripted(error)))) is error


@pytest.mark.usefixtures("looked_for_again")
def test_an_older_package_is_left_alone_and_said_to_be(
    either_world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opentelemetry.metrics.get_meter", lambda name: OlderMeter())
    know(new_api(either_world))
    assert [record.getMessage() for record in caplog.records if record.name == telemetry.__name__] == [
        "no metrics and spans: opentelemetry-api is older than 1.30"
    ]


def run_alone(program: str, *arguments: str) -> str:
    """What the program prints, in an interpreter that has seen nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], timeout=60, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


IMPORTING = """
import sys
import oidc_async, flask_oidc_async, quart_oidc_async, oidc_async.telemetry
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


def test_who_imports_us_does_not_import_it() -> None:
    assert run_alone(IMPORTING) == "[]"


GLOBAL_PROVIDERS = """
import sys
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from oidc_async.testing import SimulatedProvider
from oidc_async import ClientMetadata, ProviderConfiguration, ResourceServer

reader, exporter = InMemoryMetricReader(), InMemorySpanExporter()

def set_providers():
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(MeterProvider([reader]))

if sys.argv[1] == "before":
    set_providers()
provider = SimulatedProvider()
provider.register("api", "secret of the api")
configuration = ProviderConfiguration(
    provider.issuer, client_metadata=ClientMetadata("api", "secret of the api"), runtime=provider.blocking_runtime()
)
server = ResourceServer(configuration)
token = provider.issue_access_token("api")
if sys.argv[1] == "after":
    set_providers()
server.verify(token)
server.verify(token)
scopes = reader.get_metrics_data().resource_metrics[0].scope_metrics
found = {metric.name: metric for scope in scopes for metric in scope.metrics}
lookups = found["oidc.access_token.lookups"].data.data_points
lookups = {point.attributes["oidc.result"]: point.value for point in lookups}
durations = found["oidc.provider.request.duration"].data.data_points
print([scope.scope.name for scope in scopes], lookups, sum(point.count for point in durations))
print(list(durations[0].explicit_bounds)[:3], [span.name for span in exporter.get_finished_spans()])
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_providers_of_the_process_are_used_whenever_they_are_set(when: str) -> None:
    assert run_alone(GLOBAL_PROVIDERS, when).splitlines() == [
        "['oidc_async'] {'hit': 1, 'refused_hit': 0, 'miss': 1} 2",
        "[0.005, 0.01, 0.025] ['GET discovery', 'POST introspection']",
    ]


GUIDE = (Path(__file__).parents[2] / "docs" / "telemetry.md").read_text()


def test_the_guide_names_every_metric(api: API, observer: Observer) -> None:
    know(api)
    assert set(re.findall(r"^\| `([a-z_.]+)` \| (?:counter|gauge|histogram)", GUIDE, re.MULTILINE)) == set(
        observer.metrics()
    )


def test_the_code_of_the_guide_sets_an_sdk_up() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    using = (
        "trace.get_tracer('t').start_span('seen').end()\nmetrics.get_meter('t').create_counter('counted').add(1)\n"
    )
    printed = run_alone(code + using)
    assert '"name": "seen"' in printed
    assert '"name": "counted"' in printed
