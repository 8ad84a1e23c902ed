"""A URL of ours that is registered with a provider, and where the application sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from oidc_async.configuration.redirect_uri import RedirectUriConfig
from oidc_async.errors import ConfigurationError
from oidc_async.protocol.uri import uri_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnUri:
    """A URL as the provider knows it, its decoded path, and the path at which the application sees it."""

    full_uri: str
    path: str
    route: str


def read_own_uri(config: Mapping[str, Any], name: str, redirect_uri: RedirectUriConfig) -> OwnUri | None:
    """The URL in the setting `name`; None when it isn't set. Raises ConfigurationError."""
    uri: str | None = config.get(name)
    if uri is None:
        return None
    if problem := uri_problem(uri) or ("must not have a query" if "?" in uri else None):
        raise ConfigurationError(f"{name} {problem}.")
    path = unquote(urlsplit(uri).path)
    if not path.strip("/") or path == redirect_uri.path:
        raise ConfigurationError(f"{name} must have a path of its own.")
    # what a proxy takes away from one, it takes away from the other
    prefix = redirect_uri.path.removesuffix(redirect_uri.route)
    return OwnUri(full_uri=uri, path=path, route=path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path)
