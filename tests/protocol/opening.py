"""The encrypted tokens that tests open, take apart and change."""

from collections.abc import Callable

import pytest

from oidc_async.errors import TokenError
from oidc_async.protocol.jose.jwe import (
    CONTENT_ENCRYPTIONS,
    KEY_ALGORITHMS,
    DecryptionKey,
    Encryption,
    decrypt_jwe,
    parse_jwe,
)
from tests.protocol.encrypting import (
    joined,
    key_that_opens,
)
from tests.protocol.signing import unb64

EVERY = [Encryption(alg=alg, enc=enc) for alg in KEY_ALGORITHMS for enc in CONTENT_ENCRYPTIONS]
OAEP = Encryption(alg="RSA-OAEP", enc="A128CBC-HS256")
AGREED = Encryption(alg="ECDH-ES", enc="A128GCM")
WRAPPED = Encryption(alg="ECDH-ES+A128KW", enc="A128GCM")
KINDS = [OAEP, AGREED, WRAPPED, Encryption(alg="A256KW", enc="A256GCM"), Encryption(alg="dir", enc="A256CBC-HS512")]
REJECTION = "The token can't be decrypted with a key of the client."

each = pytest.mark.parametrize("encryption", KINDS, ids=lambda it: f"{it.alg} {it.enc}")
every = pytest.mark.parametrize("encryption", EVERY, ids=lambda it: f"{it.alg} {it.enc}")


def opened(token: str, encryption: Encryption, *keys: DecryptionKey) -> str:
    return decrypt_jwe(parse_jwe(token, encryption), keys or (key_that_opens(encryption),)).decode()


def parts_of(token: str) -> list[bytes]:
    return [unb64(part) for part in token.split(".")]


def changed(token: str, number: int, change: Callable[[bytes], bytes]) -> str:
    parts: list[bytes] = parts_of(token)
    parts[number] = change(parts[number])
    return joined(*parts)


def first_bit(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def last_bit(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def outcome(token: str, encryption: Encryption) -> str | type[TokenError]:
    """The content, or the fact that one of our errors was raised and can be shown."""
    try:
        return opened(token, encryption)
    except TokenError as error:
        return TokenError if error.message.isascii() and error.message.isprintable() else type(error)
