"""Logins by every response type and response mode: OIDC Core 3.2 and 3.3, threat model 51 to 53, 158 and 257."""

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest

from oidc_async.protocol.response_type import RESPONSE_TYPES
from oidc_async.testing import FRONT_CHANNEL_FAULTS, Callback, Fault, Misbehaviour
from tests.adapters.cookie_jar import in_cookies, jar_of, logged_in, login_again, put, session_of
from tests.adapters.site import ORIGIN, REDIRECT_URI, Browser, Page, Site, cookies_of, new_provider, relayed_fields

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "sqlite")
WAYS = [
    (response_type, mode)
    for response_type in RESPONSE_TYPES
    for mode in ("query", "fragment", "form_post")
    if response_type == "code" or mode != "query"
]
every_way = pytest.mark.parametrize(("response_type", "mode"), WAYS, ids=[" by ".join(way) for way in WAYS])
relayed_modes = pytest.mark.parametrize("mode", ["fragment", "form_post"])
FORM = {"content-type": "application/x-www-form-urlencoded"}


def site_by(make_site: MakeSite, mode: str, response_type: str = "code", **options: Any) -> Site:
    return make_site(auth_request_params={"response_type": response_type, "response_mode": mode}, **options)


def first_page(browser: Browser, callback: Callback) -> Page:
    """What the redirect URI shows to a browser that comes from the provider, without our cookies if that posts."""
    if callback.method == "POST":
        return browser.site.browser().post(callback.url, data=callback.form)
    return browser.get(callback.url)


def relayed(response: str, mode: str) -> dict[str, str]:
    """What the page posts."""
    return {"response_mode": mode, "authorization_response": response}


@every_way
def test_a_login_by_every_way(make_site: MakeSite, response_type: str, mode: str) -> None:
    site = site_by(make_site, mode, response_type)
    browser = site.browser()
    callback = browser.begin_login("/private?a=b")
    assert callback.response_mode == mode
    page = browser.come_back(callback)
    assert page.status_code == (302 if mode == "query" else 303)
    assert page.headers["location"] == "/private?a=b"
    known = browser.who()
    assert known["id_token"]["sub"] == "alice"
    assert (known["access_token"] is None) == (response_type == "id_token")
    assert (known["userinfo"] is None) == (response_type == "id_token")
    assert site.provider.count("token") == ("code" in response_type.split())
    assert browser.get("/private").text == "private"


@every_way
def test_a_rejection_by_every_way(make_site: MakeSite, response_type: str, mode: str) -> None:
    """threat model 49."""
    browser = site_by(make_site, mode, response_type).browser()
    assert browser.come_back(browser.begin_login(consent=False)).status_code == 403
    assert browser.who() == {}


@every_way
def test_a_response_is_good_once(make_site: MakeSite, response_type: str, mode: str) -> None:
    """threat model 42: loading the page again brings nothing, and leads to the page of the login."""
    browser = site_by(make_site, mode, response_type).browser()
    callback = browser.begin_login()
    browser.come_back(callback)
    before = browser.who()
    page = browser.come_back(callback)
    assert (page.status_code, page.headers["location"]) == (302 if mode == "query" else 303, "/private")
    assert browser.who() == before


@every_way
def test_a_response_is_for_the_browser_that_began_the_login(
    make_site: MakeSite, response_type: str, mode: str
) -> None:
    """threat model 40."""
    site = site_by(make_site, mode, response_type)
    victim = site.browser()
    victim.get("/private")
    assert victim.come_back(site.browser().begin_login()).status_code == 400
    assert site.provider.count("token") == 0
    assert victim.who() == {}


@pytest.mark.parametrize("fault", [fault for fault in FRONT_CHANNEL_FAULTS if fault.rejected], ids=str)
@in_cookies
def test_a_fault_of_the_front_channel_leaves_the_session_as_it_was(make_site: MakeSite, fault: Misbehaviour) -> None:
    """threat model 51, 63, 66, 95, 97, 100."""
    providers = {"default": new_provider(), "other": new_provider("https://other.example")}
    site = make_site(providers=providers, auth_request_params=dict(fault.needs))
    browser = site.browser()
    browser.log_in("/private-other")
    before = browser.who()
    with site.provider.misbehaving(fault):
        callback = browser.begin_login()
        page = browser.come_back(callback)
    assert page.status_code in (400, 403, 502)
    assert browser.who() == before
    assert site.provider.count("userinfo") == 0
    secrets = [value for name, value in callback.parameters if name in ("code", "id_token", "access_token")]
    assert [secret for secret in secrets if len(secret) > 8 and secret in page.text] == []


