"""One runtime, and the event loops, threads and processes that come and go."""

import asyncio
import gc
import socket
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from oidc_async.errors import ProviderTimeout
from oidc_async.http.settings import HttpSettings
from oidc_async.runtime.async_runtime import AsyncRuntime
from oidc_async.runtime.blocking_runtime import BlockingRuntime
from oidc_async.runtime.sync_facade import run_without_loop
from tests.core.conftest import Serve
from tests.core.raw_server import Connection, always, get, response
from tests.core.worlds import AsyncWorld, World, quick

QUICK = quick(HttpSettings())


async def statuses(runtime: AsyncRuntime, url: str, times: int) -> list[int]:
    answers = await asyncio.gather(*(runtime.send(get(url)) for _ in range(times)))
    return [answer.status for answer in answers]


# --- event loops -------------------------------------------------------------------------------------------------


def test_loops_one_after_the_other(serve: Serve) -> None:
    """threat model 246"""
    server = serve(always(response()))
    runtime = AsyncRuntime(QUICK)
    assert [asyncio.run(statuses(runtime, server.url, 3)) for _ in range(3)] == [[200] * 3] * 3


def test_loops_that_ended_are_let_go(serve: Serve) -> None:
    server = serve(always(response()))
    runtime = AsyncRuntime(QUICK)
    loops = list[weakref.ref[asyncio.AbstractEventLoop]]()

    async def use() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await statuses(runtime, server.url, 2)
        await runtime.share("key", lambda: statuses(runtime, server.url, 1))

    for _ in range(4):
        asyncio.run(use())
    gc.collect()
    assert [loop() is None for loop in loops] == [True, True, True, False]


def test_loops_at_the_same_time(serve: Serve) -> None:
    """threat model 246"""
    server = serve(always(response(), after=0.01))
    runtime = AsyncRuntime(QUICK)
    with ThreadPoolExecutor(8) as threads:
        done = [threads.submit(asyncio.run, statuses(runtime, server.url, 10)) for _ in range(8)]
        assert [each.result() for each in done] == [[200] * 10] * 8


class Ends:
    """Answers each request, and counts the connections that the other side closed."""

    def __init__(self) -> None:
        self.changed = threading.Semaphore(0)

    def __call__(self, connection: Connection) -> None:
        always(response(), after=0.02)(connection)
        self.changed.release()

    def wait_for(self, number: int) -> bool:
        return all(self.changed.acquire(timeout=5) for _ in range(number))


def test_the_end_of_a_loop_closes_its_connections(serve: Serve) -> None:
    ends = Ends()
    server = serve(ends)
    runtime = AsyncRuntime(QUICK)
    assert asyncio.run(statuses(runtime, server.url, 4)) == [200] * 4
    assert ends.wait_for(4)
    gc.collect()  # an unclosed socket would warn


def test_so_it_does_when_the_runtime_was_dropped_before(serve: Serve) -> None:
    ends = Ends()
    server = serve(ends)

    async def main() -> list[int]:
        return await statuses(AsyncRuntime(QUICK), server.url, 4)

    assert asyncio.run(main()) == [200] * 4
    assert ends.wait_for(4)
    gc.collect()


def test_closing_closes_and_a_later_request_connects_again(own_world: World, serve: Serve) -> None:
    ends = Ends()
    server = serve(ends)
    runtime = own_world.runtime()
    for times in (1, 2):
        assert own_world.run(runtime.send(get(server.url))).status == 200
        assert server.connections == times
        own_world.close_runtime(runtime)
        assert ends.wait_for(1)
    own_world.close_runtime(runtime)


def test_idle_connections_are_no_more_than_the_gate_lets_through(serve: Serve) -> None:
    """To several hosts, too."""
    ends = Ends()
    servers = [serve(ends) for _ in range(3)]
    world = AsyncWorld()
    runtime = world.runtime(HttpSettings(max_concurrency=2))
    for server in servers:
        world.run_together([partial(runtime.send, get(server.url))] * 2)
    assert ends.wait_for(4)
    assert not ends.changed.acquire(timeout=0.05)
    world.close()


# --- threads and processes ---------------------------------------------------------------------------------------


def test_a_connection_that_comes_too_late_is_closed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """threat model 223"""
    look_up = socket.getaddrinfo
    found = threading.Event()

    def look_up_slowly(*arguments: Any, **options: Any) -> Any:
        found.wait(5)
        return look_up(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_slowly)
    ends = Ends()
    server = serve(ends)
    runtime = BlockingRuntime(quick(HttpSettings(deadline=0.2)))
    with pytest.raises(ProviderTimeout):
        run_without_loop(runtime.send(get(server.url)))
    found.set()
    assert ends.wait_for(1)
    assert server.seen == []
    gc.collect()  # an unclosed socket would warn
    runtime.close()


def test_threads_share_a_blocking_runtime(serve: Serve) -> None:
    """threat model 246"""
    server = serve(always(response(), after=0.005))
    runtime = BlockingRuntime(QUICK)
    with ThreadPoolExecutor(30) as threads:
        done = [threads.submit(run_without_loop, runtime.send(get(server.url))) for _ in range(120)]
        assert {each.result().status for each in done} == {200}
    assert server.connections <= HttpSettings().max_concurrency
    runtime.close()


def test_a_blocking_runtime_works_inside_a_running_loop(serve: Serve) -> None:
    """threat model 246"""
    server = serve(always(response()))
    runtime = BlockingRuntime(QUICK)

    async def view() -> int:
        return run_without_loop(runtime.send(get(server.url))).status

    assert asyncio.run(view()) == 200
    runtime.close()


FORKING = """
import os, sys, threading
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.runtime.blocking_runtime import BlockingRuntime
from oidc_async.protocol.http_message import HttpRequest
from oidc_async.errors import ProviderTimeout
from oidc_async.http.settings import HttpSettings

runtime = BlockingRuntime(HttpSettings(deadline=5, max_concurrency=1))
request = HttpRequest(method="GET", url=sys.argv[1])
under_way, may_land = threading.Event(), threading.Event()

async def work():
    return (await runtime.send(request)).status

async def slow_work():
    status = await work()
    under_way.set()
    may_land.wait(10)
    return status

assert run_without_loop(runtime.send(request)).status == 200
leader = threading.Thread(target=lambda: run_without_loop(runtime.share("key", slow_work)))
leader.start()
under_way.wait(10)
child = os.fork()
if child == 0:
    # Neither the parent's connection nor its shared call, whose thread does not exist here.
    os._exit(0 if run_without_loop(runtime.share("key", work)) == 200 else 3)
status = os.waitpid(child, 0)[1]
may_land.set()
leader.join()
assert run_without_loop(runtime.send(request)).status == 200
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_fork_begins_again(serve: Serve) -> None:
    """threat model 246"""
    server = serve(always(response()))
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING, server.url],
        timeout=30,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert server.connections == 2
    assert len(server.seen) == 4
