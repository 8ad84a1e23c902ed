"""A signed token, and what such tokens are verified with."""

from oidc_async.protocol.jose.jws import (
    CompactJWS,
    VerificationKey,
    client_secret_key,
    import_jwk,
)
from tests.protocol.signing import (
    SECRET,
    compact,
    key_for,
    public_jwk,
)

PAYLOAD = {"sub": "alice"}
TOKEN = compact({"alg": "RS256", "kid": "one"}, PAYLOAD)
HEADER_PART, PAYLOAD_PART, SIGNATURE_PART = TOKEN.split(".")


def verification_key(alg: str) -> VerificationKey:
    return client_secret_key(SECRET) if alg.startswith("HS") else import_jwk(public_jwk(key_for(alg)))


def resigned(jws: CompactJWS, signature: bytes) -> CompactJWS:
    return CompactJWS(header=jws.header, payload=jws.payload, signing_input=jws.signing_input, signature=signature)
