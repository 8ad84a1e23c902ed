"""What an operator sees of the tokens that came in."""

from dataclasses import fields

import pytest

from oidc_async.protocol.access_grant import Requirements
from oidc_async.resource_server.statistics import Counters, Statistics
from oidc_async.testing import Fault
from tests.core.api import API, new_api
from tests.core.worlds import World


@pytest.fixture
def api(either_world: World) -> API:
    return new_api(either_world, latency=0.02)


def counted(api: API) -> dict[str, float]:
    """What is not nothing; how long the provider took is another matter."""
    numbers = api.statistics.to_dict().items()
    return {name: value for name, value in numbers if value and "seconds" not in name}


def test_in_the_beginning_there_is_nothing(api: API) -> None:
    assert counted(api) == {}
    assert api.statistics == Statistics()


def test_a_token_is_missed_once_and_hit_from_then_on(api: API) -> None:
    token = api.issue()
    for _ in range(4):
        api.verify(token)
    assert counted(api) == {"misses": 1, "upstream_calls": 1, "hits": 3, "entries": 1}


def test_a_look_counts_as_a_hit_when_there_is_something_to_see(api: API) -> None:
    token = api.issue()
    assert api.server.known(token) is None
    api.verify(token)
    assert api.server.known(token)
    assert counted(api) == {"misses": 1, "upstream_calls": 1, "hits": 1, "entries": 1}


def test_an_invalid_token_is_a_miss_and_then_a_rejected_hit(api: API) -> None:
    for _ in range(3):
        api.rejection("guessed")
    assert counted(api) == {"misses": 1, "upstream_calls": 1, "refused_hits": 2}


def test_a_token_that_lacks_a_scope_stays_valid(api: API) -> None:
    token = api.issue()
    for _ in range(2):
        api.rejection(token, Requirements(scopes=frozenset({"admin"})))
    assert counted(api) == {"misses": 1, "upstream_calls": 1, "hits": 1, "entries": 1}


def test_those_who_wait_for_another_are_counted(api: API) -> None:
    api.together([api.issue()] * 10)
    assert counted(api) == {"misses": 10, "joined": 9, "upstream_calls": 1, "entries": 1}


def test_jwts_that_are_verified_here_call_nobody(either_world: World) -> None:
    api = new_api(either_world, audience="api", access_token_verification="jwt")
    api.verify(api.issue(jwt=True))
    assert counted(api) == {"misses": 1, "verified_here": 1, "entries": 1}


def test_failures_and_those_who_were_turned_away_are_counted(api: API) -> None:
    with api.provider.misbehaving(Fault.INTROSPECTION_RESET):
        api.rejection("one")
        api.rejection("two")
        api.rejection("three")
    assert counted(api) == {"misses": 3, "upstream_calls": 1, "failures": 1, "paused": 2}


def test_how_long_the_provider_took_is_added_up() -> None:
    counters = Counters()
    for seconds in (0.25, 1.5, 0.5):
        counters.answered(seconds)
    statistics = counters.snapshot(entries=7, queue_length=3)
    assert (statistics.upstream_seconds, statistics.longest_upstream_seconds) == (2.25, 1.5)
    assert (statistics.entries, statistics.queue_length) == (7, 3)


def test_a_snapshot_stays_as_it_is_and_holds_numbers_alone(api: API) -> None:
    before = api.statistics
    api.verify(api.issue())
    assert before == Statistics()
    assert list(api.statistics.to_dict()) == [field.name for field in fields(Statistics)]
    assert {type(value) for value in api.statistics.to_dict().values()} <= {int, float}


def test_servers_count_for_themselves(either_world: World) -> None:
    """threat model 240."""
    one, other = new_api(either_world), new_api(either_world)
    one.verify(one.issue())
    assert counted(other) == {}
