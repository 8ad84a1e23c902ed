"""The session of a login: how large it gets, how long it lasts, whose it is, and who may keep a copy of a page."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

import pytest

from oidc_async.testing import Fault, Misbehaviour

from .at_once import Fetch, Visiting, at_once
from .cookie_jar import in_cookies, is_anonymous, jar_of, logged_in, login_again, put, session_name, session_of
from .site import ORIGIN, Framework, Site, cookies_of, new_provider
from .toolbox import toolbox

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "memory", "sqlite")
OFFLINE = {"auth_request_params": {"scope": "openid profile offline_access"}}
GROUPS = [md5(f"group {number}".encode()).hexdigest() for number in range(200)]
MANY_GROUPS = [md5(f"group {number}".encode()).hexdigest() for number in range(4000)]


# Large sessions


def large_site(make_site: MakeSite) -> Site:
    provider = new_provider()
    provider.add_user("carol", claims={"groups": GROUPS})
    return make_site(providers={"default": provider})


@in_cookies
def test_a_user_in_200_groups_logs_in(make_site: MakeSite) -> None:
    """contract.md 2; threat model 165"""
    site = large_site(make_site)
    browser = logged_in(site, user="carol")
    assert len(session_of(browser)) >= 2
    assert browser.who()["userinfo"]["groups"] == GROUPS


@in_cookies
@pytest.mark.parametrize("part", [0, 1])
def test_a_session_with_a_part_missing_is_none(make_site: MakeSite, part: int) -> None:
    """threat model 161"""
    browser = logged_in(large_site(make_site), user="carol")
    cookies = session_of(browser)
    put(browser, {name: value for name, value in cookies.items() if name != list(cookies)[part]})
    assert is_anonymous(browser)


@in_cookies
def test_parts_that_are_left_over_are_deleted(make_site: MakeSite) -> None:
    """threat model 161"""
    site = large_site(make_site)
    browser = logged_in(site, user="carol")
    large = session_of(browser)
    page = browser.come_back(site.provider.authorize(login_again(browser), user="alice"))
    deleted = {name for name, cookie in cookies_of(page).items() if cookie.is_deletion}
    assert deleted >= set(large) - {session_name(site)}
    assert list(session_of(browser)) == [session_name(site)]
    assert browser.who()["id_token"]["sub"] == "alice"


def test_logging_out_deletes_every_part(make_site: MakeSite) -> None:
    """threat model 161"""
    browser = logged_in(large_site(make_site), user="carol")
    browser.get("/logout")
    assert session_of(browser) == {}


@in_cookies
def test_a_session_that_cookies_can_not_carry_is_an_error_page_and_no_loop(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 165"""
    provider = new_provider()
    provider.add_user("carol", claims={"groups": MANY_GROUPS})
    site = make_site(providers={"default": provider})
    browser = logged_in(site, user="alice")
    page = browser.come_back(provider.authorize(login_again(browser), user="carol"))
    assert page.status_code == 500
    assert "session_too_large" in caplog.text
    assert browser.who()["id_token"]["sub"] == "alice"


# Lifetimes


def test_a_session_ends_at_its_age(make_site: MakeSite) -> None:
    """contract.md 2"""
    site = make_site(config={"OIDC_SESSION_SECONDS": 3600})
    browser = logged_in(site)
    site.provider.clock.advance(3590)
    assert browser.who() != {}
    site.provider.clock.advance(20)
    assert is_anonymous(browser)


def test_a_session_lasts_as_long_as_the_framework_says(make_site: MakeSite) -> None:
    """contract.md 1: PERMANENT_SESSION_LIFETIME"""
    site = make_site(config={"PERMANENT_SESSION_LIFETIME": 7200})
    browser = logged_in(site)
    site.provider.clock.advance(7190)
    assert browser.who() != {}
    site.provider.clock.advance(20)
    assert is_anonymous(browser)


def test_a_session_that_is_used_continues_and_one_that_is_not_ends(make_site: MakeSite) -> None:
    """contract.md 2"""
    site = make_site(config={"OIDC_SESSION_IDLE_SECONDS": 600})
    browser = logged_in(site)
    for _ in range(5):
        site.provider.clock.advance(500)
        assert browser.get("/private").text == "private"
    site.provider.clock.advance(610)
    assert is_anonymous(browser)


def test_use_does_not_prolong_a_session_beyond_its_age(make_site: MakeSite) -> None:
    """contract.md 2"""
    site = make_site(config={"OIDC_SESSION_IDLE_SECONDS": 600, "OIDC_SESSION_SECONDS": 1200})
    browser = logged_in(site)
    for _ in range(2):
        site.provider.clock.advance(550)
        assert browser.get("/private").text == "private"
    site.provider.clock.advance(110)
    assert is_anonymous(browser)


