"""How an application of ours is configured for a client of a real provider."""

from oidc_async import ClientMetadata, ProviderConfiguration

from .real_provider import RealProvider, RegisteredClient


def configuration_of(provider: RealProvider, client: RegisteredClient) -> ProviderConfiguration:
    return ProviderConfiguration(
        issuer=provider.issuer,
        client_metadata=ClientMetadata(
            client_id=client.client_id,
            client_secret=client.client_secret,
            token_endpoint_auth_method=client.authentication,
        ),
        auth_request_params={"scope": ["openid", "profile", "email", "groups"]},
    )
