"""What a logout tells the provider, and by which way. threat model 196 to 199, 253."""

import logging
from collections.abc import Callable
from hashlib import md5
from typing import Any

import pytest

from tests.web.test_form_post import Reader

from .cookie_jar import jar_of, logged_in
from .end_session import is_at_provider, parameters
from .site import ORIGIN, Browser, Page, Site, new_provider

SESSIONS_IN = ("cookies", "sqlite")
MakeSite = Callable[..., Site]
RETURN_URI = f"{ORIGIN}/logout"
POST = {"end_session_http_method": "POST"}
NAVIGATES = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def form_of(page: Page, site: Site) -> dict[str, str]:
    """The fields of the page that posts itself to the provider."""
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    shown = Reader(page.text)
    assert shown.form["action"] == f"{site.provider.issuer}/end_session"
    assert len({name for name, _ in shown.fields}) == len(shown.fields)
    return {str(name): str(value) for name, value in shown.fields}


def post(browser: Browser, page: Page) -> str:
    """Where the provider sends the browser after it posted the form."""
    provider = browser.site.provider
    return provider.end_session(f"{provider.issuer}/end_session", form=form_of(page, browser.site)).url


# By POST


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_logout_by_post_shows_a_page_that_posts_itself(make_site: MakeSite, method: str) -> None:
    """threat model 253: the ID token is in no URL"""
    site = make_site(**POST)
    browser = logged_in(site)
    id_token = browser.who()["id_token_jwt"]
    page = browser.request(method, "/logout", headers=NAVIGATES)
    sent = form_of(page, site)
    assert sent == {
        "id_token_hint": id_token,
        "client_id": "client1",
        "post_logout_redirect_uri": RETURN_URI,
        "state": sent["state"],
    }
    assert "location" not in page.headers
    assert browser.who() == {}
    back = browser.get(post(browser, page))
    assert (back.status_code, back.text) == (200, "logged out")
    assert jar_of(browser) == {}
    assert [seen.method for seen in site.provider.requests if seen.endpoint == "end_session"] == ["POST"]


def test_the_page_reaches_the_browser_with_all_that_protects_it(make_site: MakeSite) -> None:
    """threat model 166, 195, 253"""
    headers = logged_in(make_site(**POST)).get("/logout").headers
    assert "no-store" in headers["cache-control"]
    assert headers["referrer-policy"] == "no-referrer"
    assert "script-src 'sha256-" in headers["content-security-policy"]
    assert headers["vary"] == "Cookie"


