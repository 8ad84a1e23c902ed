"""Encrypted JWTs (RFC 7516) whose parts faults can change one by one."""

import hashlib
import hmac
import os
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.padding import PKCS7

from .client_signature import client_keys
from .keys import CURVES, base64url, decode_base64url, point_members
from .registry import Client, Registry
from .reply import JSONObject, json_bytes
from .stages import JWE_DRAFT, JWE_TOKEN, JWEDraft, Scene, Spell, strike

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | x25519.X25519PublicKey

KEY_SIZES: Mapping[str, int] = {
    "A128CBC-HS256": 32,
    "A192CBC-HS384": 48,
    "A256CBC-HS512": 64,
    "A128GCM": 16,
    "A192GCM": 24,
    "A256GCM": 32,
}
"""Bytes of the content encryption key of each `enc`."""

WRAPPING_SIZES: Mapping[str, int] = {"A128KW": 16, "A192KW": 24, "A256KW": 32}
OAEP_HASHES: Mapping[str, hashes.HashAlgorithm] = {"RSA-OAEP": hashes.SHA1(), "RSA-OAEP-256": hashes.SHA256()}  # noqa: S303 - by its definition
ENCRYPTION_ALGORITHMS = (
    *OAEP_HASHES,
    "ECDH-ES",
    *(f"ECDH-ES+{wrapping}" for wrapping in WRAPPING_SIZES),
    *WRAPPING_SIZES,
    "dir",
)


def encrypt_for(
    registry: Registry, client: Client, kind: str, content: bytes, spells: Sequence[Spell], scene: Scene
) -> str | None:
    """Encrypt `content` (RFC 7516 7.1); None if the client did not register for it.

    `kind` is id_token or userinfo, as in the names of the client metadata.
    """
    alg = getattr(client, f"{kind}_encrypted_response_alg")
    if alg is None:
        return None
    enc = getattr(client, f"{kind}_encrypted_response_enc") or "A128CBC-HS256"
    draft = JWEDraft(
        header={"alg": alg, "enc": enc},
        content=content,
        keys=() if _is_symmetric(alg) else client_keys(registry, client),
        secret=(client.client_secret or "").encode(),
        compact=compact_jwe,
    )
    draft = strike(spells, JWE_DRAFT, draft, scene)
    return strike(spells, JWE_TOKEN, draft.compact(draft), scene)


def compact_jwe(draft: JWEDraft) -> str:
    """Encrypt, and return the JWE compact serialization."""
    alg, enc = draft.header["alg"], draft.header["enc"]
    header = dict(draft.header)
    if _is_symmetric(alg):
        content_key, encrypted_key = _symmetric_keys(alg, enc, draft.secret)
    else:
        jwk = _recipient(draft.keys, alg)
        header = {**({"kid": jwk["kid"]} if "kid" in jwk else {}), **header}
        content_key, encrypted_key = _keys_for(public_key(jwk), header)
    header |= draft.at_last
    protected = base64url(json_bytes(header))
    sealed = seal(enc, content_key, draft.content, protected.encode("ascii"))
    return ".".join((protected, *map(base64url, (encrypted_key, *sealed))))


def _is_symmetric(alg: str) -> bool:
    return alg in WRAPPING_SIZES or alg == "dir"


def public_key(jwk: Mapping[str, Any]) -> PublicKey:
    """Read a public JWK (RFC 7518 6, RFC 8037 2)."""
    numbers = {name: int.from_bytes(decode_base64url(jwk[name])) for name in ("n", "e", "x", "y") if name in jwk}
    if jwk["kty"] == "RSA":
        return rsa.RSAPublicNumbers(numbers["e"], numbers["n"]).public_key()
    if jwk["kty"] == "EC":
        return ec.EllipticCurvePublicNumbers(numbers["x"], numbers["y"], CURVES[jwk["crv"]]).public_key()
    return x25519.X25519PublicKey.from_public_bytes(decode_base64url(jwk["x"]))


