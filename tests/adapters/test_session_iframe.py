"""`OIDC_SESSION_IFRAME_URI`: our frame watches the provider's session. threat model 200."""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import unescape
from typing import Any

import pytest

from oidc_async import ConfigurationError
from oidc_async.testing import Fault, SimulatedProvider
from oidc_async.testing.faults.documents import put, without
from oidc_async.testing.stages import AUTHORIZATION, DISCOVERY, Answer, Misbehaviour, Scene, harmless

from .cookie_jar import jar_of, logged_in
from .cookie_jar import put as put_cookies
from .refresh_site import asked
from .renewal_site import (
    DAY,
    FETCH,
    OUTAGES,
    PAUSE,
    REJECTIONS,
    MakeSite,
    answer,
    asked_with,
    grow_old,
    is_login,
    is_renewal,
    renewal_site,
)
from .site import ORIGIN, Browser, Framework, Page, Site, new_provider
from .test_renewal_with_refresh_token import OPTIONS as WITH_REFRESH_TOKEN

SESSIONS_IN = ("cookies", "memory", "sqlite")
SETTING = {"OIDC_SESSION_IFRAME_URI": f"{ORIGIN}/session_iframe"}
FRAMED = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe", "sec-fetch-site": "same-origin"}


def managing(issuer: str = "https://op.example") -> SimulatedProvider:
    provider = new_provider(issuer)
    provider.manage_sessions()
    return provider


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return watching_site(make_site)


def watching_site(make_site: MakeSite, **options: Any) -> Site:
    return make_site(**{"providers": {"default": managing()}, "config": SETTING, **options})


def load(browser: Browser, query: str = "", **headers: str) -> Page:
    """What the frame shows."""
    return browser.get(f"/session_iframe{query}", headers={**FRAMED, **headers})


def watched(page: Page) -> Mapping[str, str] | None:
    """What the page asks the provider's frame with, whom, and when; None for a page that asks nobody."""
    assert page.status_code == 200
    frame = re.search(r'<iframe src="([^"]*)">', page.text)
    if frame is None:
        assert "<iframe" not in page.text
        return None
    data = {name: unescape(value) for name, value in re.findall(r'data-(\w+)="([^"]*)"', page.text)}
    return {**data, "frame": unescape(frame[1])}


def told(page: Page) -> bool:
    """Whether the page tells the one around it."""
    return "oidc_async:session_changed" in page.text


def with_state(session_state: str) -> Misbehaviour:
    def change(response: Answer, scene: Scene) -> Answer:
        response.parameters = [pair for pair in response.parameters if pair[0] != "session_state"]
        response.parameters.append(("session_state", session_state))
        return response

    return harmless("another session_state", AUTHORIZATION(change))


def state_kept(browser: Browser) -> Any:
    web, framework = browser.site.web, browser.site.framework
    session = framework.run(web.sessions.open(jar_of(browser), web.now()))
    assert session["current_provider"]
    return session.get("session_state")


# The page


def test_the_frame_asks_the_provider_about_the_session(site: Site) -> None:
    """OIDC Session Management 3.1"""
    browser = logged_in(site)
    page = load(browser)
    asked = watched(page)
    assert asked is not None
    assert (asked["frame"], asked["origin"]) == ("https://op.example/check_session", "https://op.example")
    assert (asked["wait"], asked["every"]) == ("0", "3")
    assert asked["message"] == f"client1 {state_kept(browser)}"
    assert re.fullmatch(r"client1 [0-9a-f]{64}\.[0-9a-f]{16}", asked["message"])
    assert not told(page)