def test_no_log_holds_what_the_page_does(make_site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 253"""
    site = make_site(**POST)
    browser = logged_in(site)
    with caplog.at_level(logging.DEBUG):
        sent = form_of(browser.get("/logout"), site)
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert [name for name in ("id_token_hint", "state") if sent[name] in logged] == []


@pytest.mark.parametrize("wrong", ["?state=another", "?state=", "", "?State={state}"])
def test_a_wrong_state_shows_the_view_and_never_skips_a_logout(make_site: MakeSite, wrong: str) -> None:
    """threat model 198"""
    site = make_site(**POST)
    browser = logged_in(site)
    state = form_of(browser.get("/logout"), site)["state"]
    assert browser.get(f"/logout{wrong.format(state=state)}").text == "logged out"
    browser.log_in()
    assert form_of(browser.get(f"/logout{wrong.format(state=state)}"), site)["state"] != state
    assert browser.who() == {}


SCRIPTS: list[dict[str, str]] = [
    {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
    {"sec-fetch-mode": "same-origin", "sec-fetch-dest": "empty"},
    {"x-requested-with": "XMLHttpRequest"},
    {"accept": "application/json"},
]


@pytest.mark.parametrize("headers", SCRIPTS, ids=str)
def test_a_script_is_logged_out_and_shown_no_id_token(make_site: MakeSite, headers: dict[str, str]) -> None:
    """threat model 253: it could read the page, and the ID token is none of its business"""
    site = make_site(**POST)
    browser = logged_in(site)
    id_token = browser.who()["id_token_jwt"]
    page = browser.request("POST", "/logout", headers=headers)
    assert is_at_provider(page, site.provider)
    assert "id_token_hint" not in parameters(page)
    assert id_token not in page.text + str(page.headers)
    assert browser.who() == {}


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_what_nobody_asked_for_ends_nothing_by_post_either(make_site: MakeSite, method: str) -> None:
    """threat model 196"""
    browser = logged_in(make_site(**POST))
    unasked = {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"} if method == "GET" else {}
    assert browser.request(method, "/logout", headers=unasked).status_code == 503
    assert browser.who() != {}


# The hints


@pytest.mark.parametrize("by", [{}, POST], ids=["GET", "POST"])
def test_the_id_token_may_be_left_out(make_site: MakeSite, by: dict[str, str]) -> None:
    """threat model 253"""
    site = make_site(send_id_token_hint=False, **by)
    browser = logged_in(site)
    page = browser.get("/logout")
    sent = form_of(page, site) if by else parameters(page)
    assert set(sent) == {"client_id", "post_logout_redirect_uri", "state"}
    back = post(browser, page) if by else site.provider.end_session(page.headers["location"]).url
    assert browser.get(back).text == "logged out"


@pytest.mark.parametrize(
    ("claim", "hint"),
    [
        ("email", "alice@example.com"),
        ("login_hint", "opaque of alice"),
        ("sub", "alice"),
        ("name", "Alice of the ID token"),
        ("unknown", None),
        ("address", None),
        ("auth_time", None),
        ("empty", None),
    ],
)
def test_a_claim_tells_the_provider_who_logs_out(make_site: MakeSite, claim: str, hint: str | None) -> None:
    """Of the ID token, or else of the userinfo; a value that is not text is not a hint."""
    provider = new_provider()
    provider.add_user(
        "alice",
        claims={"email": "alice@example.com", "name": "Alice", "address": {"locality": "Wien"}},
        id_token_claims={"login_hint": "opaque of alice", "name": "Alice of the ID token", "empty": ""},
    )
    scope = {"scope": "openid email profile address"}
    options: Any = {"logout_hint_claim": claim, "auth_request_params": scope}
    browser = logged_in(make_site(providers={"default": provider}, **options))
    assert parameters(browser.get("/logout")).get("logout_hint") == hint


def test_further_parameters_go_with_every_logout(make_site: MakeSite) -> None:
    """threat model 199: nothing that a user sends is among them"""
    site = make_site(end_session_params={"ui_locales": ["de", "en"], "federated": True})
    sent = parameters(logged_in(site).get("/logout?ui_locales=fr&federated=false&other=1"))
    assert (sent["ui_locales"], sent["federated"]) == ("de en", "true")
    assert "other" not in sent


def test_the_way_and_the_hints_are_those_of_the_provider_of_the_login(make_site: MakeSite) -> None:
    site = make_site(providers={"first": new_provider(), "second": new_provider("https://second.example")}, **POST)
    browser = site.browser()
    browser.log_in("/private-second", user="bob")
    shown = Reader(browser.get("/logout").text)
    assert shown.form["action"] == "https://second.example/end_session"


# IDs that are too long for a URL


def test_a_long_id_token_is_posted(make_site: MakeSite) -> None:
    """threat model 165: where a URL would leave it out"""
    provider = new_provider()
    groups = [md5(f"group {number}".encode()).hexdigest() for number in range(200)]
    provider.add_user("carol", id_token_claims={"groups": groups})
    site = make_site(providers={"default": provider}, **POST)
    browser = logged_in(site, user="carol")
    id_token = browser.who()["id_token_jwt"]
    page = browser.get("/logout")
    assert len(id_token) > 8000
    assert form_of(page, site)["id_token_hint"] == id_token
    assert browser.get(post(browser, page)).text == "logged out"