def derived_secret(secret: bytes, size: int) -> bytes:
    """Derive a symmetric key of `size` bytes from a client secret (OIDC Core 10.2)."""
    bits = 256 if size <= 32 else 384 if size <= 48 else 512
    return hashlib.new(f"sha{bits}", secret).digest()[:size]


def seal(enc: str, key: bytes, content: bytes, protected: bytes) -> tuple[bytes, bytes, bytes]:
    """Encrypt, and return IV, ciphertext and tag (RFC 7518 5.2, 5.3)."""
    if enc.endswith("GCM"):
        iv = os.urandom(12)
        sealed = AESGCM(key).encrypt(iv, content, protected)
        return iv, sealed[:-16], sealed[-16:]
    half, iv = len(key) // 2, os.urandom(16)
    padder = PKCS7(128).padder()
    encryptor = Cipher(AES(key[half:]), CBC(iv)).encryptor()
    ciphertext = encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()
    authenticated = protected + iv + ciphertext + struct.pack(">Q", len(protected) * 8)
    return iv, ciphertext, hmac.digest(key[:half], authenticated, f"sha{half * 16}")[:half]


def _recipient(jwks: Sequence[Mapping[str, Any]], alg: str) -> Mapping[str, Any]:
    """Return the first of the client's keys for this algorithm."""
    kinds = ("RSA",) if alg in OAEP_HASHES else ("EC", "OKP")
    for jwk in jwks:
        if jwk["kty"] in kinds and jwk.get("use", "enc") == "enc" and jwk.get("alg", alg) == alg:
            return jwk
    raise ValueError(f"the client registered no key for {alg}: pass jwks to register()")


def _symmetric_keys(alg: str, enc: str, secret: bytes) -> tuple[bytes, bytes]:
    """Return the content encryption key and the encrypted key."""
    if alg == "dir":
        return derived_secret(secret, KEY_SIZES[enc]), b""
    content_key = os.urandom(KEY_SIZES[enc])
    return content_key, aes_key_wrap(derived_secret(secret, WRAPPING_SIZES[alg]), content_key)


def _keys_for(key: PublicKey, header: JSONObject) -> tuple[bytes, bytes]:
    alg, size = header["alg"], KEY_SIZES[header["enc"]]
    if isinstance(key, rsa.RSAPublicKey):
        content_key, digest = os.urandom(size), OAEP_HASHES[alg]
        return content_key, key.encrypt(content_key, padding.OAEP(padding.MGF1(digest), digest, None))
    shared, header["epk"] = _agree(key)
    if alg == "ECDH-ES":
        return concat_kdf(shared, header["enc"], size, header), b""
    content_key, wrapping = os.urandom(size), alg.removeprefix("ECDH-ES+")
    return content_key, aes_key_wrap(concat_kdf(shared, alg, WRAPPING_SIZES[wrapping], header), content_key)


def _agree(key: ec.EllipticCurvePublicKey | x25519.X25519PublicKey) -> tuple[bytes, JSONObject]:
    """Return the shared secret and the ephemeral public key."""
    if isinstance(key, x25519.X25519PublicKey):
        ephemeral = x25519.X25519PrivateKey.generate()
        public = base64url(ephemeral.public_key().public_bytes_raw())
        return ephemeral.exchange(key), {"kty": "OKP", "crv": "X25519", "x": public}
    private = ec.generate_private_key(key.curve)
    return private.exchange(ec.ECDH(), key), point_members(private.public_key())


def concat_kdf(shared: bytes, algorithm: str, size: int, header: Mapping[str, Any]) -> bytes:
    """Derive the agreed key (RFC 7518 4.6.2), with at most two rounds of SHA-256."""
    parties = (decode_base64url(header.get(name, "")) for name in ("apu", "apv"))
    fields = b"".join(struct.pack(">I", len(part)) + part for part in (algorithm.encode("ascii"), *parties))
    info = shared + fields + struct.pack(">I", size * 8)
    rounds = (hashlib.sha256(struct.pack(">I", number) + info).digest() for number in (1, 2))
    return b"".join(rounds)[:size]
