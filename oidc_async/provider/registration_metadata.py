"""What a configuration asks for when it registers its client (OIDC Registration 2)."""

import json
from collections.abc import Mapping
from typing import Any, cast

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.errors import ConfigurationError
from oidc_async.protocol.client_authentication import METHODS
from oidc_async.protocol.metadata import ClientMetadata, ClientRegistrationInfo, ProviderMetadata
from oidc_async.protocol.parameters import single_text
from oidc_async.protocol.registration import ISSUED_BY_PROVIDER, is_bearer_token
from oidc_async.protocol.response_type import registered_response_type

INITIAL_ACCESS_TOKENS = ("initial_access_token", "registration_token")
"""The names under which ClientRegistrationInfo may have one; it is no metadata of the client."""
IMPLICIT = frozenset({"id_token", "token"})


def initial_access_token(info: ClientRegistrationInfo) -> str | None:
    """What the provider gave to register with, if it wants something (RFC 7591 3). Raises ConfigurationError."""
    for name in INITIAL_ACCESS_TOKENS:
        if name in info:
            if not is_bearer_token(info[name]):
                raise ConfigurationError(f"{name} in ClientRegistrationInfo must be a token, without spaces.")
            return str(info[name])
    return None


def requested_metadata(
    configuration: ProviderConfiguration, redirect_uri: str, request_uri: str | None = None
) -> dict[str, Any]:
    """The metadata of the client: what follows from the configuration, and ClientRegistrationInfo laid over it.

    `request_uri` is that below which request objects are found. Raises ConfigurationError for what could not work.
    """
    given = configuration.client_registration_info or ClientRegistrationInfo()
    info = {name: value for name, value in given.items() if name not in INITIAL_ACCESS_TOKENS}
    if taken := sorted(ISSUED_BY_PROVIDER & info.keys()):
        raise ConfigurationError(f"{taken[0]} in ClientRegistrationInfo is for the provider to say.")
    requested = _as_json({**_derived(configuration, redirect_uri, request_uri), **info})
    if "jwks_uri" in requested:
        # one or the other (OIDC Registration 2)
        requested.pop("jwks", None)
    _require_usable(configuration, requested, redirect_uri)
    return requested


def with_auth_method(requested: Mapping[str, Any], provider: ProviderMetadata) -> dict[str, Any]:
    """The same with the way to authenticate that this provider supports, unless one is asked for."""
    supported = provider.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    usual = ("client_secret_basic", "client_secret_post", "none")
    method = next((method for method in usual if method in supported), "client_secret_basic")
    return {"token_endpoint_auth_method": method, **requested}


def grant_types(response_type: str, scope: str) -> list[str]:
    """Those that a response type needs (OIDC Registration 2), and that of refresh tokens where one is asked for."""
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
    """As it comes back from where it is kept: what is compared later must not differ in its types."""
    try:
        return cast("dict[str, Any]", json.loads(json.dumps(metadata, allow_nan=False)))
    except (TypeError, ValueError):
        raise ConfigurationError("ClientRegistrationInfo must hold nothing but what JSON can say.") from None


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
    # with a secret that is long enough for everything: the real one is tried when it is there
    configuration.require_suitable(ClientMetadata(**{**requested, "client_id": "-", "client_secret": 64 * "-"}))
