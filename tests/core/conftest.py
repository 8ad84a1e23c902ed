"""Servers and worlds for the tests of the runtimes."""

import ssl
from collections.abc import Callable, Iterator

import pytest

from tests.core.raw_server import Answer, RawServer
from tests.core.worlds import AsyncWorld, BlockingWorld, World

Serve = Callable[..., RawServer]


@pytest.fixture(
    params=[(AsyncWorld, "httpx"), (AsyncWorld, "httpx2"), (BlockingWorld, "httpx"), (BlockingWorld, "httpx2")],
    ids=["async-httpx", "async-httpx2", "blocking-httpx", "blocking-httpx2"],
)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Both worlds over both HTTP libraries."""
    kind, family = request.param
    world: World = kind(family)
    yield world
    world.close()


@pytest.fixture(params=[AsyncWorld, BlockingWorld], ids=["async", "blocking"])
def either_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Both worlds, for what has nothing to do with HTTP."""
    world: World = request.param()
    yield world
    world.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers, and ends them with the test."""
    servers: list[RawServer] = []

    def start(answer: Answer, tls: ssl.SSLContext | None = None) -> RawServer:
        servers.append(RawServer(answer, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
