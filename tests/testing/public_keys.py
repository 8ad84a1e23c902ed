"""What a token can be verified with besides the key set: other forms of the key, and what the header brings along."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import RSAKey

from .mini_relying_party import MiniRelyingParty, unpadded


def public_bytes(rp: MiniRelyingParty, encoding: Encoding) -> bytes:
    key = RSAKey.import_key(rp.published("RS256")).public_key
    return key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def certified(header: Mapping[str, Any]) -> dict[str, Any]:
    certificate = x509.load_der_x509_certificate(b64decode(header["x5c"][0]))
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    return {"kty": "RSA", **{name: numbered(getattr(key.public_numbers(), name)) for name in "ne"}}


def numbered(number: int) -> str:
    return unpadded(number.to_bytes((number.bit_length() + 7) // 8, "big"))
