"""Renewals when the provider is down, when several are under way, and when something leads to the next one."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest

from oidc_async.testing import Clock, Fault, Misbehaviour, SimulatedProvider
from oidc_async.web.signals import refresh_failed
from oidc_async.web.views.begin_login import MAX_LOGINS_IN_A_ROW

from .cookie_jar import copy_of_session, in_cookies, jar_of, logged_in, login_again, put, session_of
from .provider_logout import FRONT, back_site, end
from .renewal_site import (
    DAY,
    INTERVAL,
    LIES,
    OUTAGES,
    PAUSE,
    MakeSite,
    answer,
    grow_old,
    is_login,
    is_renewal,
    kept,
    leave,
    renewal_site,
)
from .site import REDIRECT_URI, Framework, Site, new_provider

SESSIONS_IN = ("cookies", "memory", "sqlite")
in_memory = pytest.mark.parametrize("sessions_in", ["memory"], indirect=True)


@pytest.fixture
def site(make_site: MakeSite, framework: Framework) -> Site:
    return renewal_site(make_site, framework)


# Outages


@pytest.mark.parametrize("fault", OUTAGES, ids=str)
def test_an_outage_costs_no_session_and_the_next_try_comes_later(site: Site, fault: Misbehaviour) -> None:
    browser = logged_in(site)
    before = kept(browser)
    grow_old(site)
    page = leave(browser)
    with site.provider.misbehaving(fault):
        back = answer(browser, page)
    assert (back.status_code, back.headers["location"]) == (302, "/private")
    assert browser.get("/private").text == "private"
    assert kept(browser) == before
    site.provider.clock.advance(PAUSE - 15)
    assert browser.get("/private").text == "private"
    site.provider.clock.advance(30)
    answer(browser, leave(browser))
    assert browser.get("/private").text == "private"
    assert kept(browser) != before


def test_a_provider_whose_metadata_cannot_be_had_costs_no_session(site: Site) -> None:
    browser = logged_in(site)
    before = kept(browser)
    site.provider.clock.advance(3 * DAY)
    site.provider.forget_requests()
    with site.provider.misbehaving(Fault.DISCOVERY_500):
        assert browser.get("/private").text == "private"
        asked = site.provider.count("discovery")
        assert asked > 0
        assert [browser.get("/private").text for _ in range(3)] == ["private"] * 3
        assert site.provider.count("discovery") == asked
        site.provider.clock.advance(PAUSE + 1)
        assert browser.get("/private").text == "private"
        assert site.provider.count("discovery") > asked
    assert kept(browser) == before
    site.provider.clock.advance(PAUSE + 1)
    assert is_renewal(browser.get("/private"))


@pytest.mark.parametrize("fault", LIES, ids=str)
def test_an_answer_that_lies_is_an_error_and_changes_nothing(site: Site, fault: Misbehaviour) -> None:
    browser = logged_in(site)
    before = kept(browser)
    grow_old(site)
    page = leave(browser)
    with site.provider.misbehaving(fault):
        assert answer(browser, page).status_code in (400, 502)
    assert browser.get("/private").text == "private"
    assert kept(browser) == before


@in_cookies
def test_claims_that_became_too_many_for_cookies_cost_no_session(site: Site) -> None:
    """threat model 165"""
    browser = logged_in(site)
    before = kept(browser)
    grow_old(site)
    groups = [sha256(str(number).encode()).hexdigest() for number in range(800)]
    site.provider.add_user("alice", claims={"groups": groups})
    heard: list[dict[str, Any]] = []

    def note(app: Any, claims: dict[str, Any], **extra: Any) -> None:
        heard.append(claims)

    with refresh_failed.connected_to(note, sender=site.app):
        assert answer(browser, leave(browser)).status_code == 302
    assert heard == [before["id_token"]]
    assert browser.get("/private").text == "private"
    assert kept(browser) == before


def test_an_answer_that_took_too_long_costs_no_session(site: Site) -> None:
    browser = logged_in(site)
    before = kept(browser)
    grow_old(site)
    page = leave(browser)
    site.provider.clock.advance(3600)
    assert answer(browser, page).headers["location"] == "/private"
    assert kept(browser) == before


# Several at once


def test_several_tabs_are_renewed_at_once_and_each_ends_well(site: Site) -> None:
    """contract.md 2"""
    browser = logged_in(site)
    first_tab = site.browser()
    grow_old(site)
    put(first_tab, jar_of(browser))
    leaving = [leave(first_tab, "/deep/first"), leave(browser, "/deep/second")]
    put(browser, {**jar_of(first_tab), **jar_of(browser)})
    backs = [answer(browser, page) for page in leaving]
    assert [back.headers["location"] for back in backs] == ["/deep/first", "/deep/second"]
    assert browser.get("/deep/first").status_code == 200


def test_who_goes_back_while_it_is_renewed_sees_the_page(site: Site) -> None:
    browser = logged_in(site)
    grow_old(site)
    page = leave(browser)
    assert browser.get("/private").text == "private"
    answer(browser, page)
    assert browser.get("/private").text == "private"


def test_a_renewal_that_ends_after_a_logout_revives_nothing(site: Site) -> None:
    """threat model 248"""
    browser = logged_in(site)
    grow_old(site)
    page = leave(browser)
    browser.get("/logout")
    back = answer(browser, page)
    assert (back.status_code, back.headers["location"]) == (302, "/private")
    assert browser.who() == {}
    assert is_login(browser.get("/private"))


def test_a_renewal_that_ends_after_the_login_of_another_user_changes_nothing(site: Site) -> None:
    """threat model 247"""
    browser = logged_in(site)
    grow_old(site)
    page = leave(browser)
    browser.get("/logout")
    site.provider.clock.advance(1)
    browser.log_in(user="bob")
    before = kept(browser)
    assert answer(browser, page, user="alice").status_code == 302
    assert kept(browser) == before
    assert browser.get("/private").text == "private"


def test_a_rejection_in_one_tab_is_made_up_for_by_a_renewal_in_another(site: Site) -> None:
    browser = logged_in(site)
    grow_old(site)
    tab = site.browser()
    put(tab, jar_of(browser))
    one, other = leave(browser), leave(tab)
    put(browser, {**jar_of(tab), **jar_of(browser)})
    with site.provider.misbehaving(Fault.AUTHORIZATION_LOGIN_REQUIRED):
        answer(browser, one)
    assert is_login(browser.get("/private"))
    answer(browser, other)
    assert browser.get("/private").text == "private"


# No loop


@pytest.mark.parametrize("interval", [0, 1, INTERVAL])
def test_a_page_is_shown_after_one_way_through_the_provider(
    make_site: MakeSite, framework: Framework, interval: float
) -> None:
    site = renewal_site(make_site, framework, session_refresh_interval_seconds=interval)
    browser = site.browser()
    browser.come_back(browser.begin_login())
    site.provider.clock.advance(interval + 1.5)
    answer(browser, leave(browser))
    assert browser.get("/private").text == "private"
    assert browser.get("/private").text == "private"


@in_cookies
def test_a_provider_that_always_wants_a_login_gets_one_for_each_interval(site: Site) -> None:
    browser = logged_in(site)
    for _ in range(MAX_LOGINS_IN_A_ROW + 2):
        grow_old(site)
        page = leave(browser)
        with site.provider.misbehaving(Fault.AUTHORIZATION_LOGIN_REQUIRED):
            to_login = answer(browser, page)
        answer(browser, to_login)
        assert browser.get("/private").text == "private"
        # the seconds of a browser are real ones
        browser.cookies.delete(site.web.cookies.name("logins"), domain="rp.example")


def test_a_browser_that_keeps_the_old_session_only_learns_so(site: Site) -> None:
    """threat model 165, 232"""
    browser = logged_in(site)
    old = copy_of_session(browser)
    browser.cookies.delete(site.web.cookies.name("logins"), domain="rp.example")
    grow_old(site)
    if site.web.store is not None:
        # a store has ended it: what comes back is nobody's
        return check_that_an_ended_session_does_not_loop(site)
    with site.provider.misbehaving(Fault.AUTHORIZATION_LOGIN_REQUIRED):
        answer(browser, leave(browser))
    pages = []
    for _ in range(MAX_LOGINS_IN_A_ROW + 1):
        pages.append(page := browser.get("/private"))
        if page.status_code != 302:
            break
        answer(browser, page)
        put(browser, {**jar_of(browser), **old})
    assert [page.status_code for page in pages] == [302] * MAX_LOGINS_IN_A_ROW + [400]
    return None


def check_that_an_ended_session_does_not_loop(site: Site) -> None:
    browser = logged_in(site)
    old = session_of(browser)
    site.provider.clock.advance(1)
    browser.come_back(site.provider.authorize(login_again(browser)))
    put(browser, {**jar_of(browser), **old})
    assert is_login(browser.get("/private"))


@pytest.mark.parametrize("jump", [-DAY, -PAUSE - 1, -1, DAY], ids=str)
def test_a_clock_that_is_set_costs_one_way_at_most(site: Site, jump: float) -> None:
    browser = logged_in(site)
    grow_old(site)
    answer(browser, leave(browser))
    site.provider.clock.jump(jump)
    page = browser.get("/private")
    if page.status_code == 302:
        answer(browser, page)
    assert browser.get("/private").text == "private"


def test_a_clock_that_was_wrong_for_a_moment_does_not_put_renewals_off(site: Site) -> None:
    browser = logged_in(site)
    grow_old(site)
    site.provider.clock.jump(DAY)
    leave(browser)
    site.provider.clock.jump(-DAY)
    assert is_renewal(browser.get("/private"))


@in_cookies
def test_a_rejection_is_that_of_one_session(make_site: MakeSite, framework: Framework) -> None:
    """threat model 159: though another one began in the same second"""
    provider = SimulatedProvider(clock=Clock(1_700_000_000.25))
    provider.register("client1", "secret1", redirect_uris=[REDIRECT_URI])
    provider.add_user("alice")
    site = renewal_site(make_site, framework, providers={"default": provider})
    browser = logged_in(site)
    provider.clock.advance(0.5)
    other = logged_in(site)
    grow_old(site)
    with provider.misbehaving(Fault.AUTHORIZATION_LOGIN_REQUIRED):
        answer(browser, leave(browser))
    put(other, {**jar_of(browser), **jar_of(other)})
    assert is_renewal(other.get("/private"))


def test_clocks_that_differ_by_more_than_the_interval_do_not_loop(make_site: MakeSite, framework: Framework) -> None:
    provider = new_provider()
    one, late = (renewal_site(make_site, framework, providers={"default": provider}) for _ in range(2))
    browser = logged_in(one)
    behind: Callable[[], float] = lambda: provider.clock() - 2 * INTERVAL  # noqa: E731
    late.web.now = behind
    grow_old(one)
    there = late.browser()
    page = leave(browser)
    put(there, jar_of(browser))
    answer(there, page)
    put(browser, jar_of(there))
    assert browser.get("/private").text == "private"


# The provider ends sessions


@in_memory
def test_the_provider_ends_by_its_new_session_what_was_renewed_in_it(
    make_site: MakeSite, framework: Framework
) -> None:
    """OIDC Back-Channel Logout 2.1: the user has logged out and in again there, and was renewed since"""
    site = back_site(make_site, session_refresh_interval_seconds=INTERVAL)
    browser = logged_in(site)
    grow_old(site)
    site.provider.sign_in("alice")
    answer(browser, leave(browser))
    assert browser.get("/private").text == "private"
    assert end(site, sub=False).status_code == 200
    assert is_login(browser.get("/private"))


@in_memory
def test_a_frame_ends_it_too(make_site: MakeSite) -> None:
    """OIDC Front-Channel Logout 3: also where the browser keeps our cookies from frames"""
    site = make_site(config={"OIDC_FRONTCHANNEL_LOGOUT_URI": FRONT}, session_refresh_interval_seconds=INTERVAL)
    browser = logged_in(site)
    grow_old(site)
    site.provider.sign_in("alice")
    answer(browser, leave(browser))
    query = urlencode({"iss": site.provider.issuer, "sid": browser.who()["id_token"]["sid"]})
    assert site.browser().get(f"/frontchannel_logout?{query}").status_code == 200
    assert is_login(browser.get("/private"))
