"""Logins that were begun and not yet finished: several at once, each for this browser and for one use."""

import hmac
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_async.testing import Callback, Fault, SimulatedProvider
from oidc_async.web.sessions.pending_logins import MAX_PENDING

from .at_once import Fetch, at_once
from .authorization_response import back_with
from .cookie_jar import jar_of, login_again, put
from .site import Browser, Framework, Site, cookies_of, new_provider

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "sqlite")
TABS = ("/deep/one", "/deep/two", "/deep/three")


def pending(browser: Browser) -> set[str]:
    prefix = browser.site.web.cookies.name("login")
    return {name for name in jar_of(browser) if name.startswith(f"{prefix}-")}


def logged_in_as(browser: Browser) -> str | None:
    who = browser.who()
    return str(who["id_token"]["sub"]) if who else None


def with_parameter(callback: Callback, name: str, value: str) -> str:
    """The callback's URL with one parameter changed."""
    return callback.url.replace(f"{name}={callback.get(name)}", f"{name}={value}")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_several_tabs_log_in_each_to_its_own_page(site: Site, order: tuple[int, ...]) -> None:
    """contract.md 2"""
    browser = site.browser()
    callbacks = [browser.begin_login(path) for path in TABS]
    assert len(pending(browser)) == 3
    for tab in order:
        page = browser.come_back(callbacks[tab])
        assert page.headers["location"] == TABS[tab]
    assert pending(browser) == set()
    assert logged_in_as(browser) == "alice"


def test_tabs_of_different_providers_do_not_disturb_each_other(make_site: MakeSite) -> None:
    """threat model 46"""
    site = make_site(providers={"first": new_provider(), "second": new_provider("https://second.example")})
    browser = site.browser()
    first, second = browser.begin_login("/private", user="alice"), browser.begin_login("/private-second", user="bob")
    browser.come_back(second)
    assert browser.who()["current_provider"] == "second"
    browser.come_back(first)
    assert browser.who()["current_provider"] == "first"


def test_the_oldest_of_too_many_logins_is_dropped(site: Site) -> None:
    """threat model 163"""
    browser, callbacks = site.browser(), list[Callback]()
    for number in range(MAX_PENDING + 2):
        site.provider.clock.advance(1)
        callbacks.append(browser.begin_login(f"/deep/{number}"))
    assert len(pending(browser)) == MAX_PENDING
    statuses = [browser.come_back(callback).status_code for callback in callbacks]
    assert statuses == [400] * 2 + [302] * MAX_PENDING


def test_hundreds_of_logins_never_need_more_header_than_servers_take(site: Site) -> None:
    """threat model 163, 165"""
    browser = site.browser()
    for number in range(200):
        assert browser.get(f"/deep/{number}?{'a' * (number * 10)}").status_code == 302
        assert sum(len(name) + len(value) + 3 for name, value in jar_of(browser).items()) < 8000


def test_another_browser_can_not_finish_a_login(site: Site) -> None:
    """threat model 40, 58"""
    attacker, victim = site.browser(), site.browser()
    callback = attacker.begin_login(user="bob")
    page = victim.come_back(callback)
    assert page.status_code == 400
    assert logged_in_as(victim) is None
    assert site.provider.count("token") == 0
    assert attacker.come_back(callback).status_code == 302


def test_a_login_that_an_attacker_began_does_not_replace_the_session_of_the_victim(site: Site) -> None:
    """threat model 50, 58: login CSRF"""
    attacker, victim = site.browser(), site.browser()
    victim.log_in(user="alice")
    assert victim.come_back(attacker.begin_login(user="bob")).status_code == 400
    assert logged_in_as(victim) == "alice"


@pytest.mark.parametrize("same_cookies", [False, True], ids=["as the browser is", "with the cookies of before"])
def test_a_login_is_finished_once(site: Site, same_cookies: bool) -> None:
    """threat model 42, 374: back button, reload, or a copy of everything; the code is not used again"""
    browser = site.browser()
    callback = browser.begin_login()
    before = jar_of(browser)
    assert browser.come_back(callback).status_code == 302
    session = jar_of(browser)
    if same_cookies:
        put(browser, {**session, **before})
    held = jar_of(browser)
    page = browser.come_back(callback)
    assert (page.status_code, page.headers["location"]) == (302, "/private")
    assert (site.provider.count("token"), jar_of(browser)) == (1, held)
    assert logged_in_as(browser) == "alice"


def test_a_repeated_callback_leads_to_the_root_where_another_process_finished_the_login(make_site: MakeSite) -> None:
    """threat model 374"""
    providers = {"default": new_provider()}
    sites = [make_site(providers=providers), make_site(providers=providers)]
    here, there = (site.browser() for site in sites)
    callback = here.begin_login()
    here.come_back(callback)
    put(there, jar_of(here))
    page = there.come_back(callback)
    assert (page.status_code, page.headers["location"]) == (302, "/")


