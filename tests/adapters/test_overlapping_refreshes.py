"""One refresh for many requests, and no older token that comes back. threat model 243, 244, 248, 249."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from oidc_async.relying_party.shared_refresh import REPLAY_SECONDS

from .at_once import Fetch, Visiting, at_once
from .cookie_jar import in_cookies, jar_of, put, session_of
from .gate import SECONDS, Gate
from .refresh_site import LIFETIME, asked, kept, token_of, token_site, user_of
from .site import ORIGIN, Browser, Framework, Page, Site, cookies_of, new_provider

SESSIONS_IN = ("cookies", "memory", "sqlite")
MakeSite = Callable[..., Site]
CROWD = {"flask": 20, "quart": 50}
"""Threads in front of Flask, tasks in front of Quart."""
in_a_store = pytest.mark.sessions_in("memory", "sqlite")


@pytest.fixture
def site(make_site: MakeSite, framework: Framework) -> Site:
    return token_site(make_site, framework)


def copy_of(browser: Browser, site: Site | None = None) -> Browser:
    """Another tab: with the cookies that this browser has now, and none that it gets later."""
    other = (site or browser.site).browser()
    put(other, jar_of(browser))
    return other


# Many at once


def test_of_many_requests_one_refreshes_and_all_have_the_new_token(make_site: MakeSite, framework: Framework) -> None:
    """threat model 243"""
    provider = new_provider()
    site = token_site(make_site, framework, providers={"default": provider})
    browser = user_of(site)
    provider.clock.advance(LIFETIME)
    crowd = [copy_of(browser) for _ in range(CROWD[framework.name])]
    pages = at_once(site, [visit_token] * len(crowd), crowd, threads=len(crowd))
    tokens = {page.json()["token"] for page in pages}
    assert (len(tokens), None in tokens, asked(provider)) == (1, False, 1)
    # whichever response the browser takes last, and any request that comes next
    sessions = []
    for page in pages:
        last = copy_of(browser)
        for cookie in cookies_of(page).values():
            last.cookies.set(cookie.name, cookie.value, domain="rp.example", path="/")
        sessions.append(kept(last))
        assert {token_of(last)} == tokens
    assert all(session == sessions[0] for session in sessions)
    assert sessions[0]["access_token"] in tokens
    assert asked(provider) == 1


def test_a_refresh_that_takes_long_holds_nobody_else_up(make_site: MakeSite, framework: Framework) -> None:
    """threat model 249: while one waits for the provider, 50 pages of others are shown"""
    provider = new_provider()
    gate = Gate(framework.runtime(provider), framework, "/token")
    gate.open()
    site = token_site(make_site, framework, providers={"default": provider}, runtime=gate)
    refreshing, *others = (user_of(site) for _ in range(6))
    gate.close()
    arrived, shown, end = gate.arrived, list[str](), time.monotonic() + SECONDS

    async def look_around(fetch: Fetch) -> Page:
        while gate.arrived == arrived and time.monotonic() < end:
            await asyncio.sleep(0.001) if framework.name == "quart" else time.sleep(0.001)
        for _ in range(10):
            page = await fetch(f"{ORIGIN}/private")
            shown.append(page.text)
        if len(shown) == 50:
            gate.open()
        return page

    async def refresh(fetch: Fetch) -> Page:
        return await fetch(f"{ORIGIN}/token/new")

    pages = at_once(site, [refresh, *[look_around] * 5], [refreshing, *others])
    assert shown == ["private"] * 50
    assert pages[0].json()["token"] is not None
    assert asked(provider) == 1


async def visit_token(fetch: Fetch) -> Page:
    return await fetch(f"{ORIGIN}/token")


_: Visiting[Page] = visit_token


def test_who_comes_late_with_what_was_gets_what_is(site: Site) -> None:
    """threat model 243: and what expires in 600 seconds does so from the refresh on"""
    browser = user_of(site)
    late = copy_of(browser)
    token = token_of(browser, "/token/new")
    known = kept(browser)
    site.provider.clock.advance(REPLAY_SECONDS - 5)
    assert token_of(late, "/token/new" if session_of(late) != session_of(browser) else "/token") == token
    assert kept(late) == known
    assert asked(site.provider) == 1


@in_cookies
def test_without_a_store_each_process_refreshes_for_itself(make_site: MakeSite, framework: Framework) -> None:
    """threat model 244: as docs/guides/refreshing-access-tokens.md tells"""
    provider = new_provider()
    one, other = (token_site(make_site, framework, providers={"default": provider}) for _ in range(2))
    browser = user_of(one)
    late = copy_of(browser, other)
    assert token_of(browser, "/token/new")
    assert token_of(late, "/token/new") is None
    assert asked(provider) == 2


@in_a_store
def test_with_a_store_processes_find_what_another_one_refreshed(make_site: MakeSite, framework: Framework) -> None:
    """threat model 244"""
    provider = new_provider()
    one, other = (token_site(make_site, framework, providers={"default": provider}) for _ in range(2))
    browser = user_of(one)
    provider.clock.advance(LIFETIME)
    token = token_of(browser)
    assert token_of(copy_of(browser, other)) == token
    assert asked(provider) == 1


@in_a_store
@pytest.mark.parametrize("path", ["/token", "/token/new"])
def test_requests_that_began_with_the_same_session_refresh_it_once_everywhere(
    make_site: MakeSite, framework: Framework, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """threat model 244: the session that the second process has loaded is that of before"""
    provider = new_provider()
    one, other = (token_site(make_site, framework, providers={"default": provider}) for _ in range(2))
    browser = user_of(one)
    late = copy_of(browser, other)
    provider.clock.advance(LIFETIME)
    token: str | None = None
    meanwhile(other, lambda: token_of(browser), monkeypatch)
    token = token_of(late, path)
    assert (token, kept(late)) == (browser.who()["access_token"], kept(browser))
    assert asked(provider) == 1


def meanwhile(site: Site, happens: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Something happens after a request to this site has loaded its session, once; in a thread of its own."""
    from threading import Thread

    client = site.web.clients["default"]
    refresh = client.refresh
    events = [happens]

    async def then_refresh(*args: Any, **kwargs: Any) -> Any:
        if events:
            thread = Thread(target=events.pop())
            thread.start()
            thread.join()
        return await refresh(*args, **kwargs)

    monkeypatch.setattr(client, "refresh", then_refresh)


