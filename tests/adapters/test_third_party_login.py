"""Logins that another site asks for: at one of our providers, to one of our pages, and with nothing else in it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from oidc_async import ConfigurationError
from oidc_async.testing import Fault
from oidc_async.web.signals import login_failed

from .cookie_jar import jar_of
from .site import ORIGIN, REDIRECT_URI, Browser, Page, Site, cookies_of, new_provider
from .test_mounts import BELOW, Front, below_a_path, browser_before
from .test_navigation import NAVIGATION, SCRIPTS

URI = f"{ORIGIN}/login/initiate"
PATH = "/login/initiate"
OP = "https://op.example"
everywhere = pytest.mark.sessions_in("cookies", "sqlite")
MakeSite = Callable[..., Site]
Ask = Callable[..., Page]


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site({"OIDC_INITIATE_LOGIN_URI": URI})


def by_get(browser: Browser, parameters: Any, headers: dict[str, str] | None = None) -> Page:
    return browser.get(f"{PATH}?{urlencode(parameters)}", headers=headers)


def by_post(browser: Browser, parameters: Any, headers: dict[str, str] | None = None) -> Page:
    form = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
    return browser.request("POST", PATH, content=urlencode(parameters).encode(), headers=form)


either_way = pytest.mark.parametrize("ask", [by_get, by_post])


def sent_to(page: Page) -> dict[str, str]:
    """The parameters of the authentication request that a page leads to, each once."""
    assert page.status_code == 302, (page.status_code, page.text)
    query = urlsplit(page.headers["location"]).query
    return {name: value for name, (value,) in parse_qs(query, strict_parsing=True).items()}


def come_back(browser: Browser, page: Page, **authorize: Any) -> Page:
    provider = browser.site.provider_of(page.headers["location"])
    return browser.come_back(provider.authorize(page.headers["location"], **authorize))


def test_is_off_by_default(make_site: MakeSite) -> None:
    site = make_site()
    assert by_get(site.browser(), {"iss": OP}).status_code == 404
    assert site.provider.requests == ()


@either_way
def test_another_site_has_a_user_log_in_and_see_a_page(site: Site, ask: Ask) -> None:
    browser = site.browser()
    page = ask(browser, {"iss": OP, "login_hint": "alice@example.com", "target_link_uri": f"{ORIGIN}/deep/a?b=c%26"})
    assert sent_to(page)["login_hint"] == "alice@example.com"
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store, private", "no-referrer")
    back = come_back(browser, page)
    assert (back.status_code, back.headers["location"]) == (302, "/deep/a?b=c%26")
    assert browser.get("/deep/a?b=c%26").text == "deep a b=c%26"
    assert browser.who()["id_token"]["sub"] == "alice"


def test_a_post_of_another_site_is_redirected_to_get(site: Site) -> None:
    """The browser keeps the cookies back, so that logins that are pending already could not be counted."""
    asked = {"iss": OP, "login_hint": "alice & bob", "target_link_uri": f"{ORIGIN}/deep/a?b=c%26"}
    browser = site.browser()
    page = by_post(browser, {**asked, "else": "x\r\ny"}, {**NAVIGATION, "sec-fetch-site": "cross-site"})
    assert page.status_code == 303
    address, _, query = page.headers["location"].partition("?")
    assert (address, parse_qs(query)) == (URI, {name: [value] for name, value in asked.items()})
    assert cookies_of(page) == {}
    back = come_back(browser, browser.get(page.headers["location"].removeprefix(ORIGIN)))
    assert back.headers["location"] == "/deep/a?b=c%26"


@either_way
def test_without_a_page_a_login_leads_to_the_root(site: Site, ask: Ask) -> None:
    browser = site.browser()
    page = ask(browser, {"iss": OP}, {"referer": f"{ORIGIN}/private"})
    assert "login_hint" not in sent_to(page)
    assert come_back(browser, page).headers["location"] == "/"


@either_way
def test_nothing_else_is_taken_from_another_site(site: Site, ask: Ask) -> None:
    """threat model 213"""
    own = sent_to(site.browser().get("/private"))
    evil = {"scope": "openid admin", "prompt": "none", "redirect_uri": "https://evil.example", "client_id": "evil"}
    evil |= {"response_mode": "fragment", "state": "s", "nonce": "n", "claims": "{}", "acr_values": "0", "other": "x"}
    sent = sent_to(ask(site.browser(), {"iss": OP, **evil}))
    chance = {"state", "nonce", "code_challenge"}
    assert {name: sent[name] for name in sent.keys() - chance} == {name: own[name] for name in own.keys() - chance}
    assert evil["state"] != sent["state"] != own["state"]
    assert evil["nonce"] != sent["nonce"] != own["nonce"]


def test_a_post_is_read_by_its_form_alone(site: Site) -> None:
    page = site.browser().post(f"{PATH}?iss={OP}", data={"login_hint": "alice"})
    assert page.status_code == 400
    assert site.provider.requests == ()


REJECTED: dict[str, Any] = {
    "212 no issuer": {},
    "212 an issuer of nothing": {"iss": ""},
    "212 an unknown issuer": {"iss": "https://evil.example"},
    "212 an issuer inside": {"iss": "https://169.254.169.254"},
    "212 a slash more": {"iss": f"{OP}/"},
    "212 capitals": {"iss": "https://OP.example"},
    "212 a port more": {"iss": f"{OP}:443"},
    "212 the name of the provider": {"iss": "default"},
    "212 an issuer twice": [("iss", OP), ("iss", OP)],
    "212 a second issuer": [("iss", OP), ("iss", "https://evil.example")],
    "a hint twice": [("iss", OP), ("login_hint", "a"), ("login_hint", "b")],
    "a page twice": [("iss", OP), ("target_link_uri", f"{ORIGIN}/"), ("target_link_uri", f"{ORIGIN}/")],
    "a long hint": {"iss": OP, "login_hint": "a" * 1025},
    **{
        name: {"iss": OP, "target_link_uri": uri}
        for name, uri in {
            "201 another origin": "https://evil.example/",
            "201 another scheme": "http://rp.example/",
            "201 another port": "https://rp.example:8443/",
            "201 two slashes": "//evil.example",
            "201 two slashes for a path": f"{ORIGIN}//evil.example",
            "202 backslash for a path": f"{ORIGIN}/\\evil.example",
            "202 backslash in the host": "https://rp.example\\@evil.example/",
            "203 three slashes": "https:///evil.example",
            "204 tab": f"{ORIGIN}/\t/evil.example",
            "204 control characters before": f"\x01{ORIGIN}/",
            "205 no slashes": "https:evil.example",
            "205 javascript": "javascript:alert(1)",
            "206 user": "https://rp.example@evil.example/",
            "206 a user before our host": "https://evil.example@rp.example/",
            "206 subdomain": "https://rp.example.evil.example/",
            "207 broken host": "https://[::1",
            "208 line ends": f"{ORIGIN}/a\r\nSet-Cookie: a=b",
            "209 too long": f"{ORIGIN}/{'a' * 3000}",
            "a path alone": "/private",
            "a fragment": f"{ORIGIN}/private#part",
            "the redirect URI": f"{REDIRECT_URI}?code=a&state=b",
            "this route itself": f"{URI}?iss={OP}",
            "this route in disguise": f"{ORIGIN}/login/%69nitiate?iss={OP}",
        }.items()
    },
}


@either_way
@pytest.mark.parametrize("parameters", REJECTED.values(), ids=REJECTED)
def test_a_bad_request_for_a_login_begins_nothing(make_site: MakeSite, ask: Ask, parameters: Any) -> None:
    """threat model 201 to 209, 212, 215: and asks nobody."""
    seen: list[tuple[str, str]] = []

    def views(app: Any, auth: Any) -> None:
        def told(error: str = "", error_description: str = "") -> str:
            seen.append((error, error_description))
            return error

        auth.error_view(told)

    site = make_site({"OIDC_INITIATE_LOGIN_URI": URI}, views=views)
    page = ask(site.browser(), parameters)
    assert page.status_code == 400
    assert page.text in ("login_request_invalid", "duplicate_parameter")
    assert "set-cookie" not in page.headers
    assert "evil" not in seen[0][1]
    assert site.provider.requests == ()


def test_each_issuer_leads_to_its_own_provider(make_site: MakeSite) -> None:
    providers = {"one": new_provider(), "two": new_provider("https://two.example/tenant")}
    site = make_site({"OIDC_INITIATE_LOGIN_URI": URI}, providers=providers)
    browser = site.browser()
    page = by_get(browser, {"iss": "https://two.example/tenant"})
    assert page.headers["location"].startswith("https://two.example/tenant/")
    come_back(browser, page)
    assert browser.who()["current_provider"] == "two"
    assert site.provider.requests == ()


def test_of_several_clients_of_one_issuer_it_is_the_first(make_site: MakeSite) -> None:
    provider = new_provider()
    site = make_site({"OIDC_INITIATE_LOGIN_URI": URI}, providers={"one": provider, "two": provider})
    browser = site.browser()
    come_back(browser, by_get(browser, {"iss": OP}))
    assert browser.who()["current_provider"] == "one"


def no_views(_app: Any, _auth: Any) -> None:
    """For a site whose providers let nobody log in."""


def test_nobody_logs_in_where_only_tokens_are_verified(make_site: MakeSite) -> None:
    tokens = {"client_metadata": None, "access_token_verification": "jwt", "audience": "api"}
    site = make_site({"OIDC_INITIATE_LOGIN_URI": URI}, views=no_views, **tokens)
    assert by_get(site.browser(), {"iss": OP}).status_code == 400


NO_ONE_ASKED: dict[str, tuple[str, dict[str, str], int]] = {
    **{
        f"{method} {name}": (method, headers, 204 if "prefetch" in str(headers) else 401)
        for name, (method, headers) in SCRIPTS.items()
        if method == "GET"
    },
    "a script that posts": ("POST", {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, 401),
    "a form that wants JSON": ("POST", {"accept": "application/json"}, 401),
    "no form": ("POST", {"content-type": "text/plain"}, 415),
    "HEAD": ("HEAD", {}, 405),
    "PUT": ("PUT", {}, 405),
}


@pytest.mark.parametrize(("method", "headers", "status"), NO_ONE_ASKED.values(), ids=NO_ONE_ASKED)
def test_what_nobody_asked_for_begins_nothing(site: Site, method: str, headers: dict[str, str], status: int) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    page = site.browser().request(
        method, f"{PATH}?iss={OP}", headers={**form, "accept": "*/*", **headers}, content=f"iss={OP}".encode()
    )
    assert page.status_code == status
    assert "set-cookie" not in page.headers
    assert site.provider.requests == ()


def test_a_link_on_another_site_is_followed(site: Site) -> None:
    headers = {**NAVIGATION, "sec-fetch-site": "cross-site", "accept": "text/html,*/*;q=0.8"}
    assert by_get(site.browser(), {"iss": OP}, headers).status_code == 302


@everywhere
@either_way
def test_who_is_logged_in_stays_so_until_the_new_login_has_succeeded(site: Site, ask: Ask) -> None:
    browser = site.browser()
    browser.log_in()
    kept = jar_of(browser)
    page = ask(browser, {"iss": OP, "target_link_uri": f"{ORIGIN}/private"})
    assert page.status_code == 302
    assert {name: jar_of(browser)[name] for name in kept} == kept
    assert browser.who()["id_token"]["sub"] == "alice"
    rejected = come_back(browser, page, consent=False)
    assert rejected.status_code == 403
    assert browser.who()["id_token"]["sub"] == "alice"
    come_back(browser, ask(browser, {"iss": OP}), user="bob")
    assert browser.who()["id_token"]["sub"] == "bob"


@everywhere
def test_a_form_of_another_site_which_comes_without_cookies_takes_none_away(site: Site) -> None:
    browser, stranger = site.browser(), site.browser()
    browser.log_in()
    page = by_post(stranger, {"iss": OP})
    assert len(jar_of(stranger)) == 1
    browser.cookies.update(stranger.cookies)
    assert browser.who()["id_token"]["sub"] == "alice"
    come_back(browser, page, user="bob")
    assert browser.who()["id_token"]["sub"] == "bob"


def test_no_other_browser_can_finish_it(site: Site) -> None:
    """threat model 58: the answer of somebody's own login is of no use in another browser."""
    page = by_get(site.browser(), {"iss": OP})
    victim = site.browser()
    assert come_back(victim, page).status_code == 400
    assert victim.who() == {}


