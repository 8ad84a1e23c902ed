"""A Redis for all tests that leave it running, and one for each that doesn't."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oidc_async.stores import RedisStore
from tests.core.worlds import AsyncWorld, BlockingWorld, World
from tests.stores.kept import Kept
from tests.stores.redis.server import RedisServer

TIMEOUT = 1.0


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Starts servers that a test may stop, and ends them with it."""
    servers: list[RedisServer] = []

    def start(*options: str) -> RedisServer:
        servers.append(RedisServer(tmp_path, *options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(params=[AsyncWorld, BlockingWorld], ids=["async", "blocking"])
def world(request: pytest.FixtureRequest) -> World:
    """Closed by the `kept` of the test."""
    world: World = request.param()
    return world


@pytest.fixture
def keep(world: World) -> Iterator[Callable[[RedisStore], Kept]]:
    opened: list[Kept] = []

    def keep(choice: RedisStore) -> Kept:
        opened.append(Kept(world, choice, time.sleep))
        return opened[-1]

    yield keep
    for kept in opened:
        kept.close()
    world.close()
