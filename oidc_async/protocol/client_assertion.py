"""The JWT by which a client proves who it is (RFC 7523 2.2, 3; OIDC Core 9)."""

from .jose.jws import VerificationKey
from .jose.private_keys import PrivateKey, sign_compact

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60
"""How long an assertion is good; it is made for one request that is sent at once."""


def client_assertion(
    client_id: str,
    audience: str,
    key: PrivateKey | VerificationKey,
    *,
    algorithm: str,
    jti: str,
    now: float,
) -> str:
    """An assertion for one request: whoever sees it a second time refuses it, so `jti` must be new.

    `audience` is whom it is for, and nobody else. Raises KeyUnusable when `key` doesn't sign by `algorithm`.
    """
    named = {} if key.kid is None else {"kid": key.kid}
    issued_at = int(now)
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": jti,
        "iat": issued_at,
        "exp": issued_at + ASSERTION_SECONDS,
    }
    return sign_compact({"alg": algorithm, "typ": "JWT", **named}, claims, key)
