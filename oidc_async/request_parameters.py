"""The parameters of requests that a browser carries to the provider: those of an application, checked and as text."""

import json
import re
from collections.abc import Mapping
from typing import Any

from .errors import ConfigurationError
from .protocol.claims_parameter import read_required_claims
from .protocol.metadata_members import REQUEST_NAMES, misspelt
from .protocol.response_type import (
    RESPONSE_MODES,
    RESPONSE_TYPES,
    default_response_mode,
    may_be_in_query,
    registered_response_type,
)
from .protocol.uri import is_encodable

OURS = {
    "client_assertion": "it must not reach the browser",
    "client_id": "set it in ClientMetadata",
    "client_secret": "it must not reach the browser; set it in ClientMetadata",
    "code_challenge": "PKCE is always used",
    "code_challenge_method": "PKCE always uses S256",
    "code_verifier": "it must not reach the browser",
    "nonce": "every login gets its own",
    "redirect_uri": "set OIDC_REDIRECT_URI",
    "request": "set request_object in ProviderConfiguration",
    "request_uri": "set request_object in ProviderConfiguration",
    "state": "every login gets its own",
    # whoever reads the browser's URL could log in as the client (RFC 9101 10.8)
    "sub": "a request object that names a subject could pass for a client assertion",
}
OURS_AT_LOGOUT = {
    "client_assertion": "it must not reach the browser",
    "client_id": "set it in ClientMetadata",
    "client_secret": "it must not reach the browser; set it in ClientMetadata",
    "id_token_hint": "it is that of the login that ends",
    "logout_hint": "it differs from user to user; set logout_hint_claim",
    "post_logout_redirect_uri": "set post_logout_redirect_uris in ClientMetadata",
    "state": "every logout gets its own",
}


def require_request_parameters(parameters: Mapping[str, str], setting: str = "auth_request_params") -> None:
    """Raise ConfigurationError for what a login must not be asked with; `setting` is where it was given."""
    require_theirs(setting, parameters, OURS)
    if found := misspelt(parameters, REQUEST_NAMES):
        raise ConfigurationError(f"{found[0]} in {setting} is unknown. Did you mean {found[1]}?")
    _require_response(parameters)
    if "openid" not in parameters["scope"].split():
        raise ConfigurationError("scope must contain openid, otherwise there is no login.")
    if not re.fullmatch("[0-9]{1,10}", parameters.get("max_age", "0")):
        raise ConfigurationError("max_age must be a whole number of seconds.")
    if "none" in (prompts := parameters.get("prompt", "").split()) and len(prompts) > 1:
        raise ConfigurationError("prompt none must stand alone: nobody can be asked and not asked.")
    try:
        read_required_claims(parameters.get("claims", "{}"))
    except ValueError as error:
        raise ConfigurationError(f"claims must be a JSON object as in OIDC Core 5.5: {error}.") from None


def _require_response(parameters: Mapping[str, str]) -> None:
    try:
        response_type = registered_response_type(parameters["response_type"])
    except ValueError:
        raise ConfigurationError(f"response_type must be one of {', '.join(RESPONSE_TYPES)}.") from None
    mode = parameters.get("response_mode", default_response_mode(response_type))
    if mode not in RESPONSE_MODES:
        raise ConfigurationError(f"response_mode must be one of {', '.join(RESPONSE_MODES)}.")
    if mode == "query" and not may_be_in_query(response_type):
        raise ConfigurationError(
            f"response_mode must be fragment or form_post for response_type={response_type}: "
            "tokens in a query end up in logs and histories."
        )


def require_theirs(setting: str, parameters: Mapping[str, str], ours: Mapping[str, str]) -> None:
    """Raise ConfigurationError for a parameter in `ours`, which are for us to set, or one that is no text."""
    for name, value in parameters.items():
        if name in ours:
            raise ConfigurationError(f"{setting} must not set {name}: {ours[name]}.")
        if not is_encodable(name) or not is_encodable(value):
            raise ConfigurationError(f"{name!a} in {setting} must be Unicode text.")


def as_texts(setting: str, given: Mapping[str, Any] | None) -> dict[str, str]:
    """What was `given` in `setting` as it is sent; None leaves a parameter out. Raises ConfigurationError."""
    return {name: _as_text(setting, name, value) for name, value in (given or {}).items() if value is not None}


def _as_text(setting: str, name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(str(item) for item in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        raise ConfigurationError(f"{name} in {setting} must be a string, or what JSON can say.") from None
