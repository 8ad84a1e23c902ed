"""Signed tokens and the keys that verify them."""

import json
import time
import traceback
import warnings
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from oidc_async.errors import AlgorithmNotAllowed, KeyUnusable, SignatureInvalid, TokenError, TokenMalformed
from oidc_async.protocol.jose import (
    ALGORITHMS,
    KNOWN_HEADER_LENGTH,
    KNOWN_HEADERS,
    SUPPORTED_ALGORITHMS,
    CompactJWS,
    VerificationKey,
    client_secret_key,
    import_jwk,
    parse_compact,
    verify_compact,
)
from tests.protocol.signing import (
    CURVE_OF,
    CURVES,
    HASHES,
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
    signature,
    unb64,
)

PAYLOAD = {"sub": "alice"}
TOKEN = compact({"alg": "RS256", "kid": "one"}, PAYLOAD)
HEADER_PART, PAYLOAD_PART, SIGNATURE_PART = TOKEN.split(".")
LONG_HEADER_PART = b64(b'{"alg":"RS256"}' + b" " * 6144)


def verification_key(alg: str) -> VerificationKey:
    return client_secret_key(SECRET) if alg.startswith("HS") else import_jwk(public_jwk(key_for(alg)))


def resigned(jws: CompactJWS, signature: bytes) -> CompactJWS:
    return CompactJWS(header=jws.header, payload=jws.payload, signing_input=jws.signing_input, signature=signature)


# ---- the compact form


def test_a_token_is_taken_apart() -> None:
    jws = parse_compact(TOKEN)
    assert (jws.alg, jws.kid, jws.payload) == ("RS256", "one", b'{"sub": "alice"}')
    assert jws.signing_input == f"{HEADER_PART}.{PAYLOAD_PART}".encode()
    assert jws.signature == unb64(SIGNATURE_PART)


def test_neither_payload_nor_signature_shows_in_the_repr() -> None:
    """security.md 251"""
    shown = repr(parse_compact(TOKEN))
    assert "alice" not in shown
    assert SIGNATURE_PART[:20] not in shown
    assert PAYLOAD_PART not in shown


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="security.md 109: nothing"),
        pytest.param(HEADER_PART, id="security.md 109: 1 segment"),
        pytest.param(f"{HEADER_PART}.{PAYLOAD_PART}", id="security.md 109: 2 segments"),
        pytest.param(f"{TOKEN}.{SIGNATURE_PART}", id="security.md 109: 4 segments"),
        pytest.param(f"{TOKEN}...", id="security.md 109: 6 segments"),
        pytest.param("." * 100_000, id="security.md 226: nothing but dots"),
        pytest.param('{"payload":"e30","signature":""}', id="security.md 109: JSON serialization"),
        pytest.param('{"' + TOKEN + '":""}', id="security.md 109: JSON around a token"),
        pytest.param(f" {TOKEN}", id="security.md 109: a leading blank"),
        pytest.param(f"{TOKEN}\n", id="security.md 109: a trailing line break"),
        pytest.param(f"{HEADER_PART}.{PAYLOAD_PART[:4]} {PAYLOAD_PART[4:]}.x", id="security.md 109: a blank inside"),
        pytest.param(f"{HEADER_PART}=.{PAYLOAD_PART}.{SIGNATURE_PART}", id="security.md 109: padded header"),
        pytest.param(f"{HEADER_PART}.e30=.{SIGNATURE_PART}", id="security.md 109: padded payload"),
        pytest.param(f"{TOKEN}==", id="security.md 109: padded signature"),
        pytest.param(f"{HEADER_PART}.e31.{SIGNATURE_PART}", id="security.md 109: stray bits at the end"),
        pytest.param(f"{HEADER_PART}.e.{SIGNATURE_PART}", id="security.md 109: an impossible length"),
        pytest.param(f"{HEADER_PART}.{PAYLOAD_PART}.+/+/", id="security.md 109: the plain base64 alphabet"),
        pytest.param(f"{HEADER_PART}.e30.%%%%", id="security.md 109: characters outside base64"),
        pytest.param(f"{HEADER_PART}.e30.ÄÖÜ", id="security.md 109: not ASCII"),
        pytest.param(f"{HEADER_PART}.e30.\ud800", id="security.md 109: a lone surrogate"),
        pytest.param(f"..{SIGNATURE_PART}", id="an empty header"),
        pytest.param("A" * (128 * 1024 + 1), id="security.md 226: one character too many"),
        pytest.param(f"{HEADER_PART}.{'A' * 131_072}.AAAA", id="security.md 226: a long payload"),
        pytest.param(f"{LONG_HEADER_PART}.e30.AAAA", id="security.md 226: a long header"),
        pytest.param(compact(b"[]", PAYLOAD), id="security.md 108: a header that is a list"),
        pytest.param(compact(b'{"alg":"none","alg":"RS256"}', PAYLOAD), id="security.md 108: alg twice"),
        pytest.param(compact('{"alg":"RS256"}'.encode("utf-16"), PAYLOAD), id="security.md 108: UTF-16 header"),
        pytest.param(compact(b'{"alg":"RS256","x":' + b"[" * 3000, PAYLOAD), id="security.md 227: a deep header"),
        pytest.param(
            compact(b'{"alg":"RS256","x":' + b"1" * 5000 + b"}", PAYLOAD), id="security.md 228: a long integer"
        ),
    ],
)
def test_what_is_no_compact_jws_is_refused(token: str) -> None:
    with pytest.raises(TokenMalformed):
        parse_compact(token)