@in_cookies
def test_a_session_that_was_just_seen_is_not_written_again(make_site: MakeSite) -> None:
    site = make_site(config={"OIDC_SESSION_IDLE_SECONDS": 600})
    browser = logged_in(site)
    site.provider.clock.advance(30)
    assert cookies_of(browser.get("/private")) == {}
    site.provider.clock.advance(60)
    assert list(cookies_of(browser.get("/private"))) == [site.web.cookies.name("seen")]


@pytest.mark.parametrize(("setting", "is_kept"), [({}, True), ({"OIDC_SESSION_PERMANENT": False}, False)])
def test_the_cookie_ends_with_the_session_or_with_the_browser(
    make_site: MakeSite, setting: dict[str, Any], is_kept: bool
) -> None:
    """contract.md 1: OIDC_SESSION_PERMANENT"""
    site = make_site(config={"OIDC_SESSION_SECONDS": 3600, **setting})
    browser = site.browser()
    cookie = cookies_of(browser.come_back(browser.begin_login()))[session_name(site)]
    assert cookie.attributes.get("max-age") in (("3599", "3600") if is_kept else (None,))
    assert ("expires" in cookie.attributes) is is_kept
    site.provider.clock.advance(3700)
    assert is_anonymous(browser)


@pytest.mark.parametrize("year", [2039, 2107])
def test_logins_beyond_2038_are_logins(make_site: MakeSite, year: int) -> None:
    """threat model 172"""
    site = make_site(config={"OIDC_SESSION_SECONDS": 3600, "OIDC_SESSION_IDLE_SECONDS": 600})
    site.provider.clock.jump(datetime(year, 6, 1, tzinfo=UTC).timestamp() - time.time())
    browser = logged_in(site)
    assert browser.who()["last_authenticated"] > datetime(year, 1, 1, tzinfo=UTC).timestamp()
    site.provider.clock.advance(610)
    assert is_anonymous(browser)


# Whose session


def test_a_login_begins_a_new_session_with_nothing_of_the_one_before(make_site: MakeSite) -> None:
    """contract.md 2; threat model 156"""
    provider = new_provider()
    site = make_site(providers={"default": provider}, config={"OIDC_SESSION_SECONDS": 3600}, **OFFLINE)
    browser = logged_in(site, user="alice")
    planted = session_of(browser)
    alice = browser.who()
    provider.clock.advance(3000)

    browser.come_back(provider.authorize(login_again(browser), user="bob"))
    bob = browser.who()
    assert bob["id_token"]["sub"] == bob["userinfo"]["sub"] == "bob"
    assert not {alice[name] for name in ("access_token", "refresh_token", "id_token_jwt")} & set(
        map(str, bob.values())
    )
    assert not set(planted.values()) & set(session_of(browser).values())

    provider.clock.advance(3000)
    assert browser.who()["id_token"]["sub"] == "bob"
    stranger = site.browser()
    put(stranger, planted)
    assert is_anonymous(stranger)


def test_a_login_elsewhere_leaves_the_session_until_it_succeeds(make_site: MakeSite) -> None:
    """contract.md 2"""
    first, second = new_provider(), new_provider("https://second.example")
    site = make_site(providers={"first": first, "second": second})
    browser = site.browser()
    browser.log_in("/private", user="alice")

    callback = browser.begin_login("/private-second", user="bob")
    assert browser.who()["current_provider"] == "first"
    with second.misbehaving(Fault.ID_TOKEN_NONCE_WRONG):
        rejected = browser.begin_login("/private-second", user="bob")
        assert browser.come_back(rejected).status_code == 502
    assert browser.who()["current_provider"] == "first"
    assert browser.get("/private").text == "private"

    assert browser.come_back(callback).status_code == 302
    who = browser.who()
    assert (who["current_provider"], who["id_token"]["sub"]) == ("second", "bob")
    assert browser.get("/private-second").text == "private elsewhere"
    assert browser.get("/private").status_code == 302


def test_of_a_thousand_requests_at_the_same_time_none_sees_the_user_of_another(
    make_site: MakeSite, framework: Framework
) -> None:
    """threat model 247"""
    users = [f"user{number}" for number in range(50)]
    provider = new_provider()
    for user in users:
        provider.add_user(user, claims={"locker": f"of {user}"})
    site = make_site(providers={"default": provider}, views=_slow_views(framework))

    def visit(user: str) -> Visiting[list[str]]:
        async def visited(fetch: Fetch) -> list[str]:
            page = await fetch(f"{ORIGIN}/slow")
            page = await fetch(provider.authorize(page.headers["location"], user=user).url)
            assert page.status_code == 302, page.text
            seen = [(await fetch(f"{ORIGIN}/slow")).text for _ in range(16)]
            page = await fetch(f"{ORIGIN}/logout")
            page = await fetch(provider.end_session(page.headers["location"]).url)
            return [*seen, page.text, (await fetch(f"{ORIGIN}/who")).text.strip()]

        return visited

    visits = at_once(site, [visit(user) for user in users])
    for user, seen in zip(users, visits, strict=True):
        assert seen == [f"{user} {user} of {user}"] * 16 + ["logged out", "{}"]


