"""While the store is down nobody is logged in or out, a user who needs a session has to come again, and it heals."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from oidc_async.errors import StoreError, StoreUnavailable
from tests.web.watched_store import WatchedStore

from .cookie_jar import jar_of, logged_in, login_again, put, session_of
from .site import Framework, Page, Site, cookies_of
from .toolbox import toolbox

MakeSite = Callable[..., Site]


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore()


@pytest.fixture
def site(make_site: MakeSite, framework: Framework, store: WatchedStore) -> Site:
    """With a view that asks for the session in a public page, and one that changes it."""
    tools = toolbox(framework)

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def change() -> str:
            tools.user_session(tools.session).update(userinfo={"name": "Another"})
            return "changed"

        app.add_url_rule("/change", "change", change)

    # errors are answered, not raised
    return make_site(config={"OIDC_STORE": store, "TESTING": False}, views=views)


def require_come_again(page: Page) -> None:
    assert page.status_code == 503
    assert page.headers["retry-after"] == "5"
    assert "no-store" in page.headers["cache-control"]
    assert all(cookie.is_deletion and "-login-" in cookie.name for cookie in cookies_of(page).values())


@pytest.mark.parametrize("path", ["/private", "/private-other-kind", "/who", "/change"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_that_asks_for_the_session_says_when_to_come_again(
    site: Site, store: WatchedStore, path: str, method: str
) -> None:
    """contract.md 4"""
    browser = logged_in(site)
    store.break_down()
    require_come_again(browser.request(method, path))
    store.come_back()
    assert browser.get("/private").text == "private"


@pytest.mark.parametrize("path", ["/", "/nothing"])
def test_a_page_that_does_not_ask_is_as_ever(site: Site, store: WatchedStore, path: str) -> None:
    browser = logged_in(site)
    before = browser.get(path)
    store.break_down()
    page = browser.get(path)
    assert (page.status_code, page.text) == (before.status_code, before.text)
    assert page.status_code in (200, 404)


def test_a_browser_without_a_session_does_not_notice_until_the_login_is_to_be_kept(
    site: Site, store: WatchedStore
) -> None:
    browser = site.browser()
    store.break_down()
    assert browser.who() == {}
    page = browser.come_back(browser.begin_login())
    require_come_again(page)
    assert session_of(browser) == {}
    store.come_back()
    assert browser.log_in().text == "private"


@pytest.mark.parametrize("broken", ["get_many", "put", "delete"])
def test_a_login_that_can_not_be_kept_leaves_the_present_session(
    site: Site, store: WatchedStore, broken: str
) -> None:
    """contract.md 2, 4"""
    browser = logged_in(site, user="alice")
    callback = site.provider.authorize(login_again(browser), user="bob")
    before = session_of(browser)
    store.break_down(broken)
    require_come_again(browser.come_back(callback))
    store.come_back()
    assert session_of(browser) == before
    assert browser.who()["id_token"]["sub"] == "alice"


def test_a_login_for_which_the_session_is_out_of_reach_uses_nothing_up(site: Site, store: WatchedStore) -> None:
    """contract.md 4: the page can be loaded again"""
    browser = logged_in(site)
    callback = site.provider.authorize(login_again(browser))
    asked = site.provider.count("token")
    store.break_down("get_many")
    require_come_again(browser.come_back(callback))
    assert site.provider.count("token") == asked
    store.come_back()
    assert browser.come_back(callback).status_code == 302


@pytest.mark.parametrize("broken", ["get_many", "delete"])
def test_a_logout_that_did_not_happen_is_not_said_to_have_happened(
    site: Site, store: WatchedStore, broken: str
) -> None:
    """contract.md 4: neither here nor at the provider"""
    browser = logged_in(site)
    store.break_down(broken)
    page = browser.get("/logout")
    require_come_again(page)
    assert "location" not in page.headers
    store.come_back()
    assert browser.get("/private").text == "private"
    browser.get("/logout")
    assert browser.who() == {}


def test_a_logout_that_did_not_happen_asks_the_provider_for_nothing(
    make_site: MakeSite, site: Site, store: WatchedStore
) -> None:
    """contract.md 4: another worker would have to ask where the provider's logout is, or have tokens revoked"""
    worker = make_site(providers={"default": site.provider}, config={"OIDC_STORE": store}).browser()
    put(worker, jar_of(logged_in(site)))
    site.provider.forget_requests()
    store.break_down("delete")
    require_come_again(worker.get("/logout"))
    assert site.provider.requests == ()
    store.come_back()
    assert worker.get("/private").text == "private"


