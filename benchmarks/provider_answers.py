"""The responses of the stand-in, as bytes: pure, and independent of the measured library."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.credentials import CLIENT_ID

KEY_ID = "key-1"
LIFETIME = 86_400
INACTIVE = b'{"active": false}'
_PLACE = "TOKEN-GOES-HERE"


def metadata(issuer: str) -> bytes:
    return _json(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "introspection_endpoint": f"{issuer}/introspect",
            "jwks_uri": f"{issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "read", "write"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
    )


def introspection_pieces(issuer: str) -> list[bytes]:
    """The answer for an active token, 12 claims, cut where the token's own text goes."""
    now = int(time.time())
    claims = {
        "active": True,
        "iss": issuer,
        "sub": f"subject-{_PLACE}",
        "aud": [CLIENT_ID, "https://api.example"],
        "client_id": CLIENT_ID,
        "username": "a.user@example.org",
        "scope": "openid read write",
        "token_type": "Bearer",
        "exp": now + LIFETIME,
        "iat": now,
        "nbf": now,
        "jti": f"id-{_PLACE}",
    }
    return _json(claims).split(_PLACE.encode())


def introspection(pieces: list[bytes], token: bytes) -> bytes:
    return INACTIVE if token.startswith(b"inactive") else token.join(pieces)


@cache
def signing_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def jwks() -> bytes:
    numbers = signing_key().public_key().public_numbers()
    key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID}
    return _json({"keys": [{**key, "n": _base64_number(numbers.n), "e": _base64_number(numbers.e)}]})


def signed(claims: Mapping[str, Any], typ: str) -> str:
    """A JWT by RS256."""
    header = {"alg": "RS256", "kid": KEY_ID, "typ": typ}
    signing_input = f"{_base64(_json(header))}.{_base64(_json(claims))}"
    signature = signing_key().sign(signing_input.encode(), PKCS1v15(), SHA256())
    return f"{signing_input}.{_base64(signature)}"


def token_response(issuer: str, subject: str, nonce: str | None) -> bytes:
    now = int(time.time())
    claims = {"iss": issuer, "sub": subject, "aud": CLIENT_ID, "exp": now + 600, "iat": now, "auth_time": now}
    id_token = signed({**claims, **({"nonce": nonce} if nonce else {})}, "JWT")
    tokens = {"access_token": f"access-{subject}", "refresh_token": f"refresh-{subject}", "id_token": id_token}
    return _json({**tokens, "token_type": "Bearer", "expires_in": 600, "scope": "openid"})


def userinfo(subject: str) -> bytes:
    return _json({"sub": subject, "name": "A User", "email": "a.user@example.org", "email_verified": True})


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _base64_number(number: int) -> str:
    return _base64(number.to_bytes((number.bit_length() + 7) // 8, "big"))
