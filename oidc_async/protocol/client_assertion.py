"""Client assertions: JWTs that authenticate a client (RFC 7523 2.2, 3; OIDC Core 9)."""

from .jose.jws import VerificationKey
from .jose.private_keys import PrivateKey, sign_compact

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60
"""The lifetime of an assertion. Each is for one request, which is sent immediately."""


def client_assertion(
    client_id: str,
    audience: str,
    key: PrivateKey | VerificationKey,
    *,
    algorithm: str,
    jti: str,
    now: float,
) -> str:
    """Sign an assertion for one request.

    Args:
        client_id: the client.
        audience: the only recipient.
        key: a private key of the client, or its secret.
        algorithm: the `alg`.
        jti: a new identifier; the recipient rejects one that it has seen before.
        now: seconds since 1970.

    Raises:
        KeyUnusable: `key` can't sign with `algorithm`.
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