def test_nothing_runs_in_it_but_its_script_and_nobody_else_frames_it(site: Site) -> None:
    browser = logged_in(site)
    page = load(browser)
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert page.headers["content-security-policy"] == (
        f"default-src 'none'; script-src 'sha256-{digest}'; frame-src https://op.example; base-uri 'none'; "
        "frame-ancestors 'self'"
    )
    assert "no-store" in page.headers["cache-control"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "style" not in page.text
    assert not re.search(r"\son\w+=", page.text)


def test_without_a_session_there_is_no_frame(site: Site) -> None:
    page = load(site.browser())
    assert watched(page) is None
    assert "<script" not in page.text
    assert "frame-src 'none'" in page.headers["content-security-policy"]
    assert "script-src 'none'" in page.headers["content-security-policy"]
    assert site.provider.requests == ()


def test_after_a_logout_there_is_none(site: Site) -> None:
    browser = logged_in(site)
    browser.get("/logout")
    assert watched(load(browser)) is None


@pytest.mark.parametrize(
    "headers",
    [{"sec-purpose": "prefetch"}, {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}],
    ids=["prefetch", "image"],
)
def test_a_request_outside_of_a_frame_gets_none(site: Site, headers: dict[str, str]) -> None:
    browser = logged_in(site)
    assert watched(load(browser, **headers)) is None
    assert not told(load(browser, "?changed", **headers))
    assert browser.get("/private").text == "private"


@pytest.mark.parametrize(
    "session_state",
    [
        'state."><script>alert(1)</script>',
        "state.'",
        "state.&quot;",
        "state.{{7*7}}\\",
    ],
)
def test_whatever_the_state_is_it_stays_an_attribute(site: Site, session_state: str) -> None:
    """threat model 200"""
    browser = site.browser()
    with site.provider.misbehaving(with_state(session_state)):
        browser.log_in()
    page = load(browser)
    assert (watched(page) or {})["message"] == f"client1 {session_state}"
    assert page.text.count("<script>") == 1


@pytest.mark.parametrize("session_state", ["", "two words", "a" * 1025, "line\nbreak", "\u00e4", "\x00"], ids=ascii)
def test_an_invalid_state_is_not_kept(site: Site, session_state: str) -> None:
    browser = site.browser()
    with site.provider.misbehaving(with_state(session_state)):
        assert browser.log_in().text == "private"
    assert watched(load(browser)) is None


def test_a_provider_without_a_frame_is_not_watched(make_site: MakeSite) -> None:
    site = watching_site(make_site, providers={"default": new_provider()})
    browser = site.browser()
    with site.provider.misbehaving(with_state("a.b")):
        browser.log_in()
    assert watched(load(browser)) is None
    assert state_kept(browser) is None


def test_a_provider_that_gave_its_frame_up_is_watched_no_more(site: Site) -> None:
    browser = logged_in(site)
    site.provider.clock.advance(DAY)
    with site.provider.misbehaving(harmless("no frame", DISCOVERY(without("check_session_iframe")))):
        assert watched(load(browser)) is None
    assert browser.get("/private").text == "private"


def test_a_process_that_can_not_ask_the_provider_watches_nothing(site: Site, make_site: MakeSite) -> None:
    browser = logged_in(site)
    other_process = watching_site(make_site, providers={"default": site.provider})
    visitor = other_process.browser()
    put_cookies(visitor, jar_of(browser))
    with site.provider.misbehaving(Fault.DISCOVERY_500):
        assert watched(load(visitor)) is None
    site.provider.clock.advance(PAUSE)
    assert watched(load(visitor)) is not None


def test_without_the_setting_nothing_is_kept_and_there_is_no_page(make_site: MakeSite) -> None:
    site = watching_site(make_site, config={})
    browser = logged_in(site)
    assert state_kept(browser) is None
    assert browser.get("/session_iframe").status_code == 404


@pytest.mark.parametrize("frame", ["http://op.example/frame", "javascript:alert(1)", "//op.example", 5])
def test_a_frame_that_is_not_an_https_url_ends_the_login(site: Site, frame: object) -> None:
    with site.provider.misbehaving(harmless("a bad frame", DISCOVERY(put(check_session_iframe=frame)))):
        assert site.browser().get("/private").status_code == 502


def test_each_session_is_watched_at_its_own_provider(make_site: MakeSite) -> None:
    providers = {"default": managing(), "other": managing("https://other.example")}
    site = watching_site(make_site, providers=providers)
    browser = logged_in(site)
    assert (watched(load(browser)) or {})["origin"] == "https://op.example"
    browser.log_in("/private-other")
    page = load(browser)
    assert (watched(page) or {})["origin"] == "https://other.example"
    assert "frame-src https://other.example;" in page.headers["content-security-policy"]
    # what happens there is no matter of the first one
    load(browser, "?changed")
    assert is_login(browser.get("/private"))
    assert is_renewal(browser.get("/private-other"))


# A change


def test_a_change_leads_the_next_page_through_the_provider(site: Site) -> None:
    browser = logged_in(site)
    before = browser.who()
    site.provider.clock.advance(1)
    page = load(browser, "?changed")
    assert told(page)
    assert watched(page) is None
    way = browser.get("/private")
    assert is_renewal(way)
    assert asked_with(way)["id_token_hint"] == before["id_token_jwt"]
    assert answer(browser, way).headers["location"] == "/private"
    assert browser.get("/private").text == "private"


def test_the_state_is_another_after_the_renewal(site: Site) -> None:
    browser = logged_in(site)
    first = watched(load(browser))
    load(browser, "?changed")
    site.provider.clock.advance(1)
    answer(browser, browser.get("/private"))
    second = watched(load(browser))
    assert first is not None
    assert second is not None
    assert first["message"] != second["message"]


def test_a_renewal_without_a_state_is_not_watched_by_the_old_one(site: Site) -> None:
    browser = logged_in(site)
    load(browser, "?changed")
    site.provider.clock.advance(1)
    with site.provider.misbehaving(with_state("")):
        answer(browser, browser.get("/private"))
    assert watched(load(browser)) is None


def test_no_refresh_token_makes_up_for_a_change(make_site: MakeSite, framework: Framework) -> None:
    """It says nothing of the user who is logged in at the provider, where it may outlive the session."""
    options: dict[str, Any] = {"providers": {"default": managing()}, "config": SETTING, **WITH_REFRESH_TOKEN}
    site = renewal_site(make_site, framework, **options)
    browser = logged_in(site)
    grow_old(site)
    load(browser, "?changed")
    way = browser.get("/private")
    assert is_renewal(way)
    with site.provider.misbehaving(Fault.AUTHORIZATION_LOGIN_REQUIRED):
        assert is_login(answer(browser, way))
    assert is_login(browser.get("/private"))


def test_a_script_of_a_page_that_was_notified_is_served_by_a_refresh_token(
    make_site: MakeSite, framework: Framework
) -> None:
    options: dict[str, Any] = {"providers": {"default": managing()}, "config": SETTING, **WITH_REFRESH_TOKEN}
    site = renewal_site(make_site, framework, **options)
    browser = logged_in(site)
    grow_old(site)
    load(browser, "?changed")
    assert browser.get("/private", headers=FETCH).text == "private"
    assert asked(site.provider) == 1


def test_a_change_is_reported_once(site: Site) -> None:
    """A page that reloads itself whenever it is notified would never end."""
    browser = logged_in(site)
    assert told(load(browser, "?changed"))
    page = load(browser)
    assert not told(page)
    assert watched(page) is None


@pytest.mark.parametrize("site_of", ["cross-site", "same-site", "none"])
def test_another_site_can_tell_no_change(site: Site, site_of: str) -> None:
    browser = logged_in(site)
    assert not told(load(browser, "?changed", **{"sec-fetch-site": site_of}))
    assert browser.get("/private").text == "private"


@pytest.mark.parametrize("site_of", ["cross-site", "same-site", "none"])
def test_no_other_site_learns_by_it_whether_somebody_is_logged_in(site: Site, site_of: str) -> None:
    """In a window of its own it would bring the session, and any page can count the frames of a window."""
    page = load(logged_in(site), **{"sec-fetch-site": site_of, "sec-fetch-dest": "document"})
    assert watched(page) is None
    assert page.text == load(site.browser()).text


@pytest.mark.parametrize("rejection", REJECTIONS, ids=str)
def test_who_is_logged_out_at_the_provider_has_to_log_in(site: Site, rejection: Misbehaviour) -> None:
    browser = logged_in(site)
    load(browser, "?changed")
    way = browser.get("/private")
    with site.provider.misbehaving(rejection):
        assert is_login(answer(browser, way))
    assert is_login(browser.get("/private"))
    assert watched(load(browser)) is None
    browser.log_in()
    assert watched(load(browser)) is not None


def test_somebody_else_at_the_provider_never_takes_the_session_over(site: Site) -> None:
    browser = logged_in(site)
    load(browser, "?changed")
    way = browser.get("/private")
    assert answer(browser, way, user="bob").status_code == 400
    assert browser.who()["id_token"]["sub"] == "alice"


@pytest.mark.parametrize("outage", OUTAGES[:3], ids=str)
def test_an_outage_costs_no_session_and_is_followed_by_a_pause(site: Site, outage: Misbehaviour) -> None:
    browser = logged_in(site)
    load(browser, "?changed")
    way = browser.get("/private")
    with site.provider.misbehaving(outage):
        answer(browser, way)
    assert browser.get("/private").text == "private"
    assert (watched(load(browser)) or {})["wait"] == str(PAUSE)


def test_no_storm_however_often_the_provider_says_that_it_changed(site: Site) -> None:
    """A browser that keeps the provider's cookies from its frame says so each time."""
    browser = logged_in(site)
    load(browser, "?changed")
    answer(browser, browser.get("/private"))
    assert (watched(load(browser)) or {})["wait"] == str(PAUSE)
    assert told(load(browser, "?changed"))
    assert browser.get("/private").text == "private"
    site.provider.clock.advance(PAUSE - 1)
    assert browser.get("/private").text == "private"
    site.provider.clock.advance(2)
    assert is_renewal(browser.get("/private"))


def test_a_renewal_makes_up_for_a_change_that_another_tab_saw_meanwhile(site: Site) -> None:
    browser = logged_in(site)
    load(browser, "?changed")
    way = browser.get("/private")
    load(browser, "?changed")
    site.provider.clock.advance(1)
    answer(browser, way)
    site.provider.clock.advance(PAUSE)
    assert browser.get("/private").text == "private"
    assert watched(load(browser)) is not None


def test_scripts_and_forms_are_not_sent_through_the_provider(site: Site) -> None:
    browser = logged_in(site)
    load(browser, "?changed")
    assert browser.get("/private", headers={"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}).text == "private"
    assert is_renewal(browser.get("/private"))


def test_a_refresh_token_does_not_tell_who_is_logged_in(make_site: MakeSite) -> None:
    site = watching_site(
        make_site,
        session_refresh_interval_seconds=300,
        renew_with_refresh_token=True,
        auth_request_params={"scope": "openid offline_access"},
    )
    browser = logged_in(site)
    load(browser, "?changed")
    assert is_renewal(browser.get("/private"))


def test_the_mark_of_another_session_means_nothing(site: Site) -> None:
    browser = logged_in(site)
    load(browser, "?changed")
    marks = {name: value for name, value in jar_of(browser).items() if "renewal" in name}
    assert marks
    site.provider.clock.advance(1)
    other = logged_in(site)
    put_cookies(other, {**jar_of(other), **marks})
    assert other.get("/private").text == "private"


# Settings


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("https://other.example/session_iframe", "must have the scheme, host and port of OIDC_REDIRECT_URI"),
        ("http://rp.example/session_iframe", "must use https"),
        (f"{ORIGIN}/redirect_uri", "must have a path of its own"),
        (f"{ORIGIN}/session_iframe?a", "must not have a query"),
    ],
)
def test_an_invalid_setting_is_rejected(make_site: MakeSite, uri: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=f"OIDC_SESSION_IFRAME_URI {words}"):
        make_site(config={"OIDC_SESSION_IFRAME_URI": uri})


def test_only_get_is_answered(site: Site) -> None:
    browser = logged_in(site)
    assert browser.post("/session_iframe?changed").status_code == 405
    assert not told(browser.request("HEAD", "/session_iframe?changed"))
    assert browser.get("/private").text == "private"
