"""The real providers, started once for the whole lane."""

from collections.abc import Generator, Iterator

import pytest

from .canaille_provider import CanailleProvider
from .node_provider import NodeProvider
from .processes import ServerProcess, free_port
from .real_provider import RealProvider
from .tls import Tls
from .visitor import Visitor
from .worlds import Asyncio, Threads, World

running: list[ServerProcess] = []
seen: dict[str, int] = {}


@pytest.fixture(scope="session")
def apps() -> list[str]:
    """Base URLs that every client is registered for, for the applications of the tests to listen at."""
    ports: set[int] = set()
    while len(ports) < 4:
        ports.add(free_port())
    return [f"http://127.0.0.1:{port}" for port in ports]


@pytest.fixture(scope="session")
def canaille(apps: list[str]) -> Iterator[CanailleProvider]:
    with CanailleProvider(apps, log_name="test-canaille") as provider:
        running.append(provider.server)
        yield provider


@pytest.fixture(scope="session")
def node_provider(apps: list[str]) -> Iterator[NodeProvider]:
    with NodeProvider(apps, log_name="test-node-oidc-provider") as provider:
        running.append(provider.server)
        yield provider


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls.made_in(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def https_apps() -> list[str]:
    return [f"https://127.0.0.1:{free_port()}" for _ in range(2)]


@pytest.fixture(scope="session")
def https_provider(apps: list[str], https_apps: list[str], tls: Tls) -> Iterator[NodeProvider]:
    """The same over TLS, with clients that show certificates."""
    with NodeProvider([*apps, *https_apps], log_name="test-node-https", tls=tls) as provider:
        running.append(provider.server)
        yield provider


@pytest.fixture(params=["canaille", "node_provider"])
def provider(request: pytest.FixtureRequest) -> RealProvider:
    """Each of the real providers in turn."""
    chosen: RealProvider = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    with Visitor() as someone:
        yield someone


@pytest.fixture
def https_visitor(tls: Tls) -> Iterator[Visitor]:
    """One who trusts the authority of the tests."""
    with Visitor(tls.ca) as someone:
        yield someone


@pytest.fixture(params=[Threads, Asyncio])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    chosen: World = request.param()
    yield chosen
    chosen.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows, with a failure, what the providers logged during that test."""
    report = yield
    if call.when == "setup":
        seen.update({server.name: len(server.log()) for server in running})
    if report.failed:
        for server in running:
            report.sections.append((f"log of {server.name}", server.log(seen.get(server.name, 0))))
    return report
