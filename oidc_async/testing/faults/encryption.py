"""Faults of encrypted ID tokens and userinfo: keys, header, parts and content.

The other faults of ID tokens are applied before encryption.
"""

import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa

from oidc_async.testing.encryption import KEY_SIZES, compact_jwe, public_key, seal
from oidc_async.testing.keys import base64url, decode_base64url
from oidc_async.testing.reply import json_bytes
from oidc_async.testing.stages import JWE_DRAFT, JWE_TOKEN, Change, JWEDraft, Scene, harmless, rejected

from .forgeries import flipped, token
from .jwks import attacker
from .responses import deep, twice

# What it is encrypted with


def registered_as(**members: Any) -> Change[JWEDraft]:
    """Valid encryption by another `alg` or `enc` than the client registered."""
    return lambda draft, scene: replace(draft, header={**draft.header, **members})


def for_another_key(draft: JWEDraft, scene: Scene) -> JWEDraft:
    """Encrypted to another key, with the `kid` of the client's."""
    kid = next((jwk["kid"] for jwk in draft.keys if "kid" in jwk), None)
    jwk = {**attacker().public_jwk(), "use": "enc", "alg": draft.header["alg"]}
    return replace(draft, header={**draft.header, **({"kid": kid} if kid else {})}, keys=[{**jwk, "kid": kid}])


def rsa1_5(draft: JWEDraft) -> str:
    """Encrypted to the client's key with PKCS #1 v1.5 padding (RFC 7518 4.2)."""
    key = public_key(next(jwk for jwk in draft.keys if jwk["kty"] == "RSA"))
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("RSA1_5 needs an RSA key")
    header = base64url(json_bytes({**draft.header, "alg": "RSA1_5"}))
    content_key = os.urandom(KEY_SIZES[draft.header["enc"]])
    encrypted_key = key.encrypt(content_key, padding.PKCS1v15())
    sealed = seal(draft.header["enc"], content_key, draft.content, header.encode("ascii"))
    return ".".join((header, *map(base64url, (encrypted_key, *sealed))))


def compacted(compact: Callable[[JWEDraft], str]) -> Change[JWEDraft]:
    return lambda draft, scene: replace(draft, compact=compact)


def as_it_is(draft: JWEDraft) -> str:
    """The content without encryption."""
    return draft.content.decode()


def twice_encrypted(draft: JWEDraft) -> str:
    return compact_jwe(replace(draft, content=compact_jwe(draft).encode()))


# The header


def with_header(**members: Any) -> Change[JWEDraft]:
    """These header parameters, integrity-protected."""
    return lambda draft, scene: replace(draft, at_last={**draft.at_last, **members})


def compressed(draft: JWEDraft, scene: Scene) -> JWEDraft:
    """Content that is compressed (RFC 7516 4.1.3), as a zip bomb is."""
    deflate = zlib.compressobj(wbits=-15)
    content = deflate.compress(draft.content) + deflate.flush()
    return replace(draft, content=content, header={**draft.header, "zip": "DEF"})


def without_kid(draft: JWEDraft, scene: Scene) -> JWEDraft:
    keys = [{name: jwk[name] for name in jwk if name != "kid"} for jwk in draft.keys]
    return replace(draft, keys=keys)


@cache
def point_off_the_curve() -> dict[str, str]:
    """A point off the curve, which leaks the private key (invalid curve attack)."""
    return {"kty": "EC", "crv": "P-256", "x": base64url(bytes(31) + b"\x01"), "y": base64url(bytes(31) + b"\x01")}


# The parts


def part(number: int, change: Callable[[bytes], bytes]) -> Change[str]:
    """One of the five parts, changed after encryption."""

    def changed(value: str) -> str:
        parts = value.split(".")
        if len(parts) == 5:
            parts[number] = base64url(change(decode_base64url(parts[number])))
        return ".".join(parts)

    return token(changed)


def random_again(value: bytes) -> bytes:
    return os.urandom(len(value))


def with_more_in_the_header(value: bytes) -> bytes:
    return value[:-1] + b',"x":1}'


def first_parts(number: int) -> Change[str]:
    return token(lambda value: ".".join([*value.split("."), "e30"][:number]))


