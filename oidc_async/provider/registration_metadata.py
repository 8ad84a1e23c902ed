"""The client metadata that a configuration registers (OIDC Registration 2)."""

import json
from collections.abc import Mapping
from typing import Any, cast

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.configuration.provider_checks import require_suitable_client
from oidc_async.errors import ConfigurationError
from oidc_async.protocol.client_authentication import METHODS
from oidc_async.protocol.metadata import ClientMetadata, ClientRegistrationInfo, ProviderMetadata
from oidc_async.protocol.parameters import single_text
from oidc_async.protocol.registration import ISSUED_BY_PROVIDER, is_bearer_token
from oidc_async.protocol.response_type import registered_response_type

INITIAL_ACCESS_TOKENS = ("initial_access_token", "registration_token")
"""The members of ClientRegistrationInfo that may have the token; they are not metadata of the client."""
IMPLICIT = frozenset({"id_token", "token"})


def initial_access_token(info: ClientRegistrationInfo) -> str | None:
    """Return the initial access token for the registration, if any (RFC 7591 3).

    Raises ConfigurationError.
    """
    for name in INITIAL_ACCESS_TOKENS:
        if name in info:
            if not is_bearer_token(info[name]):
                raise ConfigurationError(f"{name} in ClientRegistrationInfo must be a token, without spaces.")
            return str(info[name])
    return None


def requested_metadata(
    configuration: ProviderConfiguration, redirect_uri: str, request_uri: str | None = None
) -> dict[str, Any]:
    """Return the metadata to register a client with.

    Args:
        configuration: with `client_registration_info`, whose members take precedence.
        redirect_uri: the redirect URI to register.
        request_uri: the URL below which request objects are published.

    Raises:
        ConfigurationError: the metadata are invalid, or do not match the configuration.
    """
    given = configuration.client_registration_info or ClientRegistrationInfo()
    info = {name: value for name, value in given.items() if name not in INITIAL_ACCESS_TOKENS}
    if taken := sorted(ISSUED_BY_PROVIDER & info.keys()):
        raise ConfigurationError(f"{taken[0]} in ClientRegistrationInfo is set by the provider: leave it out.")
    requested = _as_json({**_derived(configuration, redirect_uri, request_uri), **info})
    if "jwks_uri" in requested:
        # A client has one of them (OIDC Registration 2).
        requested.pop("jwks", None)
    _require_usable(configuration, requested, redirect_uri)
    return requested


def with_auth_method(requested: Mapping[str, Any], provider: ProviderMetadata) -> dict[str, Any]:
    """Add a token_endpoint_auth_method that the provider supports, if none is set."""
    supported = provider.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    usual = ("client_secret_basic", "client_secret_post", "none")
    method = next((method for method in usual if method in supported), "client_secret_basic")
    return {"token_endpoint_auth_method": method, **requested}


def grant_types(response_type: str, scope: str) -> list[str]:
    """Return the grant types for response type and scope (OIDC Registration 2)."""
    parts = set(response_type.split())
    needed = {"authorization_code": "code" in parts, "implicit": bool(parts & IMPLICIT)}
    needed["refresh_token"] = "code" in parts and "offline_access" in scope.split()
    return [name for name, is_needed in needed.items() if is_needed]


def _derived(configuration: ProviderConfiguration, redirect_uri: str, request_uri: str | None) -> dict[str, Any]:
    parameters = configuration.request_parameters()
    response_type = registered_response_type(single_text(parameters, "response_type"))
    keys, is_fetched = configuration.client_keys, configuration.request_object == "reference"
    return {
        "application_type": "web",
        "redirect_uris": [redirect_uri],
        "response_types": [response_type],
        "grant_types": grant_types(response_type, single_text(parameters, "scope")),
        "id_token_signed_response_alg": "RS256",
        **({"request_uris": [request_uri]} if is_fetched else {}),
        **({} if keys is None else {"jwks": keys.jwks()}),
    }


def _as_json(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Convert to JSON types, so that metadata equal those read from the store."""
    try:
        return cast("dict[str, Any]", json.loads(json.dumps(metadata, allow_nan=False)))
    except (TypeError, ValueError):
        raise ConfigurationError("ClientRegistrationInfo must contain only values that JSON can express.") from None


def _require_usable(configuration: ProviderConfiguration, requested: Mapping[str, Any], redirect_uri: str) -> None:
    uris = requested["redirect_uris"]
    if not isinstance(uris, list) or redirect_uri not in uris:
        raise ConfigurationError(f"redirect_uris in ClientRegistrationInfo must be a list with {redirect_uri}.")
    method = requested.get("token_endpoint_auth_method")
    if method is not None and method not in METHODS:
        raise ConfigurationError(
            f"token_endpoint_auth_method {method!r} in ClientRegistrationInfo is not supported; "
            f"use one of {', '.join(METHODS)}."
        )
    # Checked with a placeholder secret that is long enough for every algorithm. The real one is checked later.
    client = ClientMetadata(**{**requested, "client_id": "-", "client_secret": 64 * "-"})
    require_suitable_client(configuration, client)
