"""Logins by fragment and form post in a real browser, which keeps SameSite cookies to itself and minds policies."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from examples.demo import FRAMEWORKS
from oidc_async import ClientMetadata, ProviderConfiguration
from oidc_async.protocol.response_type import RESPONSE_TYPES
from oidc_async.testing import SimulatedProvider
from oidc_async.web.sessions.pending_logins import MAX_PENDING
from tests.providers.apps import flask_app, quart_app, serving_flask, serving_quart
from tests.providers.processes import free_port

WAYS = [
    ("code", "form_post"),
    ("code", "fragment"),
    ("id_token", "form_post"),
    ("id_token", "fragment"),
    ("code id_token token", "form_post"),
    ("code id_token token", "fragment"),
]
every_way = pytest.mark.parametrize(("response_type", "mode"), WAYS, ids=[" by ".join(way) for way in WAYS])
SECRETS = ("code=", "id_token=", "access_token=", "state=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An application at localhost, and its provider at 127.0.0.1: to a browser, two sites."""

    app: str
    issuer: str
    provider: SimulatedProvider


@pytest.fixture(scope="module", params=FRAMEWORKS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    address = f"http://localhost:{free_port()}"
    provider = SimulatedProvider()
    provider.register("client1", "secret1", redirect_uris=[f"{address}/callback"], response_types=RESPONSE_TYPES)
    provider.add_user("alice", password="wonderland")
    with ExitStack() as stack:
        issuer = stack.enter_context(provider.serve())
        configurations = {
            page_for(response_type, mode): ProviderConfiguration(
                issuer,
                client_metadata=ClientMetadata("client1", "secret1"),
                auth_request_params={"response_type": response_type, "response_mode": mode},
            )
            for response_type, mode in WAYS
        }
        stack.enter_context(serving(request.param, configurations, address, issuer))
        yield Place(app=address, issuer=issuer, provider=provider)


def serving(framework: str, configurations: dict[str, ProviderConfiguration], address: str, issuer: str) -> ExitStack:
    """The application of the provider lane, with pages at `/away/NAME` that lead to another site."""
    is_flask = framework == "flask"
    app: Any = flask_app(configurations, address) if is_flask else quart_app(configurations, address)
    auth = app.extensions["oidc_async"].extension

    def away() -> tuple[str, int, dict[str, str]]:
        return "", 302, {"location": f"{issuer}/.well-known/openid-configuration"}

    for name in configurations:
        app.add_url_rule(f"/away/{name}", f"away {name}", auth.oidc_auth(name)(away))
        # the pages take forms, too
        app.add_url_rule(f"/{name}", f"post {name}", app.view_functions[name], methods=["POST"])
    stack = ExitStack()
    stack.enter_context(serving_flask(app, address) if is_flask else serving_quart(app, address))
    return stack


def page_for(response_type: str, mode: str) -> str:
    return f"{response_type.replace(' ', '-')}-by-{mode}"


def identify(tab: Page) -> None:
    tab.fill("input[name=username]", "alice")
    tab.fill("input[name=password]", "wonderland")
    tab.click("button[value=allow]")


def addresses_in_history(browser: BrowserContext, tab: Page) -> list[str]:
    history = browser.new_cdp_session(tab).send("Page.getNavigationHistory")
    return [entry["url"] for entry in history["entries"]]


@every_way
def test_a_login_leaves_no_secret_in_any_address(
    place: Place, browser: BrowserContext, tab: Page, response_type: str, mode: str
) -> None:
    """threat model 158, 257."""
    posts: list[Request] = []
    tab.on("request", lambda seen: posts.append(seen) if seen.url == f"{place.app}/callback" else None)
    page = f"{place.app}/{page_for(response_type, mode)}"
    tab.goto(page)
    identify(tab)
    expect(tab.locator("body")).to_contain_text('"sub":"alice"')
    assert tab.url == page
    addresses = addresses_in_history(browser, tab)
    ours = [address for address in addresses if address.startswith(place.app)]
    assert ours == [page]
    assert [address for address in ours if any(secret in address for secret in SECRETS)] == []
    # what came from the provider's page had none of our cookies, and what came from our page had all of them
    cookies = ["cookie" in seen.all_headers() for seen in posts if seen.method == "POST"]
    assert cookies == ([False, True] if mode == "form_post" else [True])
    assert all(cookie.get("sameSite") == "Lax" for cookie in browser.cookies(place.app))
    tab.reload()
    expect(tab.locator("body")).to_contain_text('"sub":"alice"')


@every_way
def test_a_rejection_leaves_no_secret_in_any_address(
    place: Place, browser: BrowserContext, tab: Page, response_type: str, mode: str
) -> None:
    tab.goto(f"{place.app}/{page_for(response_type, mode)}")
    tab.click("button[value=deny]")
    expect(tab.locator("body")).to_contain_text("access_denied")
    assert tab.url == f"{place.app}/callback"
    assert [address for address in addresses_in_history(browser, tab) if "error=" in address] == []


@pytest.mark.parametrize("mode", ["form_post", "fragment"])
def test_the_page_that_was_asked_for_may_lead_to_another_site(place: Place, tab: Page, mode: str) -> None:
    """Chromium holds the policy of a page with a form against all redirects that follow."""
    tab.goto(f"{place.app}/away/{page_for('code', mode)}")
    identify(tab)
    expect(tab.locator("body")).to_contain_text("authorization_endpoint")
    assert tab.url == f"{place.issuer}/.well-known/openid-configuration"


def test_a_second_login_ends_the_session_of_the_first(place: Place, browser: BrowserContext, tab: Page) -> None:
    """threat model 156."""
    tab.goto(f"{place.app}/{page_for('code', 'form_post')}")
    identify(tab)
    expect(tab.locator("body")).to_contain_text('"provider":"code-by-form_post"')
    tab.goto(f"{place.app}/{page_for('code id_token token', 'form_post')}")
    expect(tab.locator("body")).to_contain_text('"provider":"code-id_token-token-by-form_post"')
    names = {cookie.get("name", "").rpartition("-")[2] for cookie in browser.cookies(place.app)}
    assert names == {"session", "current", "logins"}


def test_a_site_that_posts_again_and_again_does_not_fill_the_browser(
    place: Place, browser: BrowserContext, tab: Page
) -> None:
    """threat model 163: it would be rejected for its headers, and could not log in for ten minutes."""
    page = f"{place.app}/{page_for('code', 'form_post')}"
    for _ in range(12):
        tab.goto(f"{place.issuer}/.well-known/openid-configuration")
        with tab.expect_navigation(url=re.compile("/authorize")):
            post_to(tab, page)
    pending = [cookie for cookie in browser.cookies(place.app) if "-login-" in cookie.get("name", "")]
    assert 1 <= len(pending) <= MAX_PENDING
    identify(tab)
    expect(tab.locator("body")).to_contain_text('"sub":"alice"')
    tab.goto(f"{place.issuer}/.well-known/openid-configuration")
    post_to(tab, page)
    # the session comes with the second request
    expect(tab.locator("body")).to_contain_text('"sub":"alice"')


def post_to(tab: Page, url: str) -> None:
    tab.evaluate(
        """url => {
            const form = document.createElement("form");
            [form.method, form.action] = ["post", url];
            document.body.append(form);
            form.submit();
        }""",
        url,
    )


@pytest.fixture
def plain_tab(chromium: Browser) -> Iterator[Page]:
    """A tab of a browser that runs no scripts."""
    context = chromium.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_without_scripts_a_form_post_takes_a_click(place: Place, plain_tab: Page) -> None:
    plain_tab.goto(f"{place.app}/{page_for('code', 'form_post')}")
    identify(plain_tab)
    plain_tab.get_by_role("button", name="Continue").click()
    plain_tab.get_by_role("button", name="Continue").click()
    expect(plain_tab.locator("body")).to_contain_text('"sub":"alice"')


def test_without_scripts_a_fragment_says_that_it_needs_them(place: Place, plain_tab: Page) -> None:
    plain_tab.goto(f"{place.app}/{page_for('code', 'fragment')}")
    identify(plain_tab)
    told = plain_tab.locator("noscript p")
    expect(told).to_be_visible()
    assert told.inner_text().startswith("This login needs JavaScript")
