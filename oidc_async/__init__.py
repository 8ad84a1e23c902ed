"""OpenID Connect for Python web applications: one verified core, async and sync."""

from typing import TYPE_CHECKING, Any

from .configuration.claims_provider import ClaimsProvider
from .configuration.client_keys import ClientKeys
from .configuration.provider import (
    ClientMetadata,
    ClientRegistrationInfo,
    ProviderConfiguration,
    ProviderMetadata,
)
from .configuration.redirect_uri import RedirectUriConfig
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
from .http.settings import HttpSettings
from .protocol.access_grant import Access, Requirements
from .protocol.logout_token import LogoutToken
from .protocol.token import TokenResponse
from .relying_party.login import AuthorizationRequest, Login, PendingLogin
from .relying_party.refresh_failures import ends_refresh_token
from .relying_party.relying_party import AsyncRelyingParty, RelyingParty
from .relying_party.webfinger import AsyncWebFinger, WebFinger
from .resource_server.resource_server import AsyncResourceServer, ResourceServer
from .resource_server.statistics import Statistics
from .resource_server.token_cache import AccessCache
from .runtime.blocking_runtime import BlockingRuntime
from .web.sessions.user_session import UninitialisedSession, UserSession

__version__ = "0.1.0.dev0"

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
    "__version__",
    "ends_refresh_token",
]

if TYPE_CHECKING:
    from .runtime.async_runtime import AsyncRuntime


def __getattr__(name: str) -> Any:
    # asyncio takes a while to load, and who works in threads doesn't need it
    if name == "AsyncRuntime":
        from .runtime.async_runtime import AsyncRuntime

        return AsyncRuntime
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
