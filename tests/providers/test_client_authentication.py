"""Clients that authenticate by assertions at a certified provider: with the core, and in applications."""

import json
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from oidc_async import OAuthError
from oidc_async.errors import TokenInactive

from .apps import serving
from .client_keys import new_signing_keys
from .configurations import configuration_of
from .node_provider import ASSERTING_CLIENTS, NodeProvider
from .tokens import service_token
from .visitor import Visitor, left_for
from .worlds import World

CLIENTS = list(ASSERTING_CLIENTS)
OPAQUE = "https://opaque.example"


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.mark.parametrize("audience", ["issuer", "token_endpoint"])
def test_a_token_is_got_introspected_and_revoked(
    node_provider: NodeProvider, world: World, client: str, audience: str
) -> None:
    """This provider takes either audience."""
    configuration = configuration_of(
        node_provider, node_provider.clients[client], client_assertion_audience=audience, audience=OPAQUE
    )
    service, api = world.service(configuration), world.api(configuration)
    token = service.client_credentials_grant("api:read", resource=OPAQUE).access_token
    access = api.verify(token)
    assert (access.client_id, access.scopes) == (client, frozenset({"api:read"}))
    assert service.revoke(token, token_type_hint="access_token") is True
    api.forget(token)
    with pytest.raises(TokenInactive):
        api.verify(token)


def test_a_key_that_was_not_registered_is_rejected(node_provider: NodeProvider, world: World) -> None:
    configuration = configuration_of(
        node_provider, node_provider.clients["key-jwt-ES256"], client_keys=new_signing_keys()
    )
    with pytest.raises(OAuthError) as caught:
        world.service(configuration).client_credentials_grant()
    assert caught.value.error == "invalid_client"


def test_the_other_method_is_rejected(node_provider: NodeProvider, world: World) -> None:
    other = replace(node_provider.clients["secret-jwt"], authentication="client_secret_basic")
    configuration = configuration_of(node_provider, other)
    with pytest.raises(OAuthError) as caught:
        world.service(configuration).client_credentials_grant()
    assert caught.value.error == "invalid_client"


@pytest.fixture(scope="module", params=["flask", "quart"])
def app(request: pytest.FixtureRequest, apps: list[str], node_provider: NodeProvider) -> Iterator[str]:
    configurations = {
        name: configuration_of(node_provider, registered, audience=OPAQUE)
        for name, registered in ASSERTING_CLIENTS.items()
    }
    address = apps[["flask", "quart"].index(request.param)]
    with serving(request.param, configurations, address):
        yield address


def test_an_application_logs_in_and_asks_about_tokens(
    app: str, node_provider: NodeProvider, client: str, visitor: Visitor
) -> None:
    to_the_provider = left_for(visitor.open(f"{app}/{client}", within=app))
    page = visitor.open(node_provider.login(visitor, to_the_provider, node_provider.alice), within=app)
    assert page.status == 200, page.text
    known = json.loads(page.text)
    assert (known["id_token"]["sub"], known["has_refresh_token"]) == ("alice", True)
    token = service_token(node_provider, client, scope="api:read", resource=OPAQUE)
    answer = httpx.get(f"{app}/api/{client}", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    assert (answer.status_code, answer.json()["identity"]["client_id"]) == (200, client)
