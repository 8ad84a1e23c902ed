"""Redis keeps to the contract: over connections of our own, and over a client of the caller's."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from oidc_async.stores import RedisStore
from tests.core.worlds import AsyncWorld, BlockingWorld, World
from tests.stores.contract import StoreContract
from tests.stores.kept import Kept
from tests.stores.redis.server import RedisServer

NO_OPTIONS: dict[str, Any] = {}


@pytest.fixture(params=[AsyncWorld, BlockingWorld], ids=["async", "blocking"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world: World = request.param()
    yield world
    world.close()


@pytest.fixture(autouse=True)
def _is_empty(redis_server: RedisServer) -> None:
    redis_server.cli("FLUSHALL")


class TestOwnConnections(StoreContract):
    @pytest.fixture
    def kept(self, world: World, redis_server: RedisServer) -> Iterator[Kept]:
        kept = Kept(world, RedisStore.from_url(redis_server.url), time.sleep)
        yield kept
        kept.close()


class TestClientOfTheCallers(StoreContract):
    @pytest.fixture(params=[NO_OPTIONS, {"decode_responses": True}, {"protocol": 3}], ids=str)
    def kept(self, request: pytest.FixtureRequest, world: World, redis_server: RedisServer) -> Iterator[Kept]:
        library: Any = redis.asyncio if isinstance(world, AsyncWorld) else redis
        # its pool has room for the callers of all tests
        client = library.Redis.from_url(redis_server.url, max_connections=50, **request.param)
        kept = Kept(world, RedisStore(client), time.sleep)
        yield kept
        if isinstance(world, AsyncWorld):
            world.run(client.aclose(close_connection_pool=True))
        else:
            client.close()
        kept.close()
