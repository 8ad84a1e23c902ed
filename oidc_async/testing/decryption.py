"""Decryption of request objects (RFC 7516), with `cryptography` only."""

import hmac
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap
from cryptography.hazmat.primitives.padding import PKCS7

from .encryption import KEY_SIZES, OAEP_HASHES, WRAPPING_SIZES, concat_kdf, derived_secret, public_key
from .keys import PrivateKey, base64url, decode_base64url, point_members, private_key
from .registry import Client, Registry


class NotDecrypted(Exception):
    """The JWE is invalid; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecryptionKey:
    """A private key of the provider, whose public key is published for one alg."""

    alg: str
    private: PrivateKey = field(repr=False)

    @property
    def kid(self) -> str:
        return f"{self.alg.lower()}-for-encryption"

    def public_jwk(self) -> dict[str, Any]:
        return {**self._public_members(), "kid": self.kid, "alg": self.alg, "use": "enc"}

    def _public_members(self) -> dict[str, Any]:
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return point_members(self.private.public_key())
        if isinstance(self.private, rsa.RSAPrivateKey):
            numbers = self.private.public_key().public_numbers()
            parts = {"n": numbers.n, "e": numbers.e}
            return {"kty": "RSA", **{name: base64url(_bytes(number)) for name, number in parts.items()}}
        raise TypeError("Ed25519 keys cannot encrypt")


def decryption_keys(registry: Registry) -> list[DecryptionKey]:
    """Return the keys for all algorithms that clients registered."""
    algs = {client.request_object_encryption_alg for client in registry.clients.values()}
    return [_key(registry, alg) for alg in sorted(alg for alg in algs if alg and _is_asymmetric(alg))]


def decrypt(registry: Registry, client: Client, token: str) -> str:
    """Decrypt a JWT that is encrypted as the client registered. Raises NotDecrypted."""
    try:
        head, *segments = token.split(".")
        header = json.loads(decode_base64url(head))
        encrypted_key, iv, ciphertext, tag = map(decode_base64url, segments)
    except (ValueError, TypeError):
        raise NotDecrypted("it is not an encrypted JWT") from None
    alg, enc = client.request_object_encryption_alg, client.request_object_encryption_enc or "A128CBC-HS256"
    if (header.get("alg"), header.get("enc"), header.get("cty")) != (alg, enc, "JWT"):
        raise NotDecrypted("alg, enc and cty must be those that the client registered")
    try:
        key = _content_key(registry, client, header, encrypted_key)
        return _open(enc, key, iv, ciphertext, tag, head.encode("ascii")).decode("ascii")
    except (ValueError, InvalidTag, InvalidUnwrap):
        raise NotDecrypted("it cannot be decrypted") from None


def _key(registry: Registry, alg: str) -> DecryptionKey:
    return DecryptionKey(alg=alg, private=private_key(registry.issuer, alg, 1))


def _is_asymmetric(alg: str) -> bool:
    return alg != "dir" and alg not in WRAPPING_SIZES


def _content_key(registry: Registry, client: Client, header: Mapping[str, Any], encrypted_key: bytes) -> bytes:
    alg, size = header["alg"], KEY_SIZES[header["enc"]]
    if not _is_asymmetric(alg):
        secret = (client.client_secret or "").encode()
        if alg == "dir":
            return derived_secret(secret, size)
        return aes_key_unwrap(derived_secret(secret, WRAPPING_SIZES[alg]), encrypted_key)
    key = _key(registry, alg)
    if header.get("kid") != key.kid:
        raise ValueError("another key")
    if isinstance(key.private, rsa.RSAPrivateKey):
        digest = OAEP_HASHES[alg]
        return key.private.decrypt(encrypted_key, padding.OAEP(padding.MGF1(digest), digest, None))
    return _agreed(key.private, header, size, encrypted_key)


def _agreed(private: PrivateKey, header: Mapping[str, Any], size: int, encrypted_key: bytes) -> bytes:
    ephemeral = public_key(header["epk"])
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(ephemeral, ec.EllipticCurvePublicKey):
        raise ValueError("a key of another kind")
    shared, alg = private.exchange(ec.ECDH(), ephemeral), header["alg"]
    if alg == "ECDH-ES":
        return concat_kdf(shared, header["enc"], size, header)
    wrapping = WRAPPING_SIZES[alg.removeprefix("ECDH-ES+")]
    return aes_key_unwrap(concat_kdf(shared, alg, wrapping, header), encrypted_key)


def _open(enc: str, key: bytes, iv: bytes, ciphertext: bytes, tag: bytes, protected: bytes) -> bytes:
    if enc.endswith("GCM"):
        return AESGCM(key).decrypt(iv, ciphertext + tag, protected)
    half = len(key) // 2
    authenticated = protected + iv + ciphertext + struct.pack(">Q", len(protected) * 8)
    if not hmac.compare_digest(hmac.digest(key[:half], authenticated, f"sha{half * 16}")[:half], tag):
        raise InvalidTag
    decryptor, unpadder = Cipher(AES(key[half:]), CBC(iv)).decryptor(), PKCS7(128).unpadder()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)
