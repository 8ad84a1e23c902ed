"""The keys that verify signatures, and keys that are rejected."""

from typing import Any

import pytest

from oidc_async.errors import KeyUnusable
from oidc_async.protocol.jose.jws import (
    SUPPORTED_ALGORITHMS,
    client_secret_key,
    import_jwk,
    parse_compact,
    verify_compact,
)
from tests.protocol.signing import (
    SECRET,
    b64,
    b64_int,
    compact,
    ec_key,
    ed25519_key,
    key_for,
    private_rsa_jwk,
    public_jwk,
    rsa_key,
    unb64,
)
from tests.protocol.verifying import PAYLOAD, TOKEN


def test_key_material_does_not_show() -> None:
    """threat model 251"""
    assert SECRET not in repr(client_secret_key(SECRET))
    jwk = public_jwk(rsa_key(), kid="one", alg="RS256")
    assert repr(import_jwk(jwk)) == "VerificationKey(kid='one', kty='RSA', crv=None, alg='RS256')"


def test_private_members_are_not_imported() -> None:
    """threat model 30"""
    key = import_jwk(private_rsa_jwk(rsa_key()))
    verify_compact(parse_compact(TOKEN), key)
    assert not key.material.is_private
    assert set(key.material.as_dict()) == {"kty", "n", "e"}


def with_rsa(**members: Any) -> dict[str, Any]:
    return public_jwk(rsa_key(), **members)


def with_ec(**members: Any) -> dict[str, Any]:
    return public_jwk(ec_key(), **members)


def with_okp(**members: Any) -> dict[str, Any]:
    return public_jwk(ed25519_key(), **members)


def odd(bits: int) -> str:
    return b64_int((1 << (bits - 1)) + 1)


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(with_rsa(n=odd(2048)), id="RSA, 2048 bits"),
        pytest.param(with_rsa(n=odd(8192)), id="RSA, 8192 bits"),
        pytest.param(with_rsa(n=b64(b"\0" + unb64(with_rsa()["n"]))), id="RSA, a leading zero byte"),
        pytest.param(with_rsa(e=b64_int(3)), id="RSA, exponent 3"),
        pytest.param(with_rsa(e=b64_int(2**32 - 1)), id="RSA, exponent 2^32-1"),
        pytest.param(with_rsa(use="sig", key_ops=["verify"], alg="PS512", kid=""), id="RSA, all members"),
        pytest.param(with_rsa(key_ops=["sign", "verify"]), id="RSA, key_ops with others"),
        pytest.param(with_rsa(x5c=["not a certificate"], x5t=1, unknown={}), id="RSA, members we don't read"),
        pytest.param(with_rsa(crv="P-256"), id="RSA, a curve that means nothing"),
        pytest.param(with_okp(alg="Ed25519"), id="OKP, Ed25519"),
        pytest.param(with_okp(alg="EdDSA"), id="OKP, EdDSA"),
        *[pytest.param(public_jwk(ec_key(crv), use="sig"), id=crv) for crv in ("P-256", "P-384", "P-521")],
    ],
)
def test_a_key_that_is_fit_is_imported(jwk: dict[str, Any]) -> None:
    key = import_jwk(jwk)
    assert (key.kty, key.kid, key.alg) == (jwk["kty"], jwk.get("kid"), jwk.get("alg"))
    assert key.crv == (None if jwk["kty"] == "RSA" else jwk["crv"])


