"""Configurations for tests, with whatever settings."""

from typing import Any

from oidc_async import (
    ClientMetadata,
    ProviderConfiguration,
    ProviderMetadata,
)

ISSUER = "https://op.example"
CLIENT = ClientMetadata("c1", "a client secret of the tests, as long as HS512 wants it: 64 bytes")
METADATA = ProviderMetadata(ISSUER, f"{ISSUER}/authorize", f"{ISSUER}/jwks", f"{ISSUER}/token")


def configured(**settings: Any) -> ProviderConfiguration:
    return ProviderConfiguration(**{"issuer": ISSUER, "client_metadata": CLIENT, **settings})


def requested(**parameters: Any) -> dict[str, Any]:
    return configured(auth_request_params=parameters).request_parameters()
