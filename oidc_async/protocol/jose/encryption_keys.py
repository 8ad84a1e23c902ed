"""Encrypting tokens with a provider's public key or the client secret (RFC 7516, OIDC Core 10.2).

With jws, jwe and private_keys, the only modules that import joserfc.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oidc_async.errors import KeyNotFound, KeyUnusable

from .jwe import DerivedKey, Encryption
from .jwk_members import read_kid, read_optional_text, read_public_members
from .private_keys import ENCRYPTION_ALGORITHMS

# joserfc is imported when it is first needed, as in jws
if TYPE_CHECKING:
    from joserfc.jwk import Key

OPERATIONS = frozenset({"encrypt", "wrapKey", "deriveKey", "deriveBits"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecipientKey:
    """A public key that encrypts. `kid` and `alg` are None if the JWK doesn't have them."""

    kid: str | None
    kty: str
    crv: str | None
    alg: str | None
    material: "Key" = field(repr=False)

    def is_for(self, algorithm: str) -> bool:
        """Return whether `algorithm` uses this type and curve, and the key is not restricted to another algorithm."""
        fits = algorithm in ENCRYPTION_ALGORITHMS.get(self.kty, ()) and self.crv != "Ed25519"
        return fits and self.alg in (None, algorithm)


def import_recipient_jwk(jwk: Mapping[str, Any]) -> RecipientKey:
    """Read a public encryption key from a JWK (RFC 7517 4).

    RSA keys have 2048 to 8192 bits; EC keys are on P-256, P-384 or P-521, OKP keys on X25519. Only the public members
    are read.

    Raises:
        KeyUnusable: the key is weak, invalid, or not for encryption.
    """
    public = read_public_members(jwk)
    if jwk.get("use", "enc") != "enc" or public.get("crv") == "Ed25519":
        raise KeyUnusable("use must be enc, and crv must not be Ed25519.")
    operations = jwk.get("key_ops", list(OPERATIONS))
    if not isinstance(operations, list) or not any(operation in operations for operation in OPERATIONS):
        raise KeyUnusable("key_ops must be a list with encrypt, wrapKey, deriveKey or deriveBits.")
    key = RecipientKey(
        kid=read_kid(jwk),
        kty=jwk["kty"],
        crv=public.get("crv"),
        alg=read_optional_text(jwk, "alg"),
        material=_import({"kty": jwk["kty"], **public}),
    )
    if key.alg is not None and not key.is_for(key.alg):
        raise KeyUnusable("alg must be an encryption algorithm for this type of key.")
    return key


def select_recipient(keys: Iterable[RecipientKey], algorithm: str) -> RecipientKey:
    """Select the first key that `algorithm` can use (OIDC Core 10.2). Raises KeyNotFound."""
    for key in keys:
        if key.is_for(algorithm):
            return key
    raise KeyNotFound(f"The provider publishes no encryption key for {algorithm}.")


def encrypt_nested(token: str, encryption: Encryption, key: RecipientKey | DerivedKey) -> str:
    """Encrypt a signed token as a JWE in compact form (RFC 7519 5.2, RFC 7516 7.1)."""
    from joserfc import jwe

    named = {"kid": key.kid} if isinstance(key, RecipientKey) and key.kid is not None else {}
    header = {"alg": encryption.alg, "enc": encryption.enc, "cty": "JWT", **named}
    material: Any = key.material
    return jwe.encrypt_compact(header, token, material, algorithms=[encryption.alg, encryption.enc])


def _import(public: dict[str, Any]) -> "Key":
    from joserfc.jwk import import_key

    try:
        return import_key(public)
    except Exception:
        # Without its message, which may quote the key.
        raise KeyUnusable(f"The {public['kty']} key is invalid.") from None