def test_a_repeated_callback_is_for_the_browser_that_it_logged_in(site: Site) -> None:
    """threat model 374: not without a session, with one of another login, after a logout, or for an error"""
    browser, other, nobody = site.browser(), site.browser(), site.browser()
    callback = browser.begin_login()
    browser.come_back(callback)
    other.log_in(user="bob")
    assert other.come_back(callback).status_code == 400
    assert logged_in_as(other) == "bob"
    assert nobody.come_back(callback).status_code == 400
    assert browser.come_back(back_with(callback, code=None, error="access_denied")).status_code == 400
    browser.get("/logout")
    assert browser.come_back(callback).status_code == 400


def test_of_two_that_finish_a_login_at_the_same_time_one_wins(framework: Framework, make_site: MakeSite) -> None:
    """threat model 42, 245: a double click"""
    provider = new_provider()
    site = make_site(providers={"default": provider}, runtime=_slow_runtime(framework, provider))
    browser = site.browser()
    callback = browser.begin_login()

    async def come_back(fetch: Fetch) -> int:
        return (await fetch(callback.url)).status_code

    statuses = at_once(site, [come_back] * 8, [browser] * 8)
    assert sorted(statuses) == [302] + [400] * 7
    assert provider.count("token") == 1


def _slow_runtime(framework: Framework, provider: SimulatedProvider) -> Any:
    make = provider.blocking_runtime if framework.name == "flask" else provider.async_runtime
    return make(latency=0.05)


@pytest.mark.parametrize(("seconds", "status"), [(590, 302), (610, 400)])
def test_a_login_may_take_ten_minutes(site: Site, seconds: float, status: int) -> None:
    """contract.md 2; threat model 43"""
    browser = site.browser()
    page = browser.get("/private")
    site.provider.clock.advance(seconds)
    assert browser.come_back(site.provider.authorize(page.headers["location"])).status_code == status


def test_how_long_a_login_may_take_is_a_setting(make_site: MakeSite) -> None:
    """threat model 43"""
    site = make_site(config={"OIDC_LOGIN_SECONDS": 60})
    browser = site.browser()
    page = browser.get("/private")
    assert {cookie.attributes["max-age"] for cookie in cookies_of(page).values()} == {"60"}
    site.provider.clock.advance(70)
    assert browser.come_back(site.provider.authorize(page.headers["location"])).status_code == 400
    assert logged_in_as(browser) is None


INVALID_RESPONSES: dict[str, Callable[[Callback], str]] = {
    "nothing": lambda callback: "/redirect_uri",
    "38 no state": lambda callback: f"/redirect_uri?code={callback.get('code')}",
    "38 an empty state": lambda callback: with_parameter(callback, "state", ""),
    "39 another state": lambda callback: with_parameter(callback, "state", "another"),
    "39 a state cut short": lambda callback: with_parameter(callback, "state", str(callback.get("state"))[:-1]),
    "47 two states": lambda callback: f"{callback.url}&state={callback.get('state')}",
    "47 two other states": lambda callback: f"{callback.url}&state=another",
    "50 an error with another state": lambda callback: "/redirect_uri?error=access_denied&state=another",
    "173 broken encoding": lambda callback: with_parameter(callback, "state", "%FF%FE"),
    "173 a null": lambda callback: with_parameter(callback, "state", "%00"),
    "173 a long state": lambda callback: with_parameter(callback, "state", "a" * 20_000),
    "173 many parameters": lambda callback: callback.url + "&a=b" * 200,
}