def test_a_change_that_can_not_be_saved_is_not_said_to_be(site: Site, store: WatchedStore) -> None:
    """contract.md 4"""
    browser = logged_in(site)
    before = browser.who()
    store.break_down("replace")
    page = browser.get("/change")
    require_come_again(page)
    assert "changed" not in page.text
    store.come_back()
    assert browser.who() == before
    assert browser.get("/change").text == "changed"
    assert browser.who()["userinfo"] == {"name": "Another"}


def test_pages_that_ask_for_nothing_do_not_fail_for_a_session_that_was_seen(
    make_site: MakeSite, store: WatchedStore
) -> None:
    site = make_site(config={"OIDC_STORE": store, "OIDC_SESSION_IDLE_SECONDS": 600})
    browser = logged_in(site)
    site.provider.clock.advance(300)
    store.break_down("replace")
    assert browser.get("/").text == "public"


def test_a_script_is_answered_in_json(site: Site, store: WatchedStore) -> None:
    browser = logged_in(site)
    store.break_down()
    page = browser.get("/private", headers={"accept": "application/json"})
    require_come_again(page)
    assert page.json()["error"] == "store_unavailable"


def test_an_error_view_is_shown_with_the_status_of_an_outage(site: Site, store: WatchedStore) -> None:
    site.auth.error_view(lambda error=None, error_description=None: f"sorry: {error}")
    browser = logged_in(site)
    store.break_down()
    for path in ("/private", "/who"):
        page = browser.get(path)
        require_come_again(page)
        assert page.text == "sorry: store_unavailable"


@pytest.mark.parametrize("kind", [StoreError, StoreUnavailable])
@pytest.mark.parametrize("path", ["/private", "/who", "/logout"])
def test_a_handler_of_the_apps_own_goes_before_ours(
    make_site: MakeSite, framework: Framework, store: WatchedStore, kind: type[StoreError], path: str
) -> None:
    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        app.register_error_handler(kind, lambda error: (f"my own words: {error.code}", 599))

    browser = logged_in(make_site(config={"OIDC_STORE": store, "TESTING": False}, views=views))
    store.break_down()
    page = browser.get(path)
    assert (page.status_code, page.text) == (599, "my own words: store_unavailable")


def test_it_does_so_too_when_it_was_there_first(
    make_site: MakeSite, framework: Framework, store: WatchedStore
) -> None:
    site = make_site(config={"OIDC_STORE": store})
    app = framework.new_app()
    app.register_error_handler(StoreError, lambda error: ("my own words", 599))
    app.config.update(site.app.config)
    auth = framework.new_authentication(site.web.configurations, app)
    framework.add_standard_views(app, auth)
    other = Site(framework, app, auth, site.providers)
    browser = logged_in(other)
    store.break_down()
    assert browser.get("/who").text == "my own words"
    other.close()


def test_the_log_says_what_is_down_and_nothing_of_the_session(
    site: Site, store: WatchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 250, 255"""
    browser = logged_in(site)
    secrets = [*jar_of(browser).values(), browser.who()["access_token"]]
    caplog.clear()
    store.break_down()
    browser.get("/private")
    records = [record for record in caplog.records if record.name.startswith("oidc_async")]
    assert [(record.levelno, record.getMessage()) for record in records] == [
        (logging.ERROR, "a session could not be read or saved: The store is down. (store_unavailable)")
    ]
    assert [secret for secret in secrets if len(secret) > 4 and secret in caplog.text] == []
