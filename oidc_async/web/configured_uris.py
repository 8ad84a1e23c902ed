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
    """The URL of an endpoint of the application.

    Attributes:
        full_uri: The URL as it is registered with the provider.
        path: Its decoded path.
        route: The decoded path at which the application receives it, which a proxy may shorten.
    """

    full_uri: str
    path: str
    route: str


def read_own_uri(config: Mapping[str, Any], name: str, redirect_uri: RedirectUriConfig) -> OwnUri | None:
    """Return the URL in the setting `name`; None if it is not set. Raises ConfigurationError."""
    uri: str | None = config.get(name)
    if uri is None:
        return None
    if problem := uri_problem(uri) or ("must not have a query" if "?" in uri else None):
        raise ConfigurationError(f"{name} {problem}.")
    path = unquote(urlsplit(uri).path)
    if not path.strip("/") or path == redirect_uri.path:
        raise ConfigurationError(f"{name} must have a path of its own.")
    # A proxy removes the same prefix from this path as from that of the redirect URI.
    prefix = redirect_uri.path.removesuffix(redirect_uri.route)
    return OwnUri(full_uri=uri, path=path, route=path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path)


def read_origins(config: Mapping[str, Any], redirect_uri: str) -> frozenset[str]:
    """Return the origins whose pages may use the session in a WebSocket.

    They are the origin of the redirect URI and those of the setting. Raises ConfigurationError.
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
            f"{WEBSOCKET_ORIGINS}: {item!r} {problem}. Wildcards are not supported: name each origin."
        )
    # Origins are compared as text, and browsers serialise each in exactly one way (RFC 6454 6.2).
    if (expected := origin(str(item))) != item:
        raise ConfigurationError(f"{WEBSOCKET_ORIGINS}: {item!r} must be written as browsers send it: {expected!r}.")