@pytest.mark.parametrize("change", INVALID_RESPONSES.values(), ids=INVALID_RESPONSES)
def test_an_invalid_response_uses_nothing_up(site: Site, change: Callable[[Callback], str]) -> None:
    """threat model 38, 39, 47, 50, 173: neither the session, nor this login, nor another"""
    browser = site.browser()
    callbacks = [browser.begin_login(path, user="bob") for path in TABS]
    browser.come_back(callbacks[0])
    kept = jar_of(browser)

    page = browser.get(change(callbacks[1]))
    assert page.status_code == 400
    assert jar_of(browser) == kept
    assert logged_in_as(browser) == "bob"
    assert site.provider.count("token") == 1

    for tab in (1, 2):
        assert browser.come_back(callbacks[tab]).headers["location"] == TABS[tab]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.AUTHORIZATION_ACCESS_DENIED, 403),
        (Fault.AUTHORIZATION_SERVER_ERROR, 400),
        (Fault.AUTHORIZATION_ISS_WRONG, 400),
        (Fault.TOKEN_INVALID_GRANT, 400),
        (Fault.TOKEN_BUSY, 502),
        (Fault.ID_TOKEN_SIGNATURE_BROKEN, 502),
        (Fault.USERINFO_SUB_OTHER, 502),
    ],
    ids=str,
)
def test_a_login_that_fails_leaves_the_session_and_the_other_logins(site: Site, fault: Any, status: int) -> None:
    """threat model 49, 50; contract.md 4"""
    browser = site.browser()
    first, last = browser.begin_login(TABS[0], user="bob"), browser.begin_login(TABS[2], user="bob")
    browser.come_back(first)
    with site.provider.misbehaving(fault):
        page = browser.come_back(site.provider.authorize(login_again(browser), user="alice"))
    assert page.status_code == status
    assert logged_in_as(browser) == "bob"
    assert len(pending(browser)) == 1
    assert browser.come_back(last).headers["location"] == TABS[2]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"sec-purpose": "prefetch"}),
        ("GET", {"purpose": "prefetch"}),
        ("HEAD", {}),
        ("OPTIONS", {}),
        ("PUT", {}),
        ("POST", {"content-type": "application/json"}),
        ("POST", {"content-type": "multipart/form-data; boundary=a"}),
    ],
    ids=["54 prefetch", "54 old prefetch", "54 HEAD", "54 OPTIONS", "PUT", "53 JSON", "53 multipart"],
)
def test_a_forged_response_uses_no_login_up(site: Site, method: str, headers: dict[str, str]) -> None:
    """threat model 53, 54"""
    browser = site.browser()
    callback = browser.begin_login()
    browser.request(method, callback.url, headers=headers)
    assert site.provider.count("token") == 0
    assert browser.come_back(callback).status_code == 302


def test_every_login_has_secrets_of_its_own(site: Site) -> None:
    """threat model 41, 55"""
    browser = site.browser()
    queries = [parse_qs(urlsplit(browser.get("/private").headers["location"]).query) for _ in range(20)]
    for name in ("state", "nonce", "code_challenge"):
        values = {query[name][0] for query in queries}
        assert len(values) == 20
        assert {len(value) for value in values} == {43}


def test_a_code_of_another_login_is_of_no_use(site: Site) -> None:
    """threat model 55: a code that an attacker injects"""
    attacker, victim = site.browser(), site.browser()
    stolen = attacker.begin_login(user="bob")
    own = victim.begin_login(user="alice")
    page = victim.get(with_parameter(own, "code", str(stolen.get("code"))))
    assert page.status_code == 400
    assert logged_in_as(victim) is None


def test_secrets_are_compared_in_a_time_that_tells_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """threat model 259"""
    compared: set[str] = set()

    def compare(one: str | bytes, other: str | bytes) -> bool:
        compared.update(value if isinstance(value, str) else value.decode("latin-1") for value in (one, other))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    browser = site.browser()
    page = browser.get("/private")
    query = parse_qs(urlsplit(page.headers["location"]).query)
    browser.come_back(site.provider.authorize(page.headers["location"]))
    hashed = browser.who()["id_token"]["at_hash"]
    leaving = browser.get("/logout").headers["location"]
    back = site.provider.end_session(leaving)
    assert browser.get(back.url).text == "logged out"
    (goodbye,) = parse_qs(urlsplit(leaving).query)["state"]
    assert {*query["state"], *query["nonce"], hashed, goodbye} <= compared


def test_state_code_and_cookies_are_not_in_the_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 252"""
    browser = site.browser()
    with caplog.at_level(logging.DEBUG):
        callback = browser.begin_login()
        values = [*jar_of(browser).values(), str(callback.get("code")), str(callback.get("state"))]
        browser.come_back(callback)
        site.browser().come_back(callback)
        values += [*jar_of(browser).values(), browser.who()["access_token"], browser.who()["id_token_jwt"]]
        browser.get("/logout")
    assert "state_mismatch" in caplog.text
    own = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("oidc_async"))
    assert [value for value in values if value in own] == []


def test_nobody_is_referred_to_with_the_code_in_the_address(site: Site) -> None:
    """threat model 257"""
    browser = site.browser()
    page = browser.get("/private")
    callback = site.provider.authorize(page.headers["location"])
    done, failed = browser.come_back(callback), browser.come_back(callback)
    assert [answer.headers["referrer-policy"] for answer in (page, done, failed)] == ["no-referrer"] * 3
    assert "code=" not in done.headers["location"]
    assert [answer.headers["cache-control"].split(",")[0] for answer in (page, done, failed)] == ["no-store"] * 3


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.DISCOVERY_RESET, 502), (Fault.DISCOVERY_HTML, 502), (Fault.DISCOVERY_SLOW, 504)],
    ids=str,
)
def test_a_login_that_can_not_begin_leaves_nothing(site: Site, fault: Any, status: int) -> None:
    """contract.md 4"""
    browser = site.browser()
    with site.provider.misbehaving(fault):
        page = browser.get("/private")
    assert page.status_code == status
    assert "no-store" in page.headers["cache-control"]
    assert jar_of(browser) == {}
