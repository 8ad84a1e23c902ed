"""Logins that a view asks for: where they lead, with what, and what becomes of the present session."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from oidc_async import ConfigurationError
from oidc_async.testing import Fault
from tests.web.watched_store import WatchedStore

from .cookie_jar import jar_of
from .site import ORIGIN, REDIRECT_URI, Framework, Page, Site, new_provider
from .test_navigation import FROM_ELSEWHERE, SCRIPTS
from .toolbox import toolbox

MakeSite = Callable[..., Site]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
INITIATE = {"OIDC_INITIATE_LOGIN_URI": f"{ORIGIN}/login/initiate"}


@pytest.fixture
def site(make_site: MakeSite, framework: Framework) -> Site:
    return site_with(make_site, framework, prompt="login", max_age=0)


def site_with(
    make_site: MakeSite, framework: Framework, config: dict[str, Any] | None = None, **parameters: Any
) -> Site:
    """One with two providers; `/login?to=` begins a login at `at` that is asked for with `parameters`."""
    providers = {"default": new_provider(), "other": new_provider("https://two.example")}
    site = make_site(
        {**INITIATE, **(config or {})},
        providers=providers,
        auth_request_params={"prompt": "select_account", "ui_locales": "de"},
    )
    asked = toolbox(framework).request

    def begin() -> Any:
        return site.auth.login(asked.args.get("at", "default"), return_to=asked.args.get("to"), **parameters)

    async def begin_async() -> Any:
        return await begin()

    view = begin if framework.name == "flask" else begin_async
    site.app.add_url_rule("/login", "login", view, methods=METHODS)
    return site


def path_to(page: str | None = None, at: str = "default") -> str:
    return f"/login?{urlencode({'at': at, **({} if page is None else {'to': page})})}"


def sent(page: Page) -> dict[str, str]:
    """The parameters of the authentication request that a page leads to, each once."""
    assert page.status_code == 302, (page.status_code, page.text)
    query = urlsplit(page.headers["location"]).query
    return {name: value for name, (value,) in parse_qs(query, strict_parsing=True).items()}


@pytest.mark.parametrize(
    ("address", "end"),
    [
        ("/who?a=b%26", "/who?a=b%26"),
        ("/who#part", "/who#part"),
        (f"{ORIGIN}/who?a=b", "/who?a=b"),
        (ORIGIN, "/"),
        (None, "/login?at=default"),
    ],
    ids=["path", "fragment", "url", "origin", "left-out"],
)
def test_it_leads_through_the_provider_to_the_page(site: Site, address: str | None, end: str) -> None:
    browser = site.browser()
    page = browser.get(path_to(address))
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store, private", "no-referrer")
    back = browser.come_back(site.provider.authorize(page.headers["location"]))
    assert (back.status_code, back.headers["location"]) == (302, end)
    assert browser.who()["id_token"]["sub"] == "alice"


def test_its_parameters_replace_those_of_the_configuration(site: Site) -> None:
    asked = sent(site.browser().get(path_to("/")))
    assert (asked["prompt"], asked["max_age"], asked["ui_locales"]) == ("login", "0", "de")


def test_a_form_may_ask_for_it(site: Site) -> None:
    page = site.browser().post("/login?to=/who", headers={"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"})
    assert sent(page)["prompt"] == "login"


def test_what_another_site_posts_begins_none(site: Site) -> None:
    """It comes without cookies, so that logins that are pending already could not be counted."""
    browser = site.browser()
    page = browser.post(path_to("/who"), headers=FROM_ELSEWHERE)
    assert (page.status_code, page.headers["location"]) == (303, path_to("/who"))
    assert "no-store" in page.headers["cache-control"]
    assert (jar_of(browser), site.provider.requests) == ({}, ())


@pytest.mark.parametrize("name", ["exchange", "provider_name", "path", "self"])
def test_a_parameter_may_have_any_name(make_site: MakeSite, framework: Framework, name: str) -> None:
    parameters: dict[str, Any] = {name: "x"}
    site = site_with(make_site, framework, **parameters)
    assert sent(site.browser().get(path_to("/")))[name] == "x"


@pytest.mark.parametrize(("method", "headers"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_learns_that_it_can_not_log_in(site: Site, method: str, headers: dict[str, str]) -> None:
    browser = site.browser()
    page = browser.request(method, path_to("/"), headers=headers)
    assert (page.status_code, page.headers["content-type"]) == (401, "application/json")
    assert (jar_of(browser), site.provider.requests) == ({}, ())


def test_the_provider_is_the_chosen_one(site: Site) -> None:
    browser = site.browser()
    page = browser.get(path_to("/who", at="other"))
    browser.come_back(site.providers[1].authorize(page.headers["location"]))
    assert browser.who()["current_provider"] == "other"
    assert site.provider.requests == ()


@pytest.mark.sessions_in("cookies", "sqlite")
def test_the_present_session_stays_until_the_new_login_has_succeeded(site: Site) -> None:
    browser = site.browser()
    browser.log_in()
    before = browser.who()
    page = browser.get(path_to("/who", at="other"))
    assert browser.who() == before
    rejected = browser.come_back(site.providers[1].authorize(page.headers["location"], consent=False))
    assert (rejected.status_code, browser.who()) == (403, before)
    page = browser.get(path_to("/who"))
    browser.come_back(site.provider.authorize(page.headers["location"], user="bob"))
    assert browser.who()["id_token"]["sub"] == "bob"


def test_the_requested_claims_are_required_of_the_id_token(site: Site) -> None:
    browser = site.browser()
    page = browser.get(path_to("/who"))
    with site.provider.misbehaving(Fault.ID_TOKEN_AUTH_TIME_OLD):
        back = browser.come_back(site.provider.authorize(page.headers["location"]))
    assert back.status_code == 502
    assert browser.who() == {}


def test_the_error_view_reports_a_provider_that_is_down(site: Site) -> None:
    site.auth.error_view(lambda error="", error_description="": error)
    with site.provider.misbehaving(Fault.DISCOVERY_RESET):
        page = site.browser().get(path_to("/"))
    assert (page.status_code, page.text) == (502, "provider_unreachable")


def test_while_the_store_is_down_no_login_begins(make_site: MakeSite, framework: Framework) -> None:
    store = WatchedStore()
    site = site_with(make_site, framework, config={"OIDC_STORE": store, "TESTING": False})
    browser = site.browser()
    browser.log_in()
    site.provider.forget_requests()
    store.break_down()
    page = browser.get(path_to("/who"))
    assert (page.status_code, page.headers["retry-after"]) == (503, "5")
    store.come_back()
    assert browser.who()["id_token"]["sub"] == "alice"


FORGED: dict[str, str] = {
    "201 another origin": "https://evil.example/",
    "201 another scheme": "http://rp.example/",
    "201 two slashes": "//evil.example",
    "202 backslash": "/\\evil.example",
    "202 two backslashes": "\\\\evil.example",
    "203 three slashes": "///evil.example",
    "204 tab": "/\t/evil.example",
    "204 a space before": " //evil.example",
    "205 no slashes": "https:evil.example",
    "205 javascript": "javascript:alert(1)",
    "206 user": "https://rp.example@evil.example/",
    "206 subdomain": "https://rp.example.evil.example/",
    "207 broken host": "https://[::1",
    "208 line ends": "/a\r\nSet-Cookie: a=b",
    "209 too long": f"/{'a' * 3000}",
    "nothing": "",
    "a name": "who",
    "the redirect URI": "/redirect_uri?code=a&state=b",
    "the redirect URI by its URL": REDIRECT_URI,
    "our route in disguise": "/login/%69nitiate?iss=https://op.example",
    "our route by a detour": "/who/../login/./initiate?iss=https://op.example",
    "our route by an encoded detour": "/who/%2e%2e/login/initiate?iss=https://op.example",
    "our route with two slashes": "/login//initiate?iss=https://op.example",
    "our route with a fragment": "/login/initiate#part",
}


@pytest.mark.parametrize("address", FORGED.values(), ids=FORGED)
def test_no_link_makes_another_place_the_page_after_it(site: Site, address: str) -> None:
    """threat model 201 to 209"""
    site.auth.error_view(lambda error="", error_description="": f"{error}: {error_description}")
    browser = site.browser()
    page = browser.get(path_to(address))
    assert page.status_code == 400
    assert page.text.startswith("login_request_invalid: return_to must be")
    assert "evil" not in page.text
    assert (jar_of(browser), site.provider.requests) == ({}, ())


@pytest.mark.parametrize(
    "parameters",
    [
        {"state": "s"},
        {"redirect_uri": "https://evil.example"},
        {"scope": "profile"},
        {"max_age": "soon"},
        {"sub": "client1"},
        {"response_mode": "form_post"},
        {"response_type": "code id_token"},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_none_of_our_parameters_is_replaced(
    make_site: MakeSite, framework: Framework, parameters: dict[str, Any]
) -> None:
    """threat model 214"""
    site = site_with(make_site, framework, **parameters)
    site.auth.error_view(lambda error="", error_description="": f"{error}: {error_description}")
    page = site.browser().get(path_to("/"))
    assert page.status_code == 500
    assert page.text.startswith("configuration_error: ")
    assert next(iter(parameters)) in page.text
    assert site.provider.requests == ()


@pytest.mark.parametrize("name", ["nobody", "", "DEFAULT"])
def test_a_provider_that_is_not_configured_is_the_view_s_mistake(site: Site, name: str) -> None:
    site.app.register_error_handler(ConfigurationError, lambda error: (error.message, 418))
    page = site.browser().get(path_to("/", at=name))
    assert page.status_code == 418
    assert page.text.startswith(f"There is no provider named {name!r}")
