"""The cookies of a session: which parties can read them, and what becomes of broken ones."""

import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import md5
from typing import Any

import pytest

from .cookie_jar import copy_of_session, is_anonymous, jar_of, logged_in, put, session_name, session_of
from .site import ORIGIN, Framework, Site, cookies_of, new_provider
from .toolbox import toolbox

MakeSite = Callable[..., Site]
OFFLINE = {"auth_request_params": {"scope": "openid profile offline_access"}}
GROUPS = [md5(f"group {number}".encode()).hexdigest() for number in range(200)]


# Attributes


@pytest.mark.parametrize("response_mode", ["query", "fragment", "form_post"])
@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:5000"])
def test_cookies_have_the_attributes_that_the_redirect_uri_needs(
    make_site: MakeSite, origin: str, response_mode: str
) -> None:
    """threat model 157: whichever way the response comes."""
    site = make_site(
        providers={"default": new_provider(redirect_uri=f"{origin}/redirect_uri")},
        config={"OIDC_REDIRECT_URI": f"{origin}/redirect_uri"},
        auth_request_params={"response_mode": response_mode},
    )
    page = site.browser().get(f"{origin}/private")
    (pending,) = cookies_of(page).values()
    is_https = origin.startswith("https:")
    assert pending.name.startswith("__Host-") is is_https
    assert ("secure" in pending.attributes) is is_https
    assert pending.attributes["samesite"] == "Lax"
    assert pending.attributes["max-age"] == "600"
    assert "httponly" in pending.attributes
    assert pending.attributes["path"] == "/"
    assert "domain" not in pending.attributes


@pytest.mark.parametrize("response_mode", ["query", "fragment", "form_post"])
def test_the_session_cookie_is_for_this_host_only_and_never_for_scripts_or_other_sites(
    make_site: MakeSite, response_mode: str
) -> None:
    """threat model 157"""
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
    """threat model 157"""
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
    """contract.md 2; threat model 164, 210"""
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
    """contract.md 2; threat model 164"""
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
        "a long text that is not base64",
    ],
)
def test_a_broken_session_is_none_and_a_login_mends_it(site: Site, change: Callable[[str], str]) -> None:
    """threat model 160, 161, 162"""
    browser = logged_in(site)
    broken = {name: change(value) for name, value in session_of(browser).items()}
    put(browser, {**jar_of(browser), **broken})
    assert is_anonymous(browser)
    assert browser.log_in().text == "private"


@pytest.mark.sessions_in("cookies", "sqlite")
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
def test_a_crafted_cookie_header_is_not_an_error(site: Site, header: bytes) -> None:
    """threat model 160, 161, 162, 163, 167"""
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


def test_a_pending_login_is_not_a_session_and_a_session_no_pending_login(site: Site) -> None:
    """threat model 159"""
    browser = logged_in(site)
    (sealed_session,), copy = session_of(browser).values(), copy_of_session(browser)
    browser.cookies.clear()
    callback = browser.begin_login()
    (name, pending), *_ = jar_of(browser).items()
    for count in ("", "1."):
        put(browser, {**copy, session_name(site): count + pending.partition(".")[2]})
        assert is_anonymous(browser)
    put(browser, {name: sealed_session})
    assert browser.come_back(callback).status_code == 400


def test_the_session_of_another_secret_is_none(make_site: MakeSite) -> None:
    """threat model 160"""
    site, foreign = make_site(), make_site(config={"SECRET_KEY": "the secret of another application"})
    browser = site.browser()
    put(browser, copy_of_session(logged_in(foreign)))
    assert is_anonymous(browser)


def test_two_applications_on_one_host_with_one_secret_keep_apart(make_site: MakeSite) -> None:
    """threat model 37, 160"""
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
    """threat model 160, 161"""
    provider = new_provider()
    for user in ("carol", "dave"):
        provider.add_user(user, claims={"groups": [md5(f"{user} {group}".encode()).hexdigest() for group in GROUPS]})
    site = make_site(providers={"default": provider})
    carol, dave = (copy_of_session(logged_in(site, user=user)) for user in ("carol", "dave"))
    assert len(carol) == len(dave) >= 3
    first = session_name(site)
    browser = site.browser()
    put(browser, {**carol, first: dave[first]})
    assert is_anonymous(browser)


# Rotation of the secret


def test_a_secret_is_replaced_without_ending_sessions(make_site: MakeSite) -> None:
    """threat model 160"""
    old, new = "the former secret of the tests", "the present secret of the tests"
    provider = new_provider()

    def rolled_out(secret: str, *fallbacks: str) -> Site:
        config = {"SECRET_KEY": secret, "SECRET_KEY_FALLBACKS": list(fallbacks)}
        return make_site(providers={"default": provider}, config=config)

    before, during, after = rolled_out(old), rolled_out(new, old), rolled_out(new)
    cookies = copy_of_session(logged_in(before))
    pending = before.browser()
    callback = pending.begin_login()

    browser = during.browser()
    put(browser, cookies)
    assert browser.who()["id_token"]["sub"] == "alice"
    put(browser, jar_of(pending))
    assert browser.come_back(callback).status_code == 302

    last = after.browser()
    put(last, copy_of_session(browser))
    assert last.who()["id_token"]["sub"] == "alice"
    put(last, cookies)
    assert is_anonymous(last)
