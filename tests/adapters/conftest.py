"""Every test here runs against Flask and against Quart."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from oidc_async.stores import MemoryStore

from .api import Api, Kind, MakeApi, api_views
from .site import FlaskFramework, Framework, QuartFramework, Site, new_site


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a module with SESSIONS_IN in each of these places, unless a test names its own."""
    places = getattr(metafunc.module, "SESSIONS_IN", ())
    chosen = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if places and "sessions_in" in metafunc.fixturenames and "sessions_in" not in chosen:
        metafunc.parametrize("sessions_in", places, indirect=True)


@pytest.fixture
def sessions_in(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """The setting that keeps sessions in "cookies", "memory" or "sqlite"; all sites of a test share the place."""
    match getattr(request, "param", "cookies"):
        case "memory":
            return {"OIDC_STORE": MemoryStore()}
        case "sqlite":
            # a URL, so that each site has a store of its own on the one file, as each process has
            return {"OIDC_STORE": f"sqlite://{tmp_path}/sessions.db"}
        case _:
            return {}


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
