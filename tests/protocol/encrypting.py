"""Encrypted tokens for tests, made with `cryptography` alone, and the client's keys that open them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from oidc_async.protocol.jose.jwe import DecryptionKey, Encryption, derived_key
from oidc_async.testing.encryption import compact_jwe
from oidc_async.testing.stages import JWEDraft
from tests.protocol.signing import SECRET, b64, public_jwk, rsa_key

CONTENT = "header.claims.signature"
Native = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey


@dataclass(frozen=True)
class OwnKey:
    """A private key as the library wants it."""

    material: Key


def native_key(kind: str, number: int = 1) -> Native:
    """One of several keys of each kind, made once per session: RSA, X25519 or a curve of NIST."""
    return _made_once(kind, number)


def native_ec_key(curve: str, number: int = 1) -> ec.EllipticCurvePrivateKey:
    """One on a curve of NIST."""
    key = native_key(curve, number)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


@cache
def _made_once(kind: str, number: int) -> Native:
    if kind == "RSA":
        return rsa_key(number)
    if kind == "X25519":
        return x25519.X25519PrivateKey.generate()
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    return ec.generate_private_key(curves[kind])


def own_key(native: Native) -> OwnKey:
    if isinstance(native, rsa.RSAPrivateKey):
        return OwnKey(RSAKey(native, native))
    if isinstance(native, ec.EllipticCurvePrivateKey):
        return OwnKey(ECKey(native, native))
    return OwnKey(OKPKey(native, native))


def encryption_jwk(native: Native, **members: Any) -> dict[str, Any]:
    """What the client publishes of the key."""
    if isinstance(native, x25519.X25519PrivateKey):
        x = b64(native.public_key().public_bytes_raw())
        return {"kty": "OKP", "crv": "X25519", "x": x, "use": "enc", **members}
    return public_jwk(native, use="enc", **members)


def kind_for(alg: str) -> str:
    return "RSA" if alg.startswith("RSA") else "P-256"


def encrypted(
    encryption: Encryption,
    content: str | bytes = CONTENT,
    *,
    native: Native | None = None,
    secret: str = SECRET,
    header: Mapping[str, Any] | None = None,
    at_last: Mapping[str, Any] | None = None,
    kid: str | None = None,
) -> str:
    """`content` for the key `native`, else one of the kind that the algorithm needs, or for a client secret."""
    native = native or native_key(kind_for(encryption.alg))
    draft = JWEDraft(
        header={"alg": encryption.alg, "enc": encryption.enc, **(header or {})},
        content=content.encode() if isinstance(content, str) else content,
        keys=[encryption_jwk(native, **({"kid": kid} if kid else {}))],
        secret=secret.encode(),
        compact=compact_jwe,
        at_last=dict(at_last or {}),
    )
    return compact_jwe(draft)


def key_that_opens(encryption: Encryption, number: int = 1) -> DecryptionKey:
    if encryption.is_symmetric:
        return derived_key(SECRET, encryption)
    return own_key(native_key(kind_for(encryption.alg), number))


def joined(*parts: bytes | str | Mapping[str, Any]) -> str:
    """A compact form of these parts: text as it is, bytes in base64url, and mappings as JSON in base64url."""
    written = (
        part if isinstance(part, str) else b64(part if isinstance(part, bytes) else json.dumps(part).encode())
        for part in parts
    )
    return ".".join(written)
