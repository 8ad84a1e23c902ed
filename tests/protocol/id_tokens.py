"""A right ID token, what is expected of it, and what the library makes of tokens."""

from typing import Any

from oidc_async.protocol.id_token import (
    IDTokenExpectations,
    parse_id_token,
    read_id_token,
)
from oidc_async.protocol.jose.jws import (
    client_secret_key,
    import_jwk,
)
from tests.protocol.absent import ABSENT
from tests.protocol.signing import SECRET, compact, key_for, public_jwk

NOW = 1_800_000_000.0
ISSUER = "https://op.example"
HEADER = {"alg": "RS256", "typ": "JWT"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "alice",
    "aud": "client",
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": "the nonce",
}
EXPECTATIONS = IDTokenExpectations(
    issuer=ISSUER,
    client_id="client",
    algorithms=("RS256",),
    nonce="the nonce",
    leeway_seconds=30,
    max_age_seconds=None,
    acr_values=(),
    subjects=(),
    trusted_audiences=frozenset({"trusted"}),
    issued_within_seconds=600,
    access_token="the access token",
    code="the code",
    state="the state",
)


def claims_with(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ABSENT}


def read(
    payload: object,
    expectations: IDTokenExpectations = EXPECTATIONS,
    *,
    header: object = HEADER,
    now: float = NOW,
    **signed: Any,
) -> dict[str, Any]:
    """What the library makes of a token, from its text to its claims."""
    alg = signed.get("alg", "RS256")
    key = client_secret_key(SECRET) if alg.startswith("HS") else import_jwk(public_jwk(key_for(alg)))
    jws = parse_id_token(compact(header, payload, **signed), expectations)
    return read_id_token(jws, key, expectations, now=now)
