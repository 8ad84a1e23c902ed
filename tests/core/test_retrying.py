"""Requests that may be repeated, and how patiently they are."""

import math
import time
from collections.abc import Awaitable, Callable, Hashable
from datetime import UTC, datetime
from email.utils import format_datetime, formatdate
from typing import TypeVar

import pytest

from oidc_async.errors import (
    ProviderError,
    ProviderOverloaded,
    ProviderTimeout,
    ProviderUnreachable,
    ResponseTooLarge,
)
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.runtime.port import REPEATING_SECONDS
from oidc_async.runtime.retry import LONGEST_RETRY_AFTER, RETRIES, send_repeatable
from oidc_async.runtime.sync_facade import run_without_loop
from tests.core.conftest import Serve
from tests.core.raw_server import Connection, response
from tests.core.worlds import World

T = TypeVar("T")
Outcome = HttpResponse | ProviderError

NOW = 1_700_000_000.0
REPEATABLE = HttpRequest(method="GET", url="https://op.example/", repeatable=True)
FINE = HttpResponse(status=200)


def busy(status: int = 503, retry_after: str | None = None) -> HttpResponse:
    return HttpResponse(status=status, headers={} if retry_after is None else {"retry-after": retry_after})


class Script:
    """A runtime that plays outcomes in their order, on a clock that only sleep and slow answers move."""

    def __init__(self, *outcomes: Outcome, each_takes: float = 0.0) -> None:
        self._outcomes = list(outcomes)
        self._each_takes = each_takes
        self._time = 0.0
        self.sent = 0
        self.seconds: list[float] = []
        self.begun_at: list[float] = []
        self.pauses: list[float] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.sent += 1
        self.seconds.append(request.seconds)
        self.begun_at.append(self._time)
        self._time += self._each_takes
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, ProviderError):
            raise outcome
        return outcome

    async def addresses(self, request: HttpRequest) -> list[str]:
        return []

    def queue_length(self, url: str) -> int:
        return 0

    async def share(self, key: Hashable, work: Callable[[], Awaitable[T]], *, detached: bool = False) -> T:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._time += seconds

    def now(self) -> float:
        return NOW + self._time

    def monotonic(self) -> float:
        return self._time


def outcome_of(runtime: Script, request: HttpRequest = REPEATABLE) -> Outcome:
    try:
        return run_without_loop(send_repeatable(runtime, request))
    except ProviderError as error:
        return error


DOWN = ProviderUnreachable("down")


@pytest.mark.parametrize(
    ("outcomes", "sent"),
    [
        ([FINE], 1),
        ([DOWN, FINE], 2),
        ([DOWN, DOWN, FINE], 3),
        ([DOWN, DOWN, DOWN], 3),
        ([busy(429), FINE], 2),
        ([busy(502), FINE], 2),
        ([busy(503), FINE], 2),
        ([busy(504), DOWN, FINE], 3),
        ([busy(503), busy(503), busy(503)], 3),
        ([DOWN, busy(500)], 2),
        ([busy(500)], 1),
        ([busy(501)], 1),
        ([busy(400)], 1),
        ([busy(302)], 1),
        ([ProviderTimeout("slow")], 1),
        ([ProviderOverloaded("full")], 1),
        ([ResponseTooLarge("large")], 1),
        ([DOWN, ProviderTimeout("slow")], 2),
    ],
    ids=lambda value: (
        " ".join(str(getattr(each, "status", type(each).__name__)) for each in value)
        if isinstance(value, list)
        else ""
    ),
)
def test_what_is_tried_again_and_what_comes_of_it(outcomes: list[Outcome], sent: int) -> None:
    runtime = Script(*outcomes)
    assert outcome_of(runtime) == outcomes[-1]
    assert runtime.sent == sent <= 1 + RETRIES


