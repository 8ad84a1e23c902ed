"""Every test here runs against the application on Flask and on Quart, over HTTP."""

from collections.abc import Iterator

import pytest

from oidc_async.testing import SimulatedProvider
from tests.adapters.served import served
from tests.adapters.site import FlaskFramework, Framework, QuartFramework

from .driver import Driver, new_provider
from .flask_application import FlaskApplication
from .quart_application import QuartApplication

APPLICATIONS: dict[str, tuple[Framework, type[FlaskApplication] | type[QuartApplication]]] = {
    "flask": (FlaskFramework(), FlaskApplication),
    "quart": (QuartFramework(), QuartApplication),
}


@pytest.fixture(scope="module", params=APPLICATIONS)
def base_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the application is; one for all tests of a module, as for all modules of the suite."""
    framework, new_application = APPLICATIONS[request.param]
    application = new_application("")
    with served(framework, application) as port:
        application.control.base_url = f"http://127.0.0.1:{port}"
        yield application.control.base_url
    application.close()


@pytest.fixture
def provider() -> Iterator[SimulatedProvider]:
    """Served over HTTP, with alice logged in."""
    provider = new_provider()
    with provider.serve(login_page=False):
        yield provider


@pytest.fixture
def driver(base_url: str, provider: SimulatedProvider) -> Iterator[Driver]:
    driver = Driver(base_url, provider)
    with driver.http:
        yield driver
