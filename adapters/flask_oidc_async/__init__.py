"""OpenID Connect for Flask. The names that an application needs; everything else is in `oidc_async`."""

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
    # mostly both are missing, and blinker is looked for first
    missing = "Flask and blinker" if error.name in ("flask", "blinker") else error.name
    raise ImportError(f'flask_oidc_async needs {missing}: pip install "oidc-async[flask]"') from error

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
