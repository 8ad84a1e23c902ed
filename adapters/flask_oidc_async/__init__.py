"""OpenID Connect for Flask. The names that an application needs; everything else is in `oidc_async`."""

try:
    import flask as _flask  # noqa: F401
except ImportError as error:
    raise ImportError('flask_oidc_async needs Flask: pip install "oidc-async[flask]"') from error

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
