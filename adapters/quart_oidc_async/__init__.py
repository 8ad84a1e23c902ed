"""OpenID Connect for Quart. It exports what applications need; everything else is in `oidc_async`."""

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

try:
    from oidc_async.web.login_hook import NewLogin

    from .authentication import OIDCAuthentication
    from .user_session import UserSession
except ModuleNotFoundError as error:
    # Usually both are missing, and blinker is imported first.
    missing = "Quart and blinker" if error.name in ("quart", "blinker") else error.name
    raise ImportError(f'quart_oidc_async needs {missing}: pip install "oidc-async[quart]"') from error

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
