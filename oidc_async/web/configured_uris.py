"""Reads the settings that are URLs: endpoints of the application, and origins that may open WebSockets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from oidc_async.configuration.redirect_uri import RedirectUriConfig
from oidc_async.errors import ConfigurationError
from oidc_async.protocol.uri import origin, uri_problem

WEBSOCKET_ORIGINS = "OIDC_WEBSOCKET_ORIGINS"


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


def read_origins(config: Mapping[str, Any], redirect_uri: str) -> frozenset[str]:
    """The origins whose pages may use the session in a WebSocket: that of the redirect URI, and those of the setting.

    Raises ConfigurationError.
    """
    value: object = config.get(WEBSOCKET_ORIGINS)
    named = () if value is None else value
    if not isinstance(named, list | tuple | set | frozenset):
        raise ConfigurationError(
            f'{WEBSOCKET_ORIGINS} must be a list of origins, such as ["https://www.example.com"].'
        )
    further = cast("list[object]", list(cast("Any", named)))
    for item in further:
        _require_origin(item)
    return frozenset({origin(redirect_uri), *cast("list[str]", further)})


def _require_origin(item: object) -> None:
    if problem := uri_problem(item):
        raise ConfigurationError(
            f"{WEBSOCKET_ORIGINS}: {item!r} {problem}. There are no wildcards: name each origin."
        )
    # browsers send it in exactly one way (RFC 6454 6.2), and it is compared as text
    if (expected := origin(str(item))) != item:
        raise ConfigurationError(f"{WEBSOCKET_ORIGINS}: {item!r} must be written as browsers send it: {expected!r}.")
