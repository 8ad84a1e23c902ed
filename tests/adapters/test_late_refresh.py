"""After a response was sent no cookie can be set: in a stream, and in a background task. threat model 382."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import flask
import pytest
import quart

from .cookie_jar import logged_in
from .refresh_site import LIFETIME, OFFLINE, asked
from .site import Framework, QuartFramework, Site, Views
from .toolbox import toolbox

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "sqlite", "cookies beside sqlite")
in_cookies = pytest.mark.parametrize("sessions_in", ["cookies", "cookies beside sqlite"], indirect=True)
in_a_store = pytest.mark.sessions_in("sqlite")
Decorators = Callable[[Any], list[Any]]
"""Decorators of a view, the innermost first."""


def a_login(auth: Any) -> list[Any]:
    return [auth.oidc_auth("default")]


def streaming_views(framework: Framework, steps: list[Callable[[], object]], decorators: Decorators) -> Views:
    """`/stream` takes these steps while its body is sent, and shows a token after each, and the session."""

    def told(auth: Any, token: str | None, still: bool) -> str:
        failure = auth.refresh_failure
        return f"{token or (failure.code if failure else 'nobody')} {'yes' if still else 'no'}\n"

    def add_views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def stream() -> Iterator[str]:
            for step in steps:
                step()
                yield told(auth, auth.valid_access_token(), auth.is_still_authorized())

        async def async_stream() -> AsyncIterator[str]:
            for step in steps:
                step()
                yield told(auth, await auth.valid_access_token(), await auth.is_still_authorized())

        def flask_view() -> Any:
            return flask.Response(flask.stream_with_context(stream()))

        async def quart_view() -> Any:
            return quart.Response(quart.stream_with_context(async_stream)())

        view = flask_view if framework.name == "flask" else quart_view
        for decorator in decorators(auth):
            view = decorator(view)
        app.add_url_rule("/stream", "stream", view)

    return add_views


@pytest.fixture
def streamed(make_site: MakeSite, framework: Framework) -> Callable[..., tuple[Site, Any]]:
    def make(*steps: Callable[[Site], object], decorators: Decorators = a_login, **options: Any) -> tuple[Site, Any]:
        taken = list[Callable[[], object]]()
        site = make_site(views=streaming_views(framework, taken, decorators), **{**OFFLINE, **options})
        taken.extend(partial(step, site) for step in steps)
        return site, logged_in(site)

    return make


def nothing(_site: Site) -> None:
    return None


def expire(site: Site) -> None:
    site.provider.clock.advance(LIFETIME + 1)


def test_a_token_that_lasts_is_given_in_a_stream(streamed: Callable[..., tuple[Site, Any]]) -> None:
    site, browser = streamed(nothing)
    assert browser.get("/stream").text == f"{browser.who()['access_token']} yes\n"
    assert asked(site.provider) == 0


@in_cookies
def test_a_stream_does_not_spend_a_refresh_token_of_a_session_in_cookies(
    streamed: Callable[..., tuple[Site, Any]],
) -> None:
    """threat model 382"""
    site, browser = streamed(expire)
    before = browser.who()["refresh_token"]
    assert browser.get("/stream").text == "session_not_writable yes\n"
    assert (asked(site.provider), browser.who()["refresh_token"]) == (0, before)


@in_a_store
def test_a_store_keeps_what_a_stream_refreshes(streamed: Callable[..., tuple[Site, Any]]) -> None:
    """threat model 382"""
    site, browser = streamed(expire, nothing)
    first, second = browser.get("/stream").text.splitlines()
    assert first == second == f"{browser.who()['access_token']} yes"
    assert asked(site.provider) == 1


def test_a_session_that_expires_meanwhile_is_over(streamed: Callable[..., tuple[Site, Any]]) -> None:
    """threat model 383"""
    _site, browser = streamed(nothing, expire, config={"OIDC_SESSION_SECONDS": LIFETIME})
    said = browser.get("/stream").text.splitlines()
    assert [line.rpartition(" ")[2] for line in said] == ["yes", "no"]


@pytest.mark.parametrize("is_login_first", [True, False])
def test_each_of_two_decorators_is_asked_again(
    streamed: Callable[..., tuple[Site, Any]], is_login_first: bool
) -> None:
    """threat model 383: a token does not make up for the session that a view requires, too"""

    def decorators(auth: Any) -> list[Any]:
        both = [auth.token_auth("default"), *a_login(auth)]
        return both if is_login_first else both[::-1]

    site, browser = streamed(nothing, expire, decorators=decorators, config={"OIDC_SESSION_SECONDS": LIFETIME})
    token = site.provider.issue_access_token("client1", lifetime=10 * LIFETIME)
    said = browser.get("/stream", headers={"Authorization": f"Bearer {token}"}).text.splitlines()
    assert [line.rpartition(" ")[2] for line in said] == ["yes", "no"]


def test_a_request_that_is_not_answered_yet_keeps_what_its_view_changed(
    make_site: MakeSite, framework: Framework
) -> None:
    tools = toolbox(framework)

    def add_views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def change() -> str:
            tools.user_session(tools.session).update(userinfo={"name": "Another"})
            return str(auth.is_still_authorized())

        async def async_change() -> str:
            tools.user_session(tools.session).update(userinfo={"name": "Another"})
            return str(await auth.is_still_authorized())

        app.add_url_rule("/change", "change", change if framework.name == "flask" else async_change)

    browser = logged_in(make_site(views=add_views))
    assert browser.get("/change").text == "True"
    assert browser.who()["userinfo"] == {"name": "Another"}


# A background task of Quart sees the request that began it


def views_with_a_task(results: list[str]) -> Views:
    """`/begin` begins a task that asks for a token, after the response, and `/result` waits until it has."""

    def add_views(app: Any, auth: Any) -> None:
        QuartFramework().add_standard_views(app, auth)
        may_continue = asyncio.Event()

        async def work() -> None:
            await may_continue.wait()
            results.append(await auth.valid_access_token() or auth.refresh_failure.code)

        async def begin() -> str:
            app.add_background_task(work)
            return "begun"

        async def result() -> str:
            may_continue.set()
            await asyncio.gather(*app.background_tasks)
            return results[0]

        app.add_url_rule("/begin", "begin", auth.oidc_auth("default")(begin))
        app.add_url_rule("/result", "result", result)

    return add_views


@pytest.mark.parametrize("framework", [QuartFramework()], ids=["quart"])
def test_a_background_task_refreshes_only_what_a_store_keeps(make_site: MakeSite) -> None:
    """threat model 382"""
    results = list[str]()
    site = make_site(views=views_with_a_task(results), **OFFLINE)
    browser = logged_in(site)
    before = browser.who()
    assert browser.get("/begin").text == "begun"
    expire(site)
    result, after = browser.get("/result").text, browser.who()
    if site.web.sessions.keeps_in_store:
        assert (result, asked(site.provider)) == (after["access_token"], 1)
        assert after["refresh_token"] != before["refresh_token"]
    else:
        assert (result, asked(site.provider)) == ("session_not_writable", 0)
        assert after == before
