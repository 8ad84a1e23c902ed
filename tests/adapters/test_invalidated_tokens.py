"""After a logout nothing about the tokens of its session stays cached. threat model 197, 237."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from oidc_async import AsyncResourceServer
from oidc_async.errors import StoreUnavailable
from oidc_async.testing import Misbehaviour
from oidc_async.testing.faults.documents import without
from oidc_async.testing.faults.responses import reset
from oidc_async.testing.stages import ANY_REPLY, DISCOVERY, harmless, rejected

from .api import Api
from .cookie_jar import jar_of, put
from .refresh_site import OFFLINE, asked, token_of, token_views
from .site import Browser, Framework, Page, Site, new_provider

SESSIONS_IN = ("cookies", "memory", "sqlite")
MakeSite = Callable[..., Site]
NO_LOGOUT = harmless("no end_session_endpoint", DISCOVERY(without("end_session_endpoint")))
DOWN = rejected("nobody answers", ANY_REPLY(reset))


def views(framework: Framework) -> Callable[[Any, Any], None]:
    """Those of refreshes, and an API for the tokens of the same provider."""

    def add(app: Any, auth: Any) -> None:
        token_views(framework)(app, auth)
        app.add_url_rule("/api", "api", auth.token_auth("default")(lambda: "api"))

    return add


@pytest.fixture
def new_user(make_site: MakeSite, framework: Framework) -> Callable[..., Browser]:
    def new(**options: Any) -> Browser:
        browser = make_site(**{"views": views(framework), "enforce_audience": False, **OFFLINE, **options}).browser()
        browser.log_in()
        return browser

    return new


def call(browser: Browser, token: str) -> Page:
    return Api(browser.site, browser.site.browser()).call("/api", token)


def log_out(browser: Browser) -> Page:
    page = browser.get("/logout")
    assert browser.who() == {}
    return page


@pytest.mark.parametrize("faults", [[], [NO_LOGOUT]], ids=["at the provider", "revoked"])
def test_after_a_logout_its_access_token_is_introspected(
    new_user: Callable[..., Browser], faults: list[Misbehaviour]
) -> None:
    """threat model 237"""
    provider = new_provider()
    with provider.misbehaving(*faults):
        browser = new_user(providers={"default": provider})
        token = browser.who()["access_token"]
        assert [call(browser, token).status_code for _ in range(3)] == [200, 200, 200]
        assert provider.count("introspection") == 1
        log_out(browser)
        assert call(browser, token).status_code == (403 if faults else 200)
    assert provider.count("introspection") == 2


def test_nothing_stays_cached_though_the_provider_is_down(new_user: Callable[..., Browser]) -> None:
    """threat model 197, 237"""
    provider = new_provider()
    with provider.misbehaving(NO_LOGOUT):
        browser = new_user(providers={"default": provider})
        token = browser.who()["access_token"]
        assert call(browser, token).status_code == 200
        with provider.misbehaving(DOWN):
            log_out(browser)
            assert call(browser, token).status_code == 503


def test_each_provider_that_introspected_the_token_is_asked_again(make_site: MakeSite, framework: Framework) -> None:
    """Two names for one provider, under which it is asked in two ways."""
    provider = new_provider()

    def two_apis(app: Any, auth: Any) -> None:
        token_views(framework)(app, auth)
        app.add_url_rule("/api", "api", auth.token_auth("api")(lambda: "api"))

    options: Any = {"enforce_audience": False, **OFFLINE}
    site = make_site(providers={"default": provider, "api": provider}, views=two_apis, **options)
    lenient = replace(site.web.configurations["api"], clock_skew_seconds=60)
    site.web.resource_servers["api"] = AsyncResourceServer(lenient)
    browser = site.browser()
    browser.log_in()
    token = browser.who()["access_token"]
    assert call(browser, token).status_code == 200
    log_out(browser)
    provider.revoke_access_token(token)
    assert call(browser, token).status_code == 403


def test_recently_refreshed_tokens_are_not_reported_any_more(new_user: Callable[..., Browser]) -> None:
    """threat model 237: to a copy of the session, which sealed cookies let live"""
    browser = new_user()
    copy = browser.site.browser()
    put(copy, jar_of(browser))
    assert token_of(browser, "/token/new") is not None
    assert asked(browser.site.provider) == 1
    log_out(browser)
    assert token_of(copy, "/token/new") is None
    assert asked(browser.site.provider) == 1


def test_a_login_in_the_meantime_is_invalidated_too(new_user: Callable[..., Browser]) -> None:
    browser = new_user()
    back = browser.site.provider.end_session(log_out(browser).headers["location"])
    browser.log_in()
    token = browser.who()["access_token"]
    assert call(browser, token).status_code == 200
    assert browser.get(back.url).text == "logged out"
    browser.site.provider.revoke_access_token(token)
    assert call(browser, token).status_code == 403


@pytest.mark.parametrize("sessions_in", ["memory"], indirect=True)
def test_a_store_that_fails_after_the_session_ended_undoes_nothing(
    new_user: Callable[..., Browser], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threat model 197: the logout continues, and what is left ends by itself"""
    browser = new_user()
    token = browser.who()["access_token"]
    assert call(browser, token).status_code == 200
    store: Any = browser.site.web.store
    delete = store.delete

    async def delete_sessions_only(keys: list[str]) -> None:
        if any(key.startswith("refresh:") for key in keys):
            raise StoreUnavailable("the store is down", store="of the tests")
        await delete(keys)

    monkeypatch.setattr(store, "delete", delete_sessions_only)
    assert log_out(browser).status_code == 303
    assert "the result of a refresh could not be deleted" in caplog.text
    browser.site.provider.revoke_access_token(token)
    assert call(browser, token).status_code == 403


@pytest.mark.sessions_in("sqlite")
@pytest.mark.parametrize(("in_store", "introspected"), [(True, 1), (False, 2)])
def test_workers_tell_each_other_of_tokens_until_a_logout(
    new_user: Callable[..., Browser], in_store: bool, introspected: int
) -> None:
    """threat model 237: what was found out in one worker ends in the store with the session"""
    provider, config = new_provider(), {"OIDC_TOKEN_CACHE_IN_STORE": in_store}
    browser, other, third = (new_user(providers={"default": provider}, config=config) for _ in range(3))
    token = browser.who()["access_token"]
    assert [call(worker, token).status_code for worker in (browser, other)] == [200, 200]
    assert provider.count("introspection") == introspected
    log_out(browser)
    provider.revoke_access_token(token)
    assert [call(worker, token).status_code for worker in (browser, third)] == [403, 403]