ASCII = [chr(code) for code in range(128) if chr(code) != "."]


def is_canonical(segment: str) -> bool:
    """By decoding and encoding again."""
    try:
        return b64(unb64(segment)) == segment
    except ValueError:
        return False


@pytest.mark.parametrize(
    ("before", "count"),
    [
        pytest.param("", 1 + 64 * 4, id="0 to 2 characters"),
        pytest.param("A", 4 + 64 * 16, id="1 to 3 characters"),
        pytest.param("-A", 1 + 16 + 64**2, id="2 to 4 characters"),
        pytest.param("AAA", 1 + 64, id="3 to 5 characters"),
        pytest.param("AAAA", 1 + 64 * 4, id="4 to 6 characters"),
    ],
)
def test_every_pair_of_last_characters_is_canonical_or_refused(before: str, count: int) -> None:
    """security.md 109: what can't be written by encoding some bytes is no base64url"""
    accepted = 0
    for segment in [before, *(f"{before}{one}" for one in ASCII), *(f"{before}{a}{b}" for a in ASCII for b in ASCII)]:
        token = f"{HEADER_PART}.{segment}.AAAA"
        if is_canonical(segment):
            assert parse_compact(token).payload == unb64(segment)
            accepted += 1
        else:
            with pytest.raises(TokenMalformed):
                parse_compact(token)
    assert accepted == count


def test_an_encrypted_token_is_named_as_such() -> None:
    """security.md 106, 107, 109"""
    with pytest.raises(TokenMalformed, match="encrypted"):
        parse_compact("e30.a.b.c.d")
    with pytest.raises(TokenMalformed, match="3 segments"):
        parse_compact("e30.a.b.c.d.e")


@pytest.mark.parametrize("token", ["é30.e30.AAAA", "e30.e30.\ud800", "e" * 131_073], ids=["é", "surrogate", "long"])
def test_a_token_is_measured_before_it_is_taken_apart(token: str) -> None:
    """security.md 109, 226"""
    with pytest.raises(TokenMalformed, match="at most 131072 ASCII characters"):
        parse_compact(token)


