"""Servers and worlds for the tests of the runtimes."""

import ssl
from collections.abc import Callable, Iterator

import pytest

from tests.core.raw_server import Answer, RawServer
from tests.core.worlds import AsyncWorld, BlockingWorld, World

Serve = Callable[..., RawServer]


@pytest.fixture(
    params=[(kind, family) for kind in (AsyncWorld, BlockingWorld) for family in (None, "httpx", "httpx2")],
    ids=lambda param: f"{param[0].__name__}-{param[1] or 'own'}",
)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Both worlds, over connections of our own and over a caller's client of either library."""
    kind, family = request.param
    world: World = kind(family)
    yield world
    world.close()


@pytest.fixture(params=[AsyncWorld, BlockingWorld], ids=["async", "blocking"])
def either_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Both worlds, over connections of our own."""
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
