"""Circuit breakers of the endpoints that logins need: threat model 370."""

from collections.abc import Callable
from typing import Any

import pytest

from oidc_async.errors import (
    OIDCError,
    ProviderOverloaded,
    ProviderPaused,
    ProviderTimeout,
    ProviderUnreachable,
    ResponseTooLarge,
)
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.provider.endpoint_breakers import MAX_FAILURES, EndpointBreakers
from oidc_async.runtime.sync_facade import run_without_loop

URL = "https://op.example/token"
PAUSE = 2.0
Answer = int | OIDCError | Callable[[], int]


class Endpoints:
    """A runtime whose network gives these answers: a status, or what is raised. Waiting moves its clock."""

    def __init__(self) -> None:
        self.clock, self.answer, self.sent = 100.0, 200, 0
        self.answers: dict[str, Answer] = {}

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.sent += 1
        answer: Answer = self.answers.get(request.url, self.answer)
        if isinstance(answer, OIDCError):
            raise answer
        return HttpResponse(status=answer() if callable(answer) else answer, headers={}, body=b"")

    async def sleep(self, seconds: float) -> None:
        self.clock += seconds

    def monotonic(self) -> float:
        return self.clock


def breakers(network: Any) -> EndpointBreakers:
    return EndpointBreakers(network, HttpSettings(failure_pause=PAUSE))


def outcome(breakers: EndpointBreakers, url: str = URL) -> object:
    """The status, or the type of what is raised."""
    try:
        return run_without_loop(breakers.send(HttpRequest(method="POST", url=url))).status
    except OIDCError as error:
        return type(error)


OUTAGES: list[Any] = [ProviderTimeout("slow"), ProviderUnreachable("no connection"), 502, 503, 504]


@pytest.mark.parametrize("outage", OUTAGES, ids=str)
def test_a_breaker_opens_after_three_outages_in_a_row(outage: Any) -> None:
    network = Endpoints()
    network.answers[URL] = outage
    protected = breakers(network)
    for _ in range(MAX_FAILURES):
        assert outcome(protected) in (type(outage), outage)
    assert [outcome(protected), outcome(protected)] == [ProviderPaused] * 2
    assert network.sent == MAX_FAILURES


@pytest.mark.parametrize(
    "answer", [200, 400, 401, 429, 500, ResponseTooLarge("large"), ProviderOverloaded("full")], ids=str
)
def test_no_answer_to_an_invented_code_opens_it(answer: Any) -> None:
    network = Endpoints()
    network.answers[URL] = answer
    protected = breakers(network)
    for _ in range(3 * MAX_FAILURES):
        assert outcome(protected) in (type(answer), answer)


def test_an_answer_in_between_keeps_it_closed() -> None:
    network = Endpoints()
    protected = breakers(network)
    for answer in (504, 504, 400) * 3:
        network.answers[URL] = answer
        assert outcome(protected) == answer


def test_our_own_full_queue_is_not_an_answer() -> None:
    network = Endpoints()
    protected = breakers(network)
    for answer in (504, 504, ProviderOverloaded("full"), 504):
        network.answers[URL] = answer
        outcome(protected)
    assert outcome(protected) is ProviderPaused


def open_breaker(network: Endpoints) -> EndpointBreakers:
    protected = breakers(network)
    network.answers[URL] = ProviderTimeout("slow")
    for _ in range(MAX_FAILURES):
        outcome(protected)
    return protected


def test_after_the_pause_an_answer_closes_it_for_all() -> None:
    network = Endpoints()
    protected = open_breaker(network)
    network.answers.clear()
    network.clock += PAUSE - 0.1
    assert outcome(protected) is ProviderPaused
    network.clock += 0.1
    assert [outcome(protected) for _ in range(3)] == [200] * 3


def test_after_the_pause_another_failure_opens_it_at_once() -> None:
    network = Endpoints()
    protected = open_breaker(network)
    network.clock += PAUSE
    assert [outcome(protected), outcome(protected)] == [ProviderTimeout, ProviderPaused]


@pytest.mark.parametrize("end", [200, KeyboardInterrupt()], ids=["answered", "cut off"])
def test_one_request_at_a_time_probes(end: Any) -> None:
    network = Endpoints()
    protected = open_breaker(network)
    network.clock += PAUSE
    meanwhile: list[object] = []

    def probe() -> int:
        network.clock += 3 * PAUSE
        meanwhile.append(outcome(protected))
        if isinstance(end, BaseException):
            raise end
        return 200

    network.answers[URL] = probe
    try:
        outcome(protected)
    except KeyboardInterrupt:
        network.answers[URL] = 200
        assert outcome(protected) == 200
    assert meanwhile == [ProviderPaused]


def test_the_message_promises_no_request_while_a_probe_is_under_way() -> None:
    network = Endpoints()
    breakers = open_breaker(network)
    network.clock += PAUSE
    meanwhile: list[str] = []

    def probe() -> int:
        with pytest.raises(ProviderPaused) as caught:
            breakers.require_closed(URL)
        meanwhile.append(caught.value.message)
        return 200

    network.answers[URL] = probe
    outcome(breakers)
    assert meanwhile == ["The provider failed recently, so the request was not sent. Try again in 2.0 s."]


def test_each_endpoint_has_one_of_its_own() -> None:
    network = Endpoints()
    protected = open_breaker(network)
    assert outcome(protected, "https://op.example/userinfo") == 200
    protected.require_closed("https://op.example/userinfo")
    with pytest.raises(ProviderPaused) as caught:
        protected.require_closed(URL)
    assert caught.value.retry_after == PAUSE


def test_it_learns_when_a_request_is_sent_and_only_then() -> None:
    network = Endpoints()
    told: list[str] = []
    protected = breakers(network)
    outcome(protected.telling(lambda: told.append("sent")))
    assert told == ["sent"]
    closed = open_breaker(network)
    assert outcome(closed.telling(lambda: told.append("sent"))) is ProviderPaused
    assert told == ["sent"]


@pytest.mark.parametrize(
    ("answer", "is_sent"),
    [(200, True), (503, True), (ProviderTimeout("slow"), True), (ProviderOverloaded("full"), False)],
    ids=str,
)
def test_a_request_that_found_no_slot_was_not_sent(answer: Answer, is_sent: bool) -> None:
    """The login may be completed later: its code is not used."""
    network = Endpoints()
    network.answer = answer  # type: ignore[assignment]
    told: list[str] = []
    outcome(breakers(network).telling(lambda: told.append("sent")))
    assert bool(told) == is_sent