def test_only_text_is_a_token() -> None:
    token: Any
    for token in (TOKEN.encode(), None, 1, ["a.b.c"]):
        with pytest.raises(TokenMalformed):
            parse_compact(token)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"alg": "RS256", "crit": []}, id="security.md 103: crit empty"),
        pytest.param({"alg": "RS256", "crit": ["exp"]}, id="security.md 103: crit names what is absent"),
        pytest.param({"alg": "RS256", "crit": ["kid"], "kid": "one"}, id="security.md 103: crit of kid"),
        pytest.param({"alg": "RS256", "crit": ["x"], "x": 1}, id="security.md 103: crit unknown"),
        pytest.param({"alg": "RS256", "crit": None}, id="security.md 103: crit null"),
        pytest.param({"alg": "RS256", "crit": "b64"}, id="security.md 103: crit a string"),
        pytest.param({"alg": "RS256", "b64": False}, id="security.md 103: b64 false"),
        pytest.param({"alg": "RS256", "b64": True}, id="security.md 103: b64 true"),
        pytest.param({"alg": "RS256", "b64": False, "crit": ["b64"]}, id="security.md 103: b64 in crit"),
        pytest.param({"alg": "RS256", "kid": 7}, id="security.md 35: kid a number"),
        pytest.param({"alg": "RS256", "kid": None}, id="security.md 35: kid null"),
        pytest.param({"alg": "RS256", "kid": ["one"]}, id="security.md 35: kid a list"),
        pytest.param({"alg": "RS256", "kid": {"kid": "one"}}, id="security.md 35: kid an object"),
        pytest.param({"alg": "RS256", "kid": "x" * 1025}, id="security.md 35: kid of 1025 characters"),
    ],
)
def test_header_parameters_that_would_change_the_rules_are_refused(header: dict[str, Any]) -> None:
    with pytest.raises(TokenMalformed):
        parse_compact(compact(header, PAYLOAD))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({}, id="security.md 80: missing"),
        pytest.param({"alg": ""}, id="security.md 80: empty"),
        pytest.param({"alg": None}, id="security.md 80: null"),
        pytest.param({"alg": 256}, id="security.md 80: a number"),
        pytest.param({"alg": ["RS256"]}, id="security.md 80: a list"),
        pytest.param({"alg": {"alg": "RS256"}}, id="security.md 80: an object"),
        pytest.param({"alg": True}, id="security.md 80: true"),
    ],
)
def test_a_token_must_name_an_algorithm(header: dict[str, Any]) -> None:
    with pytest.raises(AlgorithmNotAllowed):
        parse_compact(compact(header, PAYLOAD))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"alg": "RS256", "x-our-own": {"deep": [1]}}, id="security.md 111: unknown parameter"),
        pytest.param({"alg": "RS256", "cty": "JWT"}, id="security.md 111: registered parameter"),
        pytest.param({"alg": "RS256", "x5c": ["A" * 2000] * 3}, id="a certificate chain"),
        pytest.param({"alg": "RS256", "kid": "../../etc/passwd"}, id="security.md 35: kid like a path"),
        pytest.param({"alg": "RS256", "kid": "x" * 1024}, id="security.md 35: kid of 1024 characters"),
    ],
)
def test_harmless_header_parameters_are_accepted(header: dict[str, Any]) -> None:
    jws = parse_compact(compact(header, PAYLOAD))
    verify_compact(jws, verification_key("RS256"))
    assert jws.header == header


def token_with(header: dict[str, Any]) -> str:
    """Never verified: the signature is none."""
    return f"{b64(json.dumps(header).encode())}.e30.AAAA"


def test_a_header_that_recurs_is_read_once() -> None:
    known, other = token_with({"alg": "RS256", "kid": "recurs"}), token_with({"alg": "RS256", "kid": "recurs2"})
    header = parse_compact(known).header
    assert parse_compact(other).header == {"alg": "RS256", "kid": "recurs2"}
    assert parse_compact(known).header is header


@pytest.mark.parametrize(
    "extra",
    [pytest.param({}, id="one that is remembered"), pytest.param({"x": [1]}, id="one that is not")],
)
def test_a_header_cannot_be_changed(extra: dict[str, Any]) -> None:
    header: Any = parse_compact(token_with({"alg": "RS256", "kid": "fixed", **extra})).header
    with pytest.raises(TypeError):
        header["alg"] = "none"
    with pytest.raises(TypeError):
        del header["kid"]
    assert parse_compact(token_with({"alg": "RS256", "kid": "fixed", **extra})).header == header


@pytest.mark.parametrize("inner", [["one"], {"one": 1}, [], {}], ids=["list", "object", "empty list", "empty object"])
def test_no_two_tokens_share_what_can_be_changed(inner: Any) -> None:
    token = token_with({"alg": "RS256", "x": inner})
    changed = parse_compact(token).header["x"]
    if isinstance(changed, list):
        changed.append("new")
    else:
        changed["new"] = 1
    assert changed != inner
    assert parse_compact(token).header["x"] == inner


def test_a_bounded_number_of_headers_is_remembered() -> None:
    tokens = [token_with({"alg": "RS256", "kid": f"number {number}"}) for number in range(KNOWN_HEADERS + 1)]
    first, *_, last = [parse_compact(token).header for token in tokens]
    assert parse_compact(tokens[-1]).header is last
    assert parse_compact(tokens[0]).header is not first
    assert parse_compact(tokens[0]).header == first


