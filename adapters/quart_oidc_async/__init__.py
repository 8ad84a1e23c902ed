"""OpenID Connect for Quart. The names that an application needs; everything else is in `oidc_async`."""

try:
    import quart as _quart  # noqa: F401
except ImportError as error:
    raise ImportError('quart_oidc_async needs Quart: pip install "oidc-async[quart]"') from error

from oidc_async import (
    ClientMetadata,
    ClientRegistrationInfo,
    HttpSettings,
    ProviderConfiguration,
    ProviderMetadata,
    RedirectUriConfig,
    UninitialisedSession,
)

from .authentication import OIDCAuthentication
from .user_session import UserSession

__all__ = [
    "ClientMetadata",
    "ClientRegistrationInfo",
    "HttpSettings",
    "OIDCAuthentication",
    "ProviderConfiguration",
    "ProviderMetadata",
    "RedirectUriConfig",
    "UninitialisedSession",
    "UserSession",
]
