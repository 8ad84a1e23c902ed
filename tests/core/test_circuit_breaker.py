"""The circuit breaker for introspection: which caller may send a request, and when."""

from typing import Any

import pytest

from oidc_async.errors import (
    IntrospectionInvalid,
    OAuthError,
    ProviderError,
    ProviderOverloaded,
    ProviderPaused,
    ProviderTimeout,
    ProviderUnreachable,
    ResponseTooLarge,
)
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.provider.circuit_breaker import CircuitBreaker, is_outage
from oidc_async.testing import Fault
from tests.core.api import new_api
from tests.core.worlds import World


def may_ask(breaker: CircuitBreaker, now: float) -> bool:
    try:
        breaker.require_closed(now)
    except ProviderPaused:
        return False
    return True


def test_who_never_failed_may_always_be_asked() -> None:
    breaker = CircuitBreaker(1.0)
    assert [may_ask(breaker, now) for now in (0, 0, 5)] == [True, True, True]


def test_after_a_failure_nobody_asks_for_a_while() -> None:
    breaker = CircuitBreaker(2.0)
    breaker.open(100)
    assert [may_ask(breaker, now) for now in (100, 101.9, 102)] == [False, False, True]


def test_it_learns_when_to_come_back() -> None:
    breaker = CircuitBreaker(2.0)
    breaker.open(100)
    with pytest.raises(ProviderPaused) as caught:
        breaker.require_closed(100.5)
    assert (caught.value.retry_after, caught.value.code) == (1.5, "provider_paused")


def test_while_one_tries_the_others_still_wait() -> None:
    breaker = CircuitBreaker(2.0)
    breaker.open(100)
    assert [may_ask(breaker, now) for now in (103, 103, 104.9, 105, 105)] == [True, False, False, True, False]


def test_a_success_ends_it_for_all() -> None:
    breaker = CircuitBreaker(2.0)
    breaker.open(100)
    assert may_ask(breaker, 102)
    breaker.close()
    assert [may_ask(breaker, now) for now in (102, 102, 102)] == [True, True, True]


def test_a_further_failure_begins_it_again() -> None:
    breaker = CircuitBreaker(2.0)
    breaker.open(100)
    assert may_ask(breaker, 102)
    breaker.open(103)
    assert [may_ask(breaker, now) for now in (104.9, 105)] == [False, True]


def test_zero_seconds_never_open_the_breaker() -> None:
    breaker = CircuitBreaker(0)
    breaker.open(100)
    assert [may_ask(breaker, 100), may_ask(breaker, 100)] == [True, True]


def test_a_provider_that_hangs_is_tried_by_one_caller_alone() -> None:
    """threat model 229: each further one would hang as well."""
    breaker = CircuitBreaker(1.0, probe_seconds=10.0)
    breaker.open(100)
    assert [may_ask(breaker, now) for now in (101, 102, 105, 110.9, 111)] == [True, False, False, False, True]


def test_who_found_out_nothing_leaves_the_next_try_to_another() -> None:
    breaker = CircuitBreaker(1.0, probe_seconds=10.0)
    breaker.open(100)
    assert may_ask(breaker, 101)
    breaker.probe_again(101)
    assert [may_ask(breaker, now) for now in (101.9, 102)] == [False, True]


def oauth_error(status: int) -> OAuthError:
    return OAuthError("no", error="e", error_description=None, status=status)


def unreachable(**evidence: Any) -> ProviderUnreachable:
    return ProviderUnreachable("no", **evidence)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(unreachable(), True, id="no connection"),
        pytest.param(unreachable(host="op.example"), True, id="no connection to a host"),
        pytest.param(unreachable(status=502), True, id="a gateway without a server"),
        pytest.param(unreachable(status=503), True, id="a server that has no time"),
        pytest.param(unreachable(status=504), True, id="a gateway that timed out"),
        pytest.param(unreachable(status=500), False, id="this request made it stumble"),
        pytest.param(unreachable(status=501), False, id="this request isn't known"),
        pytest.param(ProviderTimeout("slow"), True, id="no answer in time"),
        pytest.param(oauth_error(429), True, id="too many requests"),
        pytest.param(oauth_error(400), False, id="this request is bad"),
        pytest.param(oauth_error(401), False, id="our credentials are bad"),
        pytest.param(IntrospectionInvalid("junk"), False, id="junk"),
        pytest.param(ResponseTooLarge("large"), False, id="a large answer"),
        pytest.param(ProviderOverloaded("full"), False, id="our own queue"),
    ],
)
def test_no_single_token_stops_all_others(error: ProviderError, expected: bool) -> None:
    """threat model 229: only what concerns all requests does."""
    assert is_outage(error) is expected


def test_our_own_full_queue_shows_nothing_of_the_provider(
    either_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threat model 229: it neither begins a pause nor ends one."""
    api = new_api(either_world)
    runtime: Any = vars(getattr(api.server, "_origin", api.server))["_runtime"]

    async def full(request: HttpRequest) -> HttpResponse:
        raise ProviderOverloaded("our queue is full")

    api.verify(api.issue())
    with monkeypatch.context() as patched:
        patched.setattr(runtime, "send", full)
        assert isinstance(api.rejection(api.issue()), ProviderOverloaded)
    api.verify(api.issue())
    with api.provider.misbehaving(Fault.INTROSPECTION_RESET):
        api.rejection(api.issue())
    api.pass_time(1)
    with monkeypatch.context() as patched:
        patched.setattr(runtime, "send", full)
        assert isinstance(api.rejection(api.issue()), ProviderOverloaded)
    assert isinstance(api.rejection(api.issue()), ProviderPaused)
