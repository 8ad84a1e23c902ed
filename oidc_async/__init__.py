"""OpenID Connect for Python web applications: one verified core, async and sync."""

import logging

from .async_runtime import AsyncRuntime
from .blocking_runtime import BlockingRuntime
from .errors import (
    ConfigurationError,
    LoginError,
    OAuthError,
    OIDCError,
    ProviderError,
    TokenError,
)
from .provider_configuration import (
    ClientMetadata,
    ClientRegistrationInfo,
    ProviderConfiguration,
    ProviderMetadata,
)
from .redirect_uri_config import RedirectUriConfig
from .relying_party import AsyncRelyingParty, AuthorizationRequest, Login, PendingLogin, RelyingParty
from .runtime import HttpSettings
from .user_session import UninitialisedSession, UserSession

__all__ = [
    "AsyncRelyingParty",
    "AsyncRuntime",
    "AuthorizationRequest",
    "BlockingRuntime",
    "ClientMetadata",
    "ClientRegistrationInfo",
    "ConfigurationError",
    "HttpSettings",
    "Login",
    "LoginError",
    "OAuthError",
    "OIDCError",
    "PendingLogin",
    "ProviderConfiguration",
    "ProviderError",
    "ProviderMetadata",
    "RedirectUriConfig",
    "RelyingParty",
    "TokenError",
    "UninitialisedSession",
    "UserSession",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())
