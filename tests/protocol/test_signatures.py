"""Signatures: which verify, and which don't."""

import traceback
import warnings
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from oidc_async.errors import AlgorithmNotAllowed, KeyUnusable, SignatureInvalid
from oidc_async.protocol.jose.jws import (
    ALGORITHMS,
    SUPPORTED_ALGORITHMS,
    client_secret_key,
    parse_compact,
    verify_compact,
)
from tests.protocol.signing import (
    CURVE_OF,
    CURVES,
    HASHES,
    b64,
    compact,
    key_for,
    public_jwk,
    rsa_key,
    signature,
    unb64,
)
from tests.protocol.verifying import PAYLOAD, PAYLOAD_PART, SIGNATURE_PART, resigned, verification_key


def test_the_supported_algorithms_are_these() -> None:
    """threat model 80: none is not among them"""
    families = [f"{family}{size}" for family in ("RS", "PS", "ES", "HS") for size in (256, 384, 512)]
    assert sorted(SUPPORTED_ALGORITHMS) == sorted([*families, "EdDSA", "Ed25519"])


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
def test_a_right_signature_verifies(alg: str) -> None:
    jws = parse_compact(compact({"alg": alg}, PAYLOAD, alg=alg))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        key = verification_key(alg)
        verify_compact(jws, key)
    assert (key.kty, key.crv) == (ALGORITHMS[alg].kty, ALGORITHMS[alg].crv)


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda right: b"", id="empty"),
        pytest.param(lambda right: right[:-1], id="cut"),
        pytest.param(lambda right: right + b"\0", id="longer"),
        pytest.param(lambda right: b"\0" + right, id="with a leading zero"),
        pytest.param(lambda right: bytes([right[0] ^ 1]) + right[1:], id="first bit flipped"),
        pytest.param(lambda right: right[:-1] + bytes([right[-1] ^ 1]), id="last bit flipped"),
        pytest.param(lambda right: bytes(len(right)), id="zeros"),
        pytest.param(lambda right: b"\xff" * len(right), id="ones"),
        pytest.param(lambda right: right * 2, id="twice"),
        pytest.param(lambda right: b"\x30" * 90_000, id="90 kB"),
    ],
)
def test_a_broken_signature_does_not_verify(alg: str, damage: Any) -> None:
    """threat model 84, 85"""
    jws = parse_compact(compact({"alg": alg}, PAYLOAD, alg=alg))
    with pytest.raises(SignatureInvalid):
        verify_compact(resigned(jws, damage(jws.signature)), verification_key(alg))


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
def test_a_changed_payload_or_header_does_not_verify(alg: str) -> None:
    """threat model 84"""
    header, payload, signed = compact({"alg": alg}, PAYLOAD, alg=alg).split(".")
    other_header = compact({"alg": alg, "kid": "two"}, PAYLOAD, alg=alg).split(".")[0]
    for forged in (f"{header}.{b64(b'{}')}.{signed}", f"{other_header}.{payload}.{signed}"):
        with pytest.raises(SignatureInvalid):
            verify_compact(parse_compact(forged), verification_key(alg))


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
def test_an_ecdsa_signature_in_der_form_does_not_verify(alg: str) -> None:
    """threat model 85"""
    key, jws = key_for(alg), parse_compact(compact({"alg": alg}, PAYLOAD, alg=alg))
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    digest = HASHES[alg[2:]]
    with pytest.raises(SignatureInvalid):
        verify_compact(resigned(jws, key.sign(jws.signing_input, ec.ECDSA(digest))), verification_key(alg))


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
def test_psychic_ecdsa_signatures_do_not_verify(alg: str) -> None:
    """threat model 85: r and s of nothing, or of multiples of the curve's order"""
    jws = parse_compact(compact({"alg": alg}, PAYLOAD, alg=alg))
    size, order = len(jws.signature) // 2, CURVES[CURVE_OF[alg]].group_order
    for r, s in [(0, 0), (0, 1), (1, 0), (order, order), (0, order), (order, 1)]:
        with pytest.raises(SignatureInvalid):
            verify_compact(resigned(jws, r.to_bytes(size) + s.to_bytes(size)), verification_key(alg))


def test_pss_with_another_salt_length_does_not_verify() -> None:
    """RFC 7518 3.5: the salt is as long as the hash."""
    jws = parse_compact(compact({"alg": "PS256"}, PAYLOAD, alg="PS256"))
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 20)
    with pytest.raises(SignatureInvalid):
        verify_compact(
            resigned(jws, rsa_key().sign(jws.signing_input, pss, hashes.SHA256())), verification_key("PS256")
        )