def test_a_long_header_is_not_remembered() -> None:
    def token_of(length: int) -> str:
        header = b64(b'{"alg":"RS256"}'.ljust(length // 4 * 3))
        assert len(header) == length
        return f"{header}.e30.AAAA"

    at_most, longer = token_of(KNOWN_HEADER_LENGTH), token_of(KNOWN_HEADER_LENGTH + 4)
    assert parse_compact(at_most).header is parse_compact(at_most).header
    assert parse_compact(longer).header is not parse_compact(longer).header


def test_a_header_that_was_refused_is_refused_again() -> None:
    for header in ({"alg": "RS256", "crit": ["exp"]}, {"alg": ""}, {"alg": "RS256", "kid": 7}):
        for _ in range(3):
            with pytest.raises(TokenError):
                parse_compact(token_with(header))


def test_another_spelling_of_a_known_header_is_refused() -> None:
    """security.md 109: with padding, and with each of the 15 values of the stray bits"""
    known = b64(b'{"alg":"RS256"}\n')
    assert parse_compact(f"{known}.e30.AAAA").alg == "RS256"
    assert known[-1] == "g"
    for spelling in [f"{known}==", f"{known}=", *(known[:-1] + last for last in "hijklmnopqrstuv")]:
        assert unb64(spelling.rstrip("=")) == unb64(known)
        with pytest.raises(TokenMalformed):
            parse_compact(f"{spelling}.e30.AAAA")


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_the_token_brings_along_is_never_used(name: str) -> None:
    """security.md 34"""
    forger = rsa_key(2)
    values = {"jwk": public_jwk(forger), "x5c": ["MIIB"]}
    header = {"alg": "RS256", name: values.get(name, "https://evil.example/keys")}
    with pytest.raises(SignatureInvalid):
        verify_compact(parse_compact(compact(header, PAYLOAD, key=forger)), verification_key("RS256"))


# ---- signatures


def test_the_supported_algorithms_are_these() -> None:
    """security.md 80: none is not among them"""
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
    """security.md 84, 85"""
    jws = parse_compact(compact({"alg": alg}, PAYLOAD, alg=alg))
    with pytest.raises(SignatureInvalid):
        verify_compact(resigned(jws, damage(jws.signature)), verification_key(alg))


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
def test_a_changed_payload_or_header_does_not_verify(alg: str) -> None:
    """security.md 84"""
    header, payload, signed = compact({"alg": alg}, PAYLOAD, alg=alg).split(".")
    other_header = compact({"alg": alg, "kid": "two"}, PAYLOAD, alg=alg).split(".")[0]
    for forged in (f"{header}.{b64(b'{}')}.{signed}", f"{other_header}.{payload}.{signed}"):
        with pytest.raises(SignatureInvalid):
            verify_compact(parse_compact(forged), verification_key(alg))


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
def test_an_ecdsa_signature_in_der_form_does_not_verify(alg: str) -> None:
    """security.md 85"""
    key, jws = key_for(alg), parse_compact(compact({"alg": alg}, PAYLOAD, alg=alg))
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    digest = HASHES[alg[2:]]
    with pytest.raises(SignatureInvalid):
        verify_compact(resigned(jws, key.sign(jws.signing_input, ec.ECDSA(digest))), verification_key(alg))


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
def test_psychic_ecdsa_signatures_do_not_verify(alg: str) -> None:
    """security.md 85: r and s of nothing, or of multiples of the curve's order"""
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
    """security.md 83"""
    jws = parse_compact(compact({"alg": claimed}, PAYLOAD, alg=signed_by))
    if claimed == signed_by:
        verify_compact(jws, verification_key(claimed))
        assert jws.alg == signed_by
    else:
        with pytest.raises(SignatureInvalid):
            verify_compact(jws, verification_key(claimed))


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
@pytest.mark.parametrize("other", ["RS256", "ES256", "ES384", "ES512", "EdDSA", "HS256"])
def test_a_key_of_another_type_or_curve_is_refused(alg: str, other: str) -> None:
    """security.md 28, 33, 81"""
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
    """security.md 81: PEM, DER and JWK text of the public key as the secret"""
    token = compact({"alg": "HS256"}, PAYLOAD, alg="HS256", key=public_key_texts()[number])
    with pytest.raises(KeyUnusable):
        verify_compact(parse_compact(token), verification_key("RS256"))


@pytest.mark.parametrize("alg", ["none", "None", "NoNe", "NONE", "ES256K", "Ed448", "RS1", "rs256", "HS256 ", "dir"])
def test_an_algorithm_outside_the_table_is_never_verified(alg: str) -> None:
    """security.md 80"""
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


def test_a_secret_that_is_no_text_is_refused() -> None:
    with pytest.raises(KeyUnusable):
        client_secret_key("\ud800" * 40)


def test_an_empty_secret_verifies_nothing() -> None:
    with pytest.raises(KeyUnusable):
        verify_compact(parse_compact(compact({"alg": "HS256"}, PAYLOAD, alg="HS256", key=b"")), client_secret_key(""))


# ---- keys


def test_key_material_does_not_show() -> None:
    """security.md 251"""
    assert SECRET not in repr(client_secret_key(SECRET))
    jwk = public_jwk(rsa_key(), kid="one", alg="RS256")
    assert repr(import_jwk(jwk)) == "VerificationKey(kid='one', kty='RSA', crv=None, alg='RS256')"


def test_private_members_are_not_imported() -> None:
    """security.md 30"""
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
        pytest.param({}, "kty", id="security.md 22: nothing"),
        pytest.param({"kty": "EC2"}, "kty", id="security.md 22: unknown type"),
        pytest.param({"kty": None}, "kty", id="security.md 22: type null"),
        pytest.param({"kty": ["RSA"]}, "kty", id="security.md 22: type a list"),
        pytest.param(public_jwk(SECRET.encode()), "kty", id="security.md 29: symmetric"),
        pytest.param(with_rsa(use="enc"), "use", id="security.md 27: use=enc"),
        pytest.param(with_rsa(use="SIG"), "use", id="security.md 27: use in capitals"),
        pytest.param(with_rsa(use=["sig"]), "use", id="security.md 27: use a list"),
        pytest.param(with_rsa(use=None), "use", id="security.md 27: use null"),
        pytest.param(with_rsa(key_ops=[]), "key_ops", id="security.md 27: no operation"),
        pytest.param(with_rsa(key_ops=["sign"]), "key_ops", id="security.md 27: sign only"),
        pytest.param(with_rsa(key_ops=["encrypt", "wrapKey"]), "key_ops", id="security.md 27: encryption"),
        pytest.param(with_rsa(key_ops="verify"), "key_ops", id="security.md 27: key_ops a string"),
        pytest.param(with_rsa(key_ops={"verify": 1}), "key_ops", id="security.md 27: key_ops an object"),
        pytest.param(with_rsa(key_ops=None), "key_ops", id="security.md 27: key_ops null"),
        pytest.param(with_rsa(alg="ES256"), "alg", id="security.md 28: alg of another type"),
        pytest.param(with_rsa(alg="RSA-OAEP-256"), "alg", id="security.md 28: alg for encryption"),
        pytest.param(with_rsa(alg="HS256"), "alg", id="security.md 28: alg symmetric"),
        pytest.param(with_rsa(alg="none"), "alg", id="security.md 28: alg none"),
        pytest.param(with_rsa(alg=""), "alg", id="security.md 28: alg empty"),
        pytest.param(with_rsa(alg=7), "alg", id="security.md 28: alg a number"),
        pytest.param(with_rsa(alg=None), "alg", id="security.md 28: alg null"),
        pytest.param(with_ec(alg="ES384"), "alg", id="security.md 33: alg of another curve"),
        pytest.param(with_rsa(kid=7), "kid", id="security.md 35: kid a number"),
        pytest.param(with_rsa(kid=None), "kid", id="security.md 35: kid null"),
        pytest.param(with_rsa(kid="x" * 1025), "kid", id="security.md 35: kid too long"),
        pytest.param(with_rsa(n=odd(512)), "2048", id="security.md 31: 512 bits"),
        pytest.param(with_rsa(n=odd(1024)), "2048", id="security.md 31: 1024 bits"),
        pytest.param(with_rsa(n=odd(2047)), "2048", id="security.md 31: 2047 bits"),
        pytest.param(with_rsa(n=b64(bytes(200) + b"\xff")), "2048", id="security.md 31: long, but zeros"),
        pytest.param(with_rsa(n=odd(8193)), "8192", id="security.md 32: 8193 bits"),
        pytest.param(with_rsa(n=odd(65536)), "n must", id="security.md 32: 65536 bits"),
        pytest.param(with_rsa(n="A" * 400_000), "n must", id="security.md 32: 400 kB"),
        pytest.param(with_rsa(n=b64_int(1 << 2047)), "odd", id="security.md 32: even modulus"),
        pytest.param(with_rsa(e=b64_int(1)), "e must", id="security.md 32: exponent 1"),
        pytest.param(with_rsa(e=b64_int(65536)), "e must", id="security.md 32: even exponent"),
        pytest.param(with_rsa(e=b64_int(2**32 + 1)), "e must", id="security.md 32: exponent 2^32+1"),
        pytest.param(with_rsa(e=odd(2048)), "e must", id="security.md 32: exponent of 2048 bits"),
        pytest.param(with_rsa(e="AA"), "e must", id="security.md 32: exponent 0"),
        pytest.param(with_rsa(e=""), "e must", id="exponent empty"),
        pytest.param(with_rsa(e=65537), "e must", id="exponent a number"),
        pytest.param(with_rsa(e="AQAB="), "e must", id="exponent padded"),
        pytest.param(with_rsa(e="ÄÖÜß"), "e must", id="exponent not ASCII"),
        pytest.param(with_rsa(n="\ud800"), "n must", id="modulus a lone surrogate"),
        pytest.param(with_rsa(n=None), "n must", id="modulus null"),
        pytest.param({"kty": "RSA", "e": "AQAB"}, "n must", id="modulus missing"),
        pytest.param({"kty": "RSA", "n": with_rsa()["n"]}, "e must", id="exponent missing"),
        pytest.param(public_jwk(ec_key("secp256k1")), "crv", id="security.md 33: secp256k1"),
        pytest.param(with_ec(crv=None), "crv", id="curve null"),
        pytest.param(with_ec(crv=["P-256"]), "crv", id="curve a list"),
        pytest.param(with_ec(crv="P-384"), "not a valid", id="security.md 33: another curve than the point's"),
        pytest.param(with_ec(x=b64(b"\1" * 32)), "not a valid", id="a point off the curve"),
        pytest.param(with_ec(x=b64(bytes(32)), y=b64(bytes(32))), "not a valid", id="the point 0, 0"),
        pytest.param(with_ec(x=b64(b"\xff" * 66)), "not a valid", id="a coordinate out of range"),
        pytest.param(with_ec(x=b64(b"\xff" * 67)), "x must", id="a coordinate too long"),
        pytest.param(with_ec(y=""), "y must", id="a coordinate empty"),
        pytest.param({"kty": "EC", "crv": "P-256"}, "x must", id="coordinates missing"),
        pytest.param(with_okp(crv="Ed448"), "crv", id="Ed448"),
        pytest.param(with_okp(crv="X25519"), "crv", id="X25519, for key agreement"),
        pytest.param(with_okp(x=b64(bytes(31))), "not a valid", id="Ed25519 of 31 bytes"),
        pytest.param(with_okp(x=b64(bytes(33))), "x must", id="Ed25519 of 33 bytes"),
        pytest.param(with_okp(x=None), "x must", id="Ed25519 null"),
    ],
)
def test_a_key_that_is_not_fit_is_refused(jwk: dict[str, Any], named: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(KeyUnusable, match=named) as caught:
        import_jwk(jwk)
    assert time.perf_counter() - begun < 1
    assert all(len(value) < 20 or value not in caught.value.message for value in jwk.values() if type(value) is str)


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
@pytest.mark.parametrize("reserved", ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"])
def test_a_key_reserved_for_one_algorithm_verifies_no_other(reserved: str, alg: str) -> None:
    """security.md 28"""
    key = import_jwk(public_jwk(key_for(reserved), alg=reserved))
    jws = parse_compact(compact({"alg": alg}, PAYLOAD, alg=alg))
    if alg == reserved:
        verify_compact(jws, key)
        assert key.is_for(alg)
    else:
        with pytest.raises(KeyUnusable):
            verify_compact(jws, key)


def test_messages_hold_nothing_of_the_token() -> None:
    """security.md 250"""
    tokens = [
        compact({"alg": "RS256", "kid": "canary", "crit": ["canary"]}, {"sub": "canary"}),
        compact({"alg": "canary"}, {"sub": "canary"}),
        compact(b'{"alg": "RS256", "canary": canary}', {}),
        compact({"alg": "RS256", "kid": "canary" * 200}, {}),
        compact({"alg": "RS256", "kid": "canary"}, {"sub": "canary"}, key=rsa_key(2)),
    ]
    for token in tokens:
        with pytest.raises(TokenError) as caught:
            verify_compact(parse_compact(token), verification_key("RS256"))
        told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.evidence)
        assert "canary" not in told
        assert token.split(".")[1] not in told


def test_the_signature_helper_agrees_with_itself() -> None:
    """The tests' own HMAC, against a value from RFC 7515 A.1."""
    key = unb64("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
    message = (
        b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        b"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    assert b64(signature("HS256", key, message)) == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
