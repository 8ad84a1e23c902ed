"""`session_refresh_interval_seconds`: the provider is asked, unseen, whether the user is still logged in there."""

import logging
from typing import Any

import pytest

from oidc_async.testing import Fault, Misbehaviour

from .cookie_jar import in_cookies, jar_of, logged_in, put, session_of
from .renewal_site import (
    DAY,
    FETCH,
    INTERVAL,
    LIES,
    OUTAGES,
    PAUSE,
    REJECTIONS,
    MakeSite,
    answer,
    asked_with,
    grow_old,
    is_login,
    is_renewal,
    kept,
    leave,
    renewal_site,
)
from .site import Framework, Site, cookies_of, new_provider
from .test_navigation import FORM, NAVIGATION
from .toolbox import toolbox

SESSIONS_IN = ("cookies", "memory", "sqlite")


@pytest.fixture
def site(make_site: MakeSite, framework: Framework) -> Site:
    return renewal_site(make_site, framework)


# When it is renewed


@pytest.mark.parametrize("path", ["/private", "/private-other-kind", "/either", "/deep/%C3%A4?a=b%26c"])
def test_who_goes_to_a_page_is_sent_through_the_provider_and_comes_back(site: Site, path: str) -> None:
    browser = logged_in(site)
    before = browser.who()
    grow_old(site)
    page = browser.get(path)
    asked = asked_with(page)
    assert (asked["prompt"], asked["id_token_hint"]) == ("none", before["id_token_jwt"])
    back = answer(browser, page)
    assert (back.status_code, back.headers["location"]) == (302, path)
    assert browser.get(path).status_code == 200
    after = browser.who()
    for name in ("access_token", "id_token_jwt"):
        assert after[name] not in (None, before[name])
    for name in ("userinfo", "last_authenticated", "current_provider"):
        assert after[name] == before[name]
    assert after["id_token"]["iat"] > before["id_token"]["iat"]
    site.provider.clock.advance(INTERVAL - 15)
    assert browser.get(path).status_code == 200


def test_before_its_time_nobody_is_asked(site: Site) -> None:
    browser = logged_in(site)
    site.provider.clock.advance(INTERVAL - 15)
    page = browser.get("/private")
    assert (page.text, cookies_of(page)) == ("private", {})


@in_cookies
def test_without_an_interval_nobody_is_ever_asked(make_site: MakeSite) -> None:
    site = make_site()
    browser = logged_in(site)
    site.provider.clock.advance(30 * DAY)
    assert browser.get("/private").text == "private"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        pytest.param("POST", "/form", FORM, 200, id="a form"),
        pytest.param("POST", "/form", {**NAVIGATION, **FORM}, 200, id="a form of today"),
        pytest.param("PUT", "/post-only", {}, 200, id="PUT"),
        pytest.param("HEAD", "/private", {}, 200, id="HEAD"),
        pytest.param("GET", "/private", FETCH, 200, id="fetch"),
        pytest.param("GET", "/private", {"x-requested-with": "XMLHttpRequest"}, 200, id="XMLHttpRequest"),
        pytest.param("GET", "/private", {"accept": "application/json"}, 200, id="JSON"),
        pytest.param("GET", "/private", {**NAVIGATION, "sec-purpose": "prefetch"}, 200, id="a prefetch"),
        pytest.param("GET", "/private", {"sec-fetch-mode": "no-cors"}, 200, id="an image"),
        pytest.param("GET", "/private", {**NAVIGATION, "sec-fetch-dest": "iframe"}, 200, id="a frame"),
    ],
)
def test_a_request_that_is_not_for_a_page_continues_with_the_session(
    site: Site, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """contract.md 2, threat model 170"""
    browser = logged_in(site)
    grow_old(site)
    page = browser.request(method, path, headers=headers)
    assert (page.status_code, cookies_of(page)) == (status, {})
    assert is_renewal(browser.get("/private"))


def test_a_renewal_does_not_prolong_the_session(make_site: MakeSite, framework: Framework) -> None:
    """contract.md 2: its absolute lifetime is that of the login"""
    site = renewal_site(make_site, framework, config={"OIDC_SESSION_SECONDS": 3 * INTERVAL})
    browser = logged_in(site)
    for _ in range(2):
        grow_old(site)
        answer(browser, leave(browser))
        assert browser.get("/private").text == "private"
    grow_old(site)
    assert is_login(browser.get("/private"))
    assert browser.who() == {}


def test_tokens_that_were_refreshed_do_not_tell_that_the_user_is_still_logged_in(
    make_site: MakeSite, framework: Framework
) -> None:
    scope = {"auth_request_params": {"scope": "openid offline_access"}}
    site = renewal_site(make_site, framework, **scope)
    browser = logged_in(site)
    grow_old(site)
    assert browser.get("/token/new").json()["token"]
    assert is_renewal(browser.get("/private"))


def test_a_session_of_which_no_id_token_tells_the_user_is_not_renewed(
    make_site: MakeSite, framework: Framework
) -> None:
    """An application made it: nobody could say whether the answer is of the same user."""
    tools = toolbox(framework)

    def begin() -> str:
        tools.user_session(tools.session, "default").update(access_token="our own", now=1)
        return "begun"

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        app.add_url_rule("/begin", view_func=begin)

    browser = renewal_site(make_site, framework, views=views).browser()
    browser.get("/begin")
    assert browser.get("/private").text == "private"


# What the provider is asked with


@in_cookies
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        pytest.param({"prompt": "login"}, {"prompt": "none"}, id="prompt"),
        pytest.param({"prompt": "consent select_account"}, {"prompt": "none"}, id="prompts"),
        pytest.param({"max_age": 1000}, {"prompt": "none", "max_age": "1000"}, id="max_age"),
        pytest.param({"response_mode": "form_post"}, {"response_mode": "form_post"}, id="response_mode"),
        pytest.param({"login_hint": "alice"}, {"prompt": "none", "login_hint": "alice"}, id="login_hint"),
    ],
)
def test_what_asks_the_user_is_left_out_and_all_else_stays(
    make_site: MakeSite, framework: Framework, parameters: dict[str, Any], expected: dict[str, str]
) -> None:
    site = renewal_site(make_site, framework, auth_request_params=parameters)
    browser = logged_in(site)
    grow_old(site)
    page = leave(browser)
    asked = asked_with(page)
    assert {name: asked.get(name) for name in expected} == expected
    answer(browser, page)
    assert browser.get("/private").text == "private"