def test_logins_in_a_loop_come_to_an_end(site: Site) -> None:
    browser = site.browser()
    for _ in range(5):
        come_back(browser, by_get(browser, {"iss": OP}))
    assert by_get(browser, {"iss": OP}).status_code == 400
    assert by_get(browser, {"iss": OP}).status_code == 302


def test_a_login_that_can_not_be_begun_is_reported(site: Site) -> None:
    told: list[tuple[str | None, str | None]] = []

    def hear(_: Any, *, provider: str | None, code: str | None, **__: Any) -> None:
        told.append((provider, code))

    with login_failed.connected_to(hear, sender=site.app):
        by_get(site.browser(), {"iss": "https://evil.example"})
        by_get(site.browser(), {"iss": OP, "target_link_uri": "https://evil.example"})
        with site.provider.misbehaving(Fault.DISCOVERY_ISSUER_OTHER):
            assert by_get(site.browser(), {"iss": OP}).status_code == 502
    invalid = "login_request_invalid"
    assert told == [(None, invalid), ("default", invalid), ("default", "issuer_mismatch")]


@below_a_path
@either_way
def test_is_found_below_a_path(make_site: MakeSite, front: Front, ask: Ask) -> None:
    config = {"OIDC_REDIRECT_URI": BELOW, "OIDC_INITIATE_LOGIN_URI": f"{ORIGIN}/app{PATH}"}
    site = make_site(config, providers={"default": new_provider(redirect_uri=BELOW)})
    browser = browser_before(site, front)
    asked = Below(browser)
    assert come_back(browser, ask(asked, {"iss": OP})).headers["location"] == "/app/"
    page = ask(asked, {"iss": OP, "target_link_uri": f"{ORIGIN}/app/private"})
    assert come_back(browser, page).headers["location"] == "/app/private"
    assert browser.get("/app/private").text == "private"
    assert ask(asked, {"iss": OP, "target_link_uri": f"{BELOW}?code=a"}).status_code == 400


