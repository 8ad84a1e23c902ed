"""When a session is over, it stays over; and it belongs to one client of one issuer."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from oidc_async import ClientMetadata

from .cookie_jar import in_cookies, jar_of, logged_in, login_again, put, session_of
from .site import Framework, Site, new_provider
from .toolbox import toolbox

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "memory", "sqlite")


def test_a_response_that_arrives_after_the_logout_brings_no_session_back(make_site: MakeSite) -> None:
    """threat model 248"""
    site = make_site(config={"OIDC_SESSION_IDLE_SECONDS": 600})
    browser = logged_in(site)
    site.provider.clock.advance(120)
    slow = site.browser()
    put(slow, jar_of(browser))
    slow.get("/private")  # refreshes the session
    site.provider.clock.advance(1)
    browser.get("/logout")
    put(browser, {**jar_of(browser), **session_of(slow)})
    assert browser.get("/private").status_code == 302
    assert browser.who() == {}


def test_a_login_after_a_logout_is_one(site: Site) -> None:
    browser = logged_in(site)
    browser.get("/logout")
    site.provider.clock.advance(1)
    assert browser.log_in().text == "private"


@pytest.mark.parametrize("other", ["issuer", "client"])
def test_a_provider_that_is_configured_again_under_its_name_needs_a_new_login(
    make_site: MakeSite, other: str
) -> None:
    """threat model 235"""
    browser = logged_in(make_site())
    provider = new_provider("https://other.example") if other == "issuer" else new_provider()
    client = {"client_metadata": ClientMetadata("client2", "secret2")} if other == "client" else {}
    changed = make_site(providers={"default": provider}, **client).browser()
    put(changed, jar_of(browser))
    assert changed.get("/private").status_code == 302


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        pytest.param("HEAD", {}, id="a link checker"),
        pytest.param("GET", {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, id="an image"),
        pytest.param("GET", {"sec-purpose": "prefetch"}, id="a prefetch"),
    ],
)
def test_an_unsolicited_request_is_not_a_logout(site: Site, method: str, headers: Mapping[str, str]) -> None:
    """threat model 196"""
    browser = logged_in(site)
    assert browser.request(method, "/logout", headers=headers).status_code == 503
    assert browser.get("/private").text == "private"


def test_logins_at_two_providers_in_turn_do_not_loop(make_site: MakeSite) -> None:
    """threat model 232"""
    providers = {"default": new_provider(), "second": new_provider("https://second.example")}
    browser = make_site(providers=providers).browser()
    for _ in range(4):
        assert browser.log_in("/private").text == "private"
        assert browser.log_in("/private-second").text == "private elsewhere"


@in_cookies
def test_a_response_that_arrives_after_the_login_of_another_user_brings_nobody_back(
    make_site: MakeSite, framework: Framework
) -> None:
    """threat model 247, 248"""
    tools = toolbox(framework)

    def change() -> str:
        tools.user_session(tools.session).update(access_token="next")
        return "changed"

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        app.add_url_rule("/change", view_func=change)

    site = make_site(views=views)
    browser = logged_in(site, user="alice")
    slow = site.browser()
    put(slow, jar_of(browser))
    site.provider.clock.advance(1)
    browser.come_back(site.provider.authorize(login_again(browser), user="bob"))
    assert browser.who()["id_token"]["sub"] == "bob"
    assert slow.get("/change").text == "changed"
    put(browser, {**jar_of(browser), **session_of(slow)})
    assert browser.who() == {}
    assert browser.get("/private").status_code == 302