@in_cookies
def test_an_id_token_that_is_too_long_for_a_url_is_not_a_hint(site: Site) -> None:
    groups = [f"{number * 7919:032x}" for number in range(250)]
    site.provider.add_user("carol", id_token_claims={"groups": groups})
    browser = logged_in(site, user="carol")
    grow_old(site)
    page = leave(browser)
    assert "id_token_hint" not in asked_with(page)
    assert len(page.headers["location"]) < 2000
    answer(browser, page, user="carol")
    assert browser.get("/private").text == "private"


# Another user


def test_another_user_never_takes_the_session_over(site: Site) -> None:
    """contract.md 2, 3: an error page, once; the session is as it was"""
    browser = logged_in(site)
    before = kept(browser)
    grow_old(site)
    page = answer(browser, leave(browser), user="bob")
    assert page.status_code == 400
    assert kept(browser) == before
    assert browser.get("/private").text == "private"
    site.provider.clock.advance(PAUSE + 1)
    assert answer(browser, leave(browser), user="bob").status_code == 400
    site.provider.clock.advance(PAUSE + 1)
    answer(browser, leave(browser), user="alice")
    assert browser.get("/private").text == "private"
    assert browser.who()["id_token"]["sub"] == "alice"


@in_cookies
def test_the_error_view_learns_of_another_user(site: Site) -> None:
    def view(error: str | None = None, error_description: str | None = None) -> str:
        return f"{error}: {error_description}"

    site.auth.error_view(view)
    browser = logged_in(site)
    grow_old(site)
    page = answer(browser, leave(browser), user="bob")
    assert (page.status_code, page.text.partition(":")[0]) == (400, "user_changed")
    assert "Log out first" in page.text


@in_cookies
def test_the_answer_of_another_browser_renews_nothing(site: Site) -> None:
    browser, other = logged_in(site), logged_in(site, user="bob")
    before = kept(browser)
    grow_old(site)
    assert answer(browser, leave(other), user="bob").status_code == 400
    assert kept(browser) == before


# The provider wants the user to log in


@pytest.mark.parametrize("fault", REJECTIONS, ids=str)
def test_a_rejection_leads_to_a_login_at_once_and_back_to_the_page(site: Site, fault: Misbehaviour) -> None:
    browser = logged_in(site)
    before = browser.who()
    grow_old(site)
    page = leave(browser, "/deep/a?b=c")
    with site.provider.misbehaving(fault):
        to_login = answer(browser, page)
    assert is_login(to_login)
    assert browser.who() == before
    site.provider.clock.advance(1)
    back = answer(browser, to_login)
    assert (back.status_code, back.headers["location"]) == (302, "/deep/a?b=c")
    assert browser.get("/deep/a?b=c").status_code == 200
    assert browser.who()["access_token"] != before["access_token"]


