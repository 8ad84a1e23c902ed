"""JSON Web Encryption: parsing and decrypting tokens (RFC 7516, RFC 7518 4 and 5, OIDC Core 10.2).

With jws, encryption_keys and private_keys, the only modules that import joserfc. Only the algorithms that the client
registered reach joserfc. All failures of decryption become the same error after the same work: an error or a time
that depends on the reason would be an oracle for attackers who modify tokens (RFC 7516 11.5).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from oidc_async.errors import AlgorithmNotAllowed, DecryptionFailed, KeyNotFound, KeyUnusable, TokenMalformed

from .jws import (
    MAX_HEADER_LENGTH,
    MAX_TOKEN_LENGTH,
    decode_header,
    decode_segment,
    is_short_ascii,
)

# joserfc is imported when it is first needed, as in jws
if TYPE_CHECKING:
    from joserfc.jwa import JWEAlgModel, JWEEncModel
    from joserfc.jwk import Key, OctKey

MAX_ENCRYPTED_KEY_LENGTH = 1400
MAX_VECTOR_LENGTH = 64
"""The limits of the encrypted key (for RSA with 8192 bits), of the IV and of the tag, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentEncryption:
    """The sizes of an `enc` algorithm, in bytes."""

    key: int
    iv: int
    tag: int


CONTENT_ENCRYPTIONS: Mapping[str, ContentEncryption] = MappingProxyType(
    {
        "A128CBC-HS256": ContentEncryption(key=32, iv=16, tag=16),
        "A192CBC-HS384": ContentEncryption(key=48, iv=16, tag=24),
        "A256CBC-HS512": ContentEncryption(key=64, iv=16, tag=32),
        "A128GCM": ContentEncryption(key=16, iv=12, tag=16),
        "A192GCM": ContentEncryption(key=24, iv=12, tag=16),
        "A256GCM": ContentEncryption(key=32, iv=12, tag=16),
    }
)
DEFAULT_ENC = "A128CBC-HS256"

KEY_WRAPPINGS: Mapping[str, int] = MappingProxyType({"A128KW": 16, "A192KW": 24, "A256KW": 32})
"""The algorithms and the sizes of their keys, in bytes."""

SYMMETRIC_ALGORITHMS = (*KEY_WRAPPINGS, "dir")
KEY_AGREEMENTS = ("ECDH-ES", *(f"ECDH-ES+{wrapping}" for wrapping in KEY_WRAPPINGS))
RSA_ENCRYPTIONS = ("RSA-OAEP", "RSA-OAEP-256")
KEY_ALGORITHMS = (*RSA_ENCRYPTIONS, *KEY_AGREEMENTS, *SYMMETRIC_ALGORITHMS)
"""Every supported `alg`. RSA1_5, PBES2 and the GCM key wrappings are deliberately not among them."""

