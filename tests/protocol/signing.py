"""Tokens and key sets for tests, made with `cryptography` alone: no line is shared with the code under test."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | bytes

HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
CURVES: Mapping[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "secp256k1": ec.SECP256K1(),
}
CURVE_OF = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
SECRET = "a client secret of sixty-four bytes, for the longest of the HMACs"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def b64_int(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8))


@cache
def rsa_key(number: int = 1) -> rsa.RSAPrivateKey:
    """One of several keys of 2048 bits, made once per session."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key(crv: str = "P-256") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(CURVES[crv])


@cache
def ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def key_for(alg: str) -> PrivateKey:
    """The key of this session that signs by `alg`."""
    if alg.startswith("HS"):
        return SECRET.encode()
    if alg in CURVE_OF:
        return ec_key(CURVE_OF[alg])
    return ed25519_key() if alg in ("EdDSA", "Ed25519") else rsa_key()


def public_jwk(key: PrivateKey, **members: Any) -> dict[str, Any]:
    """The public JWK; `members` replace or add members."""
    if isinstance(key, rsa.RSAPrivateKey):
        rsa_numbers = key.public_key().public_numbers()
        return {"kty": "RSA", "n": b64_int(rsa_numbers.n), "e": b64_int(rsa_numbers.e), **members}
    if isinstance(key, ec.EllipticCurvePrivateKey):
        numbers, size = key.public_key().public_numbers(), (key.key_size + 7) // 8
        crv = next(name for name, curve in CURVES.items() if curve.name == key.curve.name)
        point = {"x": b64(numbers.x.to_bytes(size)), "y": b64(numbers.y.to_bytes(size))}
        return {"kty": "EC", "crv": crv, **point, **members}
    if isinstance(key, ed25519.Ed25519PrivateKey):
        x = b64(key.public_key().public_bytes_raw())
        return {"kty": "OKP", "crv": "Ed25519", "x": x, **members}
    return {"kty": "oct", "k": b64(key), **members}


def private_rsa_jwk(key: rsa.RSAPrivateKey, **members: Any) -> dict[str, Any]:
    numbers = key.private_numbers()
    private = {
        "d": numbers.d,
        "p": numbers.p,
        "q": numbers.q,
        "dp": numbers.dmp1,
        "dq": numbers.dmq1,
        "qi": numbers.iqmp,
    }
    return public_jwk(key, **{name: b64_int(value) for name, value in private.items()}, **members)


def private_ec_jwk(crv: str = "P-256", **members: Any) -> dict[str, Any]:
    key = ec_key(crv)
    d = key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8)
    return public_jwk(key, **{"d": b64(d), **members})


def private_okp_jwk(key: Any, crv: str, **members: Any) -> dict[str, Any]:
    x = b64(key.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": crv, "x": x, "d": b64(key.private_bytes_raw()), **members}


def signature(alg: str, key: PrivateKey, message: bytes) -> bytes:
    """The signature by `alg`; ECDSA in the raw form of JWS."""
    if isinstance(key, bytes):
        return hmac.new(key, message, f"sha{alg[2:]}").digest()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    digest = HASHES[alg[2:]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
        size = (key.key_size + 7) // 8
        return r.to_bytes(size) + s.to_bytes(size)
    if alg.startswith("PS"):
        return key.sign(message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    return key.sign(message, padding.PKCS1v15(), digest)


def compact(header: object, payload: object, *, alg: str = "RS256", key: PrivateKey | None = None) -> str:
    """A signed token. Header and payload are taken as they are when they are bytes, else written as JSON.

    `alg` is the algorithm of the signature, whatever the header says.
    """
    signing_input = f"{b64(_as_bytes(header))}.{b64(_as_bytes(payload))}"
    signed = signature(alg, key_for(alg) if key is None else key, signing_input.encode())
    return f"{signing_input}.{b64(signed)}"


def half_hash(value: str, hash_name: str) -> str:
    digest = hashlib.new(hash_name, value.encode()).digest()
    return b64(digest[: len(digest) // 2])


def _as_bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()
