"""The session of a login: who can read it, whose it is, how long it lasts, and what becomes of a broken one."""

import asyncio
import re
import time
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

import pytest

from oidc_async.testing import Fault

from .at_once import Fetch, Visit, at_once
from .site import ORIGIN, Browser, Framework, Site, cookies_of, new_provider
from .toolbox import toolbox

MakeSite = Callable[..., Site]
OFFLINE = {"auth_request_params": {"scope": "openid profile offline_access"}}
GROUPS = [md5(f"group {number}".encode()).hexdigest() for number in range(200)]
MANY_GROUPS = [md5(f"group {number}".encode()).hexdigest() for number in range(4000)]


def jar_of(browser: Browser) -> dict[str, str]:
    return {cookie.name: cookie.value or "" for cookie in browser.cookies.jar}


def put(browser: Browser, cookies: Mapping[str, str]) -> None:
    """Let the browser have these cookies and no others."""
    browser.cookies.clear()
    for name, value in cookies.items():
        browser.cookies.set(name, value, domain="rp.example", path="/")


def session_name(site: Site) -> str:
    return site.web.cookies.name("session")


def session_of(browser: Browser) -> dict[str, str]:
    """The cookies of the session, in the order of their parts."""
    name = session_name(browser.site)
    return {key: value for key, value in sorted(jar_of(browser).items()) if re.fullmatch(rf"{name}(-\d+)?", key)}


def logged_in(site: Site, **authorize: Any) -> Browser:
    browser = site.browser()
    browser.log_in(**authorize)
    assert browser.who() != {}
    return browser


def is_anonymous(browser: Browser) -> bool:
    """Whether nobody is logged in, which is no error: a guarded page leads to the login."""
    page = browser.get("/who")
    return (page.status_code, page.text.strip()) == (200, "{}") and browser.get("/private").status_code == 302


# Attributes


@pytest.mark.parametrize("response_mode", ["query", "form_post"])
@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:5000"])
def test_cookies_have_the_attributes_that_the_redirect_uri_and_the_way_back_need(
    make_site: MakeSite, origin: str, response_mode: str
) -> None:
    """security.md 157, 158"""
    site = make_site(
        providers={"default": new_provider(redirect_uri=f"{origin}/redirect_uri")},
        config={"OIDC_REDIRECT_URI": f"{origin}/redirect_uri"},
        auth_request_params={"response_mode": response_mode},
    )
    page = site.browser().get(f"{origin}/private")
    (pending,) = cookies_of(page).values()
    is_posted = response_mode == "form_post"
    is_https = origin.startswith("https:")
    assert pending.name.startswith("__Host-") is is_https
    assert ("secure" in pending.attributes) is (is_https or is_posted)
    assert pending.attributes["samesite"] == ("None" if is_posted else "Lax")
    assert pending.attributes["max-age"] == "600"
    assert "httponly" in pending.attributes
    assert pending.attributes["path"] == "/"
    assert "domain" not in pending.attributes


@pytest.mark.parametrize("response_mode", ["query", "form_post"])
def test_the_session_cookie_is_for_this_host_only_and_never_for_scripts_or_other_sites(
    make_site: MakeSite, response_mode: str
) -> None:
    """security.md 157"""
    site = make_site(auth_request_params={"response_mode": response_mode})
    browser = site.browser()
    page = browser.come_back(browser.begin_login())
    for cookie in cookies_of(page).values():
        assert cookie.name.startswith("__Host-")
        assert "secure" in cookie.attributes
        assert "httponly" in cookie.attributes
        assert cookie.attributes["samesite"] == "Lax"
        assert cookie.attributes["path"] == "/"
        assert "domain" not in cookie.attributes
    assert session_name(site) in cookies_of(page)