class EncryptionFaults:
    # What it is encrypted with
    ENCRYPTION_MISSING = rejected("not encrypted, though registered", JWE_DRAFT(compacted(as_it_is)))
    ENCRYPTION_TWICE = rejected("encrypted, and encrypted again", JWE_DRAFT(compacted(twice_encrypted)))
    ENCRYPTION_OTHER_KEY = rejected("to a foreign key", JWE_DRAFT(for_another_key))
    ENCRYPTION_OTHER_ALG = rejected("by RSA-OAEP-256", JWE_DRAFT(registered_as(alg="RSA-OAEP-256")))
    ENCRYPTION_OTHER_ENC = rejected("by A256GCM", JWE_DRAFT(registered_as(enc="A256GCM")))
    ENCRYPTION_WITH_SECRET = rejected("with the client secret", JWE_DRAFT(registered_as(alg="dir")))
    ENCRYPTION_RSA1_5 = rejected("by RSA1_5", JWE_DRAFT(compacted(rsa1_5)))

    # Header
    ENCRYPTION_ALG_NONE = rejected("alg is none", JWE_DRAFT(with_header(alg="none")))
    ENCRYPTION_ALG_LIST = rejected("alg is a list", JWE_DRAFT(with_header(alg=["RSA-OAEP"])))
    ENCRYPTION_ALG_PBES2 = rejected(
        "alg is PBES2 with 2**31 rounds", JWE_DRAFT(with_header(alg="PBES2-HS512+A256KW", p2s="AAAA", p2c=2**31))
    )
    ENCRYPTION_ALG_GCMKW = rejected("alg is A256GCMKW", JWE_DRAFT(with_header(alg="A256GCMKW", iv="AA", tag="AA")))
    ENCRYPTION_ENC_MISSING = rejected("enc is null", JWE_DRAFT(with_header(enc=None)))
    ENCRYPTION_ENC_NUMBER = rejected("enc is 5", JWE_DRAFT(with_header(enc=5)))
    ENCRYPTION_ZIP = rejected("compressed", JWE_DRAFT(compressed))
    ENCRYPTION_CRIT = rejected("crit names an unknown parameter", JWE_DRAFT(with_header(crit=["foo"], foo=1)))
    ENCRYPTION_CRIT_EMPTY = rejected("crit is empty", JWE_DRAFT(with_header(crit=[])))
    ENCRYPTION_KID_UNKNOWN = rejected("a key that the client doesn't have", JWE_DRAFT(with_header(kid="unknown")))
    ENCRYPTION_KID_NUMBER = rejected("kid is 5", JWE_DRAFT(with_header(kid=5)))
    ENCRYPTION_KID_MISSING = harmless("no kid", JWE_DRAFT(without_kid))
    ENCRYPTION_HEADER_HUGE = rejected("a parameter of 100 KB", JWE_DRAFT(with_header(foo="x" * 100_000)))
    ENCRYPTION_HEADER_EXTRA = harmless("an unknown parameter", JWE_DRAFT(with_header(foo={"bar": 1})))
    ENCRYPTION_HEADER_DUPLICATE_MEMBERS = rejected("alg twice", JWE_TOKEN(part(0, twice("alg"))))
    ENCRYPTION_HEADER_DEEP = rejected("nested arrays", JWE_TOKEN(part(0, deep)))
    ENCRYPTION_HEADER_CHANGED = rejected(
        "a parameter added after encryption", JWE_TOKEN(part(0, with_more_in_the_header))
    )
    ENCRYPTION_POINT_OFF_CURVE = rejected(
        "an ephemeral key off the curve",
        JWE_DRAFT(lambda draft, scene: replace(draft, at_last={"epk": point_off_the_curve()})),
        encryption="ECDH-ES",
    )
    ENCRYPTION_POINT_MISSING = rejected("no ephemeral key", JWE_DRAFT(with_header(epk=None)), encryption="ECDH-ES")

    # Parts
    ENCRYPTION_KEY_RANDOM = rejected("random bytes as encrypted key", JWE_TOKEN(part(1, random_again)))
    ENCRYPTION_KEY_EMPTY = rejected("no key", JWE_TOKEN(part(1, lambda value: b"")))
    ENCRYPTION_KEY_HUGE = rejected("a key of 50 KB", JWE_TOKEN(part(1, lambda value: bytes(50_000))))
    ENCRYPTION_KEY_BESIDE_AGREEMENT = rejected(
        "an encrypted key beside direct key agreement",
        JWE_TOKEN(part(1, lambda value: bytes(40))),
        encryption="ECDH-ES",
    )
    ENCRYPTION_IV_CHANGED = rejected("one bit of the IV", JWE_TOKEN(part(2, flipped)))
    ENCRYPTION_IV_SHORTER = rejected("a byte of the IV less", JWE_TOKEN(part(2, lambda value: value[:-1])))
    ENCRYPTION_CONTENT_CHANGED = rejected("one bit of the content", JWE_TOKEN(part(3, flipped)))
    ENCRYPTION_CONTENT_SHORTER = rejected("a block less", JWE_TOKEN(part(3, lambda value: value[:-16])))
    ENCRYPTION_CONTENT_EMPTY = rejected("no content", JWE_TOKEN(part(3, lambda value: b"")))
    ENCRYPTION_TAG_CHANGED = rejected("one bit of the tag", JWE_TOKEN(part(4, flipped)))
    ENCRYPTION_TAG_SHORTER = rejected("half a tag", JWE_TOKEN(part(4, lambda value: value[: len(value) // 2])))
    ENCRYPTION_TAG_EMPTY = rejected("no tag", JWE_TOKEN(part(4, lambda value: b"")))
    ENCRYPTION_FOUR_PARTS = rejected("four parts", JWE_TOKEN(first_parts(4)))
    ENCRYPTION_SIX_PARTS = rejected("six parts", JWE_TOKEN(first_parts(6)))
    ENCRYPTION_PADDED = rejected("= after the tag", JWE_TOKEN(token("{}=".format)))
