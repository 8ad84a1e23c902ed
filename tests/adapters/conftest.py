"""Every test here runs against Flask and against Quart."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .api import Api, Kind, MakeApi, api_views
from .site import FlaskFramework, Framework, QuartFramework, Site, new_site


@pytest.fixture(params=[FlaskFramework(), QuartFramework()], ids=lambda framework: framework.name)
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


@pytest.fixture
def make_site(framework: Framework) -> Iterator[Callable[..., Site]]:
    """Makes sites for the framework of this test: see `new_site`."""
    made: list[Site] = []

    def make(**options: Any) -> Site:
        made.append(new_site(framework, **options))
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
