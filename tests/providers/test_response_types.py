"""Logins by every response type and response mode at a real provider: with the core alone, and in both frameworks."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from oidc_async import AsyncRelyingParty, AsyncRuntime, BlockingRuntime, Login, RelyingParty
from oidc_async.protocol.response_type import RESPONSE_TYPES, ResponseMode

from .apps import serving
from .configurations import configuration_of
from .node_provider import NodeProvider
from .visitor import Page, Visitor, left_for

WAYS = [
    (response_type, mode)
    for response_type in RESPONSE_TYPES
    for mode in ("query", "fragment", "form_post")
    if response_type == "code" or mode != "query"
]
every_way = pytest.mark.parametrize(("response_type", "mode"), WAYS, ids=[" by ".join(way) for way in WAYS])


def response_in(answer: Page, mode: str, redirect_uri: str) -> str:
    """The encoded response in what the provider answers."""
    if mode == "form_post":
        form = answer.form("state")
        assert (form.action, form.method) == (redirect_uri, "post")
        return urlencode(form.fields)
    target = urlsplit(left_for(answer))
    assert f"{target.scheme}://{target.netloc}{target.path}" == redirect_uri
    return target.query if mode == "query" else target.fragment


def require_alice(login: Login, response_type: str, provider: NodeProvider) -> None:
    assert (login.id_token["iss"], login.id_token["sub"]) == (provider.issuer, "alice")
    assert (login.access_token is None) == (response_type == "id_token")
    assert (login.userinfo or login.id_token)["name"] == "Alice Liddell"
    assert (login.tokens.refresh_token is not None) == ("code" in response_type.split())


@every_way
def test_without_an_event_loop(
    node_provider: NodeProvider, visitor: Visitor, apps: list[str], response_type: str, mode: ResponseMode
) -> None:
    configuration = configuration_of(node_provider, node_provider.clients["hybrid"])
    redirect_uri = f"{apps[2]}/callback"
    with contextlib.closing(BlockingRuntime()) as runtime:
        rp = RelyingParty(configuration, redirect_uri=redirect_uri, runtime=runtime)
        request = rp.begin_login(response_type=response_type, response_mode=mode)
        response = response_in(node_provider.answer(visitor, request.url, node_provider.alice), mode, redirect_uri)
        login = rp.complete_login(request.pending, response, response_mode=mode)
    require_alice(login, response_type, node_provider)


@every_way
def test_in_asyncio(
    node_provider: NodeProvider, visitor: Visitor, apps: list[str], response_type: str, mode: ResponseMode
) -> None:
    configuration = configuration_of(node_provider, node_provider.clients["hybrid"])
    redirect_uri = f"{apps[3]}/callback"

    async def log_in() -> Login:
        async with contextlib.aclosing(AsyncRuntime()) as runtime:
            rp = AsyncRelyingParty(configuration, redirect_uri=redirect_uri, runtime=runtime)
            request = await rp.begin_login(response_type=response_type, response_mode=mode)
            answer = await asyncio.to_thread(node_provider.answer, visitor, request.url, node_provider.alice)
            response = response_in(answer, mode, redirect_uri)
            return await rp.complete_login(request.pending, response, response_mode=mode)

    require_alice(asyncio.run(log_in()), response_type, node_provider)


@pytest.fixture(scope="module", params=["flask", "quart"])
def app(request: pytest.FixtureRequest, apps: list[str], node_provider: NodeProvider) -> Iterator[str]:
    """The address of an application with a page for each way to log in."""
    configurations = {
        page_for(response_type, mode): configuration_of(
            node_provider,
            node_provider.clients["hybrid"],
            parameters={"response_type": response_type, "response_mode": mode},
        )
        for response_type, mode in WAYS
    }
    address = apps[["flask", "quart"].index(request.param)]
    with serving(request.param, configurations, address):
        yield address


def page_for(response_type: str, mode: str) -> str:
    return f"{response_type.replace(' ', '-')}-by-{mode}"


def come_back(visitor: Visitor, answer: Page, mode: str, app: str) -> Page:
    """Where a browser ends that does what the provider's answer says, and then what our page says."""
    if mode == "form_post":
        # the form is on another site: a browser leaves our cookies out
        with visitor.without_cookies() as somebody:
            page = somebody.submit(answer.form("state"), within=app)
    else:
        page = visitor.open(left_for(answer), within=app)
    if mode == "query":
        return page
    form = page.form("authorization_response")
    filled = {"authorization_response": urlsplit(left_for(answer)).fragment} if mode == "fragment" else {}
    return visitor.submit(form, within=app, **filled)


@every_way
def test_in_an_application(
    app: str, node_provider: NodeProvider, visitor: Visitor, response_type: str, mode: str
) -> None:
    page = f"{app}/{page_for(response_type, mode)}"
    begun = left_for(visitor.open(page, within=app))
    answer = node_provider.answer(visitor, begun, node_provider.alice)
    reached = come_back(visitor, answer, mode, app)
    assert (reached.status, reached.url) == (200, page), reached.text
    known: dict[str, Any] = json.loads(reached.text)
    assert known["id_token"]["sub"] == "alice"
    assert (known["userinfo"] is None) == (response_type == "id_token")
    assert known["has_refresh_token"] == ("code" in response_type.split())


@pytest.mark.parametrize("mode", ["fragment", "form_post"])
def test_a_response_is_for_the_browser_that_began_the_login(
    app: str, node_provider: NodeProvider, visitor: Visitor, mode: str
) -> None:
    """threat model 40."""
    page = f"{app}/{page_for('code id_token', mode)}"
    begun = left_for(visitor.open(page, within=app))
    answer = node_provider.answer(visitor, begun, node_provider.alice)
    with Visitor() as somebody:
        rejected = come_back(somebody, answer, mode, app)
        assert (rejected.status, json.loads(rejected.text)["error"]) == (400, "state_mismatch")
    assert come_back(visitor, answer, mode, app).status == 200
