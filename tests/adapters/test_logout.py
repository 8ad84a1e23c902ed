"""Logging out: here in any case, at the provider where it can be done, and never by half."""

import logging
from collections.abc import Callable
from hashlib import md5
from typing import Any

import pytest

from oidc_async.testing import Fault

from .cookie_jar import jar_of, logged_in, put, session_name, session_of
from .end_session import is_at_provider, parameters
from .site import ORIGIN, Framework, Site, cookies_of, new_provider
from .toolbox import toolbox

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "memory", "sqlite")
RETURN_URI = f"{ORIGIN}/logout"


def test_a_logout_goes_to_the_provider_and_comes_back_to_the_view(site: Site) -> None:
    """contract.md 1 (oidc_logout) and 4; OIDC RP-Initiated Logout 2, 3"""
    browser = logged_in(site)
    id_token = browser.who()["id_token_jwt"]
    page = browser.get("/logout")
    assert is_at_provider(page, site.provider)
    sent = parameters(page)
    assert sent == {
        "id_token_hint": id_token,
        "client_id": "client1",
        "post_logout_redirect_uri": RETURN_URI,
        "state": sent["state"],
    }
    assert len(sent["state"]) == 43
    back = site.provider.end_session(page.headers["location"])
    page = browser.get(back.url)
    assert (page.status_code, page.text) == (200, "logged out")
    assert jar_of(browser) == {}
    assert browser.get("/private").status_code == 302


