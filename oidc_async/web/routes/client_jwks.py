"""The JWK Set of the application's clients, which providers fetch (RFC 7517 5, OIDC Registration 2)."""

import json
from collections.abc import Iterable, Mapping

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.errors import ConfigurationError
from oidc_async.web.http.messages import WebResponse

MAX_AGE = 300
"""Seconds for which a provider may cache the keys, and so the maximum delay of a key rotation."""


def published_keys(configurations: Iterable[ProviderConfiguration]) -> tuple[dict[str, str], ...]:
    """Return the public keys of all clients, each of them once.

    Raises:
        ConfigurationError: There is no key, or two keys have the same `kid`.
    """
    keys: dict[str, dict[str, str]] = {}
    for configuration in configurations:
        for key in configuration.client_keys.jwks()["keys"] if configuration.client_keys else ():
            if keys.setdefault(key["kid"], key) != key:
                raise ConfigurationError(
                    f"Two keys in client_keys have kid {key['kid']!a}: give each a kid of its own."
                )
    if not keys:
        raise ConfigurationError("OIDC_JWKS_URI needs client_keys in a ProviderConfiguration: the keys to publish.")
    return tuple(keys.values())


def jwks_response(keys: Iterable[Mapping[str, str]]) -> WebResponse:
    """Return the JWK Set of these keys, which may be cached for MAX_AGE seconds."""
    headers = {"content-type": "application/jwk-set+json", "cache-control": f"public, max-age={MAX_AGE}"}
    return WebResponse(status=200, headers=headers, body=json.dumps({"keys": [dict(key) for key in keys]}))
