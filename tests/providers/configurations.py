"""How one of our applications is configured for a client of a real provider."""

from collections.abc import Mapping
from typing import Any

from oidc_async import ClientMetadata, HttpSettings, ProviderConfiguration

from .real_provider import RealProvider, RegisteredClient


def configuration_of(
    provider: RealProvider,
    client: RegisteredClient,
    *,
    parameters: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    **options: Any,
) -> ProviderConfiguration:
    """With `parameters` of the authentication request and `metadata` of the client beside the usual ones."""
    return ProviderConfiguration(
        issuer=provider.issuer,
        client_metadata=ClientMetadata(
            client_id=client.client_id,
            client_secret=client.client_secret,
            token_endpoint_auth_method=client.authentication,
            **{**client.registered, **(metadata or {})},
        ),
        client_keys=options.pop("client_keys", client.keys),
        auth_request_params={"scope": ["openid", "profile", "email", "groups"], **(parameters or {})},
        http_settings=options.pop("http_settings", http_settings_of(provider, client)),
        **options,
    )


def http_settings_of(provider: RealProvider, client: RegisteredClient) -> HttpSettings:
    shown = client.certificate
    return HttpSettings(
        ca_bundle=provider.ca, client_certificate=None if shown is None else (shown.certificate, shown.key)
    )
