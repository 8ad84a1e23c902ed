"""Logins that were begun: kept by the browser that began them, a few at a time, each for one use."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from oidc_async.errors import LoginError, StateMismatch
from oidc_async.relying_party.login import PendingLogin
from oidc_async.sealing import Sealer
from oidc_async.web.http.cookies import Cookies
from oidc_async.web.http.messages import Cookie
from oidc_async.web.http.return_path import MAX_LENGTH
from oidc_async.web.sessions import pending_logins
from oidc_async.web.sessions.pending_logins import (
    KIND,
    MAX_PENDING,
    MAX_PENDING_LENGTH,
    LoginInBrowser,
    PendingLogins,
)

from .web_request import NOW, REDIRECT_URI, SECRET, Jar

COOKIES = Cookies(REDIRECT_URI)
SEALER = Sealer([SECRET])


def keeper(secret: bytes = SECRET) -> PendingLogins:
    return PendingLogins(Sealer([secret]), COOKIES, 600.0)


def login(state: str, *, begun_at: float = NOW, return_path: str = "/page", **changes: Any) -> LoginInBrowser:
    values: dict[str, Any] = {
        "state": state,
        "nonce": f"nonce of {state}",
        "code_verifier": f"verifier of {state}",
        "issuer": "https://op.example",
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "response_mode": "query",
        "max_age": None,
        "acr_values": ("urn:mfa",),
        "subjects": ("alice",),
        "requires_auth_time": True,
        "begun_at": begun_at,
    }
    return LoginInBrowser(pending=PendingLogin(**{**values, **changes}), provider="default", return_path=return_path)


def begun(*states: str, logins: PendingLogins | None = None, **changes: Any) -> Jar:
    """The browser after these logins were begun, one a second."""
    jar, logins = Jar(), logins or keeper()
    for second, state in enumerate(states):
        jar.keep(logins.begin(login(state, begun_at=NOW + second, **changes), jar))
    return jar


def can_finish(state: str, jar: Jar) -> bool:
    try:
        return keeper().use(state, jar).pending.state == state
    except LoginError:
        return False


def test_a_login_comes_back_as_it_was_begun() -> None:
    assert keeper().use("a", begun("a", max_age=60.0)) == login("a", max_age=60.0)


def test_several_logins_are_finished_in_any_order() -> None:
    """contract.md 2"""
    logins, jar = keeper(), begun("a", "b", "c")
    assert [logins.use(state, jar).pending.state for state in ("c", "a", "b")] == ["c", "a", "b"]


@pytest.mark.parametrize("state", ["", "b", "A", "a ", "\ud800", "x" * 100_000])
def test_a_state_that_this_browser_was_not_given_finishes_nothing(state: str) -> None:
    """threat model 39, 40, 50"""
    logins, jar = keeper(), begun("a")
    with pytest.raises(StateMismatch):
        logins.use(state, jar)
    assert logins.use("a", jar).pending.state == "a"


def test_another_browser_finishes_nothing() -> None:
    """threat model 40, 58"""
    assert not can_finish("a", begun("b"))
    assert not can_finish("a", Jar())


def test_a_login_is_finished_once() -> None:
    """threat model 42"""
    logins, jar = keeper(), begun("a")
    logins.use("a", jar)
    with pytest.raises(StateMismatch):
        logins.use("a", jar)


def test_of_many_at_the_same_time_one_finishes() -> None:
    """threat model 42, 245"""
    logins, jar, together = keeper(), begun("a"), Barrier(16)

    def use(_: int) -> bool:
        together.wait()
        try:
            return logins.use("a", jar).provider == "default"
        except StateMismatch:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(use, range(16))) == 1


def test_the_cookie_of_one_login_does_not_serve_another() -> None:
    """threat model 55, 159"""
    jar = begun("a", "b")
    first, second = jar
    jar[first], jar[second] = jar[second], jar[first]
    assert not can_finish("a", jar)
    assert not can_finish("b", jar)


def test_a_cookie_of_another_secret_finishes_nothing() -> None:
    """threat model 160"""
    assert not can_finish("a", begun("a", logins=keeper(b"the secret of another application")))


@pytest.mark.parametrize("change", ["", ".", "1.", "1.AAAA", "no dot", "1.2.3", "x" * 10_000])
def test_a_broken_cookie_finishes_nothing(change: str) -> None:
    """threat model 160"""
    jar = begun("a")
    jar[next(iter(jar))] = change
    assert not can_finish("a", jar)


def test_one_login_too_many_drops_the_oldest() -> None:
    """threat model 163"""
    states = [str(number) for number in range(MAX_PENDING + 3)]
    jar = begun(*states)
    assert len(jar) == MAX_PENDING
    assert [state for state in states if can_finish(state, jar)] == states[3:]


def test_logins_of_the_same_second_are_told_apart() -> None:
    """threat model 163"""
    jar, logins = Jar(), keeper()
    for number in range(MAX_PENDING + 1):
        jar.keep(logins.begin(login(str(number), begun_at=NOW + number / 1000), jar))
    assert [number for number in range(MAX_PENDING + 1) if not can_finish(str(number), jar)] == [0]


def test_logins_with_long_return_paths_are_fewer() -> None:
    """threat model 163, 165: cookies that servers reject would lock the user out"""
    states = [str(number) for number in range(MAX_PENDING)]
    jar = begun(*states, return_path="/" + "a" * (MAX_LENGTH - 1))
    assert sum(map(len, jar.values())) <= MAX_PENDING_LENGTH
    assert can_finish(states[-1], jar)


def test_the_longest_login_fits_a_cookie() -> None:
    """threat model 165"""
    jar = begun("s" * 43, return_path="/" + "a" * (MAX_LENGTH - 1))
    assert all(len(name) + len(value) < 4000 for name, value in jar.items())


@pytest.mark.parametrize("value", ["", "not a number", "-5.a", "9" * 5000 + ".a", "\u0661.a", "1e9.a", "0.a"])
def test_a_login_whose_time_is_nonsense_is_the_oldest(value: str) -> None:
    """threat model 162, 163"""
    jar = begun(*(str(number) for number in range(MAX_PENDING - 1)))
    odd = f"{COOKIES.name(KIND)}-{'0' * 16}"
    cookies = keeper().begin(login("new"), Jar({odd: value, **jar}))
    assert [cookie.name for cookie in cookies] == [_name("new"), odd]


def test_cookies_of_others_are_unchanged() -> None:
    prefix = COOKIES.name(KIND)
    numbers = range(MAX_PENDING + 1)
    others = [f"{prefix}-{number:015x}" for number in numbers] + [f"{prefix}-{number:017x}" for number in numbers]
    others += [f"{prefix}-{number:015x}G" for number in numbers] + [f"{prefix}x{number:016x}" for number in numbers]
    others += [f"{prefix}-{number:012x}\r\nab" for number in numbers] + [f"other-{number:016x}" for number in numbers]
    present = dict.fromkeys([*others, COOKIES.name("session"), "app"], "1.a")
    assert [cookie.name for cookie in keeper().begin(login("a"), present)] == [_name("a")]


@pytest.mark.parametrize("response_mode", ["query", "fragment", "form_post"])
def test_the_cookie_is_not_sent_with_what_other_sites_post(response_mode: str) -> None:
    """threat model 158: the response relay posts it again."""
    kept: Cookie = keeper().begin(login("a", response_mode=response_mode), {})[0]
    assert (kept.samesite, kept.secure, kept.max_age) == ("Lax", True, 600)


def test_a_login_is_begun_in_the_browser_that_has_its_cookie() -> None:
    logins = keeper()
    present = {cookie.name: cookie.value for cookie in logins.begin(login("a"), {})}
    assert logins.is_pending("a", present)
    assert not logins.is_pending("b", present)
    assert not logins.is_pending("a", {})


def test_used_logins_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """threat model 230"""
    monkeypatch.setattr(pending_logins, "MAX_USED", 10)
    logins = keeper()
    for number in range(100):
        jar = begun(str(number))
        logins.use(str(number), jar)
        with pytest.raises(StateMismatch):
            logins.use(str(number), jar)
        assert len(logins._used) <= 10


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"provider": "default", "return_path": "/"},
        {"provider": "default", "return_path": "/", "pending": {"state": "a"}},
        {"provider": "default", "return_path": "/", "pending": {**login("a").pending.to_dict(), "more": 1}},
        {"provider": "default", "return_path": "/", "pending": None},
        {"provider": "default", "return_path": "/", "pending": []},
        {"return_path": "/", "pending": login("a").pending.to_dict()},
        [],
    ],
    ids=["empty", "no login", "too little", "too much", "null", "list", "no provider", "no object"],
)
def test_a_login_of_another_version_is_none(document: Any) -> None:
    """threat model 160: two versions share the secret while a new one is rolled out"""
    sealed = SEALER.seal(KIND, _name("a"), json.dumps(document).encode())
    assert not can_finish("a", Jar({_name("a"): f"1.{sealed}"}))


def test_secrets_are_not_in_what_a_debugger_shows() -> None:
    """threat model 251, 252"""
    pending = login("a-canary", nonce="b-canary", code_verifier="c-canary", return_path="/d-canary")
    assert "canary" not in repr(pending)


def _name(state: str) -> str:
    return keeper().delete(state).name
