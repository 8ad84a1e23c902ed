"""Where the provider sends the browser back to."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from .errors import ConfigurationError
from .protocol.uri import uri_problem


@dataclass(frozen=True)
class RedirectUriConfig:
    """The redirect URI as the provider knows it, and its path without the leading slash.

    Raises ConfigurationError for a URI that a code must not be sent to.
    """

    full_uri: str
    endpoint: str

    def __post_init__(self) -> None:
        problem = uri_problem(self.full_uri)
        if not problem and "?" in self.full_uri:
            problem = "must not have a query"
        if not problem and not self.path.strip("/"):
            problem = "must have a path of its own, such as /redirect_uri"
        if problem:
            raise ConfigurationError(f"OIDC_REDIRECT_URI {problem}.")

    @property
    def path(self) -> str:
        """The decoded path of the full URI."""
        return unquote(urlsplit(self.full_uri).path)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """From `OIDC_REDIRECT_URI`, or from the deprecated `OIDC_REDIRECT_DOMAIN` and `OIDC_REDIRECT_ENDPOINT`."""
        uri = config.get("OIDC_REDIRECT_URI") or _legacy_uri(config)
        try:
            return cls(uri, urlsplit(uri).path.lstrip("/"))
        except (AttributeError, TypeError, ValueError) as error:
            if isinstance(error, ConfigurationError):
                raise
            raise ConfigurationError("OIDC_REDIRECT_URI must be a URL.") from None


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
    endpoint = config.get("OIDC_REDIRECT_ENDPOINT", "redirect_uri").lstrip("/")
    return f"{config.get('PREFERRED_URL_SCHEME', 'http')}://{domain}/{endpoint}"
