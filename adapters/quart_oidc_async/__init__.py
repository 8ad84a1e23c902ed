"""OpenID Connect for Quart. The names that an application needs; everything else is in `oidc_async`."""

from oidc_async import (
    Access,
    ClaimsProvider,
    ClientKeys,
    ClientMetadata,
    ClientRegistrationInfo,
    HttpSettings,
    LoginRefused,
    OIDCError,
    ProviderConfiguration,
    ProviderMetadata,
    RedirectUriConfig,
    UninitialisedSession,
)
from oidc_async.web.after_login import NewLogin

try:
    from .authentication import OIDCAuthentication
    from .user_session import UserSession
except ModuleNotFoundError as error:
    if error.name != "quart":
        raise
    raise ImportError('quart_oidc_async needs Quart: pip install "oidc-async[quart]"') from error

__all__ = [
    "Access",
    "ClaimsProvider",
    "ClientKeys",
    "ClientMetadata",
    "ClientRegistrationInfo",
    "HttpSettings",
    "LoginRefused",
    "NewLogin",
    "OIDCAuthentication",
    "OIDCError",
    "ProviderConfiguration",
    "ProviderMetadata",
    "RedirectUriConfig",
    "UninitialisedSession",
    "UserSession",
]
