"""Authenticated encryption of cookies and stored values, each bound to one purpose."""

import hmac
import os
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

# cryptography is imported when it is first needed: its import takes longer than the whole package.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
TAG_BYTES = 16


class Sealer:
    """Encrypts with AES-256-GCM; each purpose has its own key, derived by HKDF (RFC 5869) from the secret.

    Args:
        secrets: the first one encrypts, all of them decrypt. So a secret can be rotated without ending sessions.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = tuple(secrets)
        self._cipher = lru_cache(maxsize=64)(_cipher)
        self._key = lru_cache(maxsize=64)(_key)

    def seal(self, purpose: str, context: str, data: bytes) -> str:
        """Encrypt `data` for one `purpose` and `context`, for instance the cookie's name.

        The context is authenticated (as AEAD associated data), so a value can't be moved to another cookie or key.
        """
        # A random nonce of 96 bits is safe for 2^32 messages per key (NIST SP 800-38D 8.3).
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher(self._secrets[0], purpose).encrypt(nonce, data, context.encode())
        return urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    def keyed_hash(self, purpose: str, text: str) -> str:
        """Return the HMAC-SHA256 of `text`, in hex: a key in a store that reveals nothing without the secret."""
        return hmac.digest(self._key(self._secrets[0], f"{purpose} name"), text.encode(), sha256).hex()

    def open(self, purpose: str, context: str, text: str) -> bytes | None:
        """Decrypt a sealed text; None if it is not authentic, or sealed for another purpose or context."""
        try:
            # The padding is removed in seal(), because "=" is not allowed in every cookie parser.
            raw = b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        if len(raw) < NONCE_BYTES + TAG_BYTES:
            return None
        return self._decrypt(purpose, context, raw)

    def _decrypt(self, purpose: str, context: str, raw: bytes) -> bytes | None:
        from cryptography.exceptions import InvalidTag

        nonce, sealed = raw[:NONCE_BYTES], raw[NONCE_BYTES:]
        for secret in self._secrets:
            try:
                return self._cipher(secret, purpose).decrypt(nonce, sealed, context.encode())
            except InvalidTag:
                continue
        return None


def _cipher(secret: bytes, purpose: str) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(_key(secret, purpose))


def _key(secret: bytes, purpose: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    # The info separates the keys of the purposes, and those of other applications of the same secret (RFC 5869 3.2).
    # The number is the version of the format.
    info = f"oidc_async {purpose} 1".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)
