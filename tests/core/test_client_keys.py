"""The client's own keys: which are taken, which one signs, and what of them is published."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from oidc_async import ClientKeys, ConfigurationError
from oidc_async.errors import KeyUnusable
from oidc_async.protocol.jose.jws import VerificationKey, client_secret_key, import_jwk, parse_compact, verify_compact
from oidc_async.protocol.jose.private_keys import PrivateKey, sign_compact
from tests.protocol.signing import (
    CURVES,
    SECRET,
    b64,
    ec_key,
    ed25519_key,
    private_ec_jwk,
    private_okp_jwk,
    private_rsa_jwk,
    public_jwk,
    rsa_key,
)

PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
X25519 = x25519.X25519PrivateKey.generate()


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8, lock: KeySerializationEncryption | None = None) -> bytes:
    encoded: bytes = key.private_bytes(Encoding.PEM, form, lock or NoEncryption())
    return encoded


RSA_JWK = private_rsa_jwk(rsa_key())
EC_JWK = private_ec_jwk()
ED25519_JWK = private_okp_jwk(ed25519_key(), "Ed25519")
X25519_JWK = private_okp_jwk(X25519, "X25519")
JWKS = {
    "RSA": RSA_JWK,
    "RSA without primes": {name: RSA_JWK[name] for name in ("kty", "n", "e", "d")},
    "P-256": EC_JWK,
    "P-384": private_ec_jwk("P-384"),
    "P-521": private_ec_jwk("P-521"),
    "Ed25519": ED25519_JWK,
}


@pytest.mark.parametrize("name", JWKS)
def test_what_a_key_signs_verifies_with_what_is_published_of_it(name: str) -> None:
    keys = ClientKeys.from_jwk(JWKS[name])
    key = keys.signing_key()
    token = sign_compact({"alg": key.default_alg, "kid": key.kid}, {"sub": "c1"}, key)
    (published,) = json.loads(json.dumps(keys.jwks()))["keys"]
    jws = parse_compact(token)
    verify_compact(jws, import_jwk(published))
    assert (published["kid"], json.loads(jws.payload)) == (jws.kid, {"sub": "c1"})


@pytest.mark.parametrize(
    ("key", "form"),
    [
        pytest.param(rsa_key(), PrivateFormat.PKCS8, id="RSA-PKCS8"),
        pytest.param(rsa_key(), PrivateFormat.TraditionalOpenSSL, id="RSA-PKCS1"),
        pytest.param(ec_key(), PrivateFormat.TraditionalOpenSSL, id="EC-SEC1"),
        pytest.param(ec_key("P-521"), PrivateFormat.PKCS8, id="EC-PKCS8"),
        pytest.param(ed25519_key(), PrivateFormat.PKCS8, id="Ed25519"),
    ],
)
def test_a_pem_gives_the_same_key_as_text_bytes_and_file(tmp_path: Path, key: Any, form: PrivateFormat) -> None:
    data, path = pem(key, form), tmp_path / "key.pem"
    path.write_bytes(data)
    for each in (data, data.decode(), path):
        (published,) = ClientKeys.from_pem(each, kid="2025").jwks()["keys"]
        assert published == public_jwk(key, kid="2025", use="sig")


def test_an_encrypted_pem_needs_its_password() -> None:
    locked = pem(ec_key(), lock=BestAvailableEncryption(b"secret"))
    (opened,) = ClientKeys.from_pem(locked, password="secret").keys
    assert opened.public == ClientKeys.from_pem(pem(ec_key())).keys[0].public
    with pytest.raises(ConfigurationError, match="pass its password"):
        ClientKeys.from_pem(locked)
    with pytest.raises(ConfigurationError, match="must be a private key"):
        ClientKeys.from_pem(locked, password="wrong")


def test_a_key_without_a_name_is_named_by_its_thumbprint() -> None:
    """RFC 7638 3"""
    members = {name: EC_JWK[name] for name in ("crv", "kty", "x", "y")}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    assert ClientKeys.from_jwk(EC_JWK).keys[0].kid == b64(hashlib.sha256(text.encode()).digest())
    assert ClientKeys.from_jwk({**EC_JWK, "kid": "2025"}).keys[0].kid == "2025"


@pytest.mark.parametrize("jwk", [*JWKS.values(), X25519_JWK], ids=[*JWKS, "X25519"])
def test_no_private_member_is_published_nor_shown(jwk: dict[str, Any]) -> None:
    odd = {"k": "c2VjcmV0LW9m", "x5c": ["c2VjcmV0LW9m"], "private": "c2VjcmV0LW9m"}
    keys = ClientKeys.from_jwk({**jwk, **odd})
    (published,) = keys.jwks()["keys"]
    assert set(published) <= {"kty", "n", "e", "crv", "x", "y", "kid", "use"}
    assert PRIVATE_MEMBERS.isdisjoint(published)
    secrets = ["c2VjcmV0LW9m", *(value for name, value in jwk.items() if name in PRIVATE_MEMBERS)]
    for text in (repr(keys), str(keys), repr(keys.signing_key) + repr(keys.keys[0]), json.dumps(keys.jwks())):
        assert published["kid"] in text
        assert [secret for secret in secrets if secret in text] == []


@pytest.mark.parametrize(
    ("jwk", "use", "alg"),
    [
        (RSA_JWK, "sig", "RS256"),
        ({**RSA_JWK, "alg": "PS256"}, "sig", "PS256"),
        ({**RSA_JWK, "alg": "RSA-OAEP"}, "enc", None),
        ({**RSA_JWK, "use": "enc"}, "enc", None),
        ({**EC_JWK, "key_ops": ["sign"]}, "sig", "ES256"),
        ({**EC_JWK, "alg": "ECDH-ES"}, "enc", None),
        ({**EC_JWK, "use": "enc", "key_ops": ["deriveKey"]}, "enc", None),
        (private_ec_jwk("P-384"), "sig", "ES384"),
        (private_ec_jwk("P-521"), "sig", "ES512"),
        (ED25519_JWK, "sig", "EdDSA"),
        ({**ED25519_JWK, "alg": "Ed25519"}, "sig", "Ed25519"),
        (X25519_JWK, "enc", None),
    ],
)
def test_a_key_signs_or_decrypts_and_never_both(jwk: dict[str, Any], use: str, alg: str | None) -> None:
    keys = ClientKeys.from_jwk(jwk)
    assert keys.jwks()["keys"][0]["use"] == keys.keys[0].use == use
    if alg is None:
        with pytest.raises(ConfigurationError, match=r"no key that signs: all of them have use=enc"):
            keys.signing_key()
    else:
        assert keys.signing_key().default_alg == alg
        assert keys.decryption_keys(None, "RSA-OAEP") == keys.decryption_keys(None, "ECDH-ES") == ()


WEAK_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)
MANY_PRIMES = {**RSA_JWK, "oth": [{"r": "AQAB", "d": "AQAB", "t": "AQAB"}]}


@pytest.mark.parametrize(
    ("jwk", "words"),
    [
        pytest.param(public_jwk(rsa_key()), "d is missing: this is a public key", id="RSA-public"),
        pytest.param(public_jwk(ec_key()), "d is missing: this is a public key", id="EC-public"),
        pytest.param({"kty": "oct", "k": "c2VjcmV0"}, "kty must be RSA, EC or OKP", id="symmetric"),
        pytest.param({}, "kty must be", id="empty"),
        pytest.param(private_rsa_jwk(WEAK_RSA), "2048 to 8192 bits, not 1024", id="RSA-1024"),
        pytest.param(MANY_PRIMES, "more than two primes", id="RSA-of-three-primes"),
        pytest.param({**RSA_JWK, "d": "AQAB"}, "RSA key is invalid", id="RSA-wrong-d"),
        pytest.param({**RSA_JWK, "d": 5}, "RSA key is invalid", id="RSA-d-a-number"),
        pytest.param({**EC_JWK, "d": b64(bytes(31) + b"\x05")}, "EC key is invalid", id="EC-wrong-d"),
        pytest.param({**ED25519_JWK, "d": X25519_JWK["d"]}, "must belong to the same key", id="Ed25519-wrong-d"),
        pytest.param({**EC_JWK, "crv": "secp256k1"}, "crv must be P-256, P-384 or P-521", id="secp256k1"),
        pytest.param({**ED25519_JWK, "crv": "Ed448"}, "crv must be Ed25519", id="Ed448"),
        pytest.param({**RSA_JWK, "alg": "ES256"}, "alg .* must be one of RS256", id="alg-of-another-type"),
        pytest.param({**RSA_JWK, "alg": "none"}, "alg of this key", id="alg-none"),
        pytest.param({**RSA_JWK, "alg": "HS256"}, "alg of this key", id="alg-HS256"),
        pytest.param({**RSA_JWK, "alg": "RSA1_5", "use": "enc"}, "alg of this key .* RSA-OAEP", id="alg-RSA1_5"),
        pytest.param({**EC_JWK, "alg": "ES384"}, "alg of this key .* ES256", id="alg-of-another-curve"),
        pytest.param({**EC_JWK, "alg": "ECDH-ES", "use": "sig"}, "alg of this key", id="alg-of-another-use"),
        pytest.param({**EC_JWK, "use": "tls"}, "use must be sig or enc", id="use-unknown"),
        pytest.param({**EC_JWK, "key_ops": ["verify"]}, "key_ops", id="key_ops-of-verifying"),
        pytest.param({**EC_JWK, "key_ops": "sign"}, "key_ops", id="key_ops-a-string"),
        pytest.param({**ED25519_JWK, "use": "enc"}, "Ed25519 can't have use=enc", id="Ed25519-for-encryption"),
        pytest.param({**X25519_JWK, "use": "sig"}, "X25519 can't have use=sig", id="X25519-for-signatures"),
        pytest.param({**EC_JWK, "kid": 5}, "kid must be", id="kid-a-number"),
        pytest.param({"keys": []}, "1 to 100 keys, not 0", id="set-empty"),
        pytest.param({"keys": "all"}, "must be a list", id="set-no-list"),
        pytest.param({"keys": [EC_JWK, 5]}, r"keys\[1\] of the JWK Set .* object", id="set-of-a-number"),
        pytest.param({"keys": [EC_JWK, EC_JWK]}, "two keys with kid", id="one-key-twice"),
    ],
)
def test_an_invalid_private_key_is_rejected_without_showing_it(jwk: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        ClientKeys.from_jwk(jwk)
    secrets = [value for name, value in jwk.items() if name in PRIVATE_MEMBERS and isinstance(value, str)]
    assert [secret for secret in secrets if secret in str(caught.value)] == []
    assert caught.value.__cause__ is None


JUNK = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
PUBLIC_PEM = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(PUBLIC_PEM, "must be a private key", id="public"),
        pytest.param(pem(WEAK_RSA), "2048 to 8192 bits", id="RSA-1024"),
        pytest.param(pem(ec.generate_private_key(CURVES["secp256k1"])), "crv must be P-256", id="secp256k1"),
        pytest.param(pem(ec.generate_private_key(ec.BrainpoolP256R1())), "must be on P-256", id="brainpool"),
        pytest.param(pem(ed448.Ed448PrivateKey.generate()), "must be an RSA", id="Ed448"),
        pytest.param(pem(dsa.generate_private_key(2048)), "must be an RSA", id="DSA"),
        pytest.param(pem(ec_key()) + pem(rsa_key()), "must contain one private key", id="two-in-one"),
        pytest.param(
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "must be a private", id="junk"
        ),
        pytest.param("/etc/keys/client.pem", "pathlib.Path", id="path-as-a-string"),
        pytest.param(Path("/nowhere/client.pem"), "cannot be read: FileNotFoundError", id="no-such-file"),
    ],
)
def test_an_invalid_private_key_in_pem_is_rejected(data: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        ClientKeys.from_pem(data)


def test_the_first_key_that_fits_signs_and_all_are_published() -> None:
    """A rotation: the provider has yet to learn of the new key, or has yet to drop the old one."""
    new, old, other = rsa_key(1), rsa_key(2), ec_key()
    keys = ClientKeys.from_pem(pem(new), kid="new") + ClientKeys.from_pem(pem(old), kid="old")
    keys += ClientKeys.from_pem(pem(other), kid="other") + ClientKeys.from_jwk({**X25519_JWK, "kid": "enc"})
    assert keys.signing_key().kid == keys.signing_key("PS512").kid == "new"
    assert keys.signing_key("ES256").kid == "other"
    with pytest.raises(ConfigurationError, match="no key that signs with EdDSA"):
        keys.signing_key("EdDSA")
    assert [key["kid"] for key in keys.jwks()["keys"]] == ["new", "old", "other", "enc"]
    with pytest.raises(ConfigurationError, match="two keys with kid 'new'"):
        keys + ClientKeys.from_pem(pem(ed25519.Ed25519PrivateKey.generate()), kid="new")


def test_a_key_is_for_its_own_algorithm_only() -> None:
    keys = ClientKeys.from_pem(pem(rsa_key()), alg="PS256")
    assert keys.signing_key("PS256").default_alg == "PS256"
    with pytest.raises(ConfigurationError, match="no key that signs with RS256"):
        keys.signing_key("RS256")


@pytest.mark.parametrize(
    ("kid", "alg", "found"),
    [
        (None, "RSA-OAEP", ["r1", "r2"]),
        ("r2", "RSA-OAEP", ["r2"]),
        (None, "RSA-OAEP-256", ["r1"]),
        ("r2", "RSA-OAEP-256", []),
        (None, "ECDH-ES+A256KW", ["x", "p"]),
        ("p", "ECDH-ES", ["p"]),
        ("sig", "RSA-OAEP", []),
        (None, "RSA1_5", []),
        (None, "RS256", []),
        (None, "dir", []),
    ],
)
def test_decryption_takes_keys_of_that_type_and_name(kid: str | None, alg: str, found: list[str]) -> None:
    keys = ClientKeys.from_jwk(
        {
            "keys": [
                {**RSA_JWK, "kid": "sig"},
                {**RSA_JWK, "kid": "r1", "use": "enc"},
                {**private_rsa_jwk(rsa_key(2)), "kid": "r2", "alg": "RSA-OAEP"},
                {**X25519_JWK, "kid": "x"},
                {**EC_JWK, "kid": "p", "use": "enc"},
            ]
        }
    )
    assert [key.kid for key in keys.decryption_keys(kid, alg)] == found


def test_a_public_key_and_a_short_secret_do_not_sign() -> None:
    cases: list[tuple[PrivateKey | VerificationKey, str]] = [
        (import_jwk(public_jwk(rsa_key())), "RS256"),
        (client_secret_key("short"), "HS256"),
        (client_secret_key(SECRET), "RS256"),
        (client_secret_key(SECRET), "none"),
        (ClientKeys.from_jwk(EC_JWK).keys[0], "ES384"),
        (ClientKeys.from_jwk(X25519_JWK).keys[0], "ECDH-ES"),
    ]
    for key, alg in cases:
        with pytest.raises(KeyUnusable):
            sign_compact({"alg": alg}, {}, key)