WITHOUT_ENCRYPTED_KEY = ("ECDH-ES", "dir")
STRONG_SECRET = 32
"""The length of a client_secret, in bytes, that is enough for every derived key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """The encryption algorithms that a client registered for a kind of token (OIDC Registration 2)."""

    alg: str
    enc: str

    @property
    def is_symmetric(self) -> bool:
        """Whether the key is derived from client_secret."""
        return self.alg in SYMMETRIC_ALGORITHMS

    @property
    def secret_size(self) -> int:
        """The size of the key that is derived from client_secret, in bytes."""
        return KEY_WRAPPINGS.get(self.alg, CONTENT_ENCRYPTIONS[self.enc].key)


class DecryptionKey(Protocol):
    """A private key of the client, or a key that is derived from its secret."""

    @property
    def material(self) -> "Key": ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DerivedKey:
    """A symmetric key that is derived from client_secret. It has no `kid`, and fits every `kid`."""

    material: "OctKey" = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactJWE:
    """A parsed JWE, **not decrypted**: anyone may have written its header; only `alg` and `enc` are checked."""

    header: Mapping[str, Any]
    encryption: Encryption
    header_segment: str = field(repr=False)
    encrypted_key: bytes = field(repr=False)
    iv: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)
    tag: bytes = field(repr=False)

    @property
    def kid(self) -> str | None:
        return self.header.get("kid")


def parse_jwe(token: str, encryption: Encryption) -> CompactJWE:
    """Parse a JWE in compact form (RFC 7516 7.1), without decrypting anything.

    This is cheap for every input: segments that are too long are not decoded. Compression (`zip`) is rejected,
    because a small token could expand to gigabytes, and so are extensions (`crit`).

    Args:
        token: the token.
        encryption: the algorithms that the client registered; `alg` and `enc` must be these.

    Raises:
        TokenMalformed: the token is not such a JWE.
        AlgorithmNotAllowed: `alg` or `enc` is not the registered algorithm.
    """
    segments = _split(token)
    header = decode_header(segments[0])
    _require_registered(header, encryption)
    parts = zip(segments[1:], ("encrypted key", "initialization vector", "ciphertext", "tag"), strict=True)
    encrypted_key, iv, ciphertext, tag = (decode_segment(segment, name) for segment, name in parts)
    return CompactJWE(
        header=header,
        encryption=encryption,
        header_segment=segments[0],
        encrypted_key=encrypted_key,
        iv=iv,
        ciphertext=ciphertext,
        tag=tag,
    )


def parse_nested(token: str, encryption: Encryption) -> CompactJWE:
    """Parse a JWE that must contain a signed token (RFC 7519 5.2): `cty` is JWT or absent."""
    jwe = parse_jwe(token, encryption)
    content_type = jwe.header.get("cty", "JWT")
    if not isinstance(content_type, str) or content_type.lower() not in ("jwt", "application/jwt"):
        raise TokenMalformed("cty of the encrypted token must be JWT or absent.")
    return jwe


def decrypt_jwe(jwe: CompactJWE, keys: Sequence[DecryptionKey]) -> bytes:
    """Decrypt with the first of `keys` that fits (RFC 7516 5.2).

    Raises:
        KeyNotFound: `keys` is empty.
        DecryptionFailed: no key decrypts the token. The error is the same for every reason.
    """
    if not keys:
        raise KeyNotFound("The client has no key that fits alg and kid of the encrypted token.")
    for key in keys:
        content = _decrypt(jwe, key)
        if content is not None:
            return content
    raise DecryptionFailed("The token can't be decrypted with a key of the client.")


def derived_key(client_secret: str, encryption: Encryption) -> DerivedKey:
    """Derive a key from the left-most bits of a SHA-2 hash of the secret (OIDC Core 10.2).

    Raises:
        KeyUnusable: the secret is shorter than the key. A secret of 32 bytes is long enough for every key.
    """
    secret, size = client_secret.encode("utf-8"), encryption.secret_size
    if len(secret) < min(size, STRONG_SECRET):
        least = min(size, STRONG_SECRET)
        raise KeyUnusable(f"client_secret must be at least {least} bytes long for {encryption.alg}.")
    from joserfc.jwk import OctKey

    # OIDC Core 10.2 truncates the smallest hash that is long enough.
    hash_name = "sha256" if size <= 32 else "sha384" if size <= 48 else "sha512"
    octets = hashlib.new(hash_name, secret).digest()[:size]
    return DerivedKey(material=OctKey(octets, octets))


def _split(token: str) -> list[str]:
    if not is_short_ascii(token):
        raise TokenMalformed(f"The token must be at most {MAX_TOKEN_LENGTH} ASCII characters.")
    segments = token.split(".", 5)
    if len(segments) != 5:
        raise TokenMalformed(
            "The token must be encrypted (5 segments): ClientMetadata has an ..._encrypted_response_alg for it."
        )
    header, encrypted_key, iv, _, tag = segments
    if len(header) > MAX_HEADER_LENGTH:
        raise TokenMalformed(f"The token's header must be at most {MAX_HEADER_LENGTH} characters.")
    if len(encrypted_key) > MAX_ENCRYPTED_KEY_LENGTH or max(len(iv), len(tag)) > MAX_VECTOR_LENGTH:
        raise TokenMalformed(
            "The token's encrypted key, initialization vector or tag is longer than any algorithm allows."
        )
    return segments


def _require_registered(header: Mapping[str, Any], encryption: Encryption) -> None:
    for name, expected in (("alg", encryption.alg), ("enc", encryption.enc)):
        if header.get(name) != expected:
            message = (
                f"{name} of the encrypted token must be {expected}, the ..._encrypted_response_{name} in "
                "ClientMetadata."
            )
            raise AlgorithmNotAllowed(message, expected=expected)
    if "zip" in header:
        raise TokenMalformed("The token's header must not have zip: compression is not supported.")


@cache
def _algorithms() -> "Mapping[str, JWEAlgModel]":
    # Not by joserfc's registry, which lets the token choose among all algorithms.
    from joserfc.jwa import JWE_ALG_MODELS

    return {model.name: model for model in JWE_ALG_MODELS if model.name in KEY_ALGORITHMS}


@cache
def _encryptions() -> "Mapping[str, JWEEncModel]":
    from joserfc.jwa import JWE_ENC_MODELS

    return {model.name: model for model in JWE_ENC_MODELS if model.name in CONTENT_ENCRYPTIONS}


def _decrypt(jwe: CompactJWE, key: DecryptionKey) -> bytes | None:
    """Return the plaintext; None for every failure: a wrong key looks the same as a wrong tag."""
    # The steps below always run, in the same order. Only the sizes of IV and tag end early: they are visible to
    # everybody.
    enc, sizes = _encryptions()[jwe.encryption.enc], CONTENT_ENCRYPTIONS[jwe.encryption.enc]
    content_key = _content_key(jwe, key)
    if content_key is None or len(content_key) != sizes.key:
        # Continue with a random key, so that a wrong encrypted key takes as long as a wrong tag (RFC 7516 11.5). This
        # is the defence against Bleichenbacher's attack, which needs to tell the two failures apart.
        content_key = enc.generate_cek()
    if (len(jwe.iv), len(jwe.tag)) != (sizes.iv, sizes.tag):
        return None
    try:
        return enc.decrypt(jwe.ciphertext, jwe.tag, content_key, jwe.iv, jwe.header_segment.encode("ascii"))
    except Exception:
        return None


def _content_key(jwe: CompactJWE, key: DecryptionKey) -> bytes | None:
    """Return the content encryption key; None for every failure."""
    # RFC 7516 5.2, step 10: with these algorithms the encrypted key must be empty.
    if jwe.encryption.alg in WITHOUT_ENCRYPTED_KEY and jwe.encrypted_key:
        return None
    try:
        return _unwrap(jwe, key)
    except Exception:
        # A wrong key, a point that is not on the curve, or an invalid wrapping: the reason must not be visible.
        return None


def _unwrap(jwe: CompactJWE, key: DecryptionKey) -> bytes:
    from joserfc.jwa import JWEDirectEncryption, JWEKeyAgreement
    from joserfc.jwe import CompactEncryption, Recipient

    alg, enc = _algorithms()[jwe.encryption.alg], _encryptions()[jwe.encryption.enc]
    # joserfc's own decryption checks the header first and raises a different error for each problem. So its parts are
    # called here one by one.
    recipient = Recipient[Any](CompactEncryption(_public_header(jwe.header)), None, key.material)
    recipient.encrypted_key = jwe.encrypted_key
    if isinstance(alg, JWEDirectEncryption):
        return alg.compute_cek(enc.cek_size, recipient)
    if isinstance(alg, JWEKeyAgreement):
        agreed = alg.decrypt_agreed_upon_key(enc, recipient)
        return alg.unwrap_cek_with_auk(jwe.encrypted_key, agreed) if alg.key_wrapping else agreed
    return alg.decrypt_cek(recipient)


def _public_header(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the header with only the public members of the ephemeral key (RFC 7518 4.6.1.1)."""
    # joserfc imports the ephemeral key as a JWK. Additional members, such as a private d, could change what it
    # imports.
    if "epk" not in header:
        return dict(header)
    given: Mapping[str, Any] = header["epk"]
    names = ("kty", "crv", "x", "y") if given["kty"] == "EC" else ("kty", "crv", "x")
    return {**header, "epk": {name: given[name] for name in names}}