def test_over_http_on_this_machine_the_session_cookie_goes_without_secure(make_site: MakeSite) -> None:
    """security.md 157"""
    origin = "http://localhost:5000"
    site = make_site(
        providers={"default": new_provider(redirect_uri=f"{origin}/redirect_uri")},
        config={"OIDC_REDIRECT_URI": f"{origin}/redirect_uri"},
    )
    browser = site.browser()
    page = browser.get(f"{origin}/private")
    page = browser.come_back(site.provider.authorize(page.headers["location"]))
    cookie = cookies_of(page)[session_name(site)]
    assert not cookie.name.startswith("__Host-")
    assert "secure" not in cookie.attributes
    assert "httponly" in cookie.attributes
    assert cookie.attributes["samesite"] == "Lax"
    assert browser.get(f"{origin}/private").text == "private"


# Secrecy


def readings(value: str) -> bytes:
    """All that somebody without the secret may make of a cookie."""
    found = [value.encode()]
    for part in re.split(r"[^A-Za-z0-9_-]+", value):
        shifted = [part[start:] for start in range(4)]
        found += [urlsafe_b64decode(text[: len(text) // 4 * 4]) for text in shifted]
    found += [_inflated(data[start:]) for data in tuple(found) for start in range(40)]
    return b"\n".join(found)


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data)
    except zlib.error:
        return b""


def test_what_is_only_signed_would_be_read() -> None:
    """The readings find what a framework's own session shows."""
    shown = urlsafe_b64encode(zlib.compress(b'{"access_token":"canary"}')).decode().rstrip("=")
    assert b"canary" in readings(f".{shown}.aQ.c2lnbmF0dXJl")
    assert b"canary" in readings(urlsafe_b64encode(b'{"access_token":"canary"}').decode())


def test_nothing_of_a_login_can_be_read_in_the_browser(make_site: MakeSite) -> None:
    """contract.md 2; security.md 164, 210"""
    site = make_site(**OFFLINE)
    browser, sent = site.browser(), list[str]()
    page = browser.get("/private?page=secret-of-the-path")
    sent += [cookie.value for cookie in cookies_of(page).values()]
    callback = site.provider.authorize(page.headers["location"])
    page = browser.come_back(callback)
    sent += [cookie.value for cookie in cookies_of(page).values()]
    who = browser.who()
    secrets = [who["access_token"], who["refresh_token"], who["id_token"]["nonce"], "secret-of-the-path", "Alice"]
    secrets += [
        *who["id_token_jwt"].split("."),
        callback.get("state") or "",
        "nonce",
        "code_verifier",
        "access_token",
    ]
    assert all(len(secret) > 4 for secret in secrets)
    seen = b"\n".join(map(readings, sent))
    assert [secret for secret in secrets if secret.encode() in seen] == []


def test_the_session_of_the_framework_is_left_to_the_application(make_site: MakeSite, framework: Framework) -> None:
    """contract.md 2; security.md 164"""
    tools = toolbox(framework)

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def cart() -> str:
            tools.session.setdefault("cart", "apples")
            return " ".join(sorted(tools.session))

        app.add_url_rule("/cart", view_func=cart)

    browser = make_site(views=views).browser()
    assert browser.get("/cart").text == "cart"
    browser.log_in()
    assert browser.get("/cart").text == "cart"
    browser.get("/logout")
    assert browser.get("/cart").text == "cart"


# Broken cookies


def changed(value: str, place: int) -> str:
    return value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]


@pytest.mark.parametrize(
    "change",
    [
        lambda value: changed(value, 2),
        lambda value: changed(value, len(value) // 2),
        lambda value: changed(value, len(value) - 3),
        lambda value: value[:-1],
        lambda value: value[: len(value) // 2],
        lambda value: value[2:],
        lambda value: value + "A",
        lambda value: value + value,
        lambda value: value.upper(),
        lambda value: "",
        lambda value: "1.",
        lambda value: "99999999" + value[1:],
        lambda value: "2" + value[1:],
        lambda value: "0" + value[1:],
        lambda value: "-1" + value[1:],
        lambda value: '"' + value,
        lambda value: "1." + "A" * 100_000,
        lambda value: "1." + "!" * 100_000,
    ],
    ids=[
        "its first character",
        "a character in the middle",
        "a character at the end",
        "a bit shorter",
        "half",
        "without its count",
        "longer",
        "twice",
        "capitals",
        "empty",
        "only a count",
        "161 a count of 99999999",
        "161 a missing part",
        "161 no parts",
        "161 a negative count",
        "a quote",
        "a long text",
        "a long text that is no base64",
    ],
)
def test_a_broken_session_is_none_and_a_login_mends_it(site: Site, change: Callable[[str], str]) -> None:
    """security.md 160, 161, 162"""
    browser = logged_in(site)
    put(browser, {name: change(value) for name, value in session_of(browser).items()})
    assert is_anonymous(browser)
    assert browser.log_in().text == "private"


@pytest.mark.parametrize(
    "header",
    [
        b"=__Host-oidc-session=1.a",
        b"=; =;;;",
        b"{name}",
        b"{name}=",
        b"{name}=1.\xff\xfe",
        b"{name}=1.\xc3\xbc",
        b'{name}="1.\\303\\777\\0"',
        b'{name}="1.a',
        b"{name}=1.a; {name}=1.b; {name}-1=x",
        b"{name}-99999999=a; {name}-=b; {name}=9.c",
        b"{login}-0000000000000000=1.a; {login}-zz=1; {login}-\xff=1",
        b"{login}-" + b"a" * 3000 + b"=1",
        b"\x01\x02=\x7f",
        b"; ".join(b"c%d=v" % number for number in range(2000)),
        b"; ".join(b"{login}-%016x=1.a" % number for number in range(500)),
    ],
    ids=[
        "167 nameless",
        "empty names",
        "no value",
        "empty value",
        "invalid UTF-8",
        "UTF-8",
        "octal escapes",
        "an open quote",
        "twice",
        "odd parts",
        "odd logins",
        "a long name",
        "control characters",
        "2,000 cookies",
        "500 logins",
    ],
)
def test_a_crafted_cookie_header_is_no_error(site: Site, header: bytes) -> None:
    """security.md 160, 161, 162, 163, 167"""
    names = {b"{name}": session_name(site).encode(), b"{login}": site.web.cookies.name("login").encode()}
    for placeholder, name in names.items():
        header = header.replace(placeholder, name)
    browser = site.browser()
    page = browser.request("GET", "/who", headers={b"cookie": header})
    assert (page.status_code, page.text.strip()) == (200, "{}")
    page = browser.request("GET", "/private", headers={b"cookie": header})
    assert page.status_code == 302
    assert all(name.isascii() and name.isprintable() for name in cookies_of(page))
    page = browser.request("GET", "/redirect_uri?code=a&state=b", headers={b"cookie": header})
    assert page.status_code == 400


def test_a_pending_login_is_no_session_and_a_session_no_pending_login(site: Site) -> None:
    """security.md 159"""
    browser = logged_in(site)
    (sealed_session,) = session_of(browser).values()
    browser.cookies.clear()
    callback = browser.begin_login()
    (name, pending), *_ = jar_of(browser).items()
    for count in ("", "1."):
        put(browser, {session_name(site): count + pending.partition(".")[2]})
        assert is_anonymous(browser)
    put(browser, {name: sealed_session})
    assert browser.come_back(callback).status_code == 400


def test_the_session_of_another_secret_is_none(make_site: MakeSite) -> None:
    """security.md 160"""
    site, foreign = make_site(), make_site(config={"SECRET_KEY": "the secret of another application"})
    browser = site.browser()
    put(browser, session_of(logged_in(foreign)))
    assert is_anonymous(browser)


def test_two_applications_on_one_host_with_one_secret_keep_apart(make_site: MakeSite) -> None:
    """security.md 37, 160"""
    other_uri = f"{ORIGIN}/other/redirect_uri"
    site = make_site()
    other = make_site(
        providers={"default": new_provider("https://other.example", other_uri)},
        config={"OIDC_REDIRECT_URI": other_uri},
    )
    browser, elsewhere = site.browser(), other.browser()
    elsewhere.client.cookies.jar = browser.client.cookies.jar
    browser.log_in(user="alice")
    elsewhere.log_in(user="bob")
    assert browser.who()["id_token"]["sub"] == "alice"
    assert elsewhere.who()["id_token"]["sub"] == "bob"

    swapped = {session_name(site): jar_of(browser)[session_name(other)]}
    put(browser, swapped)
    assert is_anonymous(browser)


def test_the_cookies_of_two_users_can_not_be_mixed(make_site: MakeSite) -> None:
    """security.md 160, 161"""
    provider = new_provider()
    for user in ("carol", "dave"):
        provider.add_user(user, claims={"groups": [md5(f"{user} {group}".encode()).hexdigest() for group in GROUPS]})
    site = make_site(providers={"default": provider})
    carol, dave = session_of(logged_in(site, user="carol")), session_of(logged_in(site, user="dave"))
    assert len(carol) == len(dave) >= 2
    first = session_name(site)
    browser = site.browser()
    put(browser, {**carol, first: dave[first]})
    assert is_anonymous(browser)


# Rotation of the secret


def test_a_secret_is_replaced_without_ending_sessions(make_site: MakeSite) -> None:
    """security.md 160"""
    old, new = "the former secret of the tests", "the present secret of the tests"
    provider = new_provider()

    def rolled_out(secret: str, *fallbacks: str) -> Site:
        config = {"SECRET_KEY": secret, "SECRET_KEY_FALLBACKS": list(fallbacks)}
        return make_site(providers={"default": provider}, config=config)

    before, during, after = rolled_out(old), rolled_out(new, old), rolled_out(new)
    cookies = session_of(logged_in(before))
    pending = before.browser()
    callback = pending.begin_login()

    browser = during.browser()
    put(browser, cookies)
    assert browser.who()["id_token"]["sub"] == "alice"
    put(browser, jar_of(pending))
    assert browser.come_back(callback).status_code == 302

    last = after.browser()
    put(last, session_of(browser))
    assert last.who()["id_token"]["sub"] == "alice"
    put(last, cookies)
    assert is_anonymous(last)


# Large sessions


def large_site(make_site: MakeSite) -> Site:
    provider = new_provider()
    provider.add_user("carol", claims={"groups": GROUPS})
    return make_site(providers={"default": provider})


def test_a_user_in_200_groups_logs_in(make_site: MakeSite) -> None:
    """contract.md 2; security.md 165"""
    site = large_site(make_site)
    browser = logged_in(site, user="carol")
    assert len(session_of(browser)) >= 2
    assert browser.who()["userinfo"]["groups"] == GROUPS


@pytest.mark.parametrize("part", [0, 1])
def test_a_session_with_a_part_missing_is_none(make_site: MakeSite, part: int) -> None:
    """security.md 161"""
    browser = logged_in(large_site(make_site), user="carol")
    cookies = session_of(browser)
    put(browser, {name: value for name, value in cookies.items() if name != list(cookies)[part]})
    assert is_anonymous(browser)


def test_parts_that_are_left_over_are_deleted(make_site: MakeSite) -> None:
    """security.md 161"""
    site = large_site(make_site)
    browser = logged_in(site, user="carol")
    large = session_of(browser)
    page = browser.come_back(site.provider.authorize(_login_again(browser), user="alice"))
    deleted = {name for name, cookie in cookies_of(page).items() if cookie.is_deletion}
    assert deleted >= set(large) - {session_name(site)}
    assert list(session_of(browser)) == [session_name(site)]
    assert browser.who()["id_token"]["sub"] == "alice"


def test_logging_out_deletes_every_part(make_site: MakeSite) -> None:
    """security.md 161"""
    browser = logged_in(large_site(make_site), user="carol")
    browser.get("/logout")
    assert session_of(browser) == {}


def test_a_session_that_cookies_can_not_carry_is_an_error_page_and_no_loop(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    """security.md 165"""
    provider = new_provider()
    provider.add_user("carol", claims={"groups": MANY_GROUPS})
    site = make_site(providers={"default": provider})
    browser = logged_in(site, user="alice")
    page = browser.come_back(provider.authorize(_login_again(browser), user="carol"))
    assert page.status_code == 500
    assert "session_too_large" in caplog.text
    assert browser.who()["id_token"]["sub"] == "alice"


def _login_again(browser: Browser) -> str:
    """Where a login begins that finds a session: as in a tab that was left open before there was one."""
    kept = session_of(browser)
    for name in kept:
        browser.cookies.delete(name)
    location: str = browser.get("/private").headers["location"]
    for name, value in kept.items():
        browser.cookies.set(name, value, domain="rp.example", path="/")
    return location


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


def test_a_session_that_is_used_goes_on_and_one_that_is_not_ends(make_site: MakeSite) -> None:
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


def test_a_session_that_was_just_seen_is_not_written_again(make_site: MakeSite) -> None:
    site = make_site(config={"OIDC_SESSION_IDLE_SECONDS": 600})
    browser = logged_in(site)
    site.provider.clock.advance(30)
    assert cookies_of(browser.get("/private")) == {}
    site.provider.clock.advance(60)
    assert list(cookies_of(browser.get("/private"))) == [session_name(site)]


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
    """security.md 172"""
    site = make_site(config={"OIDC_SESSION_SECONDS": 3600, "OIDC_SESSION_IDLE_SECONDS": 600})
    site.provider.clock.jump(datetime(year, 6, 1, tzinfo=UTC).timestamp() - time.time())
    browser = logged_in(site)
    assert browser.who()["last_authenticated"] > datetime(year, 1, 1, tzinfo=UTC).timestamp()
    site.provider.clock.advance(610)
    assert is_anonymous(browser)


# Whose session


def test_a_login_begins_a_new_session_with_nothing_of_the_one_before(make_site: MakeSite) -> None:
    """contract.md 2; security.md 156"""
    provider = new_provider()
    site = make_site(providers={"default": provider}, config={"OIDC_SESSION_SECONDS": 3600}, **OFFLINE)
    browser = logged_in(site, user="alice")
    planted = session_of(browser)
    alice = browser.who()
    provider.clock.advance(3000)

    browser.come_back(provider.authorize(_login_again(browser), user="bob"))
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
        refused = browser.begin_login("/private-second", user="bob")
        assert browser.come_back(refused).status_code == 502
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
    """security.md 247"""
    users = [f"user{number}" for number in range(50)]
    provider = new_provider()
    for user in users:
        provider.add_user(user, claims={"locker": f"of {user}"})
    site = make_site(providers={"default": provider}, views=_slow_views(framework))

    def visit(user: str) -> Visit[list[str]]:
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
    """security.md 166; contract.md 4"""
    browser = site.browser()
    pages = {"redirect": browser.get("/private")}
    pages["callback"] = browser.come_back(site.provider.authorize(pages["redirect"].headers["location"]))
    pages["guarded"] = browser.get("/private")
    pages["login"] = browser.get("/who")
    pages["logout"] = browser.get("/logout")
    pages["refusal"] = browser.get("/private", headers={"x-requested-with": "XMLHttpRequest"})
    for name, page in pages.items():
        assert "no-store" in page.headers["cache-control"], name
        assert "cookie" in page.headers["vary"].lower(), name


def test_a_page_that_asks_for_no_login_is_left_as_it_is(site: Site) -> None:
    """security.md 166"""
    page = logged_in(site).get("/")
    assert page.text == "public"
    assert not {"set-cookie", "cache-control", "vary"} & set(page.headers)


def test_a_view_may_say_itself_how_it_is_cached_but_not_when_cookies_are_set(
    make_site: MakeSite, framework: Framework
) -> None:
    """security.md 166"""
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


# Views that change the session, and views that fail


def site_with(make_site: MakeSite, framework: Framework, view: Callable[[Any], Any], **options: Any) -> Site:
    """A site with `view` at /change, called with the UserSession; errors are answered, not raised."""
    tools = toolbox(framework)

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def change() -> Any:
            return view(tools.user_session(tools.session, "default"))

        app.add_url_rule("/change", view_func=change)

    return make_site(views=views, config={"TESTING": False, **options})


def test_what_a_view_keeps_is_there_in_the_next_request(make_site: MakeSite, framework: Framework) -> None:
    def view(user: Any) -> str:
        user.update(access_token="next", userinfo={"sub": "alice", "name": "Another"})
        return str(user.access_token)

    browser = logged_in(site_with(make_site, framework, view))
    assert browser.get("/change").text == "next"
    assert browser.who()["userinfo"]["name"] == "Another"


def test_a_session_is_one_however_often_it_is_asked_for(make_site: MakeSite, framework: Framework) -> None:
    tools = toolbox(framework)

    def view(user: Any) -> str:
        again = tools.user_session(tools.session, "default")
        user.update(access_token="next")
        before = again.access_token
        again.clear()
        return f"{before} {user.is_authenticated()} {tools.user_session(tools.session, 'default').access_token}"

    browser = logged_in(site_with(make_site, framework, view))
    assert browser.get("/change").text == "next False None"
    assert browser.who() == {}
    assert session_of(browser) == {}


def _fail(user: Any) -> str:
    user.clear()
    raise RuntimeError("the view failed")


def test_a_view_that_fails_still_ends_the_session_that_it_ended(make_site: MakeSite, framework: Framework) -> None:
    browser = logged_in(site_with(make_site, framework, _fail))
    assert browser.get("/change").status_code == 500
    assert browser.who() == {}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (MANY_GROUPS, "SessionTooLarge"),
        ("a" * 300_000, "SessionTooLarge"),
        (object(), "ConfigurationError"),
        (float("nan"), "ConfigurationError"),
    ],
    ids=["too large", "too large, though it compresses well", "no JSON", "NaN"],
)
def test_what_can_not_be_kept_is_an_error_and_leaves_the_session(
    make_site: MakeSite, framework: Framework, caplog: pytest.LogCaptureFixture, value: Any, name: str
) -> None:
    """security.md 165"""

    def view(user: Any) -> str:
        user.update(userinfo={"claim": value})
        return "kept"

    browser = logged_in(site_with(make_site, framework, view))
    before = browser.who()
    assert browser.get("/change").status_code == 500
    assert name in caplog.text
    assert browser.who() == before


def test_a_response_that_is_streamed_carries_the_cookies(make_site: MakeSite, framework: Framework) -> None:
    tools = toolbox(framework)

    def view(user: Any) -> Any:
        user.update(access_token="next")
        return tools.response(part for part in (b"one ", b"two"))

    browser = logged_in(site_with(make_site, framework, view))
    assert browser.get("/change").text == "one two"
    assert browser.who()["access_token"] == "next"


def test_a_hook_may_end_the_session_that_a_login_just_began(make_site: MakeSite, framework: Framework) -> None:
    """security.md 156: an application that lets only some users in"""
    tools = toolbox(framework)

    def leave(response: Any) -> Any:
        tools.user_session(tools.session, "default").clear()
        return response

    async def leave_task(response: Any) -> Any:
        return leave(response)

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        app.after_request(leave if framework.name == "flask" else leave_task)

    site = make_site(views=views)
    browser = site.browser()
    page = browser.come_back(browser.begin_login())
    assert page.status_code == 302
    assert [name for name, cookie in cookies_of(page).items() if cookie.value and "session" in name] == []
    assert browser.who() == {}


# A browser that keeps no session


def test_logins_that_do_not_stay_end_at_an_error_page(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """security.md 165, 232"""
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


def test_many_logins_that_do_stay_are_no_loop(site: Site) -> None:
    """security.md 232"""
    browser = site.browser()
    for _ in range(8):
        browser.log_in()
        browser.get("/logout")
    assert browser.log_in().text == "private"
