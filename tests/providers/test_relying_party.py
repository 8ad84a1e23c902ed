"""Login and logout at real providers with nothing but the core, in both worlds."""

import asyncio
import contextlib
from urllib.parse import urlsplit

import pytest

from oidc_async import (
    AsyncRelyingParty,
    AsyncRuntime,
    BlockingRuntime,
    Login,
    OAuthError,
    RelyingParty,
    ResourceServer,
)

from .configurations import configuration_of
from .hand_made_client import query_of
from .node_provider import NodeProvider
from .real_provider import RealProvider
from .visitor import Visitor

CLIENTS = ["basic", "post", "public"]


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def require_alice(login: Login, provider: RealProvider) -> None:
    assert login.id_token["iss"] == provider.issuer
    assert login.userinfo is not None
    assert login.userinfo["name"] == "Alice Liddell"
    assert login.tokens.refresh_token


def test_without_an_event_loop(provider: RealProvider, client: str, visitor: Visitor, apps: list[str]) -> None:
    configuration = configuration_of(provider, provider.clients[client])
    with contextlib.closing(BlockingRuntime()) as runtime:
        rp = RelyingParty(configuration, redirect_uri=f"{apps[2]}/callback", runtime=runtime)
        request = rp.begin_login()
        callback = provider.login(visitor, request.url, provider.alice)
        login = rp.complete_login(request.pending, urlsplit(callback).query)
        require_alice(login, provider)
        logout = rp.end_session_url(
            id_token_hint=login.id_token_jwt, post_logout_redirect_uri=f"{apps[2]}/logged-out", state="some-state"
        )
    assert logout is not None
    assert query_of(provider.logout(visitor, logout)) == {"state": "some-state"}


def test_in_asyncio(provider: RealProvider, client: str, visitor: Visitor, apps: list[str]) -> None:
    configuration = configuration_of(provider, provider.clients[client])

    async def log_in_and_out() -> str | None:
        async with contextlib.aclosing(AsyncRuntime()) as runtime:
            rp = AsyncRelyingParty(configuration, redirect_uri=f"{apps[3]}/callback", runtime=runtime)
            request = await rp.begin_login()
            callback = await asyncio.to_thread(provider.login, visitor, request.url, provider.alice)
            login = await rp.complete_login(request.pending, urlsplit(callback).query)
            require_alice(login, provider)
            return await rp.end_session_url(
                id_token_hint=login.id_token_jwt, post_logout_redirect_uri=f"{apps[3]}/logged-out", state="some-state"
            )

    logout = asyncio.run(log_in_and_out())
    assert logout is not None
    assert query_of(provider.logout(visitor, logout)) == {"state": "some-state"}


def test_what_the_provider_rejects_is_an_oauth_error(
    provider: RealProvider, visitor: Visitor, apps: list[str]
) -> None:
    configuration = configuration_of(provider, provider.clients["basic"])
    with contextlib.closing(BlockingRuntime()) as runtime:
        rp = RelyingParty(configuration, redirect_uri=f"{apps[2]}/callback", runtime=runtime)
        request = rp.begin_login()
        response = urlsplit(provider.login(visitor, request.url, provider.alice)).query
        rp.complete_login(request.pending, response)
        with pytest.raises(OAuthError) as caught:
            rp.complete_login(request.pending, response)
    assert caught.value.error == "invalid_grant"


def test_a_login_can_be_for_the_token_of_an_api(
    node_provider: NodeProvider, visitor: Visitor, apps: list[str]
) -> None:
    """Such a token is not for userinfo (RFC 8707), so that is not asked."""
    resource = "https://jwt.example"
    configuration = configuration_of(
        node_provider,
        node_provider.clients["basic"],
        parameters={"scope": "openid api:read", "resource": resource},
        userinfo_http_method=None,
        audience=resource,
        access_token_verification="jwt",
    )
    with contextlib.closing(BlockingRuntime()) as runtime:
        rp = RelyingParty(configuration, redirect_uri=f"{apps[2]}/callback", runtime=runtime)
        request = rp.begin_login()
        callback = node_provider.login(visitor, request.url, node_provider.alice)
        login = rp.complete_login(request.pending, urlsplit(callback).query)
        access = ResourceServer(configuration, runtime=runtime).verify(login.tokens.access_token or "")
    assert (access.subject, access.scopes, login.userinfo) == ("alice", frozenset({"api:read"}), None)
