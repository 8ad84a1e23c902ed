"""OpenID Connect for Python web applications: one verified core, async and sync."""

from typing import TYPE_CHECKING, Any

from .access_cache import AccessCache
from .blocking_runtime import BlockingRuntime
from .claims_provider import ClaimsProvider
from .client_keys import ClientKeys
from .errors import (
    BearerError,
    ConfigurationError,
    LoginError,
    LoginRefused,
    OAuthError,
    OIDCError,
    ProviderError,
    StoreError,
    TokenError,
)
from .login import AuthorizationRequest, Login, PendingLogin
from .protocol.access import Access, Requirements
from .protocol.logout_token import LogoutToken
from .protocol.token import TokenResponse
from .provider_configuration import (
    ClientMetadata,
    ClientRegistrationInfo,
    ProviderConfiguration,
    ProviderMetadata,
)
from .redirect_uri_config import RedirectUriConfig
from .relying_party import AsyncRelyingParty, RelyingParty
from .resource_server import AsyncResourceServer, ResourceServer
from .runtime import HttpSettings
from .statistics import Statistics
from .user_session import UninitialisedSession, UserSession
from .webfinger import AsyncWebFinger, WebFinger

__all__ = [
    "Access",
    "AccessCache",
    "AsyncRelyingParty",
    "AsyncResourceServer",
    "AsyncRuntime",
    "AsyncWebFinger",
    "AuthorizationRequest",
    "BearerError",
    "BlockingRuntime",
    "ClaimsProvider",
    "ClientKeys",
    "ClientMetadata",
    "ClientRegistrationInfo",
    "ConfigurationError",
    "HttpSettings",
    "Login",
    "LoginError",
    "LoginRefused",
    "LogoutToken",
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
    "StoreError",
    "TokenError",
    "TokenResponse",
    "UninitialisedSession",
    "UserSession",
    "WebFinger",
]

if TYPE_CHECKING:
    from .async_runtime import AsyncRuntime


def __getattr__(name: str) -> Any:
    # asyncio takes a while to load, and who works in threads doesn't need it
    if name == "AsyncRuntime":
        from .async_runtime import AsyncRuntime

        return AsyncRuntime
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
