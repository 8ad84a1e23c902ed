"""Access tokens of real providers."""

import contextlib
from typing import Any
from urllib.parse import quote_plus

import httpx

from oidc_async import BlockingRuntime, RelyingParty

from .configurations import configuration_of
from .hand_made_client import HandMadeLogin, query_of
from .real_provider import RealProvider
from .visitor import Visitor


def service_token(provider: RealProvider, client: str, **parameters: str) -> str:
    """A token of the client's own (RFC 6749 4.4)."""
    configuration = configuration_of(provider, provider.clients[client])
    with contextlib.closing(BlockingRuntime(configuration.http_settings)) as runtime:
        rp = RelyingParty(configuration, redirect_uri="http://127.0.0.1/callback", runtime=runtime)
        return rp.client_credentials_grant(**parameters).access_token


def alices_tokens(provider: RealProvider, client: str, app: str, **parameters: str) -> dict[str, Any]:
    """Got by hand: canaille's ID tokens for several audiences have no `azp`, and our relying party rejects them."""
    login = HandMadeLogin.begin(provider, provider.clients[client], app, **parameters)
    with Visitor() as visitor:
        callback = provider.login(visitor, login.authorization_url, provider.alice)
    return login.redeem(query_of(callback)["code"])


def revoke(provider: RealProvider, client: str, token: str) -> None:
    """Ends the token at the provider, by hand (RFC 7009)."""
    with httpx.Client(trust_env=False) as http:
        metadata = http.get(f"{provider.issuer}/.well-known/openid-configuration").json()
        credentials = (quote_plus(client), quote_plus(provider.clients[client].client_secret or ""))
        answer = http.post(metadata["revocation_endpoint"], data={"token": token}, auth=credentials)
    assert answer.status_code == 200, answer.text
