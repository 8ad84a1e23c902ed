"""Keys of a provider that one may encrypt to, and what is encrypted to them. threat model 26, 27, 29 to 33, 106."""

import warnings
from typing import Any

import pytest

from oidc_async.errors import KeyNotFound, KeyUnusable
from oidc_async.protocol.jose.encryption_keys import encrypt_nested, import_recipient_jwk, select_recipient
from oidc_async.protocol.jose.jwe import (
    CONTENT_ENCRYPTIONS,
    KEY_ALGORITHMS,
    Encryption,
    decrypt_jwe,
    derived_key,
    parse_nested,
)
from tests.protocol.encrypting import CONTENT, encryption_jwk, key_that_opens, kind_for, native_key, own_key
from tests.protocol.signing import SECRET, ec_key, ed25519_key, private_rsa_jwk, public_jwk, rsa_key

EVERY = [Encryption(alg=alg, enc=enc) for alg in KEY_ALGORITHMS for enc in CONTENT_ENCRYPTIONS]
RSA = encryption_jwk(native_key("RSA"))
EC = encryption_jwk(native_key("P-256"))


@pytest.mark.parametrize("encryption", EVERY, ids=lambda it: f"{it.alg} {it.enc}")
def test_what_is_encrypted_is_opened_by_the_other_half(encryption: Encryption) -> None:
    published = encryption_jwk(native_key(kind_for(encryption.alg)), kid="theirs")
    key = derived_key(SECRET, encryption) if encryption.is_symmetric else import_recipient_jwk(published)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        token = encrypt_nested(CONTENT, encryption, key)
    jwe = parse_nested(token, encryption)
    assert decrypt_jwe(jwe, (key_that_opens(encryption),)).decode() == CONTENT
    assert (jwe.header["cty"], jwe.kid) == ("JWT", None if encryption.is_symmetric else "theirs")


@pytest.mark.parametrize("alg", [alg for alg in KEY_ALGORITHMS if alg.startswith("ECDH")])
@pytest.mark.parametrize("kind", ["P-384", "P-521", "X25519"])
def test_keys_are_agreed_on_over_every_curve(kind: str, alg: str) -> None:
    encryption, native = Encryption(alg=alg, enc="A128GCM"), native_key(kind)
    token = encrypt_nested(CONTENT, encryption, import_recipient_jwk(encryption_jwk(native)))
    assert decrypt_jwe(parse_nested(token, encryption), (own_key(native),)).decode() == CONTENT


def test_no_two_are_alike() -> None:
    encryption, key = Encryption(alg="RSA-OAEP", enc="A128CBC-HS256"), import_recipient_jwk(RSA)
    assert len({part for _ in range(3) for part in encrypt_nested(CONTENT, encryption, key).split(".")[1:]}) == 12


@pytest.mark.parametrize(
    "changes",
    [{}, {"use": None}, {"key_ops": ["wrapKey"]}, {"key_ops": ["encrypt"]}, {"alg": "RSA-OAEP-256"}, {"kid": "k"}],
    ids=str,
)
def test_a_usable_key_is_taken(changes: dict[str, Any]) -> None:
    jwk = {name: value for name, value in {**RSA, **changes}.items() if value is not None}
    key = import_recipient_jwk(jwk)
    assert (key.kid, key.alg, key.kty) == (changes.get("kid"), changes.get("alg"), "RSA")


@pytest.mark.parametrize(
    ("jwk", "word"),
    [
        pytest.param({**RSA, "use": "sig"}, "use", id="27-to-verify"),
        pytest.param({**RSA, "key_ops": ["verify"]}, "key_ops", id="27-other-operations"),
        pytest.param({**RSA, "key_ops": "encrypt"}, "key_ops", id="27-operations-no-list"),
        pytest.param({**RSA, "alg": "RS256"}, "alg", id="28-alg-of-a-signature"),
        pytest.param({**RSA, "alg": "ECDH-ES"}, "alg", id="28-alg-of-another-type"),
        pytest.param({**RSA, "alg": "RSA1_5"}, "alg", id="106-rsa1_5"),
        pytest.param({**RSA, "n": "AQAB"}, "n must be", id="31-weak"),
        pytest.param({**RSA, "kid": 5}, "kid", id="35-kid-a-number"),
        pytest.param(public_jwk(b"a secret", use="enc"), "kty", id="29-symmetric"),
        pytest.param(public_jwk(ed25519_key()), "Ed25519", id="ed25519"),
        pytest.param({**EC, "crv": "secp256k1"}, "crv", id="33-curve"),
        pytest.param({**EC, "y": EC["x"]}, "EC", id="off-the-curve"),
    ],
)
def test_another_key_is_not(jwk: dict[str, Any], word: str) -> None:
    with pytest.raises(KeyUnusable, match=word):
        import_recipient_jwk(jwk)


def test_of_a_private_key_only_the_public_half_is_read() -> None:
    key = import_recipient_jwk(private_rsa_jwk(rsa_key(), use="enc"))
    assert not key.material.is_private


KEYS = [
    import_recipient_jwk({**RSA, "kid": "256", "alg": "RSA-OAEP-256"}),
    import_recipient_jwk({**RSA, "kid": "any"}),
    import_recipient_jwk({**public_jwk(ec_key()), "kid": "ec"}),
]


@pytest.mark.parametrize(
    ("algorithm", "kid"),
    [("RSA-OAEP", "any"), ("RSA-OAEP-256", "256"), ("ECDH-ES", "ec"), ("ECDH-ES+A256KW", "ec")],
)
def test_the_first_key_that_fits_is_chosen(algorithm: str, kid: str) -> None:
    assert select_recipient(KEYS, algorithm).kid == kid


@pytest.mark.parametrize("algorithm", ["RSA1_5", "dir", "A128KW", "RS256", "none"])
def test_no_key_fits(algorithm: str) -> None:
    with pytest.raises(KeyNotFound, match=algorithm):
        select_recipient(KEYS, algorithm)
