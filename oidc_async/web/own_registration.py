"""What an application registers of itself: the endpoints that it has for its providers (OIDC Registration 2)."""

from dataclasses import replace

from ..protocol.metadata import ClientRegistrationInfo
from ..provider_configuration import ProviderConfiguration
from .settings import Settings


def with_own_uris(configuration: ProviderConfiguration, settings: Settings) -> ProviderConfiguration:
    """The configuration that asks for these too, where it registers a client and doesn't say otherwise."""
    info = configuration.client_registration_info
    if info is None or settings.jwks_uri is None or configuration.client_keys is None:
        return configuration
    own = {"jwks_uri": settings.jwks_uri.full_uri}
    return replace(configuration, client_registration_info=ClientRegistrationInfo(**{**own, **info}))
