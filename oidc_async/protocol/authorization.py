"""The authorization request and its response (OIDC Core 3.1.2, 3.2.2, 3.3.2, RFC 9207)."""

import re
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from oidc_async.errors import (
    AuthorizationRefused,
    AuthorizationResponseInvalid,
    DuplicateParameter,
    StateMismatch,
    StateMissing,
)

from .claims import is_same_secret
from .metadata import ProviderMetadata
from .oauth_error import quote_description, safe_description, safe_error
from .parameters import Parameters
from .token import TokenResponse, bearer_token_problem, read_lifetime
from .uri import with_query

MAX_RESPONSE_LENGTH = 32 * 1024
"""The limit of an encoded authorization response, in characters."""
MAX_PARAMETER_LENGTH = 8 * 1024
MAX_PARAMETERS = 50
_VISIBLE = re.compile(r"[\x20-\x7e]+")
_SESSION_STATE = re.compile(r"[\x21-\x7e]{1,1024}")
_NAME = re.compile(r"\w{1,50}", re.ASCII)
_PARTS = {"code": ("code",), "id_token": ("id_token",), "token": ("access_token", "token_type")}
"""The parameters for each value of a response type."""
_NEVER = ("refresh_token", "response")
_OF_TOKENS = ("access_token", "token_type", "expires_in", "scope", "id_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationResponse:
    """An authorization response with exactly what the response type requests. It is not verified yet.

    Args:
        code: the authorization code; None if none was requested.
        tokens: the ID token and the access token, if requested.
        session_state: for check_session_iframe (OIDC Session Management 1.0, 2); None if missing or malformed.
    """

    code: str | None = field(repr=False)
    tokens: TokenResponse
    session_state: str | None = field(default=None, repr=False)


def code_challenge(code_verifier: str) -> str:
    """Return the S256 code challenge of a verifier (RFC 7636 4.2)."""
    return urlsafe_b64encode(sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()


def authorization_request(provider: ProviderMetadata, parameters: Parameters) -> str:
    """Return the URL to redirect the browser to (OIDC Core 3.1.2.1)."""
    return with_query(provider["authorization_endpoint"], parameters)


def parse_authorization_response(encoded: str) -> dict[str, str]:
    """Parse a query or a form body, in which each parameter occurs once.

    Raises:
        DuplicateParameter: a parameter occurs twice.
        AuthorizationResponseInvalid: the response is too large or malformed.
    """
    # The encoding is ASCII; unquote() would accept other characters unchanged.
    if len(encoded) > MAX_RESPONSE_LENGTH or not encoded.isascii():
        raise AuthorizationResponseInvalid(
            f"An authorization response must have at most {MAX_RESPONSE_LENGTH} ASCII characters."
        )
    pairs = read_pairs(encoded)
    if pairs is None:
        raise AuthorizationResponseInvalid(
            f"An authorization response must have at most {MAX_PARAMETERS} parameters, form-encoded in UTF-8."
        )
    _require_once([name for name, _ in pairs])
    return dict(pairs)


def _require_once(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            # An attacker may have chosen the name, so it is shown only if it can't be markup.
            shown = name if _NAME.fullmatch(name) else "A parameter"
            raise DuplicateParameter(f"{shown} occurs twice in the authorization response.")


def read_pairs(encoded: str) -> list[tuple[str, str]] | None:
    """Parse a query or a form in order; None if it is malformed or has too many parameters."""
    # No error is raised here: Python's error contains the whole text, and would become its context.
    with suppress(ValueError):
        return parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    return None


def require_state(parameters: dict[str, str]) -> str:
    """Return `state`, which identifies the pending login. Raises StateMissing."""
    state = parameters.get("state")
    if not state:
        raise StateMissing("The authorization response has no state.", said=_said_without_state(parameters))
    return state


def read_authorization_response(
    parameters: dict[str, str], provider: ProviderMetadata, state: str, response_type: str
) -> AuthorizationResponse:
    """Validate the parameters of a response (OIDC Core 3.1.2.5, 3.2.2.5, 3.3.2.5; RFC 9207 2.4).

    Args:
        parameters: from `parse_authorization_response`.
        provider: the metadata of the provider.
        state: the `state` of the request.
        response_type: the response type of the request.

    Raises:
        StateMissing: there is no `state`.
        StateMismatch: `state` is that of another request.
        AuthorizationRefused: the response is an error response.
        AuthorizationResponseInvalid: a parameter is missing, malformed, or was not requested.
    """
    # state protects against CSRF: a response from another browser or another login has a different one.
    if not is_same_secret(require_state(parameters), state):
        raise StateMismatch("The state is not that of this login.")
    values = response_type.split()
    # Before the error: in a mix-up attack, another provider may also send an error.
    _require_issuer(parameters, provider, is_in_id_token="id_token" in values and "error" not in parameters)
    if "error" in parameters:
        raise _rejection(parameters)
    _require_nothing_else(parameters, response_type)
    code = _require_code(parameters) if "code" in values else None
    if "token" in values:
        _require_bearer(parameters)
    if "id_token" in values and not parameters.get("id_token"):
        raise AuthorizationResponseInvalid("The response must have an id_token.", parameter="id_token")
    # A malformed session_state is dropped, not an error: it is optional, and no decision depends on it.
    session_state = parameters.get("session_state", "")
    return AuthorizationResponse(
        code=code,
        tokens=_read_tokens(parameters, values),
        session_state=session_state if _SESSION_STATE.fullmatch(session_state) else None,
    )


def _require_nothing_else(parameters: dict[str, str], response_type: str) -> None:
    # A token or code that was not requested comes from another request, so the response may be injected.
    requested = {name for value in response_type.split() for name in _PARTS[value]}
    for name in (*_NEVER, *(name for names in _PARTS.values() for name in names)):
        if name in parameters and name not in requested:
            raise AuthorizationResponseInvalid(
                f"The response has {name}, which response_type={response_type} does not request.", parameter=name
            )


def _require_bearer(parameters: dict[str, str]) -> None:
    if problem := bearer_token_problem(parameters):
        name, rule = problem
        raise AuthorizationResponseInvalid(f"{name} in the response {rule}.", parameter=name)


def _read_tokens(parameters: dict[str, str], values: list[str]) -> TokenResponse:
    if "token" not in values:
        return TokenResponse(id_token=parameters.get("id_token"))
    members: dict[str, Any] = {name: parameters.get(name) for name in _OF_TOKENS}
    return TokenResponse(**{**members, "expires_in": read_lifetime(members["expires_in"])})


def _require_issuer(parameters: dict[str, str], provider: ProviderMetadata, *, is_in_id_token: bool) -> None:
    # RFC 9207 2.4: a provider that is under the control of an attacker could pass on the code of an honest provider
    # (mix-up). iss shows which provider sent the response.
    if "iss" in parameters and parameters["iss"] != provider["issuer"]:
        raise AuthorizationResponseInvalid(
            f"iss must be {provider['issuer']!r}: the response is from another provider.", parameter="iss"
        )
    # An ID token has `iss`, too, and is verified before anything else happens (RFC 9207 4).
    is_required = provider.get("authorization_response_iss_parameter_supported") is True and not is_in_id_token
    if is_required and "iss" not in parameters:
        raise AuthorizationResponseInvalid(
            "iss is missing, though the provider's metadata says that it is always sent. If it never is, set "
            "authorization_response_iss_parameter_supported=False in provider_metadata.",
            parameter="iss",
        )


def _said_without_state(parameters: dict[str, str]) -> str:
    """Return the error in a response without state, for the log: any site may have caused it."""
    if "error" not in parameters:
        return ""
    return (
        f" Its error is {safe_error(parameters['error'])!r}.{quote_description(parameters.get('error_description'))}"
    )


def _rejection(parameters: dict[str, str]) -> AuthorizationRefused:
    error = safe_error(parameters["error"])
    said = quote_description(parameters.get("error_description"))
    return AuthorizationRefused(
        f"The provider answered the login with the error {error!r}.{said}",
        error=error,
        error_description=safe_description(parameters.get("error_description")),
    )


def _require_code(parameters: dict[str, str]) -> str:
    code = parameters.get("code", "")
    if not _VISIBLE.fullmatch(code) or len(code) > MAX_PARAMETER_LENGTH:
        raise AuthorizationResponseInvalid(
            "The response must have a code of visible ASCII characters.", parameter="code"
        )
    return code
