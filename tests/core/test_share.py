"""Shared work: one call at a time for each key, whatever happens to the waiting callers."""

import asyncio
import contextvars
import gc
import itertools
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from oidc_async.errors import OAuthError, OIDCError, ProviderTimeout, ProviderUnreachable
from oidc_async.http.settings import HttpSettings
from oidc_async.runtime import single_flight
from oidc_async.runtime.async_runtime import AsyncRuntime
from oidc_async.runtime.blocking_runtime import BlockingRuntime
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.single_flight import RecentFailures, copy_error
from oidc_async.runtime.sync_facade import run_without_loop
from tests.core.worlds import World


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Work:
    """Some work that takes a while and counts its runs; the runtime's own `sleep` makes it one for both worlds."""

    def __init__(self, runtime: Runtime, *, seconds: float = 0.05, raises: BaseException | None = None) -> None:
        self._runtime = runtime
        self._seconds = seconds
        self.raises = raises
        self._numbers = itertools.count(1)
        self.runs = 0

    async def __call__(self) -> int:
        self.runs = run = next(self._numbers)
        await self._runtime.sleep(self._seconds)
        if self.raises is not None:
            raise self.raises
        return run


def test_fifty_callers_make_one_fetch(either_world: World) -> None:
    """threat model 241"""
    runtime = either_world.runtime()
    work = Work(runtime, seconds=0.2)
    results = either_world.run_together([lambda: runtime.share("key", work)] * 50)
    assert results == [1] * 50
    assert work.runs == 1


def test_another_key_is_another_call(either_world: World) -> None:
    runtime = either_world.runtime()
    work = Work(runtime)
    results = either_world.run_together([partial(runtime.share, key, work) for key in range(5)])
    assert set(results) == {1, 2, 3, 4, 5}


def test_nothing_is_left_behind_after_success(either_world: World) -> None:
    runtime = either_world.runtime()
    work = Work(runtime, seconds=0)
    assert [either_world.run(runtime.share("key", work)) for _ in range(3)] == [1, 2, 3]


def test_none_is_a_result_too(either_world: World) -> None:
    runtime = either_world.runtime()

    async def work() -> None: ...

    assert either_world.run_together([lambda: runtime.share("key", work)] * 3) == [None] * 3


# --- failures ----------------------------------------------------------------------------------------------------


def test_a_failure_is_shared_and_repeated_for_a_while(either_world: World) -> None:
    """threat model 229"""
    clock = Clock()
    runtime = either_world.runtime(HttpSettings(failure_pause=2.0), monotonic=clock)
    work = Work(runtime, seconds=0.2, raises=ProviderUnreachable("down", reason="dns"))
    outcomes = either_world.run_together([lambda: runtime.share("key", work)] * 20)
    for _ in range(20):
        with pytest.raises(ProviderUnreachable, match="down") as caught:
            either_world.run(runtime.share("key", work))
        outcomes.append(caught.value)
    assert {type(outcome) for outcome in outcomes} == {ProviderUnreachable}
    assert len({id(outcome) for outcome in outcomes}) == 40
    assert work.runs == 1

    clock.seconds += 2.1
    work.raises = None
    assert either_world.run(runtime.share("key", work)) == 2


def test_a_pause_holds_for_its_own_key(either_world: World) -> None:
    runtime = either_world.runtime()
    with pytest.raises(ProviderUnreachable):
        either_world.run(runtime.share("key", Work(runtime, seconds=0, raises=ProviderUnreachable("down"))))
    assert either_world.run(runtime.share("other", Work(runtime, seconds=0))) == 1


def test_without_a_pause_each_caller_tries(either_world: World) -> None:
    runtime = either_world.runtime(HttpSettings(failure_pause=0))
    work = Work(runtime, seconds=0, raises=ProviderUnreachable("down"))
    for _ in range(3):
        with pytest.raises(ProviderUnreachable):
            either_world.run(runtime.share("key", work))
    assert work.runs == 3