@pytest.mark.parametrize("signed_by", [alg for alg in SUPPORTED_ALGORITHMS if alg[0] in "RP"])
@pytest.mark.parametrize("claimed", ["RS256", "PS256"])
def test_a_signature_counts_for_its_own_algorithm_only(claimed: str, signed_by: str) -> None:
    """threat model 83"""
    jws = parse_compact(compact({"alg": claimed}, PAYLOAD, alg=signed_by))
    if claimed == signed_by:
        verify_compact(jws, verification_key(claimed))
        assert jws.alg == signed_by
    else:
        with pytest.raises(SignatureInvalid):
            verify_compact(jws, verification_key(claimed))


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
@pytest.mark.parametrize("other", ["RS256", "ES256", "ES384", "ES512", "EdDSA", "HS256"])
def test_a_key_of_another_type_or_curve_is_rejected(alg: str, other: str) -> None:
    """threat model 28, 33, 81"""
    key, jws = verification_key(other), parse_compact(compact({"alg": alg}, PAYLOAD, alg=alg))
    same_kind = (key.kty, key.crv) == (ALGORITHMS[alg].kty, ALGORITHMS[alg].crv)
    assert key.is_for(alg) == same_kind
    if not same_kind:
        with pytest.raises(KeyUnusable, match=alg):
            verify_compact(jws, key)


def public_key_texts() -> list[bytes]:
    public = rsa_key().public_key()
    encodings = (serialization.Encoding.PEM, serialization.Encoding.DER)
    formats = (serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1)
    texts = [public.public_bytes(encoding, form) for encoding in encodings for form in formats]
    return [*texts, texts[0].strip(), public_jwk(rsa_key())["n"].encode(), repr(public_jwk(rsa_key())).encode()]


@pytest.mark.parametrize("number", range(7))
def test_an_hmac_made_with_the_public_key_does_not_verify(number: int) -> None:
    """threat model 81: PEM, DER and JWK text of the public key as the secret"""
    token = compact({"alg": "HS256"}, PAYLOAD, alg="HS256", key=public_key_texts()[number])
    with pytest.raises(KeyUnusable):
        verify_compact(parse_compact(token), verification_key("RS256"))


@pytest.mark.parametrize("alg", ["none", "None", "NoNe", "NONE", "ES256K", "Ed448", "RS1", "rs256", "HS256 ", "dir"])
def test_an_algorithm_outside_the_table_is_never_verified(alg: str) -> None:
    """threat model 80"""
    header = b64(f'{{"alg": "{alg}"}}'.encode())
    for signed in ("", SIGNATURE_PART):
        jws = parse_compact(f"{header}.{PAYLOAD_PART}.{signed}")
        with pytest.raises(AlgorithmNotAllowed):
            verify_compact(jws, verification_key("RS256"))


@pytest.mark.parametrize(("alg", "size"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_is_at_least_as_long_as_the_hash(alg: str, size: int) -> None:
    long, short = "s" * size, "s" * (size - 1)
    verify_compact(parse_compact(compact({"alg": alg}, PAYLOAD, alg=alg, key=long.encode())), client_secret_key(long))
    with pytest.raises(KeyUnusable, match=f"at least {size} bytes") as caught:
        verify_compact(
            parse_compact(compact({"alg": alg}, PAYLOAD, alg=alg, key=short.encode())), client_secret_key(short)
        )
    assert short not in "".join(traceback.format_exception(caught.value))


def test_a_secret_counts_in_bytes_of_utf_8() -> None:
    """OIDC Core 10.1"""
    secret = "ü" * 16
    verify_compact(
        parse_compact(compact({"alg": "HS256"}, PAYLOAD, alg="HS256", key=secret.encode())),
        client_secret_key(secret),
    )
    assert len(secret) < 32


def test_a_secret_that_is_not_text_is_rejected() -> None:
    with pytest.raises(KeyUnusable):
        client_secret_key("\ud800" * 40)


def test_an_empty_secret_verifies_nothing() -> None:
    with pytest.raises(KeyUnusable):
        verify_compact(parse_compact(compact({"alg": "HS256"}, PAYLOAD, alg="HS256", key=b"")), client_secret_key(""))


def test_the_signature_helper_agrees_with_itself() -> None:
    """The tests' own HMAC, against a value from RFC 7515 A.1."""
    key = unb64("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
    message = (
        b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        b"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    assert b64(signature("HS256", key, message)) == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