def test_the_way_to_the_provider_is_kept_nowhere(site: Site) -> None:
    """contract.md 4; threat model 166, 257"""
    page = logged_in(site).get("/logout")
    assert "no-store" in page.headers["cache-control"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["vary"] == "Cookie"


def test_the_session_here_ends_though_the_browser_never_gets_to_the_provider(site: Site) -> None:
    """threat model 197"""
    browser = logged_in(site)
    assert is_at_provider(browser.get("/logout"), site.provider)
    assert session_of(browser) == {}
    assert browser.who() == {}


def test_logging_out_asks_the_provider_for_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 194, 253: nothing is revoked, and no ID token is in a log"""
    browser = logged_in(site)
    id_token = browser.who()["id_token_jwt"]
    site.provider.forget_requests()
    with caplog.at_level(logging.DEBUG):
        page = browser.get("/logout")
    assert site.provider.requests == ()
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("oidc_async"))
    assert id_token not in logged
    assert parameters(page)["state"] not in logged


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_is_not_logged_in_is_shown_the_view(site: Site, method: str) -> None:
    page = site.browser().request(method, "/logout")
    assert (page.status_code, page.text) == (200, "logged out")
    assert site.provider.requests == ()


def test_a_session_that_is_over_is_not_a_login_to_end(make_site: MakeSite) -> None:
    site = make_site(config={"OIDC_SESSION_SECONDS": 60})
    browser = logged_in(site)
    site.provider.clock.advance(70)
    assert browser.get("/logout").text == "logged out"


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json"])
def test_a_logout_may_be_posted(site: Site, content_type: str) -> None:
    """threat model 196"""
    browser = logged_in(site)
    page = browser.request("POST", "/logout", headers={"content-type": content_type})
    assert is_at_provider(page, site.provider)
    assert browser.get(site.provider.end_session(page.headers["location"]).url).text == "logged out"
    assert browser.who() == {}


def test_a_script_is_logged_out_too(site: Site) -> None:
    browser = logged_in(site)
    browser.request("POST", "/logout", headers={"x-requested-with": "XMLHttpRequest", "accept": "application/json"})
    assert browser.who() == {}


@pytest.mark.parametrize("header", ["sec-purpose", "purpose"])
def test_a_browser_that_looks_ahead_logs_nobody_out(site: Site, header: str) -> None:
    """threat model 196"""
    browser = logged_in(site)
    page = browser.get("/logout", headers={header: "prefetch;prerender"})
    assert page.status_code == 503
    assert "no-store" in page.headers["cache-control"]
    assert browser.who() != {}
    assert is_at_provider(browser.get("/logout"), site.provider)


# State


def wrong_states(state: str) -> dict[str, str]:
    return {
        "another": "?state=another",
        "cut short": f"?state={state[:-1]}",
        "longer": f"?state={state}a",
        "in capitals": f"?state={state.swapcase()}",
        "empty": "?state=",
        "missing": "",
        "not UTF-8": "?state=%FF",
        "a null": "?state=%00",
        "outside ASCII": "?state=%C3%BC",
        "long": f"?state={'a' * 20_000}",
        "the second of two": f"?state=another&state={state}",
        "below many": f"?{'a=b&' * 100}state={state}",
        "under another name": f"?State={state}",
    }


@pytest.mark.parametrize("case", wrong_states("state"))
def test_with_a_wrong_state_the_view_is_shown_and_nothing_else_happens(
    site: Site, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    """contract.md 1 (oidc_logout); threat model 198"""
    browser = logged_in(site)
    state = parameters(browser.get("/logout"))["state"]
    page = browser.get(f"/logout{wrong_states(state)[case]}")
    assert (page.status_code, page.text) == (200, "logged out")
    assert "location" not in page.headers
    if case not in ("missing", "empty", "below many", "under another name"):
        assert "the return from a logout has a state that was not issued to this browser" in caplog.text
        assert state not in caplog.text


@pytest.mark.parametrize("case", wrong_states("state"))
def test_a_wrong_state_never_skips_a_logout(site: Site, case: str) -> None:
    """contract.md 1 (oidc_logout): "never a skipped logout" """
    browser = logged_in(site)
    state = parameters(browser.get("/logout"))["state"]
    browser.log_in()
    page = browser.get(f"/logout{wrong_states(state)[case]}")
    assert is_at_provider(page, site.provider)
    assert browser.who() == {}


def test_the_right_state_is_right_once(site: Site) -> None:
    """threat model 198"""
    browser = logged_in(site)
    back = site.provider.end_session(browser.get("/logout").headers["location"])
    assert browser.get(back.url).text == "logged out"
    browser.log_in()
    page = browser.get(back.url)
    assert is_at_provider(page, site.provider)
    assert browser.who() == {}


def test_the_state_of_another_browser_is_wrong(site: Site) -> None:
    """threat model 198"""
    attacker, victim = logged_in(site, user="bob"), logged_in(site, user="alice")
    back = site.provider.end_session(attacker.get("/logout").headers["location"])
    page = victim.get(back.url)
    assert is_at_provider(page, site.provider)
    assert victim.who() == {}


def test_who_logged_in_meanwhile_is_logged_out_when_the_page_says_so(site: Site) -> None:
    """contract.md 1 (oidc_logout): "never a skipped logout" """
    browser = logged_in(site)
    back = site.provider.end_session(browser.get("/logout").headers["location"])
    browser.log_in()
    assert browser.get(back.url).text == "logged out"
    assert browser.who() == {}


@pytest.mark.parametrize("kind", ["session", "login", "logout"])
def test_none_of_our_cookies_serves_as_the_state_of_a_logout(site: Site, kind: str) -> None:
    """threat model 159"""
    browser = logged_in(site)
    own = session_of(browser)[session_name(site)].partition(".")[2]
    page = browser.get("/logout")
    state, logout_cookie = parameters(page)["state"], site.web.cookies.name("logout")
    assert state not in str(jar_of(browser))
    sealed = own if kind == "session" else site.web.sealer.seal(kind, f"{logout_cookie}x", state.encode())
    put(browser, {logout_cookie: sealed})
    browser.log_in()
    assert is_at_provider(browser.get(f"/logout?state={state}"), site.provider)
    assert browser.who() == {}


def test_the_cookie_of_a_logout_is_for_this_host_and_a_few_minutes(site: Site) -> None:
    """threat model 157"""
    cookies = cookies_of(logged_in(site).get("/logout"))
    cookie = cookies[site.web.cookies.name("logout")]
    assert cookie.attributes["max-age"] == "600"
    assert {"secure", "httponly"} <= set(cookie.attributes)
    assert cookie.attributes["samesite"] == "Lax"


def test_logins_that_are_pending_outlast_a_logout(site: Site) -> None:
    browser = site.browser()
    callback = browser.begin_login("/deep/later")
    browser.log_in()
    browser.get("/logout")
    assert browser.come_back(callback).headers["location"] == "/deep/later"


# Providers that are away, know no logout, or are several


@pytest.mark.parametrize(
    "fault",
    [
        Fault.DISCOVERY_RESET,
        Fault.DISCOVERY_SLOW,
        Fault.DISCOVERY_HTML,
        Fault.DISCOVERY_ISSUER_OTHER,
        Fault.DISCOVERY_OPTIONAL_MISSING,
    ],
    ids=str,
)
def test_a_provider_that_is_away_or_knows_no_logout_does_not_keep_anybody(make_site: MakeSite, fault: Any) -> None:
    """threat model 197: another worker has to ask the provider first"""
    provider = new_provider()
    browser, worker = (
        logged_in(make_site(providers={"default": provider})),
        make_site(providers={"default": provider}),
    )
    other = worker.browser()
    put(other, jar_of(browser))
    with provider.misbehaving(fault):
        page = other.get("/logout")
    assert (page.status_code, page.text) == (200, "logged out")
    assert session_of(other) == {}
    assert other.who() == {}


def test_a_logout_ends_the_session_at_the_provider_that_it_is_from(make_site: MakeSite) -> None:
    first, second = new_provider(), new_provider("https://second.example")
    site = make_site(providers={"first": first, "second": second})
    browser = site.browser()
    browser.log_in("/private-second", user="bob")
    id_token = browser.who()["id_token_jwt"]
    page = browser.get("/logout")
    assert is_at_provider(page, second)
    assert parameters(page)["id_token_hint"] == id_token


def test_a_session_of_a_provider_that_is_not_configured_any_more_is_none(make_site: MakeSite) -> None:
    """threat model 197, 235"""
    browser = logged_in(make_site(providers={"former": new_provider()}))
    other = make_site(providers={"default": new_provider()}).browser()
    put(other, jar_of(browser))
    assert other.who() == {}
    assert other.get("/logout").text == "logged out"


def test_a_session_that_the_application_made_itself_ends_here(make_site: MakeSite, framework: Framework) -> None:
    """threat model 197: under a name that no provider has"""
    tools = toolbox(framework)

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def enter() -> str:
            tools.user_session(tools.session, "password").update(id_token={"sub": "alice"})
            return "in"

        app.add_url_rule("/enter", view_func=enter)

    browser = make_site(views=views).browser()
    browser.get("/enter")
    assert browser.who()["current_provider"] == "password"
    page = browser.get("/logout")
    assert (page.status_code, page.text) == (200, "logged out")
    assert browser.who() == {}


def test_an_id_token_that_is_too_long_for_an_address_is_left_out(make_site: MakeSite) -> None:
    """threat model 165; RFC 9110 4.1"""
    provider = new_provider()
    groups = [md5(f"group {number}".encode()).hexdigest() for number in range(200)]
    provider.add_user("carol", id_token_claims={"groups": groups})
    browser = logged_in(make_site(providers={"default": provider}), user="carol")
    assert len(browser.who()["id_token_jwt"]) > 8000
    page = browser.get("/logout")
    assert len(page.headers["location"]) < 8000
    assert set(parameters(page)) == {"client_id", "post_logout_redirect_uri", "state"}
    assert browser.get(provider.end_session(page.headers["location"]).url).text == "logged out"


def test_a_view_that_fails_does_not_keep_anybody_logged_in(make_site: MakeSite, framework: Framework) -> None:
    """threat model 197"""

    def fail() -> str:
        raise RuntimeError("the view failed")

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        app.add_url_rule("/leave", view_func=auth.oidc_logout(fail))

    provider = new_provider()
    with provider.misbehaving(Fault.DISCOVERY_OPTIONAL_MISSING):
        browser = logged_in(make_site(providers={"default": provider}, views=views, config={"TESTING": False}))
        assert browser.get("/leave").status_code == 500
    assert browser.who() == {}
