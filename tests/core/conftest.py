"""Servers and worlds for the tests of the runtimes, and an observer of what they tell OpenTelemetry."""

import ssl
from collections.abc import Callable, Iterator

import pytest

from oidc_async.resource_server import metrics
from oidc_async.runtime import telemetry
from tests.core.observer import Observer
from tests.core.raw_server import Answer, RawServer
from tests.core.worlds import AsyncWorld, BlockingWorld, World

Serve = Callable[..., RawServer]


Param = tuple[type[AsyncWorld] | type[BlockingWorld], str]

FAMILIES = ("httpx", "httpx2")
OWN: list[Param] = [(AsyncWorld, engine) for engine in (*FAMILIES, "aiohttp")]
OWN += [(BlockingWorld, engine) for engine in FAMILIES]
GIVEN: list[Param] = [(kind, f"client of {family}") for kind in (AsyncWorld, BlockingWorld) for family in FAMILIES]


def name_of(param: Param) -> str:
    return f"{param[0].__name__}-{param[1]}"


@pytest.fixture(params=OWN + GIVEN, ids=name_of)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Both worlds, over connections of our own of every library, and over a caller's client."""
    kind, engine = request.param
    world: World = kind(engine)
    yield world
    world.close()


@pytest.fixture(params=OWN, ids=name_of)
def own_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Both worlds, over connections of our own of every library."""
    kind, engine = request.param
    world: World = kind(engine)
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


@pytest.fixture
def observer(monkeypatch: pytest.MonkeyPatch) -> Observer:
    observer = Observer()
    monkeypatch.setattr(metrics, "_servers", metrics._ResourceServers())
    exchanges = telemetry._set_up(observer.tracer, observer.meter)
    monkeypatch.setattr(telemetry, "_exchanges", lambda: exchanges)
    return observer
