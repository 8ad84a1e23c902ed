"""Redis goes away and comes back, callers are cancelled: they get an error, and nobody gets the answer of another."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from oidc_async.errors import StoreUnavailable
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.stores import RedisStore, Store
from tests.core.worlds import AsyncWorld, World
from tests.stores.kept import Kept
from tests.stores.redis.conftest import TIMEOUT
from tests.stores.redis.server import RedisServer

Keep = Callable[[RedisStore], Kept]
CALLERS = 16
# a connection, a handshake, a command; and a machine that has much else to do
LONGEST = 3 * TIMEOUT + 5


class Load:
    """What happened to callers that put and get their own values all the time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_running = True
        self.good, self.wrong = 0, list[object]()
        self.failed, self.longest = 0, 0.0

    async def call(self, number: int, turn: int) -> None:
        key, value, begun = f"load{number}", b"%d of %d" % (turn, number), time.monotonic()
        try:
            await self._store.put(key, value, 60)
            found = list(await self._store.get_many([key]))
            # None after a restart without a disk; an older one when a call that was given up has arrived late
            if found[0] is not None and not found[0].endswith(b" of %d" % number):
                self.wrong.append((value, found))
            self.good += 1
        except StoreUnavailable:
            self.failed += 1
        except Exception as error:
            self.wrong.append(error)
        self.longest = max(self.longest, time.monotonic() - begun)

    def in_threads(self, events: Callable[[], None]) -> None:
        def caller(number: int) -> None:
            turn = 0
            while self.is_running:
                run_without_loop(self.call(number, turn := turn + 1))
                time.sleep(0.005)

        with ThreadPoolExecutor(CALLERS) as threads:
            done = [threads.submit(caller, number) for number in range(CALLERS)]
            try:
                events()
            finally:
                self.is_running = False
            for future in done:
                future.result()

    async def in_tasks(self, events: Callable[[], None]) -> None:
        async def caller(number: int) -> None:
            turn = 0
            while self.is_running:
                await self.call(number, turn := turn + 1)
                await asyncio.sleep(0.005)

        tasks = [asyncio.create_task(caller(number)) for number in range(CALLERS)]
        try:
            await asyncio.get_running_loop().run_in_executor(None, events)
        finally:
            self.is_running = False
            await asyncio.gather(*tasks)

    def wait_for(self, what: str, more: int = 20) -> None:
        aim, end = getattr(self, what) + more, time.monotonic() + 30
        while getattr(self, what) < aim:
            assert time.monotonic() < end, f"no {more} more are {what}: {vars(self)}"
            time.sleep(0.01)


@pytest.mark.parametrize("outage", ["stopped", "frozen"])
def test_an_outage_raises_at_once_and_ends_by_itself(
    start_server: Callable[..., RedisServer], keep: Keep, world: World, outage: str
) -> None:
    server = start_server()
    load = Load(keep(RedisStore.from_url(server.url, timeout=TIMEOUT)).store)
    begin, end = {"stopped": (server.stop, server.start), "frozen": (server.freeze, server.thaw)}[outage]

    def events() -> None:
        for _ in range(2):
            load.wait_for("good")
            begin()
            load.wait_for("failed")
            end()
            load.wait_for("good", 100)

    if isinstance(world, AsyncWorld):
        world.run(load.in_tasks(events))
    else:
        load.in_threads(events)
    assert load.wrong == []
    assert load.longest < 2 * LONGEST


def test_a_restart_between_two_calls_is_not_noticed(start_server: Callable[..., RedisServer], keep: Keep) -> None:
    server = start_server()
    kept = keep(RedisStore.from_url(server.url, timeout=TIMEOUT))
    kept.put("a", b"1")
    assert kept.run(kept.store.replace("a", b"1", b"2", 60))
    server.stop()
    server.start()
    assert kept.get("a") == [None]
    kept.put("a", b"1")
    assert kept.run(kept.store.replace("a", b"1", b"2", 60))


