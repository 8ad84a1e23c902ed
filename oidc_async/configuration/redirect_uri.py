"""The redirect URI, to which the provider sends the authorization response."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from oidc_async.errors import ConfigurationError
from oidc_async.protocol.uri import uri_problem


@dataclass(frozen=True)
class RedirectUriConfig:
    """The registered redirect URI, and the path of its route in the application.

    Args:
        full_uri: the URL that is registered with the provider.
        endpoint: the path of the application's route, without the leading slash. It is shorter than the path of
            `full_uri` behind a proxy that removes a prefix.

    Raises:
        ConfigurationError: a code must not be sent to this URI.
    """

    full_uri: str
    endpoint: str

    def __post_init__(self) -> None:
        _require_usable(self.full_uri)
        if not self.endpoint.strip("/"):
            raise ConfigurationError("OIDC_REDIRECT_URI must have a path of its own, such as /redirect_uri.")

    @property
    def path(self) -> str:
        """The decoded path of `full_uri`."""
        return unquote(urlsplit(self.full_uri).path)

    @property
    def route(self) -> str:
        """The decoded path of `endpoint`."""
        return "/" + unquote(self.endpoint).lstrip("/")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Read OIDC_REDIRECT_URI, or the deprecated settings of domain and endpoint."""
        uri = config.get("OIDC_REDIRECT_URI") or _legacy_uri(config)
        _require_usable(uri)
        return cls(uri, urlsplit(uri).path.lstrip("/"))


def _require_usable(uri: str) -> None:
    problem = uri_problem(uri) or ("must not have a query" if "?" in uri else None)
    if problem:
        raise ConfigurationError(f"OIDC_REDIRECT_URI {problem}.")


def _legacy_uri(config: Mapping[str, Any]) -> str:
    domain = config.get("OIDC_REDIRECT_DOMAIN") or config.get("SERVER_NAME")
    if not domain:
        raise ConfigurationError(
            "OIDC_REDIRECT_URI is missing: set it to the URL that you registered with the provider, "
            "for instance https://example.com/redirect_uri."
        )
    warnings.warn(
        "OIDC_REDIRECT_DOMAIN and OIDC_REDIRECT_ENDPOINT are deprecated; set OIDC_REDIRECT_URI.",
        DeprecationWarning,
        stacklevel=3,
    )
    endpoint = str(config.get("OIDC_REDIRECT_ENDPOINT") or "redirect_uri").lstrip("/")
    return f"{config.get('PREFERRED_URL_SCHEME', 'http')}://{domain}/{endpoint}"
