"""Clients that register themselves at a certified provider, with the bare core and in both frameworks."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from oidc_async import (
    AsyncRelyingParty,
    AsyncRuntime,
    BlockingRuntime,
    ClientRegistrationInfo,
    HttpSettings,
    OAuthError,
    ProviderConfiguration,
    RelyingParty,
)

from .apps import serving
from .hand_made_client import query_of
from .node_provider import INITIAL_ACCESS_TOKEN, NodeProvider
from .tls import Tls
from .visitor import Visitor, left_for

SCOPES = ["openid", "profile", "email"]


@pytest.fixture(params=["node_provider", "https_provider"], ids=["http", "https"])
def certified(request: pytest.FixtureRequest) -> NodeProvider:
    chosen: NodeProvider = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def visitor(certified: NodeProvider) -> Iterator[Visitor]:
    with Visitor(certified.ca) as someone:
        yield someone


def trusting(provider: NodeProvider) -> HttpSettings:
    return HttpSettings(ca_bundle=provider.ca)


def configuration_of(
    provider: NodeProvider, logged_out: str, info: dict[str, Any] | None = None, **options: Any
) -> ProviderConfiguration:
    return ProviderConfiguration(
        provider.issuer,
        client_registration_info=ClientRegistrationInfo(
            **{
                "client_name": "A registered application",
                "contacts": ["dev@rp.example"],
                "grant_types": ["authorization_code", "refresh_token"],
                "post_logout_redirect_uris": [logged_out],
                "initial_access_token": INITIAL_ACCESS_TOKEN,
                **(info or {}),
            }
        ),
        auth_request_params={"scope": SCOPES},
        http_settings=trusting(provider),
        **options,
    )


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"token_endpoint_auth_method": "client_secret_post", "id_token_signed_response_alg": "ES256"},
        {"token_endpoint_auth_method": "none"},
    ],
    ids=["basic", "post and ES256", "public"],
)
def test_a_registered_client_logs_in_is_changed_and_ends(
    certified: NodeProvider, visitor: Visitor, apps: list[str], info: dict[str, Any], tmp_path: Path
) -> None:
    logged_out, file = f"{apps[2]}/logged-out", tmp_path / "client.db"
    with contextlib.closing(BlockingRuntime(trusting(certified))) as runtime:

        def start(more: dict[str, Any] | None = None) -> RelyingParty:
            configuration = configuration_of(certified, logged_out, {**info, **(more or {})}, registration_file=file)
            return RelyingParty(configuration, redirect_uri=f"{apps[2]}/callback", runtime=runtime)

        party = start()
        request = party.begin_login()
        callback = certified.login(visitor, request.url, certified.alice)
        # finished after a restart, by the same client
        again = start()
        login = again.complete_login(request.pending, urlsplit(callback).query)
        assert login.userinfo is not None
        assert login.userinfo["name"] == "Alice Liddell"
        assert again.refresh(login.tokens.refresh_token or "", id_token=login.id_token).tokens.access_token
        logout = again.end_session_url(id_token_hint=login.id_token_jwt, post_logout_redirect_uri=logged_out)
        assert certified.logout(visitor, logout or "").startswith(logged_out)

        client_id = login.id_token["aud"]
        assert again.read_registration()["client_id"] == client_id
        changed = again.update_registration(client_name="Another name")
        assert (changed["client_id"], changed["client_name"]) == (client_id, "Another name")
        # another configuration updates the client that there is
        moved = start({"client_uri": f"{apps[2]}/about"})
        assert moved.read_registration()["client_uri"] == f"{apps[2]}/about"
        assert moved.read_registration()["client_id"] == client_id
        moved.delete_registration()
        # the process that doesn't know about it is rejected, and another start registers again
        with pytest.raises(OAuthError) as caught:
            again.client_credentials_grant()
        assert caught.value.error == "invalid_client"
        assert start().read_registration()["client_id"] != client_id


def test_in_asyncio(certified: NodeProvider, visitor: Visitor, apps: list[str]) -> None:
    async def log_in_change_and_end() -> None:
        async with contextlib.aclosing(AsyncRuntime(trusting(certified))) as runtime:
            configuration = configuration_of(certified, f"{apps[3]}/logged-out")
            party = AsyncRelyingParty(configuration, redirect_uri=f"{apps[3]}/callback", runtime=runtime)
            request, *others = await asyncio.gather(*(party.begin_login() for _ in range(20)))
            assert {query_of(other.url)["client_id"] for other in others} == {query_of(request.url)["client_id"]}
            callback = await asyncio.to_thread(certified.login, visitor, request.url, certified.alice)
            login = await party.complete_login(request.pending, urlsplit(callback).query)
            assert login.id_token["aud"] == query_of(request.url)["client_id"]
            assert (await party.update_registration(client_name="Another name"))["client_name"] == "Another name"
            await party.delete_registration()

    asyncio.run(log_in_change_and_end())


def test_without_the_initial_access_token_nobody_registers(certified: NodeProvider, apps: list[str]) -> None:
    with contextlib.closing(BlockingRuntime(trusting(certified))) as runtime:
        configuration = configuration_of(certified, apps[2], {"initial_access_token": "another-token"})
        party = RelyingParty(configuration, redirect_uri=f"{apps[2]}/callback", runtime=runtime)
        with pytest.raises(OAuthError) as caught:
            party.begin_login()
    assert caught.value.error == "invalid_token"


def test_what_the_provider_rejects_is_an_oauth_error(certified: NodeProvider, apps: list[str]) -> None:
    with contextlib.closing(BlockingRuntime(trusting(certified))) as runtime:
        configuration = configuration_of(certified, apps[2], {"subject_type": "pairwise"})
        party = RelyingParty(configuration, redirect_uri=f"{apps[2]}/callback", runtime=runtime)
        with pytest.raises(OAuthError) as caught:
            party.begin_login()
    assert caught.value.error == "invalid_client_metadata"


@pytest.mark.parametrize("framework", ["flask", "quart"])
def test_an_application_registers_at_its_first_login(
    framework: str,
    certified: NodeProvider,
    visitor: Visitor,
    apps: list[str],
    https_apps: list[str],
    tls: Tls,
    tmp_path: Path,
) -> None:
    certificate = tls.provider if certified.ca else None
    address = (https_apps if certificate else apps)[["flask", "quart"].index(framework)]
    configuration = configuration_of(certified, f"{address}/logout", registration_file=tmp_path / "client.db")
    with serving(framework, {"registered": configuration}, address, certificate):
        to_the_provider = left_for(visitor.open(f"{address}/registered", within=address))
        visitor.hang_up()
    # the login is finished after a restart
    with serving(framework, {"registered": configuration}, address, certificate):
        callback = certified.login(visitor, to_the_provider, certified.alice)
        page = visitor.open(callback, within=address)
        assert page.status == 200, page.text
        known = json.loads(page.text)
        assert known["id_token"]["aud"] == query_of(to_the_provider)["client_id"]
        assert known["userinfo"]["name"] == "Alice Liddell"
        page = visitor.open(certified.logout(visitor, left_for(visitor.open(f"{address}/logout", within=address))))
        assert (page.status, page.text) == (200, "logged out")
        visitor.hang_up()
