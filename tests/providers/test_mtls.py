"""Clients that show a certificate at a certified provider, with nothing but the core, in both worlds (RFC 8705)."""

import base64
import contextlib
import hashlib
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from oidc_async import BlockingRuntime, OAuthError, ProviderConfiguration, RelyingParty
from oidc_async.errors import ClaimInvalid, TokenInactive, UserInfoInvalid
from tests.certificates import Certificate

from .configurations import configuration_of
from .node_provider import NodeProvider
from .tls import Tls
from .visitor import Visitor
from .worlds import World

OPAQUE, JWT = "https://opaque.example", "https://jwt.example"
BOUND = ("tls-self-signed", "tls-bound")


def configured(
    provider: NodeProvider, client: str, shown: Certificate | None = None, **options: Any
) -> ProviderConfiguration:
    """With another certificate than the client's, if one is given."""
    registered = provider.clients[client]
    return configuration_of(provider, replace(registered, certificate=shown or registered.certificate), **options)


def test_a_token_is_got_introspected_and_revoked(https_provider: NodeProvider, world: World) -> None:
    """The certificate is asked for at none but the aliases of the endpoints."""
    configuration = configured(https_provider, "tls", audience=OPAQUE)
    service, api = world.service(configuration), world.api(configuration)
    token = service.client_credentials_grant("api:read", resource=OPAQUE).access_token
    assert api.verify(token).client_id == "tls"
    assert service.revoke(token, token_type_hint="access_token") is True
    api.forget(token)
    with pytest.raises(TokenInactive):
        api.verify(token)


@pytest.mark.parametrize("client", ["tls", "tls-self-signed", "tls-bound"])
def test_somebody_elses_certificate_is_not_a_proof(
    https_provider: NodeProvider, world: World, tls: Tls, client: str
) -> None:
    """A client whose tokens are bound may show any certificate: to that they are bound."""
    service = world.service(configured(https_provider, client, tls.somebody))
    if client == "tls-bound":
        assert service.client_credentials_grant().access_token
        return
    with pytest.raises(OAuthError) as caught:
        service.client_credentials_grant()
    assert caught.value.error == "invalid_client"


@pytest.mark.parametrize("client", BOUND)
def test_tokens_are_bound_to_the_certificate_that_was_shown(
    https_provider: NodeProvider, world: World, client: str
) -> None:
    shown = https_provider.clients[client].certificate
    service = world.service(configured(https_provider, client))
    token = service.client_credentials_grant("api:read", resource=JWT).access_token
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert shown is not None
    assert claims["cnf"] == {"x5t#S256": thumbprint(shown)}


@pytest.mark.parametrize("client", BOUND)
@pytest.mark.parametrize("resource", [OPAQUE, JWT])
def test_a_bound_token_is_not_a_bearer_token(
    https_provider: NodeProvider, world: World, client: str, resource: str
) -> None:
    """RFC 8705 3: our API sees no certificate, so it takes none of them."""
    verification = "jwt" if resource == JWT else "introspection"
    configuration = configured(https_provider, client, audience=resource, access_token_verification=verification)
    token = world.service(configuration).client_credentials_grant("api:read", resource=resource).access_token
    with pytest.raises(ClaimInvalid) as caught:
        world.api(configuration).verify(token)
    assert caught.value.claim == "cnf"


@pytest.mark.parametrize("client", BOUND)
def test_the_tokens_of_a_login_are_bound(
    https_provider: NodeProvider, https_visitor: Visitor, apps: list[str], tls: Tls, client: str
) -> None:
    configuration = configured(https_provider, client)
    with contextlib.ExitStack() as stack:

        def start(configuration: ProviderConfiguration) -> RelyingParty:
            runtime = stack.enter_context(contextlib.closing(BlockingRuntime(configuration.http_settings)))
            return RelyingParty(configuration, redirect_uri=f"{apps[2]}/callback", runtime=runtime)

        party = start(configuration)
        request = party.begin_login()
        callback = https_provider.login(https_visitor, request.url, https_provider.alice)
        login = party.complete_login(request.pending, urlsplit(callback).query)
        assert (login.userinfo or {})["name"] == "Alice Liddell"
        stranger = start(configured(https_provider, client, tls.somebody))
        with pytest.raises(UserInfoInvalid, match="not 401"):
            stranger.userinfo(login.tokens.access_token or "", sub="alice")
        refresh = party.refresh(login.tokens.refresh_token or "", id_token=login.id_token)
        assert (party.userinfo(refresh.tokens.access_token, sub="alice") or {})["name"] == "Alice Liddell"


def thumbprint(certificate: Certificate) -> str:
    digest = hashlib.sha256(certificate.read().public_bytes(Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