class Below:
    """A browser that asks for the same paths below /app."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def get(self, path: str, headers: Any = None) -> Page:
        return self._browser.get(f"/app{path}", headers=headers)

    def request(self, method: str, path: str, **kwargs: Any) -> Page:
        return self._browser.request(method, f"/app{path}", **kwargs)


@pytest.mark.parametrize(
    "uri",
    [
        "http://rp.example/login",
        "https://other.example/login",
        "https://rp.example:8443/login",
        f"{URI}?a",
        f"{URI}#a",
        "/login",
        "",
        5,
        ORIGIN,
        f"{ORIGIN}/",
        REDIRECT_URI,
    ],
    ids=repr,
)
def test_it_is_an_https_url_of_the_same_origin_with_a_path_of_its_own(make_site: MakeSite, uri: Any) -> None:
    with pytest.raises(ConfigurationError, match="OIDC_INITIATE_LOGIN_URI"):
        make_site({"OIDC_INITIATE_LOGIN_URI": uri})


def test_it_is_not_where_the_keys_are(make_site: MakeSite) -> None:
    with pytest.raises(ConfigurationError, match="OIDC_JWKS_URI and OIDC_INITIATE_LOGIN_URI must differ"):
        make_site({"OIDC_JWKS_URI": URI, "OIDC_INITIATE_LOGIN_URI": URI})
