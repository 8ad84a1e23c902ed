"""Every test here runs against Flask and against Quart."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

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
