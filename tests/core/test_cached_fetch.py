"""A fetched value, kept: threat model 18 to 20, 233, 234, 236, 239, 241."""

import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from oidc_async.errors import OIDCError, ProviderTimeout, ProviderUnreachable
from oidc_async.http.settings import HttpSettings
from oidc_async.provider.cached_fetch import STALE_PAUSE, Allowance, CachedFetch, Fetched
from oidc_async.runtime.port import Runtime
from oidc_async.testing import Clock
from tests.core.worlds import World

T = TypeVar("T")

MAX_AGE = 600.0
KEEP_STALE = 3600.0
FAILURE_PAUSE = 5.0


@dataclass
class Source:
    """Gives a new value with each fetch, or raises `failure`."""

    runtime: Runtime
    clock: Clock
    fetches: int = 0
    failure: Exception | None = None
    takes: float = 0.0
    cached: CachedFetch[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.cached = self.new_cache()

    def new_cache(self) -> CachedFetch[list[int]]:
        return CachedFetch(self.runtime, self.fetch, keep_stale=KEEP_STALE)

    async def fetch(self) -> Fetched[list[int]]:
        self.fetches += 1
        value = [self.fetches]
        await self.runtime.sleep(self.takes)
        if self.failure is not None:
            raise self.failure
        return Fetched(value=value, max_age=MAX_AGE)


@pytest.fixture
def source(either_world: World) -> Source:
    clock = Clock(1_800_000_000)
    settings = HttpSettings(failure_pause=FAILURE_PAUSE)
    return Source(either_world.runtime(settings, clock=clock, monotonic=clock.monotonic), clock)


@pytest.fixture
def get(source: Source, either_world: World) -> Callable[[], list[int]]:
    return lambda: either_world.run(source.cached.get())


Get = Callable[[], list[int]]


def test_nothing_is_fetched_before_it_is_needed(source: Source, get: Get) -> None:
    assert source.fetches == 0
    assert get() == [1]


def test_a_fresh_value_is_not_fetched_again(source: Source, get: Get) -> None:
    get()
    source.clock.advance(MAX_AGE - 1)
    assert get() == [1]
    assert source.fetches == 1


def test_a_value_is_fetched_again_after_its_max_age(source: Source, get: Get) -> None:
    """threat model 233."""
    get()
    source.clock.advance(MAX_AGE)
    assert get() == [2]


@pytest.mark.parametrize("seconds", [-1e9, 1e9], ids=["back", "forward"])
def test_a_wall_clock_that_jumps_changes_nothing(source: Source, get: Get, seconds: float) -> None:
    """threat model 236."""
    get()
    source.clock.jump(seconds)
    assert get() == [1]
    source.clock.advance(MAX_AGE)
    assert get() == [2]


def test_fifty_callers_at_once_share_one_fetch(source: Source, either_world: World) -> None:
    """threat model 241."""
    source.takes = 0.05
    assert either_world.run_together([source.cached.get] * 50) == [[1]] * 50
    assert source.fetches == 1


def test_fifty_callers_of_a_stale_value_share_one_fetch(source: Source, get: Get, either_world: World) -> None:
    """threat model 241."""
    get()
    source.clock.advance(MAX_AGE)
    source.takes = 0.05
    assert either_world.run_together([source.cached.get] * 50) == [[2]] * 50
    assert source.fetches == 2


def test_a_first_failure_is_raised(source: Source, get: Get) -> None:
    source.failure = ProviderUnreachable("gone")
    with pytest.raises(ProviderUnreachable, match="gone"):
        get()


def test_fifty_callers_share_one_failure(source: Source, either_world: World) -> None:
    """threat model 229."""
    source.failure, source.takes = ProviderUnreachable("gone"), 0.05
    outcomes = either_world.run_together([source.cached.get] * 50)
    assert {type(outcome) for outcome in outcomes} == {ProviderUnreachable}
    assert source.fetches == 1


def test_a_failure_is_not_tried_again_at_once(source: Source, get: Get) -> None:
    """threat model 229."""
    source.failure = ProviderTimeout("slow")
    for _ in range(20):
        with pytest.raises(ProviderTimeout):
            get()
    assert source.fetches == 1
    source.failure = None
    source.clock.advance(FAILURE_PAUSE)
    assert get() == [2]


def test_a_failure_leaves_the_last_good_value_in_use(
    source: Source, get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 13, 20, 234, 239."""
    get()
    source.clock.advance(MAX_AGE)
    source.failure = ProviderUnreachable("gone")
    assert get() == [1]
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("oidc_async.provider", logging.WARNING)
    assert record.getMessage() == "the last valid copy stays in use: gone (provider_unreachable)"


def test_while_a_stale_value_serves_nobody_waits_for_the_provider(
    source: Source, get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 229: nor is the log flooded."""
    get()
    source.clock.advance(MAX_AGE)
    source.failure = ProviderTimeout("slow")
    for _ in range(20):
        assert get() == [1]
        source.clock.advance((STALE_PAUSE - 1) / 20)
    assert source.fetches == 2
    assert len(caplog.records) == 1


def test_a_stale_value_is_replaced_when_the_provider_is_back(source: Source, get: Get) -> None:
    """threat model 20."""
    get()
    source.clock.advance(MAX_AGE)
    source.failure = ProviderUnreachable("gone")
    get()
    source.failure = None
    source.clock.advance(STALE_PAUSE)
    assert get() == [3]


def test_a_stale_value_ends(source: Source, get: Get) -> None:
    """threat model 237."""
    get()
    source.failure = ProviderUnreachable("gone")
    source.clock.advance(MAX_AGE + KEEP_STALE - 1)
    assert get() == [1]
    source.clock.advance(1)
    with pytest.raises(ProviderUnreachable):
        get()


def test_after_a_stale_value_has_ended_a_new_one_is_fetched(source: Source, get: Get) -> None:
    get()
    source.clock.advance(MAX_AGE + KEEP_STALE)
    assert get() == [2]


@pytest.mark.parametrize("failure", [ValueError("a bug"), OIDCError("of another kind")], ids=lambda error: str(error))
def test_only_the_fault_of_a_provider_is_borne(source: Source, get: Get, failure: Exception) -> None:
    get()
    source.clock.advance(MAX_AGE)
    source.failure = failure
    with pytest.raises(type(failure), match=str(failure)):
        get()


class Overtaken:
    """A runtime in which another caller's fetch completes between a look at the value and the own fetch."""

    def __init__(self, runtime: Runtime, overtake: Callable[[], Awaitable[object]]) -> None:
        self._runtime, self._overtake = runtime, overtake
        self.now, self.monotonic, self.sleep, self.send = runtime.now, runtime.monotonic, runtime.sleep, runtime.send
        self.queue_length, self.addresses = runtime.queue_length, runtime.addresses

    def overtaken_by(self, overtake: Callable[[], Awaitable[object]]) -> None:
        self._overtake = overtake

    async def share(self, key: Hashable, work: Callable[[], Awaitable[T]], *, detached: bool = False) -> T:
        overtake, self._overtake = self._overtake, nothing
        await overtake()
        return await self._runtime.share(key, work)


async def nothing() -> None:
    pass


@pytest.mark.parametrize("is_stale", [False, True], ids=["no-value-yet", "stale"])
def test_a_caller_who_was_overtaken_fetches_nothing(source: Source, either_world: World, is_stale: bool) -> None:
    """threat model 241."""

    async def overtake() -> None:
        await cached.get()

    runtime = Overtaken(source.runtime, nothing if is_stale else overtake)
    cached = CachedFetch(runtime, source.fetch, keep_stale=KEEP_STALE)
    assert either_world.run(cached.get()) == [1]
    if is_stale:
        source.clock.advance(MAX_AGE)
        runtime.overtaken_by(overtake)
        assert either_world.run(cached.get()) == [2]
    assert source.fetches == (2 if is_stale else 1)


def test_two_values_have_nothing_in_common(source: Source, either_world: World) -> None:
    """threat model 235, 240."""
    first, second = source.new_cache(), source.new_cache()
    source.takes = 0.02
    outcomes = either_world.run_together([first.get, second.get] * 5)
    assert sorted(outcomes, key=str) == [[1]] * 5 + [[2]] * 5
    assert source.fetches == 2


def test_a_value_that_was_replaced_is_not_renewed_again(source: Source, either_world: World, get: Get) -> None:
    seen = get()
    assert either_world.run(source.cached.renew(seen)) == [2]
    assert either_world.run(source.cached.renew(seen)) == [2]
    assert source.fetches == 2


def test_fifty_renewals_at_once_share_one_fetch(source: Source, either_world: World) -> None:
    """threat model 17, 241."""
    cached, allowance = source.cached, Allowance(3, 60)
    seen = either_world.run(cached.get())
    source.takes = 0.05
    assert either_world.run_together([lambda: cached.renew(seen, allowance)] * 50) == [[2]] * 50
    assert source.fetches == 2


def test_renewals_are_bounded(source: Source, either_world: World) -> None:
    """threat model 18, 19: a burst, then one in a while."""
    cached, allowance = source.cached, Allowance(3, 60)

    def renew() -> list[int]:
        return either_world.run(cached.renew(either_world.run(cached.get()), allowance))

    assert [renew() for _ in range(100)] == [[2], [3], *[[4]] * 98]
    source.clock.advance(60)
    assert [renew() for _ in range(100)] == [[5]] * 100
    assert source.fetches == 5


def test_a_renewal_that_fails_leaves_the_value(source: Source, either_world: World, get: Get) -> None:
    """threat model 20, 234."""
    seen = get()
    source.failure = ProviderUnreachable("gone")
    with pytest.raises(ProviderUnreachable):
        either_world.run(source.cached.renew(seen))
    assert get() is seen


def test_failed_renewals_are_bounded_too(source: Source, either_world: World) -> None:
    """threat model 18."""
    cached, allowance = source.cached, Allowance(3, 1e6)
    seen = either_world.run(cached.get())
    source.failure = ProviderUnreachable("gone")
    for _ in range(10):
        either_world.run_together([lambda: cached.renew(seen, allowance)] * 3)
        source.clock.advance(FAILURE_PAUSE)
    assert source.fetches == 4
    assert either_world.run(cached.renew(seen, allowance)) is seen


def test_an_allowance_that_is_spent_leaves_the_others(source: Source, either_world: World) -> None:
    """threat model 361: nor does the one wait for the other, which would hand it the value of before."""
    cached, spent, own = source.cached, Allowance(1, 1e6), Allowance(1, 1e6)
    seen = either_world.run(cached.renew(either_world.run(cached.get()), spent))
    source.takes = 0.02
    renewals = [lambda: cached.renew(seen, spent), lambda: cached.renew(seen, own)]
    assert either_world.run_together(renewals) == [[2], [3]]
    assert source.fetches == 3


@pytest.mark.parametrize(
    ("moments", "allowed"),
    [
        pytest.param([0, 0, 0, 0, 0], [True, True, True, False, False], id="a-burst"),
        pytest.param([0, 0, 0, 59.9, 60, 60], [True, True, True, False, True, False], id="then-one-a-minute"),
        pytest.param([0, 0, 0, 1e9, 1e9, 1e9, 1e9], [True] * 6 + [False], id="never-more-than-that"),
        pytest.param([1e9, 0, 0, 0], [True, True, True, False], id="236-a-clock-that-goes-back-earns-nothing"),
    ],
)
def test_an_allowance_is_a_burst_and_a_rate(moments: list[float], allowed: list[bool]) -> None:
    """threat model 18."""
    allowance = Allowance(3, 60)
    assert [allowance.spend(moment) for moment in moments] == allowed
