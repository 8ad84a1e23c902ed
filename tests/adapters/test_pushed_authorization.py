"""Logins whose requests are pushed to the provider beforehand. threat model 266."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_async.testing.faults.responses import status
from oidc_async.testing.stages import ANY_REPLY, rejected

from .cookie_jar import jar_of
from .site import Site

MakeSite = Callable[..., Site]


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(pushed_authorization_requests=True)


def test_a_person_logs_in_by_a_request_that_nobody_saw(site: Site) -> None:
    browser = site.browser()
    page = browser.get("/private")
    query = parse_qs(urlsplit(page.headers["location"]).query)
    assert (page.status_code, set(query)) == (302, {"client_id", "request_uri"})
    browser.come_back(site.provider.authorize(page.headers["location"]))
    assert browser.get("/private").text == "private"


def test_a_provider_that_takes_none_is_reported_and_leaves_no_trace(site: Site) -> None:
    browser = site.browser()
    browser.get("/private")
    kept = jar_of(browser)
    with site.provider.misbehaving(rejected("it takes none", ANY_REPLY(status(400)))):
        page = browser.get("/private")
    assert page.status_code == 502
    assert jar_of(browser) == kept


def test_what_is_pushed_by_a_script_is_nothing(site: Site) -> None:
    assert site.browser().get("/private", headers={"sec-fetch-mode": "cors"}).status_code == 401
    assert site.provider.requests == ()