def test_until_then_no_decorator_lets_the_session_in(site: Site) -> None:
    """threat model 170: the provider has said that nobody is logged in"""
    browser = logged_in(site)
    grow_old(site)
    with site.provider.misbehaving(Fault.AUTHORIZATION_LOGIN_REQUIRED):
        answer(browser, leave(browser))
    site.provider.clock.advance(10 * PAUSE)
    for path in ("/private", "/either", "/form"):
        assert is_login(browser.get(path))
    assert is_login(browser.post("/form", headers=FORM))
    script = browser.get("/private", headers=FETCH)
    assert (script.status_code, script.json()["error"]) == (401, "login_required")
    assert browser.get("/").text == "public"
    assert browser.log_in().text == "private"
    assert browser.get("/private", headers=FETCH).text == "private"


@pytest.mark.sessions_in("memory", "sqlite")
def test_a_rejection_does_not_depend_on_a_cookie_that_the_browser_may_delete(site: Site) -> None:
    """threat model 350: with a store it is in the session record, until the session ends"""
    browser = logged_in(site)
    grow_old(site)
    with site.provider.misbehaving(Fault.AUTHORIZATION_LOGIN_REQUIRED):
        answer(browser, leave(browser))
    put(browser, session_of(browser))
    for seconds in (0, 3700, 29 * DAY):
        site.provider.clock.advance(seconds)
        assert browser.get("/private", headers=FETCH).status_code == 401
        assert is_login(browser.get("/private"))
        put(browser, session_of(browser))
    assert browser.who()["id_token"]["sub"] == "alice"
    assert browser.log_in().text == "private"


@pytest.mark.sessions_in("memory", "sqlite")
def test_a_request_that_was_under_way_does_not_undo_a_rejection(site: Site) -> None:
    """threat model 350: it writes what it changed, and nothing else"""
    browser = logged_in(site)
    grow_old(site)
    page, run = leave(browser), site.framework.run
    slow = run(site.web.sessions.open(jar_of(browser), site.web.now()))
    slow["userinfo"] = {"sub": "alice", "name": "changed meanwhile"}
    with site.provider.misbehaving(Fault.AUTHORIZATION_LOGIN_REQUIRED):
        answer(browser, page)
    run(site.web.sessions.keep(slow, jar_of(browser), site.web.now()))
    assert browser.who()["userinfo"]["name"] == "changed meanwhile"
    assert browser.get("/private", headers=FETCH).status_code == 401


def test_a_user_who_signed_out_at_the_provider_has_to_log_in(site: Site) -> None:
    browser = logged_in(site)
    grow_old(site)
    site.provider.sign_out("alice")
    assert is_login(answer(browser, leave(browser)))


def test_a_user_who_logs_in_then_has_nothing_of_the_one_before(site: Site) -> None:
    """threat model 156"""
    browser = logged_in(site)
    before = session_of(browser)
    grow_old(site)
    with site.provider.misbehaving(Fault.AUTHORIZATION_LOGIN_REQUIRED):
        to_login = answer(browser, leave(browser))
    site.provider.clock.advance(1)
    answer(browser, to_login, user="bob")
    who = browser.who()
    assert (who["id_token"]["sub"], who["userinfo"]["sub"]) == ("bob", "bob")
    assert "Alice" not in str(who)
    # the session of before, where it is a cookie, is ended for this browser
    put(browser, {**jar_of(browser), **before})
    assert is_login(browser.get("/private"))


def test_a_logout_leaves_nothing_of_a_rejection(site: Site) -> None:
    browser = logged_in(site)
    grow_old(site)
    with site.provider.misbehaving(Fault.AUTHORIZATION_LOGIN_REQUIRED):
        answer(browser, leave(browser))
    browser.get("/logout")
    assert [name for name in jar_of(browser) if name.endswith("-renewal")] == []
    assert browser.who() == {}


@in_cookies
def test_a_session_at_another_provider_is_not_renewed(make_site: MakeSite, framework: Framework) -> None:
    providers = {"default": new_provider(), "second": new_provider("https://second.example")}
    site = renewal_site(make_site, framework, providers=providers)
    browser = logged_in(site)
    grow_old(site)
    assert is_login(browser.get("/private-second"))


# Secrets


@pytest.mark.parametrize("fault", [None, *REJECTIONS, *OUTAGES, *LIES], ids=str)
def test_no_token_is_shown_or_logged(
    site: Site, fault: Misbehaviour | None, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 250, 253"""
    browser = logged_in(site)
    grow_old(site)
    with caplog.at_level(logging.DEBUG), site.provider.misbehaving(*([fault] if fault else [])):
        callback = site.provider.authorize(leave(browser).headers["location"])
        page = browser.come_back(callback)
    registry = site.provider._registry
    secrets = {*registry.access_tokens, *registry.id_tokens, *registry.codes, *registry.spent_codes}
    # that of the browser's side tells all URLs
    logged = [str(record.getMessage()) for record in caplog.records if record.name.startswith("oidc_async")]
    texts = [*logged, page.text, str(jar_of(browser)), page.headers.get("location", "")]
    assert len(secrets) >= 3
    assert [secret for secret in secrets if any(secret in text for text in texts)] == []
