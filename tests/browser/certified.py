"""Applications at a certified provider, where browsers find them: over https by a name, over http at localhost."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.certificates import Certificate
from tests.providers.apps import serving
from tests.providers.configurations import configuration_of
from tests.providers.node_provider import NodeProvider
from tests.providers.processes import free_port
from tests.providers.tls import Tls

FRAMEWORKS = ("flask", "quart")
HOST = "app.test"
"""Of the applications over https: to a browser another site than the provider at 127.0.0.1, and not this machine."""
WAYS = (
    ("code", "query"),
    ("code", "form_post"),
    ("code", "fragment"),
    ("id_token", "form_post"),
    ("id_token", "fragment"),
    ("code id_token token", "form_post"),
    ("code id_token token", "fragment"),
)


def page_for(response_type: str, mode: str) -> str:
    return f"{response_type.replace(' ', '-')}-by-{mode}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """The provider, and an application of each framework with a page for each way to log in."""

    provider: NodeProvider
    apps: dict[str, str]

    @property
    def is_secure(self) -> bool:
        return self.provider.ca is not None


@contextmanager
def over_http() -> Iterator[Certified]:
    apps = {framework: f"http://localhost:{free_port()}" for framework in FRAMEWORKS}
    with _up(NodeProvider(list(apps.values()), log_name="browser-node-http"), apps) as certified:
        yield certified


@contextmanager
def over_https(tls: Tls, certificate: Certificate) -> Iterator[Certified]:
    """With the certificate of the applications, and that of the provider in `tls`."""
    apps = {framework: f"https://{HOST}:{free_port()}" for framework in FRAMEWORKS}
    with _up(
        NodeProvider(list(apps.values()), log_name="browser-node-https", tls=tls), apps, certificate
    ) as certified:
        yield certified


@contextmanager
def _up(provider: NodeProvider, apps: dict[str, str], certificate: Certificate | None = None) -> Iterator[Certified]:
    with ExitStack() as stack:
        stack.enter_context(provider)
        configurations = {
            page_for(response_type, mode): configuration_of(
                provider,
                provider.clients["hybrid"],
                parameters={"response_type": response_type, "response_mode": mode},
            )
            for response_type, mode in WAYS
        }
        for framework, address in apps.items():
            stack.enter_context(serving(framework, configurations, address, certificate))
        yield Certified(provider=provider, apps=apps)


def identify(tab: Page) -> None:
    """As alice, who consents."""
    tab.fill("input[name=login]", "alice")
    tab.fill("input[name=password]", "any")
    tab.click("button[type=submit]")
    tab.locator("input[name=prompt][value=consent]").wait_for(state="attached")
    tab.click("button[type=submit]")


def confirm_logout(tab: Page) -> None:
    tab.click("button[name=logout]")