def _slow_views(framework: Framework) -> Callable[[Any, Any], None]:
    tools = toolbox(framework)

    def shown(subject: str) -> str:
        user = tools.user_session(tools.session)
        assert user.userinfo is not None
        return f"{subject} {user.id_token['sub']} {user.userinfo['locker']}"

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def slow() -> str:
            subject = tools.user_session(tools.session).id_token["sub"]
            time.sleep(0.001)
            return shown(subject)

        async def slow_task() -> str:
            subject = tools.user_session(tools.session).id_token["sub"]
            await asyncio.sleep(0.001)
            return shown(subject)

        view = slow if framework.name == "flask" else slow_task
        app.add_url_rule("/slow", "slow", auth.oidc_auth("default")(view))

    return views


# Caches


def test_what_is_meant_for_one_user_is_kept_out_of_shared_caches(site: Site) -> None:
    """threat model 166; contract.md 4"""
    browser = site.browser()
    pages = {"redirect": browser.get("/private")}
    pages["callback"] = browser.come_back(site.provider.authorize(pages["redirect"].headers["location"]))
    pages["protected"] = browser.get("/private")
    pages["login"] = browser.get("/who")
    pages["logout"] = browser.get("/logout")
    pages["rejection"] = browser.get("/private", headers={"x-requested-with": "XMLHttpRequest"})
    for name, page in pages.items():
        assert "no-store" in page.headers["cache-control"], name
        assert "cookie" in page.headers["vary"].lower(), name


def test_a_page_that_asks_for_no_login_is_left_as_it_is(site: Site) -> None:
    """threat model 166"""
    page = logged_in(site).get("/")
    assert page.text == "public"
    assert not {"set-cookie", "cache-control", "vary"} & set(page.headers)


@in_cookies
def test_a_view_may_say_itself_how_it_is_cached_but_not_when_cookies_are_set(
    make_site: MakeSite, framework: Framework
) -> None:
    """threat model 166"""
    tools = toolbox(framework)

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def picture() -> Any:
            return tools.response("picture", headers={"Cache-Control": "public, max-age=3600", "Vary": "Accept"})

        app.add_url_rule("/picture", view_func=auth.oidc_auth("default")(picture))

    site = make_site(views=views, config={"OIDC_SESSION_IDLE_SECONDS": 600})
    browser = logged_in(site)
    page = browser.get("/picture")
    assert page.headers["cache-control"] == "public, max-age=3600"
    assert page.headers["vary"] == "Accept, Cookie"
    site.provider.clock.advance(300)
    page = browser.get("/picture")
    assert "set-cookie" in page.headers
    assert page.headers["cache-control"] == "no-store, private"


# A browser that keeps no session


def test_logins_that_do_not_stay_end_at_an_error_page(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 165, 232"""
    browser, statuses = site.browser(), list[int]()
    while len(statuses) < 20 and 400 not in statuses:
        page = browser.get("/private")
        statuses.append(page.status_code)
        if page.status_code == 302:
            browser.come_back(site.provider.authorize(page.headers["location"]))
            for name in session_of(browser):
                browser.cookies.delete(name)
    assert statuses == [302] * 5 + [400]
    assert "login_loop" in caplog.text
    assert browser.log_in().text == "private"


def test_many_logins_that_do_stay_do_not_loop(site: Site) -> None:
    """threat model 232"""
    browser = site.browser()
    for _ in range(8):
        browser.log_in()
        browser.get("/logout")
    assert browser.log_in().text == "private"


# What is in it


@pytest.mark.parametrize(
    ("fault", "configuration", "missing"),
    [
        (None, OFFLINE, set()),
        (None, {}, {"refresh_token"}),
        (Fault.TOKEN_EXPIRES_IN_MISSING, OFFLINE, {"access_token_expires_at"}),
        (None, {**OFFLINE, "userinfo_http_method": None}, {"userinfo"}),
    ],
    ids=["everything", "no refresh token", "no expiry", "no userinfo"],
)
def test_a_session_has_what_the_provider_sent(
    make_site: MakeSite, fault: Misbehaviour | None, configuration: dict[str, Any], missing: set[str]
) -> None:
    """contract.md 2"""
    site = make_site(**configuration)
    with site.provider.misbehaving(*([fault] if fault else [])):
        who = logged_in(site).who()
    assert {name for name, value in who.items() if value is None} == missing


def test_any_worker_serves_any_request(make_site: MakeSite) -> None:
    """contract.md 2: without infrastructure"""
    provider = new_provider()
    first, second, third = (make_site(providers={"default": provider}).browser() for _ in range(3))
    callback = first.begin_login()
    put(second, jar_of(first))
    second.come_back(callback)
    put(third, jar_of(second))
    assert third.get("/private").text == "private"
