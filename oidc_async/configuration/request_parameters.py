"""Parameters that an application adds to authentication and logout requests."""

import re
from collections.abc import Mapping
from typing import Any, cast

from oidc_async.errors import ConfigurationError
from oidc_async.protocol.claims_parameter import read_required_claims
from oidc_async.protocol.metadata_members import REQUEST_NAMES, find_misspelling
from oidc_async.protocol.parameters import (
    JSON_PARAMETERS,
    Parameter,
    Parameters,
    all_values,
    authorization_details_problem,
    json_text,
    single_text,
)
from oidc_async.protocol.response_type import (
    RESPONSE_MODES,
    RESPONSE_TYPES,
    allows_query_mode,
    default_response_mode,
    registered_response_type,
)
from oidc_async.protocol.uri import is_encodable

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
    # Anyone who reads the browser's URL could authenticate as the client (RFC 9101 10.8).
    "sub": "a request object that names a subject could pass for a client assertion",
}
REPEATED = "resource"
"""The only parameter of an authentication request that may be repeated (RFC 8707 2)."""
WORDS = frozenset({"acr_values", "claims_locales", "prompt", "response_type", "scope", "ui_locales"})
"""Parameters that are lists of words, separated by spaces: JSON in them is an error."""
_RESOURCE = re.compile(r"[\x21\x22\x24-\x7e]+")
OURS_AT_LOGOUT = {
    "client_assertion": "it must not reach the browser",
    "client_id": "set it in ClientMetadata",
    "client_secret": "it must not reach the browser; set it in ClientMetadata",
    "id_token_hint": "it is that of the login that ends",
    "logout_hint": "it differs from user to user; set logout_hint_claim",
    "post_logout_redirect_uri": "set post_logout_redirect_uris in ClientMetadata",
    "state": "every logout gets its own",
}


def require_request_parameters(parameters: Parameters, setting: str = "auth_request_params") -> None:
    """Check the parameters of an authentication request.

    Args:
        parameters: as they are sent.
        setting: the name of the setting, for the message.

    Raises:
        ConfigurationError: a parameter is set by the library itself, misspelled, or invalid.
    """
    require_theirs(setting, parameters, OURS)
    if found := find_misspelling(parameters, REQUEST_NAMES):
        raise ConfigurationError(f"{found[0]} in {setting} is unknown. Did you mean {found[1]}?")
    _require_response(parameters)
    if "openid" not in single_text(parameters, "scope").split():
        raise ConfigurationError("scope must contain openid, otherwise the provider returns no ID token.")
    if not re.fullmatch("[0-9]{1,10}", single_text(parameters, "max_age", "0")):
        raise ConfigurationError("max_age must be a whole number of seconds.")
    if "none" in (prompts := single_text(parameters, "prompt").split()) and len(prompts) > 1:
        raise ConfigurationError("prompt must be none alone, or other values: none forbids what the others request.")
    try:
        read_required_claims(single_text(parameters, "claims", "{}"))
    except ValueError as error:
        raise ConfigurationError(f"claims must be a JSON object as in OIDC Core 5.5: {error}.") from None
    require_authorization(setting, parameters)


def require_authorization(setting: str, parameters: Parameters) -> None:
    """Check `authorization_details` (RFC 9396 2) and `resource` (RFC 8707 2)."""
    if "authorization_details" in parameters:
        problem = authorization_details_problem(single_text(parameters, "authorization_details"))
        if problem:
            raise ConfigurationError(f"authorization_details in {setting} {problem} (RFC 9396 2).")
    for resource in all_values(parameters.get(REPEATED, ())):
        if not _RESOURCE.fullmatch(resource):
            raise ConfigurationError(
                f"resource in {setting} must be a URI without spaces and without a fragment, or a list of such URIs: "
                "each value of a list is sent as a parameter of its own (RFC 8707 2)."
            )


def _require_response(parameters: Parameters) -> None:
    try:
        response_type = registered_response_type(single_text(parameters, "response_type"))
    except ValueError:
        raise ConfigurationError(f"response_type must be one of {', '.join(RESPONSE_TYPES)}.") from None
    mode = single_text(parameters, "response_mode", default_response_mode(response_type))
    if mode not in RESPONSE_MODES:
        raise ConfigurationError(f"response_mode must be one of {', '.join(RESPONSE_MODES)}.")
    if mode == "query" and not allows_query_mode(response_type):
        raise ConfigurationError(
            f"response_mode must be fragment or form_post for response_type={response_type}: "
            "tokens in a query end up in logs and histories."
        )


def require_theirs(setting: str, parameters: Parameters, ours: Mapping[str, str]) -> None:
    """Check that all parameters are text, and none is set by the library (`ours`)."""
    for name, value in parameters.items():
        if name in ours:
            raise ConfigurationError(f"{setting} must not set {name}: {ours[name]}.")
        if not is_encodable(name) or not all(map(is_encodable, all_values(value))):
            raise ConfigurationError(f"{name!a} in {setting} must be Unicode text.")


def as_parameters(setting: str, given: Mapping[str, Any] | None) -> dict[str, Parameter]:
    """Return the parameters as `as_texts` does, but with repeated `resource`.

    Raises:
        ConfigurationError: a value cannot be sent.
    """
    members = dict(given or {})
    resources: object = members.pop(REPEATED, None)
    parameters: dict[str, Parameter] = {**as_texts(setting, members)}
    if resources is not None and (values := as_values(setting, REPEATED, resources)):
        parameters[REPEATED] = values
    return parameters


def as_values(setting: str, name: str, value: object) -> Parameter:
    """Return a string unchanged, and a list as the strings to repeat.

    Raises:
        ConfigurationError: the value is of another type.
    """
    if isinstance(value, str):
        return value
    values: tuple[object, ...] = tuple(cast("list[object]", value)) if is_list(value) else (None,)
    if not all(isinstance(item, str) for item in values):
        raise ConfigurationError(f"{name} in {setting} must be a string or a list of strings.")
    return cast("tuple[str, ...]", values)


def as_texts(setting: str, given: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the parameters `given` in `setting` as text.

    None leaves a parameter out.

    A list of strings becomes words separated by spaces. Everything else, and every parameter that is JSON by its
    specification, becomes JSON.

    Raises:
        ConfigurationError: a value cannot be sent.
    """
    return {name: as_text(setting, name, value) for name, value in (given or {}).items() if value is not None}


def as_text(setting: str, name: str, value: object) -> str:
    """Return one of these parameters. Raises ConfigurationError."""
    if isinstance(value, str):
        return value
    words = None if name in JSON_PARAMETERS else _words(value)
    if words is not None:
        return " ".join(words)
    if name in WORDS:
        raise ConfigurationError(f"{name} in {setting} must be a string or a list of strings.")
    try:
        return json_text(value)
    except (TypeError, ValueError):
        raise ConfigurationError(f"{name} in {setting} must be a string, or a value that JSON can express.") from None


def _words(value: object) -> list[str] | None:
    """Return the strings of a list, or None for any other value."""
    items = list(cast("list[object]", value)) if is_list(value) else [None]
    if not all(isinstance(item, str) for item in items):
        return None
    words = cast("list[str]", items)
    # Sets have another order in each process.
    return sorted(words) if isinstance(value, set | frozenset) else words


def is_list(value: object) -> bool:
    return isinstance(value, list | tuple | set | frozenset)