def test_other_exceptions_are_shared_but_not_repeated(either_world: World) -> None:
    runtime = either_world.runtime()
    work = Work(runtime, seconds=0.2, raises=KeyError("a bug"))
    outcomes = either_world.run_together([lambda: runtime.share("key", work)] * 5)
    assert [type(outcome) for outcome in outcomes] == [KeyError] * 5
    work.raises = None
    assert either_world.run(runtime.share("key", work)) == 2


def test_a_failure_tells_where_it_happened_but_keeps_no_frames(either_world: World) -> None:
    runtime = either_world.runtime()

    async def here() -> None:
        raise ProviderUnreachable("down")

    def frames() -> list[str]:
        with pytest.raises(ProviderUnreachable) as caught:
            either_world.run(runtime.share("key", here))
        return [str(entry.name) for entry in caught.traceback]

    assert "here" in frames()
    again = [frames() for _ in range(3)]
    assert "here" not in again[0]
    assert again[0] == again[1] == again[2]


def test_the_memory_of_failures_is_bounded() -> None:
    clock = Clock()
    failures = RecentFailures(10.0, clock)
    for number in range(5000):
        failures.add(number, ProviderUnreachable(str(number)))
    failures.raise_recent(0)  # the oldest were given up
    with pytest.raises(ProviderUnreachable, match="4999"):
        failures.raise_recent(4999)
    assert kept(failures) <= 1000

    clock.seconds += 11
    failures.add("one more", ProviderUnreachable(""))
    assert kept(failures) == 1


def kept(failures: RecentFailures) -> int:
    """How many exceptions `failures` refers to."""
    return sum(isinstance(referred[1], OIDCError) for referred in vars(failures)["_failures"].values())


def test_a_copied_error_is_the_same_failure_without_its_frames() -> None:
    cause = ValueError("cause")
    with pytest.raises(OAuthError) as caught:
        raise OAuthError("rejected", error="invalid_grant", error_description=None, status=400, more=1) from cause
    copy = copy_error(caught.value)
    assert type(copy) is OAuthError
    assert (copy.message, copy.error, copy.status, copy.evidence["more"]) == ("rejected", "invalid_grant", 400, 1)
    assert copy.__cause__ is cause
    assert copy.__traceback__ is None


# --- callers that go away ----------------------------------------------------------------------------------------