@pytest.mark.parametrize(
    ("jwk", "named"),
    [
        pytest.param({}, "kty", id="threat model 22: nothing"),
        pytest.param({"kty": "EC2"}, "kty", id="threat model 22: unknown type"),
        pytest.param({"kty": None}, "kty", id="threat model 22: type null"),
        pytest.param({"kty": ["RSA"]}, "kty", id="threat model 22: type a list"),
        pytest.param(public_jwk(SECRET.encode()), "kty", id="threat model 29: symmetric"),
        pytest.param(with_rsa(use="enc"), "use", id="threat model 27: use=enc"),
        pytest.param(with_rsa(use="SIG"), "use", id="threat model 27: use in capitals"),
        pytest.param(with_rsa(use=["sig"]), "use", id="threat model 27: use a list"),
        pytest.param(with_rsa(use=None), "use", id="threat model 27: use null"),
        pytest.param(with_rsa(key_ops=[]), "key_ops", id="threat model 27: no operation"),
        pytest.param(with_rsa(key_ops=["sign"]), "key_ops", id="threat model 27: sign only"),
        pytest.param(with_rsa(key_ops=["encrypt", "wrapKey"]), "key_ops", id="threat model 27: encryption"),
        pytest.param(with_rsa(key_ops="verify"), "key_ops", id="threat model 27: key_ops a string"),
        pytest.param(with_rsa(key_ops={"verify": 1}), "key_ops", id="threat model 27: key_ops an object"),
        pytest.param(with_rsa(key_ops=None), "key_ops", id="threat model 27: key_ops null"),
        pytest.param(with_rsa(alg="ES256"), "alg", id="threat model 28: alg of another type"),
        pytest.param(with_rsa(alg="RSA-OAEP-256"), "alg", id="threat model 28: alg for encryption"),
        pytest.param(with_rsa(alg="HS256"), "alg", id="threat model 28: alg symmetric"),
        pytest.param(with_rsa(alg="none"), "alg", id="threat model 28: alg none"),
        pytest.param(with_rsa(alg=""), "alg", id="threat model 28: alg empty"),
        pytest.param(with_rsa(alg=7), "alg", id="threat model 28: alg a number"),
        pytest.param(with_rsa(alg=None), "alg", id="threat model 28: alg null"),
        pytest.param(with_ec(alg="ES384"), "alg", id="threat model 33: alg of another curve"),
        pytest.param(with_rsa(kid=7), "kid", id="threat model 35: kid a number"),
        pytest.param(with_rsa(kid=None), "kid", id="threat model 35: kid null"),
        pytest.param(with_rsa(kid="x" * 1025), "kid", id="threat model 35: kid too long"),
        pytest.param(with_rsa(n=odd(512)), "2048", id="threat model 31: 512 bits"),
        pytest.param(with_rsa(n=odd(1024)), "2048", id="threat model 31: 1024 bits"),
        pytest.param(with_rsa(n=odd(2047)), "2048", id="threat model 31: 2047 bits"),
        pytest.param(with_rsa(n=b64(bytes(200) + b"\xff")), "2048", id="threat model 31: long, but zeros"),
        pytest.param(with_rsa(n=odd(8193)), "8192", id="threat model 32: 8193 bits"),
        pytest.param(with_rsa(n=odd(65536)), "n must", id="threat model 32: 65536 bits"),
        pytest.param(with_rsa(n="A" * 400_000), "n must", id="threat model 32: 400 kB"),
        pytest.param(with_rsa(n=b64_int(1 << 2047)), "odd", id="threat model 32: even modulus"),
        pytest.param(with_rsa(e=b64_int(1)), "e must", id="threat model 32: exponent 1"),
        pytest.param(with_rsa(e=b64_int(65536)), "e must", id="threat model 32: even exponent"),
        pytest.param(with_rsa(e=b64_int(2**32 + 1)), "e must", id="threat model 32: exponent 2^32+1"),
        pytest.param(with_rsa(e=odd(2048)), "e must", id="threat model 32: exponent of 2048 bits"),
        pytest.param(with_rsa(e="AA"), "e must", id="threat model 32: exponent 0"),
        pytest.param(with_rsa(e=""), "e must", id="exponent empty"),
        pytest.param(with_rsa(e=65537), "e must", id="exponent a number"),
        pytest.param(with_rsa(e="AQAB="), "e must", id="exponent padded"),
        pytest.param(with_rsa(e="ÄÖÜß"), "e must", id="exponent not ASCII"),
        pytest.param(with_rsa(n="\ud800"), "n must", id="modulus a lone surrogate"),
        pytest.param(with_rsa(n=None), "n must", id="modulus null"),
        pytest.param({"kty": "RSA", "e": "AQAB"}, "n must", id="modulus missing"),
        pytest.param({"kty": "RSA", "n": with_rsa()["n"]}, "e must", id="exponent missing"),
        pytest.param(public_jwk(ec_key("secp256k1")), "crv", id="threat model 33: secp256k1"),
        pytest.param(with_ec(crv=None), "crv", id="curve null"),
        pytest.param(with_ec(crv=["P-256"]), "crv", id="curve a list"),
        pytest.param(with_ec(crv="P-384"), "invalid", id="threat model 33: another curve than the point's"),
        pytest.param(with_ec(x=b64(b"\1" * 32)), "invalid", id="a point off the curve"),
        pytest.param(with_ec(x=b64(bytes(32)), y=b64(bytes(32))), "invalid", id="the point 0, 0"),
        pytest.param(with_ec(x=b64(b"\xff" * 66)), "invalid", id="a coordinate out of range"),
        pytest.param(with_ec(x=b64(b"\xff" * 67)), "x must", id="a coordinate too long"),
        pytest.param(with_ec(y=""), "y must", id="a coordinate empty"),
        pytest.param({"kty": "EC", "crv": "P-256"}, "x must", id="coordinates missing"),
        pytest.param(with_okp(crv="Ed448"), "crv", id="Ed448"),
        pytest.param(with_okp(crv="X25519"), "crv", id="X25519, for key agreement"),
        pytest.param(with_okp(x=b64(bytes(31))), "invalid", id="Ed25519 of 31 bytes"),
        pytest.param(with_okp(x=b64(bytes(33))), "x must", id="Ed25519 of 33 bytes"),
        pytest.param(with_okp(x=None), "x must", id="Ed25519 null"),
    ],
)
def test_a_key_that_is_not_fit_is_rejected(jwk: dict[str, Any], named: str) -> None:
    with pytest.raises(KeyUnusable, match=named) as caught:
        import_jwk(jwk)
    assert all(len(value) < 20 or value not in caught.value.message for value in jwk.values() if type(value) is str)


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
@pytest.mark.parametrize("reserved", ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"])
def test_a_key_reserved_for_one_algorithm_verifies_no_other(reserved: str, alg: str) -> None:
    """threat model 28"""
    key = import_jwk(public_jwk(key_for(reserved), alg=reserved))
    jws = parse_compact(compact({"alg": alg}, PAYLOAD, alg=alg))
    if alg == reserved:
        verify_compact(jws, key)
        assert key.is_for(alg)
    else:
        with pytest.raises(KeyUnusable):
            verify_compact(jws, key)
