"""Spans that OpenTelemetry gets to see: one for each exchange, and no secret in them, nor in a metric."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote_plus

import pytest
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

from oidc_async import RelyingParty
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.token import TokenResponse
from oidc_async.testing import ALL_FAULTS, API_FAULTS, Fault, Misbehaviour
from tests.core.api import API, SECRET, Service, new_api, new_provider, new_service
from tests.core.observed_calls import Scripted, asking, outcome_of
from tests.core.observer import DURATION, Observer, attributes_of
from tests.core.realm import new_realm
from tests.core.test_secrets import meet, secrets_of, shown
from tests.core.worlds import World
from tests.sampling import thinned

ENDPOINTS = {"GET discovery", "GET jwks", "GET userinfo", "POST introspection", "POST token"}


@pytest.fixture
def api(either_world: World, observer: Observer) -> API:
    return new_api(either_world, latency=0.02)


# One for each exchange


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


def test_a_span_has_the_request_and_the_response(api: API, observer: Observer) -> None:
    api.verify(api.issue())
    assert attributes_of(observer.span("POST introspection")) == {
        "oidc.endpoint": "introspection",
        "http.request.method": "POST",
        "server.address": "op.example",
        "server.port": 443,
        "url.full": "https://op.example/introspect",
        "http.response.status_code": 200,
    }


def test_a_cached_token_costs_no_span_and_no_measurement(api: API, observer: Observer) -> None:
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
def test_a_failure_is_described_by_its_code(
    api: API, observer: Observer, fault: Misbehaviour, seen: dict[str, object]
) -> None:
    with api.provider.misbehaving(fault):
        api.rejection(api.issue())
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
def test_of_a_url_only_the_public_part_is_recorded(
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
    # a short segment holds nothing, and may stand by chance in the hexadecimal id of a span
    segments = {segment for segment in tokens[0].split(".") if len(segment) > 15} if is_jwt else set[str]()
    return {SECRET, quote_plus(SECRET), basic, "alice", *tokens, *segments}


def test_no_secret_and_no_subject_shows_whatever_goes_wrong_at_an_api(
    either_world: World, observer: Observer
) -> None:
    everything = set[str]()
    for fault in thinned(API_FAULTS):
        secrets = meet_as_api(either_world, fault)
        assert (fault.name, shown(secrets, *observer.told_by_spans())) == (fault.name, [])
        observer._exporter.clear()
        everything |= secrets
    assert shown(everything, *observer.told_by_metrics()) == []


def test_no_secret_and_no_subject_shows_whatever_goes_wrong_at_a_login(
    either_world: World, observer: Observer
) -> None:
    everything = set[str]()
    for fault in thinned(ALL_FAULTS):
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


def test_foreign_errors_are_described_by_their_class_alone(either_world: World, observer: Observer) -> None:
    either_world.run(outcome_of(asking(Scripted(RuntimeError("Bearer alice")))))
    assert attributes_of(observer.span("GET userinfo"))["error.type"] == "RuntimeError"
    assert shown({"Bearer", "alice"}, *observer.texts()) == []
