"""What tokens are encrypted to: a provider's published key, or the client's secret (RFC 7516, OIDC Core 10.2).

Beside jose, jwe and private_keys, the only file that knows joserfc.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oidc_async.errors import KeyNotFound, KeyUnusable

from .jwe import DerivedKey, Encryption
from .jws import read_kid, read_optional_text, read_public_members
from .private_keys import ENCRYPTION_ALGORITHMS

# joserfc is loaded at first need, as in jose
if TYPE_CHECKING:
    from joserfc.jwk import Key

OPERATIONS = frozenset({"encrypt", "wrapKey", "deriveKey", "deriveBits"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecipientKey:
    """One public key that is fit to encrypt to. `kid` and `alg` are None when the key does not name them."""

    kid: str | None
    kty: str
    crv: str | None
    alg: str | None
    material: "Key" = field(repr=False)

    def is_for(self, algorithm: str) -> bool:
        """Whether `algorithm` takes keys of this type and curve, and this key is not reserved for another."""
        takes = algorithm in ENCRYPTION_ALGORITHMS.get(self.kty, ()) and self.crv != "Ed25519"
        return takes and self.alg in (None, algorithm)


def import_recipient_jwk(jwk: Mapping[str, Any]) -> RecipientKey:
    """The public key in a JWK (RFC 7517 4), if one may encrypt to it.

    RSA of 2048 to 8192 bits, EC on P-256, P-384 and P-521, OKP on X25519. Only the public members are read.

    Raises KeyUnusable.
    """
    public = read_public_members(jwk)
    if jwk.get("use", "enc") != "enc" or public.get("crv") == "Ed25519":
        raise KeyUnusable("use must be enc, and crv not Ed25519.")
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
    """The first key that takes `algorithm` (OIDC Core 10.2). Raises KeyNotFound."""
    for key in keys:
        if key.is_for(algorithm):
            return key
    raise KeyNotFound(f"The provider publishes no key to encrypt to by {algorithm}.")


def encrypt_nested(token: str, encryption: Encryption, key: RecipientKey | DerivedKey) -> str:
    """A signed token in a JWE in compact form (RFC 7519 5.2, RFC 7516 7.1), for who has the other half of `key`."""
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
        # it may quote what it didn't like
        raise KeyUnusable(f"The {public['kty']} key is not a valid one.") from None
