"""Token introspection: the request and its response, plain (RFC 7662) or signed (RFC 9701)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from oidc_async.errors import IntrospectionInvalid, TokenInactive

from .access_token import AccessExpectations, require_access_claims
from .claims import MAX_TIME, Claims, require_audience, require_issued_recently, require_issuer
from .client_authentication import ClientAuthentication, authenticated_request
from .http_message import HttpRequest, HttpResponse
from .jose.jws import CompactJWS, VerificationKey, parse_compact, require_algorithm, verify_compact
from .metadata import ProviderMetadata
from .oauth_error import require_success
from .strict_json import read_object

JWT_TYPE = "application/token-introspection+jwt"
INACTIVE = (
    "The token is not active: the introspection response does not have active=true. It has expired, was revoked or "
    "never issued, or this client is not allowed to introspect it. Keycloak answers so if the client is not in aud "
    "of the token: add an audience mapper for the client_id of the request (docs/guides/protecting-apis.md)."
)

ISSUED_WITHIN = 300.0
"""The maximum age of a signed response, in seconds. It states that a token is active *now*, so it is always new."""


def introspection_request(
    provider: ProviderMetadata, client: ClientAuthentication, token: str, *, signed: bool
) -> HttpRequest:
    """Return the introspection request for `token` (RFC 7662 2.1); `signed` requests a JWT (RFC 9701 4)."""
    form = {"token": token, "token_type_hint": "access_token"}
    request = authenticated_request(provider["introspection_endpoint"], form, client)
    # RFC 9701 4: the Accept header selects the signed response.
    headers = {**request.headers, "accept": JWT_TYPE} if signed else request.headers
    # A POST by its method, but it changes nothing, so it may be retried.
    return replace(request, headers=headers, repeatable=True)


def read_introspection(response: HttpResponse) -> dict[str, Any]:
    """Read a plain introspection response (RFC 7662 2.2).

    Raises:
        ProviderError: IntrospectionInvalid, OAuthError or ProviderUnreachable. The token may still be valid.
    """
    _require_answer(response)
    if response.media_type == JWT_TYPE:
        raise IntrospectionInvalid(
            "The introspection response is a JWT, but introspection_signed_response_alg is not set in ClientMetadata."
        )
    return _read_document(response.body)


def parse_introspection_jwt(response: HttpResponse, algorithm: str) -> CompactJWS:
    """Parse a signed introspection response; its signature is **not** verified yet (RFC 9701 5).

    Raises:
        ProviderError: IntrospectionInvalid, OAuthError or ProviderUnreachable.
        TokenError: TokenMalformed, or AlgorithmNotAllowed if `alg` is not `algorithm`.
    """
    _require_answer(response)
    if response.media_type != JWT_TYPE:
        raise IntrospectionInvalid(
            f"The introspection response must have the type {JWT_TYPE}, because introspection_signed_response_alg "
            "is set."
        )
    jws = parse_compact(response.body.decode("ascii", "replace"))
    typ = jws.header.get("typ")
    if not isinstance(typ, str) or f"application/{typ.lower().removeprefix('application/')}" != JWT_TYPE:
        raise IntrospectionInvalid("typ of the introspection response must be token-introspection+jwt.")
    require_algorithm(jws, (algorithm,), setting="introspection_signed_response_alg in ClientMetadata")
    return jws


def read_introspection_jwt(
    jws: CompactJWS, key: VerificationKey, *, issuer: str, client_id: str, leeway: float, now: float
) -> dict[str, Any]:
    """Verify a signed introspection response and return its content (RFC 9701 5).

    Args:
        jws: from `parse_introspection_jwt`.
        key: the provider's key, or the client secret.
        issuer: the expected `iss`.
        client_id: the expected `aud`.
        leeway: the tolerated clock difference, in seconds. `iat` must be at most ISSUED_WITHIN plus this in the past,
            and at most this in the future.
        now: seconds since 1970.

    Raises:
        IntrospectionInvalid: the content is malformed.
        TokenError: SignatureInvalid, KeyUnusable or ClaimInvalid, about the response: the token may still be valid.
    """
    verify_compact(jws, key)
    return read_introspection_jwt_claims(jws, issuer=issuer, client_id=client_id, leeway=leeway, now=now)


def read_introspection_jwt_claims(
    jws: CompactJWS, *, issuer: str, client_id: str, leeway: float, now: float
) -> dict[str, Any]:
    """Do the same **without** verifying the signature: see `read_introspection_jwt`.

    Raises IntrospectionInvalid or ClaimInvalid.
    """
    document = _read_document(jws.payload)
    require_issuer(document, issuer)
    require_audience(document, frozenset({client_id}))
    require_issued_recently(document, now=now, leeway=leeway, within=ISSUED_WITHIN)
    token = document.get("token_introspection")
    if not isinstance(token, dict):
        raise IntrospectionInvalid("token_introspection of the introspection response must be a JSON object.")
    return cast("dict[str, Any]", token)


def read_introspected_token(
    document: Mapping[str, Any], expectations: AccessExpectations, *, now: float
) -> dict[str, Any]:
    """Return the claims of an active token that is meant for this resource server (RFC 7662 2.2, 4).

    Raises TokenInactive, TokenExpired or ClaimInvalid.
    """
    # Only the boolean counts: "true" or 1 does not come from an introspection endpoint.
    if document.get("active") is not True:
        raise TokenInactive(INACTIVE)
    # The response may contain any claim. The checks are the same as for a JWT, because a provider with several APIs
    # answers for tokens of all of them.
    claims = {**document, **_clamped(document)}
    require_access_claims(claims, expectations, now=now)
    return claims


def _require_answer(response: HttpResponse) -> None:
    require_success(response, "introspection endpoint")
    if response.status != 200:
        raise IntrospectionInvalid(
            f"The introspection response must have status 200, not {response.status}.", status=response.status
        )


def _read_document(data: bytes) -> dict[str, Any]:
    try:
        return read_object(data)
    except ValueError as error:
        raise IntrospectionInvalid(f"The introspection response must be one JSON object: {error}") from None


def _clamped(document: Claims) -> dict[str, float]:
    """Return the latest time instead of a larger `exp`, with which some providers mean that a token never expires."""
    expiry = document.get("exp")
    beyond = isinstance(expiry, int | float) and not isinstance(expiry, bool) and expiry > MAX_TIME
    return {"exp": MAX_TIME} if beyond else {}
