"""Requests in objects at a certified provider: with the core in both worlds, and in applications.

It fetches none (`request_uri_parameter_supported` is false): all are by value.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_async import AsyncRelyingParty, AsyncRuntime, BlockingRuntime, ConfigurationError, Login, RelyingParty

from .apps import serving
from .client_keys import new_signing_keys
from .configurations import configuration_of
from .node_provider import REQUESTING_CLIENTS, NodeProvider
from .visitor import Visitor, left_for

STEP_UP = {"max_age": "60", "claims": '{"id_token":{"auth_time":{"essential":true}},"userinfo":{"email":null}}'}


@pytest.fixture(params=REQUESTING_CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def require_alice(login: Login, provider: NodeProvider) -> None:
    assert (login.id_token["iss"], login.id_token["sub"]) == (provider.issuer, "alice")
    assert (login.userinfo or {})["name"] == "Alice Liddell"
    assert "auth_time" in login.id_token


def test_without_an_event_loop(node_provider: NodeProvider, client: str, visitor: Visitor, apps: list[str]) -> None:
    configuration = configuration_of(node_provider, node_provider.clients[client], request_object="value")
    with contextlib.closing(BlockingRuntime()) as runtime:
        rp = RelyingParty(configuration, redirect_uri=f"{apps[2]}/callback", runtime=runtime)
        request = rp.begin_login(**STEP_UP)
        assert set(parse_qs(urlsplit(request.url).query)) == {"client_id", "response_type", "scope", "request"}
        callback = node_provider.login(visitor, request.url, node_provider.alice)
        require_alice(rp.complete_login(request.pending, urlsplit(callback).query), node_provider)


def test_in_asyncio(node_provider: NodeProvider, client: str, visitor: Visitor, apps: list[str]) -> None:
    configuration = configuration_of(node_provider, node_provider.clients[client], request_object="value")

    async def log_in() -> None:
        async with contextlib.aclosing(AsyncRuntime()) as runtime:
            rp = AsyncRelyingParty(configuration, redirect_uri=f"{apps[3]}/callback", runtime=runtime)
            request = await rp.begin_login(**STEP_UP)
            callback = await asyncio.to_thread(node_provider.login, visitor, request.url, node_provider.alice)
            require_alice(await rp.complete_login(request.pending, urlsplit(callback).query), node_provider)

    asyncio.run(log_in())


@pytest.mark.parametrize("way", [None, "value"])
def test_requests_are_pushed(node_provider: NodeProvider, visitor: Visitor, apps: list[str], way: str | None) -> None:
    """RFC 9126: as they are, and as an object."""
    client = node_provider.clients["request-RS256"]
    options: dict[str, Any] = {"request_object": way, "pushed_authorization_requests": True}
    with contextlib.closing(BlockingRuntime()) as runtime:
        rp = RelyingParty(
            configuration_of(node_provider, client, **options), redirect_uri=f"{apps[2]}/callback", runtime=runtime
        )
        request = rp.begin_login(**STEP_UP)
        assert set(parse_qs(urlsplit(request.url).query)) == {"client_id", "request_uri"}
        callback = node_provider.login(visitor, request.url, node_provider.alice)
        require_alice(rp.complete_login(request.pending, urlsplit(callback).query), node_provider)


@pytest.mark.parametrize("client", ["request-RS256", "request-ES256", "request-encrypted-rsa"])
def test_a_key_that_was_not_registered_is_rejected(
    node_provider: NodeProvider, visitor: Visitor, apps: list[str], client: str
) -> None:
    configuration = configuration_of(
        node_provider, node_provider.clients[client], request_object="value", client_keys=new_signing_keys()
    )
    with contextlib.closing(BlockingRuntime()) as runtime:
        rp = RelyingParty(configuration, redirect_uri=f"{apps[2]}/callback", runtime=runtime)
        page = visitor.open(rp.begin_login().url, within=node_provider.issuer)
    assert not node_provider.requires_login(page)
    assert "invalid_request_object" in page.text + str(page.leads_to)


def test_it_fetches_none_and_we_say_so(node_provider: NodeProvider, apps: list[str]) -> None:
    configuration = configuration_of(
        node_provider, node_provider.clients["request-RS256"], request_object="reference"
    )
    with contextlib.closing(BlockingRuntime()) as runtime:
        rp = RelyingParty(
            configuration, redirect_uri=f"{apps[2]}/callback", runtime=runtime, request_uri=f"{apps[2]}/request"
        )
        with pytest.raises(ConfigurationError, match="request_uri_parameter_supported"):
            rp.begin_login()


@pytest.fixture(scope="module", params=["flask", "quart"])
def app(request: pytest.FixtureRequest, apps: list[str], node_provider: NodeProvider) -> Iterator[str]:
    configurations = {
        name: configuration_of(node_provider, registered, request_object="value")
        for name, registered in REQUESTING_CLIENTS.items()
    }
    address = apps[["flask", "quart"].index(request.param)]
    with serving(request.param, configurations, address):
        yield address


def test_an_application_logs_in(app: str, node_provider: NodeProvider, client: str, visitor: Visitor) -> None:
    to_the_provider = left_for(visitor.open(f"{app}/{client}", within=app))
    assert "state=" not in to_the_provider
    page = visitor.open(node_provider.login(visitor, to_the_provider, node_provider.alice), within=app)
    assert page.status == 200, page.text
    assert json.loads(page.text)["id_token"]["sub"] == "alice"
