"""Parameters that an application adds to token requests (RFC 6749 8.2)."""

from collections.abc import Mapping
from typing import Any

from oidc_async.protocol.parameters import JSON_PARAMETERS, Parameter

from .request_parameters import as_text, as_values, is_list, require_authorization, require_theirs

_CREDENTIAL = "the client authenticates as ClientMetadata says"
_GRANT = "it belongs to the grant"
OURS_AT_TOKENS = {
    "client_assertion": _CREDENTIAL,
    "client_assertion_type": _CREDENTIAL,
    "client_id": "set it in ClientMetadata",
    "client_secret": "set it in ClientMetadata",
    "code": _GRANT,
    "code_verifier": "PKCE is always used",
    "grant_type": _GRANT,
    "redirect_uri": "set OIDC_REDIRECT_URI",
    "refresh_token": _GRANT,
}
"""Parameters that an application must not set: they decide which grant is used, and by which client."""


def token_request_parameters(setting: str, given: Mapping[str, Any] | None) -> dict[str, Parameter]:
    """Return the parameters as they are sent; None leaves one out.

    Each value of a list is sent as a parameter of its own (RFC 8707 2); the scopes of a list are separated by spaces.
    Objects, numbers and booleans become JSON, as `authorization_details` does (RFC 9396 6.1).

    Raises:
        ConfigurationError: a parameter is in OURS_AT_TOKENS, or a value is invalid.
    """
    parameters = {name: _sent(setting, name, value) for name, value in (given or {}).items() if value is not None}
    sent = {name: value for name, value in parameters.items() if value != ()}
    require_theirs(setting, sent, OURS_AT_TOKENS)
    require_authorization(setting, sent)
    return sent


def _sent(setting: str, name: str, value: object) -> Parameter:
    if is_list(value) and name != "scope" and name not in JSON_PARAMETERS:
        return as_values(setting, name, value)
    return as_text(setting, name, value)