def test_the_first_caller_may_be_cancelled() -> None:
    """threat model 242"""
    runtime = AsyncRuntime()
    work = Work(runtime)

    async def scenario() -> list[int]:
        first = asyncio.create_task(runtime.share("key", work))
        await asyncio.sleep(0)
        others = [asyncio.create_task(runtime.share("key", work)) for _ in range(5)]
        await asyncio.sleep(0.01)
        first.cancel()
        others[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await asyncio.gather(*others[1:])

    assert asyncio.run(scenario()) == [1] * 4


def test_a_call_continues_when_all_callers_have_left() -> None:
    """threat model 242"""
    runtime = AsyncRuntime()
    stored = list[int]()
    work = Work(runtime)

    async def storing() -> int:
        stored.append(await work())
        return stored[-1]

    async def scenario() -> None:
        caller = asyncio.create_task(runtime.share("key", storing))
        await asyncio.sleep(0.01)
        caller.cancel()
        await asyncio.sleep(0.1)

    asyncio.run(scenario())
    assert stored == [1]


def test_a_failure_that_nobody_waits_for_makes_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    runtime = AsyncRuntime()
    work = Work(runtime, raises=ProviderUnreachable("down"))

    async def scenario() -> None:
        caller = asyncio.create_task(runtime.share("key", work))
        await asyncio.sleep(0.01)
        caller.cancel()
        await asyncio.sleep(0.1)
        gc.collect()

    asyncio.run(scenario())
    assert work.runs == 1
    assert caplog.records == []


class Gone(BaseException):
    """As a greenlet's exit, SystemExit or KeyboardInterrupt: it ends the caller who works, not the work."""


def test_when_the_one_who_works_is_killed_another_takes_over(either_world: World) -> None:
    runtime = either_world.runtime()
    work = Work(runtime, seconds=0.1, raises=Gone())

    async def share() -> int:
        try:
            return await runtime.share("key", work)
        finally:
            work.raises = None

    outcomes = either_world.run_together([share] * 10)
    assert sorted(str(type(outcome).__name__) for outcome in outcomes) == ["Gone"] + ["int"] * 9
    assert work.runs == 2
    assert either_world.run(runtime.share("key", work)) == 3


def test_another_caller_takes_over_a_cancelled_call() -> None:
    runtime = AsyncRuntime()
    flying = list["asyncio.Task[object] | None"]()

    async def work() -> int:
        flying.append(asyncio.current_task())
        await asyncio.sleep(0.05)
        return len(flying)

    async def scenario() -> list[int | BaseException]:
        callers = [asyncio.create_task(runtime.share("key", work)) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert flying[0] is not None
        flying[0].cancel()
        return await asyncio.gather(*callers, return_exceptions=True)

    outcomes = asyncio.run(scenario())
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert outcomes[1:] == [2, 2]


def test_those_who_wait_in_threads_do_so_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_flight, "REPEATING_SECONDS", 0.2)
    runtime = BlockingRuntime(HttpSettings(deadline=0.2))
    released = threading.Event()

    async def stuck() -> None:
        released.wait(10)

    leader = threading.Thread(target=lambda: run_without_loop(runtime.share("key", stuck)))
    leader.start()
    begin = time.monotonic()
    try:
        with pytest.raises(ProviderTimeout):
            run_without_loop(runtime.share("key", stuck))
        assert 0.2 <= time.monotonic() - begin < 5
    finally:
        released.set()
        leader.join()


@pytest.fixture
def impatient(either_world: World, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """A runtime whose callers wait 0.2 seconds for detached work."""
    monkeypatch.setattr(single_flight, "REPEATING_SECONDS", 0.0)
    monkeypatch.setattr(single_flight, "_MARGIN", 0.0)
    return either_world.runtime(HttpSettings(deadline=0.2))


def test_detached_work_continues_when_nobody_waits_any_more(either_world: World, impatient: Runtime) -> None:
    """Callers after its timeout do not wait; callers before it share its result."""
    work = Work(impatient, seconds=0.6)

    async def wait() -> tuple[str, float]:
        begin = time.monotonic()
        try:
            return str(await impatient.share("key", work, detached=True)), time.monotonic() - begin
        except ProviderTimeout as error:
            return error.code, time.monotonic() - begin

    async def later() -> tuple[str, float]:
        await impatient.sleep(0.3)
        return await wait()

    async def in_the_end() -> tuple[str, float]:
        await impatient.sleep(0.45)
        await impatient.sleep(0.3)
        return await wait()

    first, second, third, last = either_world.run_together([wait, wait, later, in_the_end])
    outcomes = [outcome for outcome in (first, second, third) if isinstance(outcome, tuple)]
    assert [code for code, _ in outcomes] == ["provider_timeout"] * 3
    assert outcomes[0][1] >= 0.1
    assert outcomes[2][1] < 0.1
    assert not isinstance(last, BaseException)
    assert work.runs == 2


def test_detached_work_that_ends_in_time_is_shared(either_world: World, impatient: Runtime) -> None:
    work = Work(impatient, seconds=0.05)
    results = either_world.run_together([lambda: impatient.share("key", work, detached=True)] * 5)
    assert (len(set(results)), work.runs) == (1, 1)


def test_the_failure_of_detached_work_is_shared(either_world: World, impatient: Runtime) -> None:
    runs = list[int]()

    async def fail() -> None:
        runs.append(1)
        await impatient.sleep(0.05)
        raise ProviderUnreachable("down")

    results = either_world.run_together([lambda: impatient.share("key", fail, detached=True)] * 5)
    assert ({type(result) for result in results}, len(runs)) == ({ProviderUnreachable}, 1)


def test_detached_work_that_can_not_begin_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process may have no thread left. Those who come later try again."""
    runtime = BlockingRuntime()
    work = Work(runtime, seconds=0)

    def reject(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", reject)
        with pytest.raises(RuntimeError, match="new thread"):
            run_without_loop(runtime.share("key", work, detached=True))
    run_without_loop(runtime.share("key", work, detached=True))
    assert work.runs == 1


# --- loops, keys, contexts ---------------------------------------------------------------------------------------


def test_each_loop_has_its_own_calls() -> None:
    runtime = AsyncRuntime()
    work = Work(runtime, seconds=0.1)
    results = list[int]()

    def one_loop() -> None:
        results.append(asyncio.run(runtime.share("key", work)))

    threads = [threading.Thread(target=one_loop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [1, 2, 3, 4]


def test_work_that_shares_its_own_key_is_rejected(either_world: World) -> None:
    runtime = either_world.runtime()

    async def work() -> None:
        await runtime.share("key", work)

    with pytest.raises(RuntimeError, match="its own key"):
        either_world.run(runtime.share("key", work))


def test_so_it_is_by_a_detour(either_world: World) -> None:
    runtime = either_world.runtime()

    async def first() -> None:
        await runtime.share("second", second)

    async def second() -> None:
        await runtime.share("third", third)

    async def third() -> None:
        await runtime.share("first", first)

    with pytest.raises(RuntimeError, match="its own key"):
        either_world.run(runtime.share("first", first))


def test_two_calls_that_wait_for_each_other_raise(either_world: World) -> None:
    """Begun by two callers, so that neither is nested in the other."""
    runtime = either_world.runtime(HttpSettings(deadline=5))

    async def crossing(other: str, work: Callable[[], Awaitable[None]]) -> None:
        await runtime.sleep(0.1)
        await runtime.share(other, work)

    async def left() -> None:
        await crossing("right", right)

    async def right() -> None:
        await crossing("left", left)

    begin = time.monotonic()
    outcomes = either_world.run_together([lambda: runtime.share("left", left), lambda: runtime.share("right", right)])
    assert [type(outcome) for outcome in outcomes] == [RuntimeError, RuntimeError]
    assert time.monotonic() - begin < 4


def test_work_may_share_other_keys(either_world: World) -> None:
    runtime = either_world.runtime()

    async def inner() -> int:
        return 1

    async def outer() -> int:
        return await runtime.share("inner", inner) + await runtime.share("inner", inner)

    assert either_world.run(runtime.share("outer", outer)) == 2


request_of = contextvars.ContextVar("request_of", default="nobody")


def test_the_context_of_the_caller_is_not_inherited(either_world: World) -> None:
    runtime = either_world.runtime()

    async def work() -> str:
        seen = request_of.get()
        request_of.set("the call")
        return seen

    async def share() -> tuple[str, str]:
        request_of.set("a user")
        return await runtime.share("key", work), request_of.get()

    assert either_world.run(share()) == ("nobody", "a user")


def test_no_lock_is_held_while_work_is_done() -> None:
    """threat model 249"""
    runtime = BlockingRuntime()
    begun, may_land = threading.Event(), threading.Event()

    async def slow() -> None:
        begun.set()
        may_land.wait(10)

    async def quick() -> int:
        return 1

    leader = threading.Thread(target=lambda: run_without_loop(runtime.share("slow", slow)))
    leader.start()
    try:
        assert begun.wait(10)
        assert run_without_loop(runtime.share("quick", quick)) == 1
    finally:
        may_land.set()
        leader.join()