# An older token never comes back


@in_a_store
def test_a_request_that_took_longer_does_not_bring_back_what_it_got(
    make_site: MakeSite, framework: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threat model 243: two refreshes in one second, and the answer to the first comes last"""
    site = token_site(make_site, framework)
    browser = user_of(site)
    slow = copy_of(browser)
    latest: list[Any] = []

    def two_refreshes() -> None:
        token_of(browser, "/token/new")
        latest.append((token_of(browser, "/token/new"), kept(browser)))

    meanwhile(site, two_refreshes, monkeypatch)
    assert token_of(slow, "/token/new")
    ((token, session),) = latest
    assert kept(slow) == session
    assert (token_of(slow), asked(site.provider)) == (token, 2)
    assert token_of(slow, "/token/new")


@in_a_store
def test_a_refresh_by_a_clock_that_is_late_is_not_lost(
    make_site: MakeSite, framework: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threat model 243: hosts differ by some seconds, and something else was changed in the session meanwhile"""
    site = token_site(make_site, framework, config={"OIDC_SESSION_IDLE_SECONDS": 100})
    browser = user_of(site)
    assert token_of(browser, "/token/new")
    site.provider.clock.jump(-5)
    other = copy_of(browser)

    def somebody_looks() -> None:
        site.provider.clock.jump(20)
        other.get("/who")
        site.provider.clock.jump(-20)

    meanwhile(site, somebody_looks, monkeypatch)
    token = token_of(browser, "/token/new")
    assert browser.who()["access_token"] == token
    assert token_of(browser, "/token/new")


def test_a_refresh_that_ends_after_a_logout_revives_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, sessions_in: Mapping[str, Any]
) -> None:
    """threat model 248"""
    browser = user_of(site)
    slow = copy_of(browser)
    meanwhile(site, lambda: browser.get("/logout"), monkeypatch)
    page = slow.get("/token/new")
    assert page.status_code == 200
    # the browser takes the late response too
    for cookie in cookies_of(page).values():
        browser.cookies.set(cookie.name, cookie.value, domain="rp.example", path="/")
    assert browser.who() == {}
    assert token_of(browser) is None
    assert browser.get("/private").status_code == 302
    if sessions_in:
        assert slow.who() == {}
