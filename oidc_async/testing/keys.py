"""The provider's signing keys, with `cryptography` only.

The library under test must not verify signatures with the code that created them.
"""

import base64
import hashlib
import hmac
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

ALWAYS_PUBLISHED = ("RS256", "ES256")
SIGNING_ALGORITHMS = (
    *(family + size for family in ("RS", "PS", "ES", "HS") for size in ("256", "384", "512")),
    "EdDSA",
    "Ed25519",
)
HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
CURVES: Mapping[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
CURVE_OF: Mapping[str, str] = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

_generated: dict[tuple[str, str, int], PrivateKey] = {}
_generating = threading.Lock()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _integer(number: int, length: int | None = None) -> str:
    return base64url(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


def private_key(owner: str, alg: str, generation: int) -> PrivateKey:
    """Return one key per arguments and process, because RSA keys are slow to create."""
    with _generating:
        name = (owner, alg, generation)
        if name not in _generated:
            _generated[name] = _generate(alg)
        return _generated[name]


def _generate(alg: str) -> PrivateKey:
    if alg.startswith("ECDH-ES"):
        return ec.generate_private_key(CURVES["P-256"])
    if alg in CURVE_OF:
        return ec.generate_private_key(CURVES[CURVE_OF[alg]])
    if alg in ("EdDSA", "Ed25519"):
        return ed25519.Ed25519PrivateKey.generate()
    if (alg in SIGNING_ALGORITHMS and alg[:2] in ("RS", "PS")) or alg.startswith("RSA-OAEP"):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    raise ValueError(f"there are no keys for {alg!r}; supported are {', '.join(SIGNING_ALGORITHMS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key with the `kid` and `alg` that it is published with."""

    kid: str
    alg: str
    private: PrivateKey = field(repr=False)

    def sign(self, data: bytes) -> bytes:
        """Return the raw JWS signature (RFC 7518 3, RFC 8037 3.1)."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(data, self._rsa_padding(), HASHES[self.alg[2:]])
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(HASHES[self.alg[2:]])))
            size = (self.private.key_size + 7) // 8
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        return self.private.sign(data)

    def _rsa_padding(self) -> padding.AsymmetricPadding:
        if self.alg.startswith("PS"):
            digest = HASHES[self.alg[2:]]
            return padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
        return padding.PKCS1v15()

    def public_jwk(self) -> dict[str, Any]:
        return {**self._public_members(), "kid": self.kid, "alg": self.alg, "use": "sig"}

    def _public_members(self) -> dict[str, Any]:
        if isinstance(self.private, rsa.RSAPrivateKey):
            rsa_numbers = self.private.public_key().public_numbers()
            return {"kty": "RSA", "n": _integer(rsa_numbers.n), "e": _integer(rsa_numbers.e)}
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return point_members(self.private.public_key())
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}

    def private_jwk(self) -> dict[str, Any]:
        """Return the private key as a JWK, which must never be published."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return {**self.public_jwk(), "d": _integer(self.private.private_numbers().d)}
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            size = (self.private.key_size + 7) // 8
            return {**self.public_jwk(), "d": _integer(self.private.private_numbers().private_value, size)}
        return {**self.public_jwk(), "d": base64url(self.private.private_bytes_raw())}

    def public_bytes(self, encoding: Encoding) -> bytes:
        """Return the public key as SubjectPublicKeyInfo, in PEM or DER."""
        return self.private.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def point_members(key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    """Return the JWK members of a public key on a NIST curve (RFC 7518 6.2.1)."""
    point, size = key.public_numbers(), (key.key_size + 7) // 8
    crv = next(name for name, curve in CURVES.items() if curve.name == key.curve.name)
    return {"kty": "EC", "crv": crv, "x": _integer(point.x, size), "y": _integer(point.y, size)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    """A client secret that signs with HMAC."""

    secret: bytes = field(repr=False)
    alg: str
    kid: None = None

    def sign(self, data: bytes) -> bytes:
        return hmac.digest(self.secret, data, f"sha{self.alg[2:]}")


def half_hash(value: str, alg: str) -> str:
    """Return an `at_hash` or `c_hash` (OIDC Core 3.1.3.6); Ed25519 uses SHA-512."""
    size = "512" if alg in ("EdDSA", "Ed25519") else alg[2:]
    hashed = hashlib.new(f"sha{size}", value.encode("ascii")).digest()
    return base64url(hashed[: len(hashed) // 2])


class KeyRing:
    """The keys of one issuer: the current key of each alg, and retired keys.

    The keys of different issuers have the same `kid` values, as real providers may.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._generation = 1
        self._current: dict[str, SigningKey] = {}
        self._retired: list[SigningKey] = []

    def key(self, alg: str) -> SigningKey:
        """Return the current key for `alg`."""
        if alg not in self._current:
            self._current[alg] = self._make(alg, self._generation)
        return self._current[alg]

    def _make(self, alg: str, named: int) -> SigningKey:
        private = private_key(self._owner, alg, self._generation)
        return SigningKey(kid=f"{alg.lower()}-{named}", alg=alg, private=private)

    def published(self) -> list[SigningKey]:
        """Return the current keys, then the retired ones that are still published."""
        for alg in ALWAYS_PUBLISHED:
            self.key(alg)
        return [*self._current.values(), *self._retired]

    def rotate(self, *, keep_old: bool, same_kid: bool) -> None:
        """Replace all current keys; `same_kid` keeps each kid, as after a restart."""
        old = self.published()[: len(self._current)]
        self._retired = [*old, *self._retired] if keep_old else []
        self._generation += 1
        for key in old:
            private = private_key(self._owner, key.alg, self._generation)
            kid = key.kid if same_kid else f"{key.alg.lower()}-{self._generation}"
            self._current[key.alg] = SigningKey(kid=kid, alg=key.alg, private=private)