@pytest.mark.parametrize("outcome", [DOWN, busy(503), busy(429, "1")])
def test_a_request_that_may_not_be_repeated_is_sent_once(outcome: Outcome) -> None:
    runtime = Script(outcome, FINE)
    request = HttpRequest(method="POST", url="https://op.example/token", body=b"code=1")
    assert outcome_of(runtime, request) == outcome
    assert (runtime.sent, runtime.pauses) == (1, [])


def test_pauses_grow_and_are_spread() -> None:
    def pauses() -> list[float]:
        runtime = Script(DOWN, busy(503), FINE)
        outcome_of(runtime)
        return runtime.pauses

    many = [pauses() for _ in range(50)]
    assert all(0.1 <= first <= 0.2 <= second <= 0.4 for first, second in many)
    assert len({first for first, _ in many}) > 10


def at(seconds: float) -> str:
    return formatdate(NOW + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("retry_after", "least"),
    [
        ("1", 1.0),
        ("2", 2.0),
        (" 1 ", 1.0),
        ("0", 0.0),
        (at(1), 1.0),
        (at(-3600), 0.0),
        (formatdate(NOW + 1, localtime=False), 1.0),
        (format_datetime(datetime.fromtimestamp(NOW + 1, UTC)), 1.0),
        ("", 0.0),
        ("-1", 0.0),
        ("1.5", 0.0),
        ("soon", 0.0),
        ("\u0661", 0.0),
        ("Mon, 99 Foo 2023 99:99:99 GMT", 0.0),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0.0),
    ],
)
def test_a_short_retry_after_is_kept(retry_after: str, least: float) -> None:
    runtime = Script(busy(503, retry_after), FINE)
    assert outcome_of(runtime) == FINE
    assert least <= runtime.pauses[0] <= max(least, 0.2)


def test_a_date_without_a_zone_is_not_in_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XXX+5")
        time.tzset()
        runtime = Script(busy(503, formatdate(NOW + 1)), FINE)
        assert outcome_of(runtime) == FINE
        assert runtime.pauses == [1.0]
    time.tzset()


@pytest.mark.parametrize("retry_after", ["3", "120", "9" * 5000, at(60), "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_long_retry_after_gives_the_answer_back(retry_after: str) -> None:
    answer = busy(429, retry_after)
    runtime = Script(answer, FINE)
    assert outcome_of(runtime) == answer
    assert (runtime.sent, runtime.pauses) == (1, [])


@pytest.mark.parametrize("outcome", [DOWN, busy(503)])
def test_no_try_begins_after_the_budget(outcome: Outcome) -> None:
    runtime = Script(outcome, outcome, outcome, each_takes=REPEATING_SECONDS * 0.6)
    assert outcome_of(runtime) == outcome
    assert runtime.sent == 2


def test_the_budget_has_room_for_every_short_pause() -> None:
    assert RETRIES * LONGEST_RETRY_AFTER < REPEATING_SECONDS


def test_a_provider_that_stumbles_is_asked_again(world: World, serve: Serve) -> None:
    answers = iter([b"", response(b"", "503 Busy", Retry_After="0"), response(b"at last")])

    def answer(connection: Connection) -> None:
        connection.read_request()
        connection.send(next(answers))

    server = serve(answer)
    runtime = world.runtime(HttpSettings())
    request = HttpRequest(method="GET", url=server.url, repeatable=True)
    assert world.run(send_repeatable(runtime, request)).body == b"at last"
    assert len(server.seen) == 3


def test_every_try_after_the_first_ends_within_the_budget() -> None:
    """threat model 223: a provider that breaks connections late holds nobody up for longer than one that hangs."""
    runtime = Script(DOWN, DOWN, FINE, each_takes=2.0)
    assert outcome_of(runtime) == FINE
    assert runtime.seconds[0] == math.inf
    for begun_at, seconds in zip(runtime.begun_at[1:], runtime.seconds[1:], strict=True):
        assert begun_at + seconds == pytest.approx(REPEATING_SECONDS)
