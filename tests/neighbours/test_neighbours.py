"""Beside each popular extension, whichever is installed first: logins, protected pages, API calls, logouts."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import get_args

import pytest

from tests.adapters.api import Api
from tests.adapters.site import Browser, Page, Site, relayed_fields

from .flask_neighbours import NEIGHBOURS as FLASK_NEIGHBOURS
from .quart_neighbours import NEIGHBOURS as QUART_NEIGHBOURS
from .site import Neighbour, Order, site_beside

MakeSite = Callable[..., Site]
NEIGHBOURS = [*FLASK_NEIGHBOURS, *QUART_NEIGHBOURS]
OWN_PATHS = ("/redirect_uri", "/backchannel_logout")

beside_each = pytest.mark.parametrize("neighbour", NEIGHBOURS, ids=[neighbour.name for neighbour in NEIGHBOURS])
in_either_order = pytest.mark.parametrize("order", get_args(Order), ids=[f"installed {o}" for o in get_args(Order)])


@pytest.fixture
def make_site(neighbour: Neighbour, order: Order) -> Iterator[MakeSite]:
    sites: list[Site] = []

    def make(mode: str = "query") -> Site:
        sites.append(site_beside(neighbour, order, mode, {}))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.mark.parametrize("mode", ["query", "form_post", "fragment"])
@in_either_order
@beside_each
def test_a_user_logs_in_and_out(make_site: MakeSite, mode: str, neighbour: Neighbour, order: Order) -> None:
    site = make_site(mode)
    browser = site.browser()
    assert browser.log_in("/private?a=b").text == "private"
    assert browser.who()["id_token"]["sub"] == "alice"
    at_provider = browser.get("/logout")
    assert at_provider.status_code == 303
    assert at_provider.headers["location"].startswith(f"{site.provider.issuer}/end_session?")
    back = site.provider.end_session(at_provider.headers["location"])
    assert browser.get(back.url).text == "logged out"
    assert browser.who() == {}
    assert browser.get("/private").status_code == 302


@in_either_order
@beside_each
def test_an_api_is_called(make_site: MakeSite, neighbour: Neighbour, order: Order) -> None:
    site = make_site()
    api = Api(site, site.browser())
    for method in ("GET", "POST"):
        page = api.call(token=api.token(), method=method)
        if (neighbour.name, method) == ("Flask-WTF", "POST"):
            # a view for tokens is like any other to it: the application exempts its API, by csrf.exempt
            assert page.status_code == 400
        else:
            assert (page.status_code, page.text) == (200, "alice")
    for token, status in ((None, 401), ("not-a-token", 403), (api.token(scope="write"), 403)):
        page = api.call(token=token)
        assert page.status_code == status
        assert page.headers["www-authenticate"].startswith("Bearer")


@in_either_order
@beside_each
def test_the_provider_ends_a_session(make_site: MakeSite, neighbour: Neighbour, order: Order) -> None:
    site = make_site()
    browser = site.browser()
    browser.log_in()
    told = site.browser().post(
        "/backchannel_logout", {"logout_token": site.provider.logout_token("client1", "alice")}
    )
    assert told.status_code in (200, 204), told.text
    assert browser.who() == {}


@in_either_order
@beside_each
def test_a_failed_login_has_its_page(make_site: MakeSite, neighbour: Neighbour, order: Order) -> None:
    browser = make_site().browser()
    page = browser.come_back(browser.begin_login(consent=False))
    assert page.status_code == 403
    assert "The login was rejected." in page.text


@in_either_order
@beside_each
def test_the_extension_does_its_own_work(make_site: MakeSite, neighbour: Neighbour, order: Order) -> None:
    site = make_site()
    browser = site.browser()
    browser.log_in()
    neighbour.shows(browser, Api(site, site.browser()))


@in_either_order
@pytest.mark.parametrize(
    "neighbour", [n for n in NEIGHBOURS if n.documents], ids=[n.name for n in NEIGHBOURS if n.documents]
)
def test_the_openapi_document_has_the_views_of_the_app_and_none_of_the_extension(
    make_site: MakeSite, neighbour: Neighbour, order: Order
) -> None:
    page = make_site().browser().get(neighbour.documents or "")
    assert page.status_code == 200, page.text
    paths = set(page.json()["paths"])
    assert neighbour.documented in paths
    assert not {path for path in paths if path.startswith(OWN_PATHS)}


@pytest.mark.parametrize("mode", ["form_post", "fragment"])
@in_either_order
@beside_each
def test_a_browser_may_run_the_script_that_posts_a_response_again(
    make_site: MakeSite, mode: str, neighbour: Neighbour, order: Order
) -> None:
    site = make_site(mode)
    browser = site.browser()
    page = first_page(browser, mode)
    assert relayed_fields(page, "")["response_mode"] == mode
    (script,) = re.findall("<script>(.*?)</script>", page.text, re.DOTALL)
    policy = page.headers["content-security-policy"]
    assert f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in policy


def first_page(browser: Browser, mode: str) -> Page:
    """What the redirect URI shows to a browser that comes from the provider."""
    callback = browser.begin_login()
    if mode == "form_post":
        return browser.site.browser().post(callback.url, data=callback.form)
    return browser.get(callback.url)
