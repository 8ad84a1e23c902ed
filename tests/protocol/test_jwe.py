"""Encrypted tokens and what decrypts them: threat model 105 to 107, 224 to 228."""

import hashlib
import json
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe as joserfc_jwe
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from oidc_async.errors import (
    DecryptionFailed,
    KeyNotFound,
    KeyUnusable,
    TokenError,
)
from oidc_async.protocol.jose.jwe import (
    CONTENT_ENCRYPTIONS,
    KEY_ALGORITHMS,
    DecryptionKey,
    DerivedKey,
    Encryption,
    decrypt_jwe,
    derived_key,
    parse_jwe,
)
from oidc_async.testing.encryption import concat_kdf, seal
from oidc_async.testing.keys import point_members
from tests.protocol.encrypting import (
    CONTENT,
    OwnKey,
    encrypted,
    joined,
    key_that_opens,
    kind_for,
    native_ec_key,
    native_key,
    own_key,
)
from tests.protocol.jwe_vectors import AGREED_KEY, AGREED_PARTIES, AGREED_SECRET, EXAMPLES, Example
from tests.protocol.opening import (
    AGREED,
    KINDS,
    OAEP,
    REJECTION,
    changed,
    each,
    every,
    first_bit,
    last_bit,
    opened,
    outcome,
)
from tests.protocol.signing import SECRET, b64, public_jwk

# What goes well


@every
def test_what_is_encrypted_can_be_read(encryption: Encryption) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert opened(encrypted(encryption), encryption) == CONTENT


@pytest.mark.parametrize("enc", CONTENT_ENCRYPTIONS)
@pytest.mark.parametrize("alg", [alg for alg in KEY_ALGORITHMS if alg.startswith("ECDH")])
@pytest.mark.parametrize("kind", ["P-384", "P-521", "X25519"])
def test_keys_are_agreed_on_over_every_curve(alg: str, enc: str, kind: str) -> None:
    encryption, native = Encryption(alg=alg, enc=enc), native_key(kind)
    assert opened(encrypted(encryption, native=native), encryption, own_key(native)) == CONTENT


@pytest.mark.parametrize("alg", [alg for alg in KEY_ALGORITHMS if alg.startswith("ECDH")])
def test_the_names_of_both_sides_are_part_of_what_is_agreed_on(alg: str) -> None:
    """RFC 7518 4.6.1.2 and 4.6.1.3."""
    encryption = Encryption(alg=alg, enc="A256GCM")
    token = encrypted(encryption, header={"apu": b64(b"Alice"), "apv": b64(b"Bob")})
    assert opened(token, encryption) == CONTENT
    others = encrypted(encryption, header={"apu": b64(b"Alice")}, at_last={"apu": b64(b"Mallory")})
    with pytest.raises(DecryptionFailed):
        opened(others, encryption)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda it: it.source)
