"""Asking the provider about an access token (RFC 7662), and reading its answer, plain or signed (RFC 9701)."""

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
    "The provider says that the token is not active: it has expired, was revoked or never issued, or this client may "
    "not know. Keycloak says so to a client that is not in the token's aud: add an audience mapper for the client_id "
    "that asks (docs/guides/protecting-apis.md)."
)

ISSUED_WITHIN = 300.0
"""Seconds: how old a signed response may be. It is requested each time, and says that a token is active *now*."""


def introspection_request(
    provider: ProviderMetadata, client: ClientAuthentication, token: str, *, signed: bool
) -> HttpRequest:
    """Ask whether `token` is active and what it grants (RFC 7662 2.1); `signed` asks for a JWT (RFC 9701 4)."""
    form = {"token": token, "token_type_hint": "access_token"}
    request = authenticated_request(provider["introspection_endpoint"], form, client)
    headers = {**request.headers, "accept": JWT_TYPE} if signed else request.headers
    # to ask twice does no harm
    return replace(request, headers=headers, repeatable=True)


def read_introspection(response: HttpResponse) -> dict[str, Any]:
    """What a plain response says of the token (RFC 7662 2.2).

    Raises IntrospectionInvalid, OAuthError or ProviderUnreachable: the token is as unknown as before.
    """
    _require_answer(response)
    if response.media_type == JWT_TYPE:
        raise IntrospectionInvalid(
            "The introspection response is a JWT, but introspection_signed_response_alg is not set in ClientMetadata."
        )
    return _read_document(response.body)


def parse_introspection_jwt(response: HttpResponse, algorithm: str) -> CompactJWS:
    """A signed introspection response taken apart, its signature **not** verified yet (RFC 9701 5).

    Raises IntrospectionInvalid, OAuthError, ProviderUnreachable or AlgorithmNotAllowed.
    """
    _require_answer(response)
    if response.media_type != JWT_TYPE:
        raise IntrospectionInvalid(
            f"The introspection response must be {JWT_TYPE}, as introspection_signed_response_alg says."
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
    """What a signed response says of the token, once its signature, `iss`, `aud` and `iat` are right (RFC 9701 5).

    `iat` must be at most ISSUED_WITHIN and `leeway` seconds ago, and at most `leeway` seconds in the future.
    Raises IntrospectionInvalid, SignatureInvalid, KeyUnusable or ClaimInvalid: the token is as unknown as before.
    """
    verify_compact(jws, key)
    return read_introspection_jwt_claims(jws, issuer=issuer, client_id=client_id, leeway=leeway, now=now)


def read_introspection_jwt_claims(
    jws: CompactJWS, *, issuer: str, client_id: str, leeway: float, now: float
) -> dict[str, Any]:
    """The same, without a look at the signature: see read_introspection_jwt.

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
    """The claims of a token that is active and meant for us (RFC 7662 2.2, 4).

    Raises TokenInactive, TokenExpired or ClaimInvalid.
    """
    # nothing but true is true: a string or a number says that somebody else is answering
    if document.get("active") is not True:
        raise TokenInactive(INACTIVE)
    claims = {**document, **_clamped(document)}
    require_access_claims(claims, expectations, now=now)
    return claims


def _require_answer(response: HttpResponse) -> None:
    require_success(response, "introspection endpoint")
    if response.status != 200:
        raise IntrospectionInvalid(
            f"The introspection endpoint must answer 200, not {response.status}.", status=response.status
        )


def _read_document(data: bytes) -> dict[str, Any]:
    try:
        return read_object(data)
    except ValueError as error:
        raise IntrospectionInvalid(f"The introspection response must be one JSON object: {error}") from None


def _clamped(document: Claims) -> dict[str, float]:
    """`exp` beyond the end of time, as providers say that a token never expires."""
    expiry = document.get("exp")
    beyond = isinstance(expiry, int | float) and not isinstance(expiry, bool) and expiry > MAX_TIME
    return {"exp": MAX_TIME} if beyond else {}
