"""Strict validation of request objects (OIDC Core 6, RFC 9101)."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .client_signature import JWTRejected, jwt_parts, require_signature
from .decryption import NotDecrypted, decrypt
from .registry import Client, Registry
from .reply import RejectionPage

UNSIGNED = "none"
PUSHED = "urn:ietf:params:oauth:request_uri:"
TYPES = ("JWT", "oauth-authz-req+jwt")
MEDIA_TYPES = ("application/oauth-authz-req+jwt", "application/jwt")
LONGEST_URI = 512
LONGEST_LIFE = 3600
CLOCK_SKEW = 5
TYPES_OF_PARAMETERS: Mapping[str, tuple[type, ...]] = {
    "max_age": (int,),
    "claims": (dict,),
    "authorization_details": (list,),
    "resource": (str, list),
}
"""JSON types of parameters; all others are strings (RFC 9101 4)."""
OF_THE_JWT = frozenset({"iss", "aud", "exp", "iat", "nbf", "jti", "sub"})


class RequestObjectRejected(Exception):
    """The request object is invalid; the message says why."""


REJECTIONS = (RequestObjectRejected, JWTRejected, NotDecrypted)


def requested_parameters(registry: Registry, parameters: Mapping[str, str]) -> Mapping[str, str]:
    """Return the parameters of an authentication request.

    If there is a request object, only its parameters count (RFC 9101 6.3).

    Raises:
        RejectionPage: the request object is invalid, so there is no redirect URI to trust.
    """
    if "request" not in parameters and "request_uri" not in parameters:
        return parameters
    if parameters.get("request_uri", "").startswith(PUSHED):
        return _pushed(registry, parameters)
    client = registry.clients.get(parameters.get("client_id", ""))
    if client is None:
        raise RejectionPage("No such client is registered.")
    try:
        _require_one(parameters)
        token = parameters.get("request") or _fetched(registry, parameters["request_uri"])
        return _parameters_in(registry, client, token, parameters)
    except REJECTIONS as error:
        raise RejectionPage(f"The request object is rejected: {error}.") from None


def pushed_parameters(registry: Registry, client: Client, form: Mapping[str, str]) -> Mapping[str, str]:
    """Return the parameters of a pushed authorization request (RFC 9126 3).

    Raises:
        RejectionPage: the request object is invalid.
    """
    if "request" not in form:
        return form
    try:
        return _parameters_in(registry, client, form["request"], form)
    except REJECTIONS as error:
        raise RejectionPage(f"The request object is rejected: {error}.") from None


def _parameters_in(
    registry: Registry, client: Client, token: str, parameters: Mapping[str, str]
) -> Mapping[str, str]:
    claims = _verified(registry, client, token, parameters.get("request_uri"))
    _require_equal(parameters, claims)
    return {name: _text(name, value) for name, value in claims.items() if name not in OF_THE_JWT}


def _pushed(registry: Registry, parameters: Mapping[str, str]) -> Mapping[str, str]:
    client_id, pushed, expires_at = registry.pushed.get(parameters["request_uri"], ("", {}, 0.0))
    if parameters.get("client_id") != client_id or registry.now() >= expires_at:
        raise RejectionPage("The pushed request is unknown, expired, or of another client.")
    if set(parameters) != {"client_id", "request_uri"}:
        raise RejectionPage("A pushed request allows only client_id and request_uri.")
    return pushed


def _require_one(parameters: Mapping[str, str]) -> None:
    if "request" in parameters and "request_uri" in parameters:
        raise RequestObjectRejected("request and request_uri must not be used together")
    if "openid" not in parameters.get("scope", "").split() or "response_type" not in parameters:
        raise RequestObjectRejected("scope with openid and response_type must also be parameters")


def _fetched(registry: Registry, uri: str) -> str:
    if registry.fetch is None:
        raise RequestObjectRejected("request_uri cannot be fetched: set provider.fetch")
    if len(uri) > LONGEST_URI or not uri.isascii():
        raise RequestObjectRejected(f"request_uri must have at most {LONGEST_URI} ASCII characters")
    response = registry.fetch(uri)
    if response.status != 200 or response.media_type not in MEDIA_TYPES:
        raise RequestObjectRejected(
            f"request_uri must be answered with 200 and a request object, not {response.status}"
        )
    return response.body.decode("ascii", "replace")


def _verified(registry: Registry, client: Client, token: str, uri: str | None) -> dict[str, Any]:
    if client.request_object_encryption_alg is not None:
        token = decrypt(registry, client, token)
    header, claims, signing_input, signature = jwt_parts(token)
    if header.get("typ", "JWT") not in TYPES:
        raise RequestObjectRejected("typ is of another kind of token")
    if header.get("alg") == UNSIGNED:
        _require_none_meant(client, signature, uri)
    else:
        require_signature(registry, client, header, signing_input, signature, client.request_object_signing_alg)
    _require_claims(registry, client, claims)
    return claims


def _require_none_meant(client: Client, signature: bytes, uri: str | None) -> None:
    if client.request_object_signing_alg != UNSIGNED or signature:
        raise RequestObjectRejected("it must be signed")
    if uri is not None and urlsplit(uri).scheme != "https":
        raise RequestObjectRejected("an unsigned request object must be fetched by https")


def _require_claims(registry: Registry, client: Client, claims: Mapping[str, Any]) -> None:
    now, issued_at, expiry = registry.now(), claims.get("iat"), claims.get("exp")
    if claims.get("iss") != client.client_id or "sub" in claims:
        raise RequestObjectRejected("iss must be the client_id, and sub must be absent")
    if claims.get("aud") not in (registry.issuer, [registry.issuer]):
        raise RequestObjectRejected("aud must be this provider alone")
    if type(issued_at) is not int or issued_at > now + CLOCK_SKEW:
        raise RequestObjectRejected("iat is missing or in the future")
    if type(expiry) is not int or not now < expiry <= issued_at + LONGEST_LIFE:
        raise RequestObjectRejected(f"exp must be in the future, at most {LONGEST_LIFE} s after iat")
    # FAPI 2.0 Message Signing 5.3.1
    not_before = claims.get("nbf", issued_at)
    if type(not_before) is not int or not now - LONGEST_LIFE <= not_before <= now + CLOCK_SKEW:
        raise RequestObjectRejected("nbf must not be in the future or more than 60 minutes ago")
    if not isinstance(claims.get("jti"), str):
        raise RequestObjectRejected("jti is missing")
    if "request" in claims or "request_uri" in claims:
        raise RequestObjectRejected("request and request_uri must not be claims")


def _require_equal(parameters: Mapping[str, str], claims: Mapping[str, Any]) -> None:
    for name, value in parameters.items():
        if name not in ("request", "request_uri") and claims.get(name) != value:
            raise RequestObjectRejected(f"{name} must be the same as parameter and as claim")


def _text(name: str, value: object) -> str:
    """Encode a claim as a parameter, if it has the right JSON type (OIDC Core 6.1)."""
    expected = TYPES_OF_PARAMETERS.get(name, (str,))
    if type(value) not in expected:
        raise RequestObjectRejected(f"{name} must be of type {' or '.join(kind.__name__ for kind in expected)}")
    return value if isinstance(value, str) else json.dumps(value)