def test_a_server_that_was_never_there(keep: Keep, start_server: Callable[..., RedisServer]) -> None:
    server = start_server()
    server.stop()
    kept = keep(RedisStore.from_url(server.url, timeout=TIMEOUT))
    with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{server.port}/0 can't be used: Connection refused"):
        kept.get("a")
    server.start()
    assert kept.get("a") == [None]


def cancel_many(server: RedisServer, store: Store, rounds: int) -> list[tuple[str, object]]:
    """Calls that are cancelled at every moment, among others that are not; the wrong values that the others got."""
    wrong: list[tuple[str, object]] = []

    async def own(key: str) -> None:
        found = list(await store.get_many([key]))
        if found != [key.encode()]:
            wrong.append((key, found))

    async def one_round(turn: int) -> None:
        tasks = [asyncio.create_task(own(f"k{number}")) for number in range(20)]
        for step in range(10):
            await asyncio.sleep(0.0002 * (turn % 7))
            tasks[step * 2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(own(f"k{number}") for number in range(20)))

    async def all_rounds() -> None:
        for number in range(20):
            await store.put(f"k{number}", b"k%d" % number, 600)
        for turn in range(rounds):
            await one_round(turn)

    asyncio.run(all_rounds())
    return wrong


def test_a_cancelled_caller_leaves_no_answer_to_the_next(redis_server: RedisServer) -> None:
    store = RedisStore.from_url(redis_server.url, prefix="cancel:", max_connections=4)
    assert cancel_many(redis_server, store.asynchronous(), 100) == []


def test_cancelled_callers_use_up_no_connections(start_server: Callable[..., RedisServer]) -> None:
    server = start_server()
    store = RedisStore.from_url(server.url, max_connections=2, timeout=TIMEOUT).asynchronous()

    async def story() -> list[bytes | None]:
        await store.put("a", b"1", 60)
        server.freeze()
        for _ in range(10):
            waiting = [asyncio.create_task(store.get_many(["a"])) for _ in range(5)]
            await asyncio.sleep(0.01)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        server.thaw()
        await asyncio.sleep(2 * TIMEOUT)
        return list(await store.get_many(["a"]))

    assert asyncio.run(story()) == [b"1"]


def test_a_change_whose_caller_is_cancelled_happens_as_a_whole(redis_server: RedisServer) -> None:
    store = RedisStore.from_url(redis_server.url, prefix="whole:").asynchronous()

    async def story() -> list[bytes | None]:
        await store.put("a", b"before", 60)
        call = asyncio.create_task(store.put("a", b"after", 60))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.sleep(0.2)
        return list(await store.get_many(["a"]))

    assert asyncio.run(story()) in ([b"before"], [b"after"])


def test_each_event_loop_has_its_own_connections_and_closes_them(redis_server: RedisServer) -> None:
    store = RedisStore.from_url(redis_server.url, prefix="loops:").asynchronous()

    async def story(number: int) -> list[bytes | None]:
        await store.put(f"{number}", b"%d" % number, 60)
        return list(await store.get_many([f"{number}"]))

    def open_connections() -> int:
        return int(redis_server.cli("INFO", "clients").partition("connected_clients:")[2].split()[0])

    before = open_connections()
    for number in range(3):
        assert asyncio.run(story(number)) == [b"%d" % number]
    outcomes: list[list[bytes | None]] = []
    threads = [
        threading.Thread(target=lambda number=number: outcomes.append(asyncio.run(story(number))))
        for number in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(map(str, outcomes)) == sorted(str([b"%d" % number]) for number in range(5))
    gc.collect()
    time.sleep(0.2)
    assert open_connections() <= before


def test_more_callers_than_connections_wait_for_their_turn(keep: Keep, redis_server: RedisServer) -> None:
    kept = keep(RedisStore.from_url(redis_server.url, prefix="many:", max_connections=2, timeout=20))
    kept.put("a", b"1")
    assert kept.together([partial(kept.store.get_many, ["a"])] * 100) == [[b"1"]] * 100
