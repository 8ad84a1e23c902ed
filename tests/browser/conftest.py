"""Chromium, the two example applications, and canaille as their provider."""

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from examples.demo import FRAMEWORKS, application
from tests.certificates import Certificate
from tests.providers.canaille_provider import CanailleProvider
from tests.providers.processes import ServerProcess, free_port
from tests.providers.real_provider import Person
from tests.providers.tls import Tls

from .certified import HOST, Certified, over_http, over_https

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
running: list[ServerProcess] = []
seen: dict[str, int] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """An application and its provider, both up. The other application is up, too."""

    app: str
    provider: CanailleProvider


@pytest.fixture(scope="session")
def addresses() -> dict[str, str]:
    return {framework: f"http://127.0.0.1:{free_port()}" for framework in FRAMEWORKS}


@pytest.fixture(scope="session")
def renewing_addresses() -> dict[str, str]:
    """Where the applications are that ask the provider after a second."""
    return {framework: f"http://127.0.0.1:{free_port()}" for framework in FRAMEWORKS}


@pytest.fixture(scope="session")
def canaille(addresses: dict[str, str], renewing_addresses: dict[str, str]) -> Iterator[CanailleProvider]:
    everywhere = [*addresses.values(), *renewing_addresses.values()]
    provider = CanailleProvider(everywhere, log_name="browser-canaille", guests=40)
    with provider:
        running.append(provider.server)
        yield provider


@pytest.fixture(scope="session")
def applications(addresses: dict[str, str], canaille: CanailleProvider) -> Iterator[None]:
    with ExitStack() as stack:
        for framework in addresses:
            server = application(framework, addresses, canaille, log_name=f"browser-{framework}")
            running.append(stack.enter_context(server))
        yield


@pytest.fixture(params=FRAMEWORKS)
def scene(
    request: pytest.FixtureRequest, addresses: dict[str, str], canaille: CanailleProvider, applications: None
) -> Scene:
    """Each of the example applications in turn."""
    return Scene(app=addresses[request.param], provider=canaille)


@pytest.fixture(params=FRAMEWORKS)
def renewing_scene(
    request: pytest.FixtureRequest, renewing_addresses: dict[str, str], canaille: CanailleProvider
) -> Iterator[Scene]:
    """The same, for as long as the test lasts, with sessions that are renewed after a second."""
    name = f"browser-renewing-{request.param}"
    server = application(request.param, renewing_addresses, canaille, log_name=name, OIDC_RENEWAL_SECONDS="1")
    with server:
        running.append(server)
        yield Scene(app=renewing_addresses[request.param], provider=canaille)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls.made_in(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def app_certificate(tls: Tls) -> Certificate:
    return tls.authority.issue("app", HOST)


@pytest.fixture(scope="session")
def certified_http() -> Iterator[Certified]:
    with over_http() as certified:
        running.append(certified.provider.server)
        yield certified


@pytest.fixture(scope="session")
def certified_https(tls: Tls, app_certificate: Certificate) -> Iterator[Certified]:
    with over_https(tls, app_certificate) as certified:
        running.append(certified.provider.server)
        yield certified


@pytest.fixture(scope="session")
def trusting_chromium(playwright: Playwright, tls: Tls, app_certificate: Certificate) -> Iterator[Browser]:
    """Takes the certificates of these two servers, of no other, and finds the applications by their name."""
    hashes = ",".join(each.public_key_hash() for each in (tls.provider, app_certificate))
    flags = [
        f"--ignore-certificate-errors-spki-list={hashes}",
        f"--host-resolver-rules=MAP {HOST} 127.0.0.1, MAP fonts.googleapis.com ~NOTFOUND",
        # a page that comes from no server would else get nothing that is at loopback
        "--disable-features=LocalNetworkAccessChecks",
    ]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
    yield browser
    browser.close()


@pytest.fixture
def secure_browser(trusting_chromium: Browser) -> Iterator[BrowserContext]:
    """One that has never been anywhere, of those that trust our certificates."""
    context = trusting_chromium.new_context()
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser that has never been anywhere."""
    context = chromium.new_context()
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def tab(browser: BrowserContext) -> Page:
    return browser.new_page()


@pytest.fixture
def guest(canaille: CanailleProvider) -> Person:
    """Somebody whom no application knows yet."""
    return canaille.next_guest()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows, with a failure, what the servers logged during that test."""
    report = yield
    if call.when == "setup":
        seen.update({server.name: len(server.log()) for server in running})
    if report.failed:
        for server in running:
            report.sections.append((f"log of {server.name}", server.log(seen.get(server.name, 0))))
    return report
