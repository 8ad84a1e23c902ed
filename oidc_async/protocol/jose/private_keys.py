"""The client's private keys, which sign and decrypt, and their public JWKs (RFC 7517, 7518, 8037).

With jws, jwe and encryption_keys, the only modules that import joserfc. No message contains a part of a key.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, cast

from oidc_async.errors import KeyUnusable

from .jwe import KEY_AGREEMENTS, RSA_ENCRYPTIONS
from .jwk_members import read_kid, read_optional_text, read_public_members
from .jws import (
    ALGORITHMS,
    SUPPORTED_ALGORITHMS,
    VerificationKey,
    require_long_secret,
    signature_models,
)

# joserfc and cryptography are imported when they are first needed, as in jws.
if TYPE_CHECKING:
    from joserfc.jwk import Key

ENCRYPTION_ALGORITHMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"RSA": RSA_ENCRYPTIONS, "EC": KEY_AGREEMENTS, "OKP": KEY_AGREEMENTS}
)
"""The `alg` values of encryption, by key type (RFC 7518 4.1, RFC 8037 3.2)."""

DEFAULT_ALGORITHMS: Mapping[tuple[str, str | None], str] = MappingProxyType(
    {
        ("RSA", None): "RS256",
        ("EC", "P-256"): "ES256",
        ("EC", "P-384"): "ES384",
        ("EC", "P-521"): "ES512",
        ("OKP", "Ed25519"): "EdDSA",
    }
)
KeyUse = Literal["sig", "enc"]
OPERATIONS: Mapping[KeyUse, frozenset[str]] = MappingProxyType(
    {"sig": frozenset({"sign"}), "enc": frozenset({"decrypt", "unwrapKey", "deriveKey", "deriveBits"})}
)
CRT_MEMBERS = ("p", "q", "dp", "dq", "qi")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PrivateKey:
    """A private key of the client. `alg` is None if the key is not restricted to one algorithm."""

    kid: str
    use: KeyUse
    alg: str | None
    kty: str
    crv: str | None
    public: Mapping[str, str] = field(repr=False)
    material: "Key" = field(repr=False)

    @property
    def default_alg(self) -> str:
        """The algorithm that the key signs with by default."""
        return self.alg or DEFAULT_ALGORITHMS[self.kty, self.crv]

    def algorithm_of(self, supported: Collection[str] | None) -> str | None:
        """Return an algorithm among `supported` that the key can sign with; None if there is none."""
        usual = self.default_alg
        if supported is None or usual in supported:
            return usual
        return next((name for name in ALGORITHMS if name in supported and self.is_for(name)), None)

    def is_for(self, algorithm: str) -> bool:
        """Return whether the key can sign or decrypt with `algorithm`."""
        return self.alg in (None, algorithm) and _is_usable_for(algorithm, self.use, self.kty, self.crv)

    def public_jwk(self) -> dict[str, str]:
        """Return the public JWK, built from the public members, so that no private member can leak."""
        alg = {} if self.alg is None else {"alg": self.alg}
        return {"kty": self.kty, **self.public, "kid": self.kid, "use": self.use, **alg}


def import_private_jwk(jwk: Mapping[str, Any]) -> PrivateKey:
    """Read a private key from a JWK (RFC 7517 4).

    RSA keys have 2048 to 8192 bits; EC keys are on P-256, P-384 or P-521, OKP keys on Ed25519 to sign or X25519 to
    decrypt. Without `use`, the `alg` or the curve decides; otherwise the key signs. Without `kid`, the thumbprint is
    the `kid` (RFC 7638).

    Raises:
        KeyUnusable: the message names the member and its expected value.
    """
    public = read_public_members(jwk)
    if "d" not in jwk:
        raise KeyUnusable("d is missing: this is a public key. Pass the private key.")
    if "oth" in jwk:
        raise KeyUnusable("oth must be absent: RSA keys with more than two primes are not supported.")
    crt = {name: jwk[name] for name in CRT_MEMBERS if name in jwk}
    # The members of other RSA primes are dropped, and the public members are computed again below. A JWK whose public
    # half belongs to another key would publish a key that verifies nothing.
    key = _private_key(_read_native({"kty": jwk["kty"], **public, "d": jwk["d"], **crt}), jwk)
    if key.public != public:
        raise KeyUnusable("The public and private members must belong to the same key.")
    return key


def import_private_pem(
    pem: bytes, *, password: bytes | None, kid: str | None, use: str | None, alg: str | None
) -> PrivateKey:
    """Read a private key from PEM: PKCS#8, PKCS#1 or SEC 1 (RFC 7468 10, RFC 5915).

    Args:
        pem: the key.
        password: decrypts the PEM; None if it is not encrypted.
        kid: as in `import_private_jwk`.
        use: as in `import_private_jwk`.
        alg: as in `import_private_jwk`.

    Raises:
        KeyUnusable: the PEM can't be read, or the key can't be used.
    """
    members = {"kid": kid, "use": use, "alg": alg}
    return _private_key(_read_pem(pem, password), {k: value for k, value in members.items() if value is not None})


def sign_compact(header: Mapping[str, Any], claims: Mapping[str, Any], key: PrivateKey | VerificationKey) -> str:
    """Sign `claims` as a JWS in compact form (RFC 7515 7.1), with the `alg` in `header`.

    Raises:
        KeyUnusable: the key is for another algorithm, or a client secret shorter than the hash.
    """
    alg = header["alg"]
    is_secret = isinstance(key, VerificationKey) and key.kty == "oct"
    if alg not in ALGORITHMS or not key.is_for(alg) or not (is_secret or isinstance(key, PrivateKey)):
        raise KeyUnusable(f"The key can't sign with {alg}.")
    if isinstance(key, VerificationKey):
        require_long_secret(key, alg)
    signing_input = f"{_encode(header)}.{_encode(claims)}".encode("ascii")
    signature = signature_models()[alg].sign(signing_input, key.material)
    return f"{signing_input.decode()}.{_base64url(signature)}"


def unsigned_compact(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """Encode `claims` without a signature (RFC 7519 6). Only for sending: a received unsigned token is rejected."""
    return f"{_encode(header)}.{_encode(claims)}."


def _encode(document: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(document, separators=(",", ":")).encode("ascii"))


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _read_native(jwk: dict[str, Any]) -> object:
    from joserfc.jwk import import_key

    try:
        return import_key(jwk).raw_value
    except Exception:
        # Without its message, which may quote the key.
        raise KeyUnusable(f"The {jwk['kty']} key is invalid.") from None


def _read_pem(pem: bytes, password: bytes | None) -> object:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if pem.count(b"PRIVATE KEY-----") > 2:
        raise KeyUnusable("The PEM must contain one private key. Pass several keys separately.")
    if b"ENCRYPTED" in pem and password is None:
        raise KeyUnusable("The PEM is encrypted: pass its password.")
    try:
        return load_pem_private_key(pem, password)
    except Exception:
        raise KeyUnusable(
            "The PEM must be a private key (PKCS#8, PKCS#1 or SEC 1), and the password, if any, must decrypt it."
        ) from None


def _private_key(native: object, members: Mapping[str, Any]) -> PrivateKey:
    """Build a key. Its public members are computed from the private ones, whatever the input says."""
    material = _wrap(native)
    try:
        computed = cast("dict[str, Any]", material.as_dict(private=False))
    except Exception:
        raise KeyUnusable("The key must be on P-256, P-384, P-521, Ed25519 or X25519.") from None
    public, alg = read_public_members(computed), read_optional_text(members, "alg")
    key = PrivateKey(
        kid=read_kid(members) or material.thumbprint(),
        use=_read_use(members, alg, public.get("crv")),
        alg=alg,
        kty=material.key_type,
        crv=public.get("crv"),
        public=MappingProxyType(public),
        material=material,
    )
    _require_usable(key)
    return key


def _wrap(native: Any) -> "Key":
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    # Not by import_key, which warns about short keys.
    if isinstance(native, rsa.RSAPrivateKey):
        return RSAKey(native, native)
    if isinstance(native, ec.EllipticCurvePrivateKey):
        return ECKey(native, native)
    if isinstance(native, ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey):
        return OKPKey(native, native)
    raise KeyUnusable("The key must be an RSA, EC, Ed25519 or X25519 key.")


def _read_use(members: Mapping[str, Any], alg: str | None, crv: str | None) -> KeyUse:
    use = read_optional_text(members, "use")
    if use not in (None, "sig", "enc"):
        raise KeyUnusable("use must be sig or enc.")
    encrypts = crv == "X25519" or any(alg in algorithms for algorithms in ENCRYPTION_ALGORITHMS.values())
    chosen: KeyUse = "enc" if use == "enc" or (use is None and encrypts) else "sig"
    needed = sorted(OPERATIONS[chosen])
    operations = members.get("key_ops", needed)
    if not isinstance(operations, list) or not any(operation in operations for operation in needed):
        raise KeyUnusable(f"key_ops of a key with use={chosen} must be a list with {' or '.join(needed)}.")
    return chosen


def _require_usable(key: PrivateKey) -> None:
    algorithms = [name for name in _known_algorithms(key.kty) if _is_usable_for(name, key.use, key.kty, key.crv)]
    if not algorithms:
        raise KeyUnusable(f"A key on {key.crv} can't have use={key.use}.")
    if key.alg is not None and key.alg not in algorithms:
        raise KeyUnusable(f"alg of this key with use={key.use} must be one of {', '.join(algorithms)}.")


def _known_algorithms(kty: str) -> tuple[str, ...]:
    return (*SUPPORTED_ALGORITHMS, *ENCRYPTION_ALGORITHMS[kty])


def _is_usable_for(algorithm: str, use: KeyUse, kty: str, crv: str | None) -> bool:
    if use == "enc":
        return algorithm in ENCRYPTION_ALGORITHMS[kty] and crv != "Ed25519"
    signs = ALGORITHMS.get(algorithm)
    return signs is not None and (signs.kty, signs.crv) == (kty, crv)