def test_the_examples_of_the_specifications_can_be_read(example: Example) -> None:
    encryption = Encryption(alg=example.alg, enc=example.enc)
    kinds: dict[str, Any] = {"RSA": RSAKey, "EC": ECKey, "oct": OctKey}
    members = {name: value for name, value in example.jwk.items() if name not in ("use", "kid")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are shorter than joserfc advises
        key: Key = kinds[example.jwk["kty"]].import_key(members)
    assert opened(example.token, encryption, OwnKey(key)) == example.content


def test_the_derivation_of_the_tests_is_that_of_the_specification() -> None:
    """RFC 7518 C."""
    assert b64(concat_kdf(AGREED_SECRET, "A128GCM", 16, AGREED_PARTIES)) == AGREED_KEY


@pytest.mark.parametrize("alg", ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"])
def test_what_another_library_encrypted_can_be_read(alg: str) -> None:
    encryption, native = Encryption(alg=alg, enc="A256CBC-HS512"), native_key(kind_for(alg))
    public = own_key(native).material
    token = joserfc_jwe.encrypt_compact(
        {"alg": alg, "enc": encryption.enc}, CONTENT, public, algorithms=[alg, encryption.enc]
    )
    assert opened(token, encryption) == CONTENT


# The key that is derived from the client secret


@pytest.mark.parametrize(
    ("alg", "enc", "hash_name", "size"),
    [
        ("A128KW", "A256CBC-HS512", "sha256", 16),
        ("A192KW", "A256CBC-HS512", "sha256", 24),
        ("A256KW", "A256CBC-HS512", "sha256", 32),
        ("dir", "A128GCM", "sha256", 16),
        ("dir", "A192GCM", "sha256", 24),
        ("dir", "A256GCM", "sha256", 32),
        ("dir", "A128CBC-HS256", "sha256", 32),
        ("dir", "A192CBC-HS384", "sha384", 48),
        ("dir", "A256CBC-HS512", "sha512", 64),
    ],
)
def test_the_key_is_the_left_part_of_a_hash_of_the_secret(alg: str, enc: str, hash_name: str, size: int) -> None:
    """OIDC Core 10.2."""
    key = derived_key("é" + SECRET, Encryption(alg=alg, enc=enc))
    assert key.material.raw_value == hashlib.new(hash_name, ("é" + SECRET).encode()).digest()[:size]
    assert SECRET not in repr(key)


@pytest.mark.parametrize(
    ("alg", "enc", "least"),
    [("A128KW", "A256GCM", 16), ("A256KW", "A128GCM", 32), ("dir", "A192GCM", 24), ("dir", "A256CBC-HS512", 32)],
)
def test_a_secret_must_be_as_strong_as_its_key(alg: str, enc: str, least: int) -> None:
    """OIDC Core 16.19."""
    encryption = Encryption(alg=alg, enc=enc)
    assert isinstance(derived_key("x" * least, encryption), DerivedKey)
    with pytest.raises(KeyUnusable, match=f"at least {least} bytes"):
        derived_key("x" * (least - 1), encryption)


# One and the same error


def broken(encryption: Encryption) -> dict[str, str]:
    """What can't be decrypted, and looks as if it could."""
    good = encrypted(encryption)
    zeros = {"kty": "EC", "crv": "P-256", "x": b64(bytes(32)), "y": b64(bytes(32))}
    found = {
        "one bit of the IV": changed(good, 2, first_bit),
        "the IV shorter": changed(good, 2, lambda iv: iv[:-1]),
        "the IV longer": changed(good, 2, lambda iv: iv + b"\0"),
        "no IV": changed(good, 2, lambda iv: b""),
        "one bit of the content": changed(good, 3, first_bit),
        "the content shorter": changed(good, 3, lambda content: content[:-1]),
        "a block less": changed(good, 3, lambda content: content[16:]),
        "no content": changed(good, 3, lambda content: b""),
        "one bit of the tag": changed(good, 4, last_bit),
        "the tag shorter": changed(good, 4, lambda tag: tag[:-1]),
        "four bytes of the tag": changed(good, 4, lambda tag: tag[:4]),
        "the tag longer": changed(good, 4, lambda tag: tag + b"\0"),
        "no tag": changed(good, 4, lambda tag: b""),
        "a parameter more": changed(good, 0, lambda header: header[:-1] + b',"x":1}'),
        "a blank in the header": changed(good, 0, lambda header: b" " + header),
    }
    if encryption.alg in ("dir", "ECDH-ES"):
        found["a key where none belongs"] = changed(good, 1, lambda key: bytes(40))
    else:
        found["one bit of the key"] = changed(good, 1, first_bit)
        found["the key shorter"] = changed(good, 1, lambda key: key[:-8])
        found["no key"] = changed(good, 1, lambda key: b"")
        found["a random key"] = changed(good, 1, lambda key: hashlib.sha512(key).digest() * 4)
    if encryption.alg.startswith("ECDH"):
        p256 = public_jwk(native_ec_key("P-256", 7))
        epks: dict[str, Any] = {
            "zeros": zeros,
            "a point off the curve": {**p256, "y": p256["x"]},
            "another curve": public_jwk(native_ec_key("P-384")),
            "a curve of another kind": {"kty": "OKP", "crv": "X25519", "x": b64(bytes(32))},
            "no point": None,
            "a list": [p256],
            "a string": "P-256",
            "numbers": {**p256, "x": 1, "y": 2},
            "no x": {"kty": "EC", "crv": "P-256", "y": p256["y"]},
            "no kty": {name: p256[name] for name in ("crv", "x", "y")},
            "a kty of its own": {**p256, "kty": ["EC"]},
            "an unknown curve": {**p256, "crv": "P-999"},
            "a long coordinate": {**p256, "x": "A" * 4096},
            "no base64": {**p256, "x": "?" * 43},
        }
        for name, epk in epks.items():
            found[f"epk: {name}"] = encrypted(encryption, at_last={"epk": epk})
        for name in ("apu", "apv"):
            found[f"{name}: a number"] = encrypted(encryption, at_last={name: 5})
    return found


BROKEN = [(encryption, name) for encryption in KINDS for name in broken(encryption)]


@pytest.mark.parametrize(("encryption", "name"), BROKEN, ids=lambda it: it if isinstance(it, str) else it.alg)
def test_what_cannot_be_decrypted_is_rejected_without_a_word_why(encryption: Encryption, name: str) -> None:
    """threat model 106: an error for all, without evidence, cause or context."""
    jwe = parse_jwe(broken(encryption)[name], encryption)
    with pytest.raises(DecryptionFailed) as caught:
        decrypt_jwe(jwe, (key_that_opens(encryption),))
    assert (caught.value.message, caught.value.evidence) == (REJECTION, {})
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def agreed_with(write: Callable[[ec.EllipticCurvePublicKey], Any]) -> str:
    """Encrypted to our key on P-256 by ECDH-ES, with the ephemeral key as `write` has it."""
    ours, theirs = native_key("P-256"), ec.generate_private_key(ec.SECP256R1())
    assert isinstance(ours, ec.EllipticCurvePrivateKey)
    header = b64(json.dumps({"alg": AGREED.alg, "enc": AGREED.enc, "epk": write(theirs.public_key())}).encode())
    key = concat_kdf(theirs.exchange(ec.ECDH(), ours.public_key()), AGREED.enc, 16, {})
    return joined(header, b"", *seal(AGREED.enc, key, CONTENT.encode(), header.encode()))


def as_pem(key: ec.EllipticCurvePublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        pytest.param(point_members, CONTENT, id="a JWK"),
        pytest.param(lambda key: {**point_members(key), "kid": "x", "alg": "ECDH-ES"}, CONTENT, id="with a name"),
        pytest.param(lambda key: {**point_members(key), "use": "sig", "key_ops": ["sign"]}, CONTENT, id="with a use"),
        pytest.param(as_pem, TokenError, id="PEM"),
        pytest.param(lambda key: [point_members(key)], TokenError, id="a list"),
        pytest.param(lambda key: {**point_members(key), "kty": "OKP"}, TokenError, id="of another type"),
    ],
)
def test_an_ephemeral_key_is_a_jwk_of_which_the_public_members_count(
    write: Callable[[ec.EllipticCurvePublicKey], Any], expected: object
) -> None:
    """RFC 7518 4.6.1.1."""
    assert outcome(agreed_with(write), AGREED) == expected


def test_an_iv_of_another_length_is_rejected_though_the_tag_is_right() -> None:
    """RFC 7518 5.3: 96 bits, and nothing else that the algorithm could do."""
    encryption = Encryption(alg="dir", enc="A128GCM")
    header = b64(json.dumps({"alg": "dir", "enc": "A128GCM"}).encode())
    key = hashlib.sha256(SECRET.encode()).digest()[:16]
    for size, is_right in ((12, True), (16, False), (8, False)):
        sealed = AESGCM(key).encrypt(bytes(size), CONTENT.encode(), header.encode())
        token = joined(header, b"", bytes(size), sealed[:-16], sealed[-16:])
        assert outcome(token, encryption) == (CONTENT if is_right else TokenError)


@each
def test_another_key_does_not_open_it(encryption: Encryption) -> None:
    if encryption.is_symmetric:
        key: DecryptionKey = derived_key("another" + SECRET, encryption)
    else:
        key = key_that_opens(encryption, number=2)
    with pytest.raises(DecryptionFailed) as caught:
        opened(encrypted(encryption), encryption, key)
    assert (caught.value.message, caught.value.evidence) == (REJECTION, {})


@each
def test_a_key_of_another_type_does_not_open_it(encryption: Encryption) -> None:
    wrong = own_key(native_key("P-256" if kind_for(encryption.alg) == "RSA" else "RSA"))
    with pytest.raises(DecryptionFailed, match=REJECTION):
        opened(encrypted(encryption), encryption, wrong)


def test_a_key_that_does_not_open_is_as_slow_as_a_tag_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7516 11.5: the content is tried in both cases, with a random key when there is no right one."""
    tried: list[bytes] = []
    from oidc_async.protocol.jose import jwe as module

    enc = module._encryptions()[OAEP.enc]
    decrypt = enc.decrypt

    def watched(ciphertext: bytes, tag: bytes, key: bytes, iv: bytes, aad: bytes) -> bytes:
        tried.append(key)
        return decrypt(ciphertext, tag, key, iv, aad)

    monkeypatch.setattr(enc, "decrypt", watched)
    good = encrypted(OAEP)
    for token in (changed(good, 1, first_bit), changed(good, 1, first_bit), changed(good, 4, first_bit)):
        with pytest.raises(DecryptionFailed):
            opened(token, OAEP)
    assert [len(key) for key in tried] == [32, 32, 32]
    assert len(set(tried)) == 3


# Several keys


def test_each_key_is_tried() -> None:
    keys = [own_key(native_key("RSA", number)) for number in (3, 2, 1)]
    assert opened(encrypted(OAEP), OAEP, *keys) == CONTENT
    with pytest.raises(DecryptionFailed):
        opened(encrypted(OAEP), OAEP, *keys[:2])


def test_without_a_key_that_is_said() -> None:
    with pytest.raises(KeyNotFound, match="alg and kid"):
        decrypt_jwe(parse_jwe(encrypted(OAEP, kid="gone"), OAEP), ())


def test_a_token_names_its_key() -> None:
    jwe = parse_jwe(encrypted(OAEP, kid="one"), OAEP)
    assert (jwe.encryption, jwe.kid) == (OAEP, "one")
    assert parse_jwe(encrypted(OAEP), OAEP).kid is None


# Secrets


def test_nothing_of_the_token_shows() -> None:
    """threat model 250, 251."""
    token = encrypted(OAEP, "canary.canary.canary", header={"canary": "canary"})
    jwe = parse_jwe(token, OAEP)
    assert not [part for part in token.split(".") if part in repr(jwe)]
    with pytest.raises(TokenError) as caught:
        decrypt_jwe(parse_jwe(changed(token, 4, first_bit), OAEP), (key_that_opens(OAEP),))
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.evidence)
    assert "canary" not in told
    assert not [part for part in token.split(".") if part in told]
