"""The public keys of the application's clients, for the providers to fetch (RFC 7517 5, OIDC Registration 2)."""

import json
from collections.abc import Iterable, Mapping

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.errors import ConfigurationError
from oidc_async.web.http.messages import WebResponse

MAX_AGE = 300
"""Seconds for which a provider may keep them; a rotation takes no longer than this to be known."""


def published_keys(configurations: Iterable[ProviderConfiguration]) -> tuple[dict[str, str], ...]:
    """Each public key of the clients once: several providers may be shown the same ones.

    Raises ConfigurationError when there is none, and for two of one name.
    """
    keys: dict[str, dict[str, str]] = {}
    for configuration in configurations:
        for key in configuration.client_keys.jwks()["keys"] if configuration.client_keys else ():
            if keys.setdefault(key["kid"], key) != key:
                raise ConfigurationError(f"Two keys in client_keys have kid {key['kid']!a}: give each its own.")
    if not keys:
        raise ConfigurationError("OIDC_JWKS_URI needs client_keys in a ProviderConfiguration: the keys to publish.")
    return tuple(keys.values())


def jwks_response(keys: Iterable[Mapping[str, str]]) -> WebResponse:
    """The JWK Set of these keys, which may be kept for a few minutes."""
    headers = {"content-type": "application/jwk-set+json", "cache-control": f"public, max-age={MAX_AGE}"}
    return WebResponse(status=200, headers=headers, body=json.dumps({"keys": [dict(key) for key in keys]}))
