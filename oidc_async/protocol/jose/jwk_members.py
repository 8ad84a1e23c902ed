"""The members of JSON Web Keys, read strictly and without a crypto library (RFC 7517 4, RFC 7518 6, RFC 8037 2).

Keys come from providers, so their sizes are checked before any library computes with them.
"""

import binascii
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from oidc_async.errors import KeyUnusable

MAX_KID_LENGTH = 1024

# Below 2048 bits, a key can be broken. Above 8192 bits, each verification costs so much that a key could stop the
# service.
RSA_BITS = range(2048, 8192 + 1)

# base64url to base64. Characters that base64url doesn't have become blanks, which the strict decoder rejects.
_TO_BASE64 = bytes.maketrans(b"-_+/=", b"+/   ")

# By the length of the last group: the characters it may end with, and its padding. A single character is too short
# for a byte. Other final characters would set bits that no byte uses, so that several texts would decode to the same
# bytes.
_LAST_CHARACTERS = ("", "", "AQgw", "AEIMQUYcgkosw048")
_PADDING = (b"", b"", b"==", b"=")


def read_public_members(jwk: Mapping[str, Any]) -> dict[str, str]:
    """Return the members of the public key, without `kty`. Raises KeyUnusable, also for weak keys."""
    kty = read_optional_text(jwk, "kty") or ""
    if kty not in _READERS:
        raise KeyUnusable("kty must be RSA, EC or OKP.")
    return _READERS[kty](jwk)


def read_optional_text(jwk: Mapping[str, Any], name: str) -> str | None:
    value = jwk.get(name)
    if name in jwk and not isinstance(value, str):
        raise KeyUnusable(f"{name} must be a string.")
    return value


def read_kid(jwk: Mapping[str, Any]) -> str | None:
    if not is_kid(jwk.get("kid", "")):
        raise KeyUnusable(f"kid must be a string of at most {MAX_KID_LENGTH} characters.")
    return jwk.get("kid")


def is_kid(value: object) -> bool:
    """Return whether `value` is a string within the length limit of `kid`."""
    return isinstance(value, str) and len(value) <= MAX_KID_LENGTH


def decode_base64url(text: str) -> bytes | None:
    """Decode canonical base64url (RFC 7515 2); None for padding, blanks, stray bits, `+` or `/`."""
    last = len(text) % 4
    if last and text[-1] not in _LAST_CHARACTERS[last]:
        return None
    try:
        return binascii.a2b_base64(text.encode("ascii").translate(_TO_BASE64) + _PADDING[last], strict_mode=True)
    except ValueError:
        return None


def _read_rsa(jwk: Mapping[str, Any]) -> dict[str, str]:
    modulus = int.from_bytes(_read_member(jwk, "n", 1400))
    exponent = int.from_bytes(_read_member(jwk, "e", 8))
    if modulus.bit_length() not in RSA_BITS or modulus % 2 == 0:
        raise KeyUnusable(f"n must be an odd number of 2048 to 8192 bits, not {modulus.bit_length()}.")
    if not 3 <= exponent < 2**32 or exponent % 2 == 0:
        raise KeyUnusable("e must be an odd number from 3 to 2^32.")
    return {"n": jwk["n"], "e": jwk["e"]}


def _read_ec(jwk: Mapping[str, Any]) -> dict[str, str]:
    crv = read_optional_text(jwk, "crv")
    if crv not in ("P-256", "P-384", "P-521"):
        raise KeyUnusable("crv must be P-256, P-384 or P-521.")
    for name in ("x", "y"):
        _read_member(jwk, name, 88)
    return {"crv": crv, "x": jwk["x"], "y": jwk["y"]}


def _read_okp(jwk: Mapping[str, Any]) -> dict[str, str]:
    crv = read_optional_text(jwk, "crv")
    if crv not in ("Ed25519", "X25519"):
        raise KeyUnusable("crv must be Ed25519 to sign, or X25519 to encrypt.")
    _read_member(jwk, "x", 43)
    return {"crv": crv, "x": jwk["x"]}


def _read_member(jwk: Mapping[str, Any], name: str, max_length: int) -> bytes:
    text = read_optional_text(jwk, name)
    data = decode_base64url(text) if text and len(text) <= max_length else None
    if data is None:
        raise KeyUnusable(f"{name} must be base64url of 1 to {max_length} characters.")
    return data


_READERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, str]]] = MappingProxyType(
    {"RSA": _read_rsa, "EC": _read_ec, "OKP": _read_okp}
)
