"""Clients that register themselves at canaille, where anybody may: with the bare core and in both frameworks."""

import asyncio
import contextlib
import json
import time
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
    OAuthError,
    ProviderConfiguration,
    RelyingParty,
)
from oidc_async.errors import ProviderUnreachable

from .apps import serving
from .canaille_provider import CanailleProvider
from .hand_made_client import query_of
from .visitor import Visitor, left_for


def configuration_of(
    provider: CanailleProvider, logged_out: str, file: Path | None = None, **info: Any
) -> ProviderConfiguration:
    usual = {
        "client_name": "A registered application",
        "grant_types": ["authorization_code", "refresh_token"],
        "post_logout_redirect_uris": [logged_out],
    }
    return ProviderConfiguration(
        provider.issuer,
        client_registration_info=ClientRegistrationInfo(**{**usual, **info}),
        auth_request_params={"scope": ["openid", "profile", "email"]},
        registration_file=file,
    )


@pytest.fixture
def runtime() -> Iterator[BlockingRuntime]:
    with contextlib.closing(BlockingRuntime()) as runtime:
        yield runtime


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_a_registered_client_logs_in_refreshes_and_logs_out(
    canaille: CanailleProvider, visitor: Visitor, apps: list[str], runtime: BlockingRuntime, method: str
) -> None:
    logged_out = f"{apps[2]}/logged-out"
    configuration = configuration_of(canaille, logged_out, token_endpoint_auth_method=method)
    party = RelyingParty(configuration, redirect_uri=f"{apps[2]}/callback", runtime=runtime)
    request = party.begin_login()
    callback = canaille.login(visitor, request.url, canaille.alice)
    login = party.complete_login(request.pending, urlsplit(callback).query)
    assert login.id_token["aud"] == [query_of(request.url)["client_id"]]
    assert (login.userinfo or {})["name"] == "Alice Liddell"
    assert party.refresh(login.tokens.refresh_token or "", id_token=login.id_token).tokens.access_token
    logout = party.end_session_url(id_token_hint=login.id_token_jwt, post_logout_redirect_uri=logged_out)
    assert canaille.logout(visitor, logout or "").startswith(logged_out)


def test_in_asyncio(canaille: CanailleProvider, visitor: Visitor, apps: list[str]) -> None:
    async def log_in() -> None:
        async with contextlib.aclosing(AsyncRuntime()) as runtime:
            configuration = configuration_of(canaille, f"{apps[3]}/logged-out")
            party = AsyncRelyingParty(configuration, redirect_uri=f"{apps[3]}/callback", runtime=runtime)
            request, *others = await asyncio.gather(*(party.begin_login() for _ in range(5)))
            assert {query_of(other.url)["client_id"] for other in others} == {query_of(request.url)["client_id"]}
            callback = await asyncio.to_thread(canaille.login, visitor, request.url, canaille.alice)
            login = await party.complete_login(request.pending, urlsplit(callback).query)
            assert login.id_token["sub"] == "alice"

    asyncio.run(log_in())


def test_what_canaille_does_not_sign_by_is_rejected(
    canaille: CanailleProvider, apps: list[str], runtime: BlockingRuntime
) -> None:
    configuration = configuration_of(canaille, apps[2], id_token_signed_response_alg="ES256")
    party = RelyingParty(configuration, redirect_uri=f"{apps[2]}/callback", runtime=runtime)
    with pytest.raises(OAuthError) as caught:
        party.begin_login()
    assert caught.value.error == "invalid_client_metadata"


def test_the_management_that_canaille_offers_fails_there_and_costs_no_client(
    canaille: CanailleProvider, apps: list[str], runtime: BlockingRuntime, tmp_path: Path
) -> None:
    """Canaille 0.3.6 answers all requests of RFC 7592 with 500: its Authlib calls `check_client` of a bool."""

    def start(**info: Any) -> RelyingParty:
        configuration = configuration_of(canaille, f"{apps[2]}/logged-out", tmp_path / "client.db", **info)
        return RelyingParty(configuration, redirect_uri=f"{apps[2]}/callback", runtime=runtime)

    party = start()
    client_id = query_of(party.begin_login().url)["client_id"]
    for manage in (
        party.read_registration,
        lambda: party.update_registration(client_name="Another"),
        party.delete_registration,
        start(client_name="Another").begin_login,
    ):
        with pytest.raises(ProviderUnreachable, match="500"):
            manage()
    # as it was configured before, the client is there
    assert query_of(start().begin_login().url)["client_id"] == client_id


@pytest.mark.parametrize("framework", ["flask", "quart"])
def test_an_application_registers_at_its_first_login(
    framework: str, canaille: CanailleProvider, visitor: Visitor, apps: list[str], tmp_path: Path
) -> None:
    address = apps[["flask", "quart"].index(framework)]
    configuration = configuration_of(canaille, f"{address}/logout", tmp_path / "client.db")
    with serving(framework, {"registered": configuration}, address):
        to_the_provider = left_for(visitor.open(f"{address}/registered", within=address))
        page = visitor.open(canaille.login(visitor, to_the_provider, canaille.alice), within=address)
        assert page.status == 200, page.text
        assert json.loads(page.text)["userinfo"]["name"] == "Alice Liddell"
        # within one second canaille issues the same JWT once more, which does not replace it
        time.sleep(1.1)
        assert json.loads(visitor.open(f"{address}/refresh").text) == {"refreshed": True}
        logout = left_for(visitor.open(f"{address}/logout", within=address))
        page = visitor.open(canaille.logout(visitor, logout), within=address)
        assert (page.status, page.text) == (200, "logged out")
