"""OpenID Connect for Python web applications: one verified core, async and sync."""

import logging

from .access_cache import AccessCache
from .async_runtime import AsyncRuntime
from .blocking_runtime import BlockingRuntime
from .errors import (
    BearerError,
    ConfigurationError,
    LoginError,
    OAuthError,
    OIDCError,
    ProviderError,
    TokenError,
)
from .protocol.access import Access, Requirements
from .protocol.token import TokenResponse
from .provider_configuration import (
    ClientMetadata,
    ClientRegistrationInfo,
    ProviderConfiguration,
    ProviderMetadata,
)
from .redirect_uri_config import RedirectUriConfig
from .relying_party import AsyncRelyingParty, AuthorizationRequest, Login, PendingLogin, RelyingParty
from .resource_server import AsyncResourceServer, ResourceServer
from .runtime import HttpSettings
from .statistics import Statistics
from .user_session import UninitialisedSession, UserSession

__all__ = [
    "Access",
    "AccessCache",
    "AsyncRelyingParty",
    "AsyncResourceServer",
    "AsyncRuntime",
    "AuthorizationRequest",
    "BearerError",
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
    "Requirements",
    "ResourceServer",
    "Statistics",
    "TokenError",
    "TokenResponse",
    "UninitialisedSession",
    "UserSession",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())
