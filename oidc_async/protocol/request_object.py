"""Request objects: authentication requests as JWTs (OIDC Core 6, RFC 9101)."""

from collections.abc import Mapping
from typing import Any

from .jose.jws import VerificationKey
from .jose.private_keys import PrivateKey, sign_compact, unsigned_compact
from .parameters import Parameter, Parameters, json_claim

TYPE = "oauth-authz-req+jwt"
MEDIA_TYPE = f"application/{TYPE}"
OUTSIDE = ("client_id", "response_type", "scope")
"""Parameters that OAuth requires outside of the request object, too, with the same values (OIDC Core 6.1)."""


def request_object_claims(
    parameters: Parameters, *, audience: str, jti: str, now: float, seconds: float
) -> dict[str, Any]:
    """Return the parameters of a request as the claims of a request object (RFC 9101 4).

    Args:
        parameters: the parameters of the authentication request.
        audience: the issuer of the provider.
        jti: a unique identifier.
        now: seconds since 1970. `nbf` is required by FAPI 2.0 Message Signing 5.3.1.
        seconds: the lifetime of the request object.
    """
    issued_at = int(now)
    # The claims of the JWT come last, so that no parameter of an application can replace them.
    return {
        **{name: json_claim(name, value) for name, value in parameters.items()},
        "iss": parameters["client_id"],
        "aud": audience,
        "iat": issued_at,
        "nbf": issued_at,
        "exp": issued_at + int(seconds),
        "jti": jti,
    }


def signed_request_object(claims: Mapping[str, Any], key: PrivateKey | VerificationKey, algorithm: str) -> str:
    """Sign the claims with a key of the client, or with its secret. Raises KeyUnusable."""
    named = {} if key.kid is None else {"kid": key.kid}
    return sign_compact({"alg": algorithm, "typ": TYPE, **named}, claims, key)


def unsigned_request_object(claims: Mapping[str, Any]) -> str:
    """Encode the claims without a signature (RFC 7519 6): the browser that carries them can change them."""
    return unsigned_compact({"alg": "none", "typ": TYPE}, claims)


def parameters_by_value(parameters: Parameters, request_object: str) -> dict[str, Parameter]:
    """Return the parameters of a request that contains the request object (OIDC Core 6.1)."""
    return {**_outside(parameters), "request": request_object}


def parameters_by_reference(parameters: Parameters, request_uri: str) -> dict[str, Parameter]:
    """Return the parameters of a request whose object the provider fetches from `request_uri` (OIDC Core 6.2)."""
    return {**_outside(parameters), "request_uri": request_uri}


def pushed_object_parameters(request_object: str) -> dict[str, Parameter]:
    """Return the parameters of a pushed request with a request object, besides client authentication (RFC 9126 3)."""
    return {"request": request_object}


def _outside(parameters: Parameters) -> dict[str, Parameter]:
    return {name: parameters[name] for name in OUTSIDE}
