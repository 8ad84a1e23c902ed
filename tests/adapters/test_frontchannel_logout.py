"""A provider ends the session of a browser by a frame; strangers gain nothing by that. threat model 193 to 195."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from oidc_async import ProviderMetadata
from oidc_async.stores import MemoryStore
from oidc_async.web.signals import logged_out
from tests.web.watched_store import WatchedStore

from .cookie_jar import is_anonymous, jar_of, logged_in, put, session_of
from .provider_logout import FRONT, KEPT_IN, MakeSite
from .site import ORIGIN, Browser, Framework, Page, Site, new_provider

SESSIONS_IN = ("cookies", *KEPT_IN)
with_a_store = pytest.mark.parametrize("sessions_in", KEPT_IN, indirect=True)
in_cookies = pytest.mark.parametrize("sessions_in", ["cookies"], indirect=True)
in_memory = pytest.mark.parametrize("sessions_in", ["memory"], indirect=True)


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(config={"OIDC_FRONTCHANNEL_LOGOUT_URI": FRONT})


def sid_of(browser: Browser) -> str:
    return str(browser.who()["id_token"]["sid"])


def load(browser: Browser, sid: str, issuer: str = "https://op.example", **headers: str) -> Page:
    """What the frame shows."""
    return browser.get(f"/frontchannel_logout?{urlencode({'iss': issuer, 'sid': sid})}", headers=headers)


def require_blank(page: Page) -> None:
    assert (page.status_code, page.content) == (200, b"")
    assert "no-store" in page.headers["cache-control"]
    assert page.headers["referrer-policy"] == "no-referrer"


def test_a_frame_ends_the_session_of_its_browser(site: Site) -> None:
    """OIDC Front-Channel Logout 3"""
    browser = logged_in(site)
    sid = sid_of(browser)
    site.provider.forget_requests()
    require_blank(load(browser, sid))
    assert site.provider.requests == ()
    assert is_anonymous(browser)
    assert browser.log_in().text == "private"


def test_the_provider_knows_what_to_load(site: Site) -> None:
    site.provider.register(
        "client1", "secret1", redirect_uris=[f"{ORIGIN}/redirect_uri"], frontchannel_logout_uri=FRONT
    )
    browser = logged_in(site)
    (url,) = site.provider.frontchannel_logout_urls("alice")
    require_blank(browser.get(url))
    assert is_anonymous(browser)


@pytest.mark.parametrize("about", ["iss", "sid", "neither", "other iss", "other sid", "two sid", "two iss", "many"])
def test_who_does_not_name_the_session_ends_nothing(site: Site, about: str) -> None:
    """threat model 193"""
    browser = logged_in(site)
    iss, sid = urlencode({"iss": site.provider.issuer}), urlencode({"sid": sid_of(browser)})
    query = {
        "iss": iss,
        "sid": sid,
        "neither": "",
        "other iss": f"iss=https://other.example&{sid}",
        "other sid": f"{iss}&sid=another",
        "two sid": f"{iss}&{sid}&{sid}",
        "two iss": f"{iss}&{iss}&{sid}",
        "many": f"{iss}&{sid}" + "&a=1" * 60,
    }[about]
    require_blank(browser.get(f"/frontchannel_logout?{query}"))
    assert browser.get("/private").text == "private"


@pytest.mark.parametrize(
    "headers",
    [{"sec-purpose": "prefetch"}, {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}],
    ids=["prefetch", "image"],
)
def test_a_request_outside_of_a_frame_ends_nothing(site: Site, headers: dict[str, str]) -> None:
    """threat model 194"""
    browser = logged_in(site)
    require_blank(load(browser, sid_of(browser), **headers))
    assert browser.get("/private").text == "private"


def test_nothing_but_a_get_is_answered(site: Site) -> None:
    browser = logged_in(site)
    query = urlencode({"iss": site.provider.issuer, "sid": sid_of(browser)})
    assert browser.post(f"/frontchannel_logout?{query}").status_code == 405
    assert browser.request("HEAD", f"/frontchannel_logout?{query}").status_code == 200
    assert browser.get("/private").text == "private"


def test_a_session_at_another_provider_stays(make_site: MakeSite) -> None:
    """threat model 188"""
    first, second = new_provider(), new_provider("https://second.example")
    site = make_site(config={"OIDC_FRONTCHANNEL_LOGOUT_URI": FRONT}, providers={"first": first, "second": second})
    browser = logged_in(site)
    require_blank(load(browser, sid_of(browser), second.issuer))
    assert browser.get("/private").text == "private"


# Without cookies, as in a frame on the page of another site


@with_a_store
def test_with_a_store_the_session_ends_though_the_frame_has_no_cookies(site: Site) -> None:
    browser, other = logged_in(site), logged_in(site, user="bob")
    frame = site.browser()
    require_blank(load(frame, sid_of(browser)))
    assert is_anonymous(browser)
    assert other.get("/private").text == "private"
    assert browser.log_in().text == "private"
    require_blank(load(frame, sid_of(browser)))
    assert is_anonymous(browser)


@with_a_store
def test_a_login_that_was_under_way_is_not_a_login_any_more(site: Site) -> None:
    """threat model 192"""
    sid = sid_of(logged_in(site))
    browser = site.browser()
    callback = browser.begin_login()
    require_blank(load(site.browser(), sid))
    assert browser.come_back(callback).status_code == 400
    assert is_anonymous(browser)


@in_cookies
def test_without_a_store_only_the_browser_that_sends_its_cookies_is_logged_out(site: Site) -> None:
    browser = logged_in(site)
    require_blank(load(site.browser(), sid_of(browser)))
    assert browser.get("/private").text == "private"


@in_memory
def test_names_of_sessions_that_there_are_not_leave_nothing_in_the_store(make_site: MakeSite) -> None:
    """threat model 230"""
    store = MemoryStore()
    site = make_site(config={"OIDC_FRONTCHANNEL_LOGOUT_URI": FRONT, "OIDC_STORE": store})
    logged_in(site)
    before = len(store)
    for number in range(20):
        require_blank(load(site.browser(), f"guess {number}"))
    assert len(store) == before


@in_memory
def test_while_the_store_is_down_nobody_believes_that_it_was_done(make_site: MakeSite) -> None:
    """threat model 187"""
    store = WatchedStore()
    config = {"OIDC_FRONTCHANNEL_LOGOUT_URI": FRONT, "OIDC_STORE": store, "TESTING": False}
    site = make_site(config=config)
    browser = logged_in(site)
    sid = sid_of(browser)
    store.break_down()
    for client in (browser, site.browser()):
        assert load(client, sid).status_code == 503
    store.come_back()
    assert browser.get("/private").text == "private"


def test_what_was_ended_can_not_be_brought_back_by_a_late_response(site: Site) -> None:
    """threat model 346"""
    browser = logged_in(site)
    late = session_of(browser)
    require_blank(load(browser, sid_of(browser)))
    put(browser, {**jar_of(browser), **late})
    site.provider.clock.advance(86_400)
    assert is_anonymous(browser)


# Who may show it


def test_this_page_and_no_other_may_be_shown_by_the_providers(make_site: MakeSite, framework: Framework) -> None:
    """threat model 195"""
    second = new_provider("https://second.example:8443/tenant")
    metadata = ProviderMetadata(end_session_endpoint="https://login.example/end_session")
    site = make_site(
        config={"OIDC_FRONTCHANNEL_LOGOUT_URI": FRONT},
        providers={"first": new_provider(), "second": second},
        provider_metadata=metadata,
    )
    site.browser().begin_login()
    page = load(site.browser(), "any")
    policy = page.headers["content-security-policy"]
    ancestors = "https://login.example https://op.example https://second.example:8443"
    assert policy == f"default-src 'none'; frame-ancestors {ancestors}"
    assert "x-frame-options" not in page.headers
    assert "frame-ancestors" not in site.browser().get("/").headers.get("content-security-policy", "")


@pytest.fixture
def heard(site: Site) -> Iterator[list[dict[str, Any]]]:
    told: list[dict[str, Any]] = []

    def receive(sender: Any, **fields: Any) -> None:
        told.append(fields)

    with logged_out.connected_to(receive, sender=site.app):
        yield told


def test_the_application_hears_of_it_once(site: Site, heard: list[dict[str, Any]]) -> None:
    browser = logged_in(site)
    sid = sid_of(browser)
    load(browser, "another")
    assert heard == []
    load(browser, sid)
    assert [(fields["reason"], fields["claims"]["sid"]) for fields in heard] == [("frontchannel", sid)]


# When the application starts


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"OIDC_FRONTCHANNEL_LOGOUT_URI": "http://rp.example/front"}, "must use https"),
        ({"OIDC_FRONTCHANNEL_LOGOUT_URI": "/front"}, "absolute https URL"),
        ({"OIDC_FRONTCHANNEL_LOGOUT_URI": f"{FRONT}?a=b"}, "must not have a query"),
        ({"OIDC_FRONTCHANNEL_LOGOUT_URI": f"{ORIGIN}/"}, "a path of its own"),
        ({"OIDC_FRONTCHANNEL_LOGOUT_URI": f"{ORIGIN}/redirect_uri"}, "a path of its own"),
        ({"OIDC_FRONTCHANNEL_LOGOUT_URI": "https://other.example/front"}, "host and port"),
        ({"OIDC_FRONTCHANNEL_LOGOUT_URI": FRONT, "OIDC_BACKCHANNEL_LOGOUT_URI": FRONT}, "must differ"),
        ({"OIDC_BACKCHANNEL_LOGOUT_URI": 5}, "OIDC_BACKCHANNEL_LOGOUT_URI must be a URL"),
    ],
    ids=str,
)
@in_memory
def test_an_address_that_can_not_be_is_rejected(make_site: MakeSite, config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_site(config=config)
