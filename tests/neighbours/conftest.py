"""The Redis that extensions with sessions of their own keep them in."""

import os
from collections.abc import Iterator

import pytest

from tests.stores.redis.server import RedisServer

from .quart_neighbours import REDIS_URL


@pytest.fixture(scope="session", autouse=True)
def redis_for_neighbours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    os.environ[REDIS_URL] = server.url
    yield
    del os.environ[REDIS_URL]
    server.stop()
