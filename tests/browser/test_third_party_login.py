"""Third-party-initiated logins, in a real browser (OpenID Connect Core 4)."""

from collections.abc import Callable
from html import escape
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from .certified import FRAMEWORKS, Certified, identify, page_for

PORTAL = "https://portal.test/"
PAGE = page_for("code", "query")
Way = Callable[[str, dict[str, str]], str]
"""What a page has for a login: by action and parameters."""


@pytest.fixture(params=FRAMEWORKS)
def app(request: pytest.FixtureRequest, certified_https: Certified) -> str:
    return certified_https.apps[request.param]


@pytest.fixture
def tab(secure_browser: BrowserContext) -> Page:
    return secure_browser.new_page()


def open_portal(tab: Page, content: str) -> None:
    """A page of a third site, which the browser gets from no server."""
    tab.route(f"{PORTAL}**", lambda route: route.fulfill(content_type="text/html", body=content))
    tab.goto(PORTAL)


def form_of(action: str, parameters: dict[str, str]) -> str:
    fields = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in parameters.items())
    return f'<form method="post" action="{action}">{fields}<button>Log in</button></form>'


def link_of(action: str, parameters: dict[str, str]) -> str:
    return f'<a href="{escape(f"{action}?{urlencode(parameters)}")}">Log in</a>'


def parameters_of(app: str, certified: Certified) -> dict[str, str]:
    return {"iss": certified.provider.issuer, "login_hint": "alice", "target_link_uri": f"{app}/{PAGE}"}


def begin(tab: Page) -> None:
    tab.get_by_text("Log in").click()


either_way = pytest.mark.parametrize("by", [link_of, form_of], ids=["a link", "a form"])


@either_way
def test_it_ends_at_the_page_that_was_asked_for(app: str, certified_https: Certified, tab: Page, by: Way) -> None:
    open_portal(tab, by(f"{app}/login/initiate", parameters_of(app, certified_https)))
    begin(tab)
    expect(tab.locator("input[name=login]")).to_have_value("alice")
    identify(tab)
    expect(tab.locator("body")).to_contain_text('"sub":"alice"')
    assert tab.url == f"{app}/{PAGE}"


def test_a_form_of_another_site_brings_no_session_and_ends_none(
    app: str, certified_https: Certified, secure_browser: BrowserContext, tab: Page
) -> None:
    """threat model 156: until the login has succeeded."""
    tab.goto(f"{app}/{PAGE}")
    identify(tab)
    expect(tab.locator("body")).to_contain_text('"sub":"alice"')
    sent = list[Request]()
    tab.on("request", lambda seen: sent.append(seen) if seen.url == f"{app}/login/initiate" else None)
    open_portal(tab, form_of(f"{app}/login/initiate", parameters_of(app, certified_https)))
    secure_browser.clear_cookies(domain="127.0.0.1")  # the provider asks again
    begin(tab)
    expect(tab.locator("input[name=login]")).to_be_visible()
    (request,) = sent
    assert "cookie" not in request.all_headers()
    tab.goto(f"{app}/{PAGE}")
    expect(tab.locator("body")).to_contain_text('"sub":"alice"')


@pytest.mark.parametrize(
    "wrong", [{"iss": "https://op.test"}, {"target_link_uri": PORTAL}], ids=["a strange provider", "a strange page"]
)
def test_what_is_wrong_leads_nowhere(app: str, certified_https: Certified, tab: Page, wrong: dict[str, str]) -> None:
    open_portal(tab, form_of(f"{app}/login/initiate", {**parameters_of(app, certified_https), **wrong}))
    begin(tab)
    expect(tab.locator("body")).to_contain_text("login_request_invalid")
    assert tab.url == f"{app}/login/initiate"


def test_an_image_begins_no_login(
    app: str, certified_https: Certified, secure_browser: BrowserContext, tab: Page
) -> None:
    asked = list[str]()
    tab.on("request", lambda seen: asked.append(seen.url))
    url = f"{app}/login/initiate?{urlencode(parameters_of(app, certified_https))}"
    with tab.expect_event("requestfailed"):  # what came is not an image
        open_portal(tab, f'<img src="{escape(url)}">')
    assert asked == [PORTAL, url]
    assert secure_browser.cookies(app) == []
