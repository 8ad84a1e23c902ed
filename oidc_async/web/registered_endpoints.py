"""What an application registers of itself: the endpoints that it has for its providers (OIDC Registration 2)."""

from dataclasses import replace
from typing import Any

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.protocol.metadata import ClientRegistrationInfo

from .settings import Settings


def with_own_uris(configuration: ProviderConfiguration, settings: Settings) -> ProviderConfiguration:
    """The configuration that asks for these too, where it registers a client and doesn't say otherwise."""
    info = configuration.client_registration_info
    if info is None:
        return configuration
    own = _own_metadata(settings, has_keys=configuration.client_keys is not None)
    return replace(configuration, client_registration_info=ClientRegistrationInfo(**{**own, **info}))


def _own_metadata(settings: Settings, *, has_keys: bool) -> dict[str, Any]:
    uris = {
        "jwks_uri": settings.jwks_uri if has_keys else None,
        "initiate_login_uri": settings.initiate_login_uri,
        "backchannel_logout_uri": settings.backchannel_logout_uri,
        "frontchannel_logout_uri": settings.frontchannel_logout_uri,
    }
    own: dict[str, Any] = {name: uri.full_uri for name, uri in uris.items() if uri is not None}
    if settings.frontchannel_logout_uri is not None:
        # who loads the frame is told apart by that alone
        own["frontchannel_logout_session_required"] = True
    return own
