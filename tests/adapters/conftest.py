"""Every test here runs against Flask and against Quart."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from oidc_async.stores import MemoryStore
from tests.stores.redis.server import RedisServer

from .api import Api, Kind, MakeApi, api_views
from .site import FlaskFramework, Framework, QuartFramework, Site, new_site


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sessions-in", help="a place for all that runs in several; nothing else runs")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a module with SESSIONS_IN in each of these places, unless a test is marked with others.

    A test that is parametrized by `sessions_in` runs there and nowhere else.
    """
    mark = metafunc.definition.get_closest_marker("sessions_in")
    places = mark.args if mark else getattr(metafunc.module, "SESSIONS_IN", ())
    chosen = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if places and "sessions_in" in metafunc.fixturenames and "sessions_in" not in chosen:
        only = the_only_place(metafunc.config)
        metafunc.parametrize("sessions_in", [only] if only else places, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    only = the_only_place(config)
    if only:
        config.hook.pytest_deselected(items=[item for item in items if place_of(item) != only])
        items[:] = [item for item in items if place_of(item) == only]


def the_only_place(config: pytest.Config) -> str | None:
    place: str | None = config.getoption("sessions_in", None)
    return place


def place_of(item: pytest.Item) -> str | None:
    call = getattr(item, "callspec", None)
    return call.params.get("sessions_in") if call else None


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server.url
    server.stop()


@pytest.fixture
def sessions_in(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The setting that keeps sessions in a place, "cookies" if none is named; all sites of a test share it."""

    def file(name: str) -> str:
        # a URL, so that each site has a store of its own on the one file, as each process has
        return f"sqlite://{request.getfixturevalue('tmp_path')}/{name}"

    match getattr(request, "param", "cookies"):
        case "memory":
            return {"OIDC_STORE": MemoryStore()}
        case "sqlite":
            return {"OIDC_STORE": file("sessions.db")}
        case "redis":
            return {"OIDC_STORE": request.getfixturevalue("redis_url")}
        case "cookies beside sqlite":
            return {
                "OIDC_STORE": file("marks.db"),
                "OIDC_SESSION_IN_COOKIES": True,
            }
        case "cookies":
            return {}
        case place:
            raise AssertionError(f"no sessions are kept in {place}")


@pytest.fixture(params=[FlaskFramework(), QuartFramework()], ids=lambda framework: framework.name)
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


@pytest.fixture
def make_site(framework: Framework, sessions_in: dict[str, Any]) -> Iterator[Callable[..., Site]]:
    """Makes sites for the framework of this test: see `new_site`."""
    made: list[Site] = []

    def make(config: Mapping[str, Any] | None = None, **options: Any) -> Site:
        made.append(new_site(framework, config={**sessions_in, **(config or {})}, **options))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture
def make_api(make_site: Callable[..., Site], framework: Framework) -> MakeApi:
    """Makes APIs with the views of `api_views`, unless others are given: see `new_site`."""

    def make(kind: Kind = "sync", **options: Any) -> Api:
        site = make_site(**{"views": api_views(framework, kind), **options})
        return Api(site, site.browser())

    return make


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    return make_api()


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Of views; both must do in both frameworks."""
    chosen: Kind = request.param
    return chosen
