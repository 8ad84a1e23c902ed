"""Our cookies: their attributes, and values that need several of them."""

import logging
import re

import pytest

from oidc_async.errors import SessionTooLarge
from oidc_async.web.http.cookies import MAX_PARTS, PART_LENGTH, Cookies
from oidc_async.web.http.messages import Cookie

from .web_request import REDIRECT_URI, Jar

COOKIES = Cookies(REDIRECT_URI)
NAME = COOKIES.name("session")


@pytest.mark.parametrize(
    ("redirect_uri", "prefix", "secure"),
    [
        ("https://rp.example/redirect_uri", "__Host-oidc-", True),
        ("http://localhost:5000/redirect_uri", "oidc-", False),
    ],
    ids=["https", "http"],
)
def test_the_attributes_fit_the_redirect_uri(redirect_uri: str, prefix: str, secure: bool) -> None:
    """threat model 157"""
    cookies = Cookies(redirect_uri)
    cookie = cookies.set(cookies.name("login"), "value", 600)
    assert cookie.name.startswith(prefix)
    assert (cookie.secure, cookie.samesite, cookie.httponly, cookie.path) == (secure, "Lax", True, "/")


def test_a_cookie_that_is_deleted_has_the_name_path_and_security_of_the_one_that_was_set() -> None:
    kept, deleted = COOKIES.set(NAME, "value", 600), COOKIES.delete(NAME)
    assert (deleted.max_age, deleted.value) == (0, "")
    assert (deleted.name, deleted.path, deleted.secure) == (kept.name, kept.path, kept.secure)


def test_applications_on_one_host_have_names_of_their_own() -> None:
    uris = [
        f"http://localhost:{port}/{path}" for port in (5000, 5001) for path in ("redirect_uri", "app/redirect_uri")
    ]
    assert len({Cookies(uri).name("session") for uri in uris}) == 4
    assert Cookies(uris[0]).name("session") == Cookies(uris[0]).name("session")


def test_names_are_what_browsers_take_for_a_name() -> None:
    """RFC 6265 4.1.1: a token"""
    names = [COOKIES.name(kind) for kind in ("session", "login", "logout", "logins")]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in names)


LENGTHS = [1, 2, PART_LENGTH - 1, PART_LENGTH, PART_LENGTH + 1, PART_LENGTH * 2, PART_LENGTH * MAX_PARTS]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_long_value_comes_back_as_it_was(length: int) -> None:
    """threat model 165"""
    value = "".join(chr(ord("a") + index % 26) for index in range(length))
    jar = Jar().keep(COOKIES.set_long("session", value, 600, {}))
    assert COOKIES.read_long("session", jar) == value
    assert len(jar) == -(-length // PART_LENGTH)


@pytest.mark.parametrize("length", LENGTHS)
def test_no_cookie_is_longer_than_browsers_keep(length: int) -> None:
    """threat model 165; RFC 6265 6.1: 4,096 bytes with the name and the attributes"""
    attributes = (
        "; Expires=Wed, 21 Oct 2015 07:28:00 GMT; Max-Age=9999999999; Secure; HttpOnly; Path=/; SameSite=None"
    )
    cookies = COOKIES.set_long("session", "a" * length, 9_999_999_999, {})
    assert all(len(f"{cookie.name}={cookie.value}{attributes}") <= 4096 for cookie in cookies)


def test_a_value_that_browsers_would_not_carry_is_an_error_that_names_the_remedy() -> None:
    """threat model 165"""
    with pytest.raises(SessionTooLarge, match="userinfo_http_method") as caught:
        COOKIES.set_long("session", "a" * (PART_LENGTH * MAX_PARTS + 1), 600, {})
    assert caught.value.evidence["size"] == PART_LENGTH * MAX_PARTS + 1


@pytest.mark.parametrize(("parts", "is_logged"), [(1, False), (2, False), (3, True)])
def test_a_value_that_some_servers_would_reject_is_logged(
    parts: int, is_logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 165"""
    with caplog.at_level(logging.WARNING, "oidc_async"):
        COOKIES.set_long("session", "a" * PART_LENGTH * parts, 600, {})
    assert bool(caplog.records) is is_logged
    assert "aaa" not in caplog.text


def long_jar() -> Jar:
    return Jar().keep(COOKIES.set_long("session", "abc" * PART_LENGTH, 600, {}))


def test_parts_that_a_shorter_value_leaves_over_are_deleted() -> None:
    """threat model 161"""
    jar = long_jar()
    cookies = COOKIES.set_long("session", "short", 600, jar)
    assert [cookie.name for cookie in cookies if cookie.max_age == 0] == [f"{NAME}-1", f"{NAME}-2"]
    assert jar.keep(cookies) == {NAME: "1.short"}


def test_parts_that_the_browser_does_not_have_are_not_deleted() -> None:
    assert [cookie.name for cookie in COOKIES.set_long("session", "short", 600, {})] == [NAME]


def test_the_whole_value_is_deleted_and_nothing_else() -> None:
    jar = long_jar()
    others = {COOKIES.name("login"): "1.a", f"{NAME}-8": "b", f"{NAME}x": "c", "app": "d"}
    jar.update(others)
    assert jar.keep(COOKIES.delete_long("session", jar)) == others


def _without(*names: str) -> Jar:
    return Jar({name: value for name, value in long_jar().items() if name not in names})


def _with_count(count: str) -> Jar:
    jar = long_jar()
    jar[NAME] = f"{count}.{jar[NAME].partition('.')[2]}"
    return jar


@pytest.mark.parametrize(
    "jar",
    [
        Jar(),
        Jar({NAME: ""}),
        Jar({NAME: "."}),
        Jar({NAME: "abc"}),
        _without(NAME),
        _without(f"{NAME}-1"),
        _without(f"{NAME}-2"),
        _with_count("99999999"),
        _with_count("9" * 5000),
        _with_count("9"),
        _with_count("4"),
        _with_count("0"),
        _with_count("-3"),
        _with_count("+3"),
        _with_count("03"),
        _with_count(" 3"),
        _with_count("3e0"),
        _with_count("\u0663"),
        _with_count(""),
    ],
    ids=lambda jar: f"{len(jar)} parts, count {jar.get(NAME, 'none')[:12]}",
)
def test_a_value_with_a_part_missing_or_a_count_of_nonsense_is_none_at_all(jar: Jar) -> None:
    """threat model 161"""
    assert COOKIES.read_long("session", jar) is None


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_count_that_is_too_small_gives_less_than_was_set(count: str) -> None:
    """threat model 161: the seal then does not open"""
    value = COOKIES.read_long("session", _with_count(count))
    assert value is not None
    assert len(value) == PART_LENGTH * int(count)


def test_values_are_not_in_what_a_debugger_shows() -> None:
    """threat model 251"""
    cookie: Cookie = COOKIES.set(NAME, "sealed-value", 600)
    assert "sealed-value" not in repr(cookie)