@pytest.mark.parametrize("fault", [fault for fault in FRONT_CHANNEL_FAULTS if fault.harmless], ids=str)
@in_cookies
def test_an_oddity_of_the_front_channel_disturbs_nothing(make_site: MakeSite, fault: Misbehaviour) -> None:
    site = make_site(auth_request_params=dict(fault.needs))
    browser = site.browser()
    with site.provider.misbehaving(fault):
        assert browser.log_in().text == "private"


# The page that posts the response once more


@relayed_modes
def test_the_page_is_static_and_allowed_nothing_but_its_script(make_site: MakeSite, mode: str) -> None:
    """threat model 257: it is kept nowhere and frames nowhere, and no page learns where it stood."""
    browser = site_by(make_site, mode).browser()
    page = first_page(browser, browser.begin_login())
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "no-store" in page.headers["cache-control"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert cookies_of(page) == {}
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    (script,) = re.findall("<script>(.*?)</script>", page.text, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert policy == {
        "default-src": "'none'",
        "script-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert "history.replaceState" in script
    assert re.search(r"<noscript>.*(JavaScript|<button>)", page.text)


@relayed_modes
def test_showing_the_page_uses_nothing_up(make_site: MakeSite, mode: str) -> None:
    """threat model 54."""
    browser = site_by(make_site, mode).browser()
    callback, before = browser.begin_login(), jar_of(browser)
    for _ in range(3):
        assert first_page(browser, callback).status_code == 200
    assert jar_of(browser) == before
    assert browser.come_back(callback).status_code == 303


@pytest.mark.parametrize("text", ['"><script>x</script>', "'\"&<>`", "a=b&amp;c", "é%&="])
@in_cookies
def test_what_was_posted_is_in_the_page_as_it_came_and_never_as_markup(make_site: MakeSite, text: str) -> None:
    """threat model 49."""
    browser = site_by(make_site, "form_post").browser()
    # raw, as a page of anybody's making might send it
    body = f"state=a&foo={text}".encode("latin-1")
    page = browser.request("POST", REDIRECT_URI, content=body, headers=FORM)
    if "é" in text:
        assert page.status_code == 400
        return
    assert page.status_code == 200
    assert relayed_fields(page, REDIRECT_URI) == relayed(body.decode("latin-1"), "form_post")
    assert page.text.count("<script>") == 1


@in_cookies
def test_the_fragment_is_read_as_it_was_encoded(make_site: MakeSite) -> None:
    site = site_by(make_site, "fragment")
    browser = site.browser()
    begun = browser.get("/private").headers["location"]
    response = site.provider.authorize(begun).response
    assert "https%3A%2F%2Fop.example" in response
    assert browser.post(REDIRECT_URI, data=relayed(response + "&foo=%2B+%26", "fragment")).status_code == 303
    assert browser.who()["id_token"]["sub"] == "alice"


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_without_a_fragment_to_come_an_empty_response_is_an_error_at_once(make_site: MakeSite, mode: str) -> None:
    browser = site_by(make_site, mode).browser()
    browser.get("/private")
    assert browser.get(REDIRECT_URI).status_code == 400


def test_a_fragment_that_is_not_there_is_an_error_in_the_end(make_site: MakeSite) -> None:
    """Neither query nor fragment."""
    browser = site_by(make_site, "fragment").browser()
    callback = browser.begin_login()
    page = browser.come_back(Callback(url=REDIRECT_URI))
    assert page.status_code == 400
    assert browser.come_back(callback).status_code == 303


@relayed_modes
@in_cookies
def test_the_page_posts_to_its_own_address_below_a_prefix_too(make_site: MakeSite, mode: str) -> None:
    redirect_uri = f"{ORIGIN}/app/redirect_uri"
    provider = new_provider(redirect_uri=redirect_uri)
    config = {"OIDC_REDIRECT_URI": redirect_uri}
    site = site_by(make_site, mode, providers={"default": provider}, config=config, root_path="/app")
    browser = site.browser()
    callback = browser.begin_login("/app/private")
    # without an action, and no base is allowed: it is posted to the address of the page
    assert '<form method="post" autocomplete="off">' in first_page(browser, callback).text
    page = browser.come_back(callback)
    assert (page.status_code, page.headers["location"]) == (303, "/app/private")
    assert browser.get("/app/private").text == "private"


# By which way


@pytest.mark.parametrize("asked_by", ["query", "fragment", "form_post"])
@pytest.mark.parametrize("came_by", ["query", "fragment", "form_post", "posted here", "posted as a query"])
def test_a_response_counts_only_by_the_way_that_was_asked_for(
    make_site: MakeSite, asked_by: str, came_by: str
) -> None:
    """threat model 52: the sender may say what it likes, what counts is how the login was begun."""
    site = site_by(make_site, asked_by)
    browser = site.browser()
    callback = browser.begin_login()
    encoded = urlencode(callback.parameters)
    if came_by == "query":
        page = browser.get(f"{REDIRECT_URI}?{encoded}")
    elif came_by == "posted here":
        page = browser.request("POST", REDIRECT_URI, content=encoded.encode(), headers=FORM)
    else:
        page = browser.post(REDIRECT_URI, data=relayed(encoded, came_by.removeprefix("posted as a ")))
    # a provider of the same site posts with our cookies
    is_right = came_by == asked_by or (came_by, asked_by) == ("posted here", "form_post")
    assert (page.status_code in (302, 303)) is is_right
    assert site.provider.count("token") == is_right
    assert (browser.who() != {}) is is_right


@pytest.mark.parametrize(
    "changes",
    [{"response_mode": "query"}, {"response_mode": ""}, {"more": "1"}, {"authorization_response": ""}],
    ids=str,
)
@relayed_modes
def test_a_form_that_our_page_would_not_post_is_none_of_its(
    make_site: MakeSite, mode: str, changes: dict[str, str]
) -> None:
    site = site_by(make_site, mode)
    browser = site.browser()
    response = urlencode(browser.begin_login().parameters)
    page = browser.post(REDIRECT_URI, data={**relayed(response, mode), **changes})
    assert page.status_code == 400
    assert site.provider.count("token") == 0


@relayed_modes
def test_a_form_with_other_names_is_none_of_our_page(make_site: MakeSite, mode: str) -> None:
    site = site_by(make_site, mode)
    browser = site.browser()
    response = urlencode(browser.begin_login().parameters)
    page = browser.post(REDIRECT_URI, data={"mode": mode, "response": response})
    assert page.status_code == 400
    assert site.provider.count("token") == 0


# The session that there is


@relayed_modes
def test_the_former_session_ends_with_a_login(make_site: MakeSite, mode: str) -> None:
    """threat model 156, 158: though the provider's form comes without its cookie."""
    site = site_by(make_site, mode)
    browser = logged_in(site)
    former, begun = session_of(browser), login_again(browser)
    assert browser.come_back(site.provider.authorize(begun, user="bob")).status_code == 303
    assert browser.who()["id_token"]["sub"] == "bob"
    # as when a response of before arrives late
    put(browser, {**jar_of(browser), **former})
    assert browser.who() == {}


@relayed_modes
def test_logins_in_a_row_are_counted(make_site: MakeSite, mode: str) -> None:
    """threat model 232: a browser that keeps no session is not sent round in circles."""
    site = site_by(make_site, mode)
    browser = site.browser()
    for _ in range(5):
        browser.come_back(browser.begin_login())
        put(browser, {name: value for name, value in jar_of(browser).items() if name not in session_of(browser)})
    assert browser.get("/private").status_code == 400


@in_cookies
def test_the_front_channel_can_be_one_provider_s_and_the_query_another_s(make_site: MakeSite) -> None:
    """Each login by its own way."""
    providers = {"default": new_provider(), "other": new_provider("https://other.example")}
    site = site_by(make_site, "fragment", providers=providers)
    browser = site.browser()
    with providers["other"].misbehaving(Fault.FRONT_CHANNEL_IN_QUERY):
        assert browser.come_back(browser.begin_login("/private-other")).status_code == 400
    assert browser.log_in("/private").text == "private"
