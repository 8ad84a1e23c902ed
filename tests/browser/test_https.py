"""Logins at a certified provider in a browser: over https with our own certificates, and over http at localhost."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Request, expect

from tests.certificates import Authority
from tests.providers.apps import serving
from tests.providers.configurations import configuration_of
from tests.providers.node_provider import NodeProvider
from tests.providers.processes import free_port

from .certified import FRAMEWORKS, HOST, WAYS, Certified, confirm_logout, identify, page_for
from .test_response_modes import SECRETS, addresses_in_history

SOME_WAYS = [way for way in WAYS if way[0] == "code id_token token" or way == ("code", "form_post")]
CASES = [
    (f"{framework} over {scheme}", *way)
    for scheme, ways in (("https", WAYS), ("http", SOME_WAYS))
    for framework in FRAMEWORKS
    for way in ways
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An application and its provider: to a browser, two sites."""

    app: str
    provider: NodeProvider
    is_secure: bool


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    framework, _, scheme = request.param.split()
    certified: Certified = request.getfixturevalue(f"certified_{scheme}")
    return Place(app=certified.apps[framework], provider=certified.provider, is_secure=certified.is_secure)


@pytest.fixture
def tab(secure_browser: BrowserContext) -> Page:
    return secure_browser.new_page()


@pytest.mark.parametrize(
    ("place", "response_type", "mode"),
    CASES,
    indirect=["place"],
    ids=[f"{where}-{of} by {by}" for where, of, by in CASES],
)
def test_a_login_a_refresh_and_a_logout(
    place: Place, secure_browser: BrowserContext, tab: Page, response_type: str, mode: str
) -> None:
    """threat model 158, 257."""
    posts, complaints = list[Request](), list[str]()
    tab.on("request", lambda seen: posts.append(seen) if seen.url == f"{place.app}/callback" else None)
    tab.on("console", lambda message: complaints.append(message.text))
    page = f"{place.app}/{page_for(response_type, mode)}"
    tab.goto(page)
    identify(tab)
    expect(tab.locator("body")).to_contain_text('"sub":"alice"')
    assert tab.url == page
    ours = [address for address in addresses_in_history(secure_browser, tab) if address.startswith(place.app)]
    assert [address for address in ours if any(secret in address for secret in SECRETS)] == []
    # what came from the provider's page had none of our cookies, and what came from our page had all of them
    sent = ["cookie" in seen.all_headers() for seen in posts if seen.method == "POST"]
    assert sent == {"query": [], "fragment": [True], "form_post": [False, True]}[mode]
    require_cookies(place, secure_browser)
    tab.goto(f"{place.app}/refresh")
    expect(tab.locator("body")).to_contain_text(
        '"refreshed":true' if "code" in response_type else '"refreshed":false'
    )
    tab.goto(f"{place.app}/logout")
    confirm_logout(tab)
    expect(tab.locator("body")).to_have_text("logged out")
    assert [text for text in complaints if "Content Security Policy" in text] == []
    tab.goto(page)
    expect(tab.locator("input[name=login]")).to_be_visible()


def require_cookies(place: Place, browser: BrowserContext) -> None:
    cookies = browser.cookies(place.app)
    assert {cookie.get("name", "").rpartition("-")[2] for cookie in cookies} >= {"session"}
    assert all(cookie.get("sameSite") == "Lax" and cookie.get("httpOnly") for cookie in cookies)
    named = {(cookie.get("name", "").startswith("__Host-oidc-"), cookie.get("secure")) for cookie in cookies}
    assert named == {(place.is_secure, place.is_secure)}


@pytest.fixture
def stranger(certified_https: Certified, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with the name of the applications, and a certificate of another authority."""
    address = f"https://{HOST}:{free_port()}"
    certificate = Authority(tmp_path_factory.mktemp("stranger")).issue("app", HOST)
    provider = certified_https.provider
    configuration = configuration_of(provider, provider.clients["basic"])
    with serving("flask", {"basic": configuration}, address, certificate):
        yield address


def test_the_browser_takes_no_other_certificate(stranger: str, tab: Page) -> None:
    """So the tests above would notice."""
    with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
        tab.goto(stranger)
