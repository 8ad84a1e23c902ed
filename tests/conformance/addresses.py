"""Where the application can be found, as a provider has to know it."""

from dataclasses import dataclass
from typing import Any

CALLBACK, JWKS, LOGOUT = "/callback", "/jwks", "/ct/logout"


@dataclass(frozen=True, slots=True)
class Addresses:
    """The URLs below one base URL, which has no slash at its end."""

    base_url: str

    @property
    def redirect_uri(self) -> str:
        return self.base_url + CALLBACK

    def client_metadata(self) -> dict[str, Any]:
        """Those that belong to the client's metadata (OIDC Registration 2)."""
        return {"redirect_uris": [self.redirect_uri], "post_logout_redirect_uris": [self.base_url + LOGOUT]}

    def to_dict(self) -> dict[str, Any]:
        """All that a driver asks for; null is what the library hasn't got."""
        return {
            "redirect_uri": self.redirect_uri,
            "post_logout_redirect_uri": self.base_url + LOGOUT,
            "initiate_login_uri": None,
            "jwks_uri": self.base_url + JWKS,
            "request_uris": [],
            "backchannel_logout_uri": None,
            "frontchannel_logout_uri": None,
        }
