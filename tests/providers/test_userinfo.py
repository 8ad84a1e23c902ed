"""The ways to ask a certified provider for userinfo, with the access token in a header or in the form of a POST."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from oidc_async import AsyncRelyingParty, Login, ProviderConfiguration, RelyingParty

from .configurations import configuration_of
from .node_provider import NodeProvider
from .visitor import Visitor

WAYS: dict[str, dict[str, Any]] = {
    "GET": {"userinfo_http_method": "GET"},
    "POST": {"userinfo_http_method": "POST"},
    "POST, the token in the body": {"userinfo_http_method": "POST", "userinfo_token_in_body": True},
}
every_way = pytest.mark.parametrize("way", WAYS)


@dataclass
class Asked:
    """The requests to the userinfo endpoint."""

    requests: list[httpx.Request] = field(default_factory=list[httpx.Request])

    def keep(self, request: httpx.Request) -> None:
        if request.url.path == "/me":
            self.requests.append(request)

    async def keep_async(self, request: httpx.Request) -> None:
        self.keep(request)


def configured(provider: NodeProvider, way: str, http_client: object) -> ProviderConfiguration:
    return configuration_of(provider, provider.clients["basic"], http_client=http_client, **WAYS[way])


def require_asked(login: Login, asked: Asked, way: str) -> None:
    """RFC 6750 2: the token is in one place, and in no URL."""
    assert (login.userinfo or {})["name"] == "Alice Liddell"
    (request,) = asked.requests
    assert (request.method, request.url.query) == (way[:4].rstrip(","), b"")
    token = login.tokens.access_token
    form, header = parse_qs(request.content.decode()), request.headers.get("authorization")
    if way == "POST, the token in the body":
        assert (form, header) == ({"access_token": [token]}, None)
    else:
        assert (form, header) == ({}, f"Bearer {token}")


@every_way
def test_without_an_event_loop(node_provider: NodeProvider, visitor: Visitor, apps: list[str], way: str) -> None:
    asked = Asked()
    with httpx.Client(event_hooks={"request": [asked.keep]}) as http:
        rp = RelyingParty(configured(node_provider, way, http), redirect_uri=f"{apps[2]}/callback")
        request = rp.begin_login()
        callback = node_provider.login(visitor, request.url, node_provider.alice)
        login = rp.complete_login(request.pending, urlsplit(callback).query)
    require_asked(login, asked, way)


@every_way
def test_in_asyncio(node_provider: NodeProvider, visitor: Visitor, apps: list[str], way: str) -> None:
    asked = Asked()

    async def log_in() -> Login:
        async with httpx.AsyncClient(event_hooks={"request": [asked.keep_async]}) as http:
            rp = AsyncRelyingParty(configured(node_provider, way, http), redirect_uri=f"{apps[3]}/callback")
            request = await rp.begin_login()
            callback = await asyncio.to_thread(node_provider.login, visitor, request.url, node_provider.alice)
            return await rp.complete_login(request.pending, urlsplit(callback).query)

    require_asked(asyncio.run(log_in()), asked, way)
