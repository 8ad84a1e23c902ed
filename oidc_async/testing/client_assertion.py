"""Strict validation of client assertions (RFC 7523 3, OIDC Core 9)."""

from collections.abc import Mapping
from typing import Any

from .client_signature import SECRET_ALGORITHMS, JWTRejected, jwt_parts, require_signature
from .registry import Client, Registry

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = 300
CLOCK_SKEW = 5


def assertion_subject(assertion: str) -> str:
    """Return the claim `sub`, which is **not verified**. Raises JWTRejected."""
    return str(jwt_parts(assertion)[1].get("sub"))


def assertion_method(assertion: str) -> str:
    """Return the authentication method that its alg belongs to. Raises JWTRejected."""
    return "client_secret_jwt" if jwt_parts(assertion)[0].get("alg") in SECRET_ALGORITHMS else "private_key_jwt"


def spend_assertion(registry: Registry, client: Client, assertion: str, assertion_type: str | None) -> None:
    """Validate the assertion, which is then spent. Raises JWTRejected."""
    if assertion_type != ASSERTION_TYPE:
        raise JWTRejected("client_assertion_type is not that of a JWT")
    header, claims, signing_input, signature = jwt_parts(assertion)
    require_signature(registry, client, header, signing_input, signature, client.token_endpoint_auth_signing_alg)
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise JWTRejected("iss and sub must be the client_id")
    endpoints = {"issuer": registry.issuer, "token_endpoint": registry.endpoint("/token")}
    if claims.get("aud") not in (endpoints[client.assertion_audience], [endpoints[client.assertion_audience]]):
        raise JWTRejected("aud must be this provider alone")
    _require_times(claims, registry.now())
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti or (client.client_id, jti) in registry.spent_assertions:
        raise JWTRejected("jti is missing or was used before")
    registry.spent_assertions.add((client.client_id, jti))


def _require_times(claims: Mapping[str, Any], now: float) -> None:
    issued_at, expiry = claims.get("iat"), claims.get("exp")
    if type(issued_at) is not int or issued_at > now + CLOCK_SKEW:
        raise JWTRejected("iat is missing or in the future")
    if type(expiry) is not int or not now < expiry <= issued_at + LONGEST_LIFE:
        raise JWTRejected(f"exp must be in the future, at most {LONGEST_LIFE} s after iat")
