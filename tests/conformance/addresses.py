"""Where the application can be found, as a provider has to know it."""

from dataclasses import dataclass
from typing import Any

CALLBACK, JWKS, REQUEST, LOGOUT, INITIATE_LOGIN = "/callback", "/jwks", "/request", "/ct/logout", "/initiate_login"
BACKCHANNEL_LOGOUT, FRONTCHANNEL_LOGOUT = "/backchannel_logout", "/frontchannel_logout"
SESSION_IFRAME, WATCHING = "/session_iframe", "/session-iframe"
"""The frame of the library, and the page around it."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The URLs below one base URL, which has no slash at its end; for keys and for requests, if there are any."""

    base_url: str
    has_keys: bool
    has_requests: bool

    @property
    def redirect_uri(self) -> str:
        return self.base_url + CALLBACK

    @property
    def jwks_uri(self) -> str | None:
        return self.base_url + JWKS if self.has_keys else None

    @property
    def request_uri(self) -> str | None:
        return self.base_url + REQUEST if self.has_requests else None

    @property
    def session_iframe(self) -> str:
        return self.base_url + SESSION_IFRAME

    def settings(self) -> dict[str, str | None]:
        """Those that belong to the settings of the application."""
        return {
            "OIDC_REDIRECT_URI": self.redirect_uri,
            "OIDC_JWKS_URI": self.jwks_uri,
            "OIDC_REQUEST_URI": self.request_uri,
            "OIDC_INITIATE_LOGIN_URI": self.base_url + INITIATE_LOGIN,
            "OIDC_BACKCHANNEL_LOGOUT_URI": self.base_url + BACKCHANNEL_LOGOUT,
            "OIDC_FRONTCHANNEL_LOGOUT_URI": self.base_url + FRONTCHANNEL_LOGOUT,
        }

    def client_metadata(self) -> dict[str, Any]:
        """Those that belong to the client's metadata (OIDC Registration 2)."""
        metadata = {
            "redirect_uris": [self.redirect_uri],
            "post_logout_redirect_uris": [self.base_url + LOGOUT],
            "jwks_uri": self.jwks_uri,
            "request_uris": None if self.request_uri is None else [self.request_uri],
            "initiate_login_uri": self.base_url + INITIATE_LOGIN,
            "backchannel_logout_uri": self.base_url + BACKCHANNEL_LOGOUT,
            "backchannel_logout_session_required": True,
            "frontchannel_logout_uri": self.base_url + FRONTCHANNEL_LOGOUT,
            "frontchannel_logout_session_required": True,
        }
        return {name: value for name, value in metadata.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """All that a driver asks for; null is what the library hasn't got."""
        return {
            "redirect_uri": self.redirect_uri,
            "post_logout_redirect_uri": self.base_url + LOGOUT,
            "initiate_login_uri": self.base_url + INITIATE_LOGIN,
            "jwks_uri": self.jwks_uri,
            "request_uris": [] if self.request_uri is None else [self.request_uri],
            "backchannel_logout_uri": self.base_url + BACKCHANNEL_LOGOUT,
            "frontchannel_logout_uri": self.base_url + FRONTCHANNEL_LOGOUT,
        }
