"""The configuration classes, under the name where Flask-pyoidc has them."""

from oidc_async.configuration.provider import (
    ClientMetadata,
    ClientRegistrationInfo,
    ProviderConfiguration,
    ProviderMetadata,
)

__all__ = ["ClientMetadata", "ClientRegistrationInfo", "ProviderConfiguration", "ProviderMetadata"]
