"""A response that comes after a logout or another login brings nobody back, for as long as sessions last."""

from collections.abc import Callable

import pytest

from .late_responses import SlowBrowser
from .provider_logout import FRONT
from .refresh_site import OFFLINE
from .renewal_site import INTERVAL, renewal_views
from .site import Framework, Page, Site, new_provider

SESSIONS_IN = ("cookies", "memory", "cookies beside sqlite")
MakeSite = Callable[..., Site]
LIFE = 31 * 86_400
"""Seconds: the default of PERMANENT_SESSION_LIFETIME."""
SKEW = 30
"""Seconds: the default of OIDC_CLOCK_SKEW."""


@pytest.fixture(params=[True, False], ids=["permanent", "until the browser closes"])
def site(make_site: MakeSite, framework: Framework, request: pytest.FixtureRequest) -> Site:
    return new_site_of_two_providers(make_site, framework, is_permanent=request.param)


def new_site_of_two_providers(make_site: MakeSite, framework: Framework, *, is_permanent: bool = True) -> Site:
    return make_site(
        providers={"default": new_provider(), "second": new_provider("https://second.example")},
        views=renewal_views(framework),
        config={"OIDC_SESSION_PERMANENT": is_permanent, "OIDC_FRONTCHANNEL_LOGOUT_URI": FRONT},
        session_refresh_interval_seconds=INTERVAL,
        **OFFLINE,
    )


def advance(site: Site, seconds: float) -> None:
    for provider in site.providers:
        provider.clock.advance(seconds)


def refresh(browser: SlowBrowser) -> Page:
    return browser.send("/token/new")


def renewal(browser: SlowBrowser) -> Page:
    """The response to the provider's answer, by which the session is renewed unseen."""
    site = browser.site
    advance(site, INTERVAL + 1)
    location = browser.get("/private").headers["location"]
    assert "prompt=none" in location
    return browser.send(site.provider.authorize(location, user="alice").url.removeprefix("https://rp.example"))


def log_out(browser: SlowBrowser) -> None:
    """The provider never sends the browser back."""
    assert browser.get("/logout").status_code == 303


def log_out_by_frame(browser: SlowBrowser) -> None:
    sid = browser.send("/who").json()["id_token"]["sid"]
    frame = f"/frontchannel_logout?iss={browser.site.provider.issuer}&sid={sid}"
    assert browser.get(frame).status_code == 200


def log_in_as_bob(browser: SlowBrowser) -> None:
    browser.log_in("bob")


def log_in_as_bob_elsewhere(browser: SlowBrowser) -> None:
    browser.log_in("bob", "/private-second")


def log_out_and_in_as_bob(browser: SlowBrowser) -> None:
    log_out(browser)
    browser.log_in("bob")


late = pytest.mark.parametrize("late", [refresh, renewal], ids=["refresh", "renewal"])
events = pytest.mark.parametrize(
    "event", [log_out, log_out_by_frame, log_in_as_bob, log_in_as_bob_elsewhere, log_out_and_in_as_bob]
)


def seen_until_the_end(browser: SlowBrowser) -> set[str | None]:
    """Who is logged in at once, after an hour, and shortly before the last session ends."""
    seen = {browser.who()}
    for seconds in (3700, LIFE - 3700 - INTERVAL - 60):
        advance(browser.site, seconds)
        seen.add(browser.who())
    return seen


@late
@events
def test_a_late_response_brings_nobody_back(
    site: Site, late: Callable[[SlowBrowser], Page], event: Callable[[SlowBrowser], None]
) -> None:
    """threat model 346, 347"""
    browser = SlowBrowser(site)
    browser.log_in("alice")
    response = late(browser)
    event(browser)
    after = browser.who()
    assert after in (None, "bob")
    browser.receive(response)
    in_cookies = site.web.store is None or site.web.settings.session_in_cookies
    # a browser keeps one session in its cookies: what overwrites that of another user ends it
    assert seen_until_the_end(browser) == {None if in_cookies else after}


@late
def test_it_brings_the_session_that_continues(site: Site, late: Callable[[SlowBrowser], Page]) -> None:
    """Else the test above would show nothing."""
    browser = SlowBrowser(site)
    browser.log_in("alice")
    token = browser.send("/who").json()["access_token"]
    browser.receive(late(browser))
    assert browser.send("/who").json()["access_token"] != token
    assert seen_until_the_end(browser) == {"alice"}


@pytest.mark.parametrize("ahead", [-SKEW, SKEW])
def test_clocks_of_workers_may_differ(make_site: MakeSite, framework: Framework, ahead: float) -> None:
    """threat model 348: the logout, and then the login, is at a worker whose clock is ahead or behind"""
    site = new_site_of_two_providers(make_site, framework)
    browser = SlowBrowser(site)
    browser.log_in("alice")
    response = refresh(browser)
    assert browser.get("/logout", ahead).status_code == 303
    browser.receive(response)
    assert browser.who() is None
    browser.log_in("bob", ahead=-ahead)
    assert seen_until_the_end(browser) == {"bob"}
    assert browser.get("/logout", ahead).status_code == 303
    assert browser.who() is None
