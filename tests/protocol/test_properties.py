"""Whatever comes in: nothing but our own errors comes out."""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oidc_async.errors import JWKSInvalid, KeyUnusable, OIDCError, SignatureInvalid, TokenError, TokenMalformed
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.id_token import IDTokenExpectations, parse_id_token, read_id_token
from oidc_async.protocol.jose.jwks import read_jwks
from oidc_async.protocol.jose.jws import (
    ALGORITHMS,
    SUPPORTED_ALGORITHMS,
    CompactJWS,
    client_secret_key,
    import_jwk,
    parse_compact,
    verify_compact,
)
from oidc_async.protocol.strict_json import read_object
from tests.hypothesis_profiles import examples
from tests.protocol.signing import SECRET, b64, compact, key_for, public_jwk, unb64

NOW = 1_800_000_000.0
CLAIMS: dict[str, Any] = {
    "iss": "https://op.example",
    "sub": "alice",
    "aud": "client",
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": "the nonce",
}
EXPECTATIONS = IDTokenExpectations(
    issuer="https://op.example",
    client_id="client",
    algorithms=("HS256",),
    nonce="the nonce",
    leeway_seconds=30,
    max_age_seconds=None,
    acr_values=(),
    subjects=(),
    trusted_audiences=frozenset(),
    issued_within_seconds=600,
    access_token="the access token",
    code="the code",
    state="the state",
)
KEYS = {
    alg: client_secret_key(SECRET) if alg.startswith("HS") else import_jwk(public_jwk(key_for(alg)))
    for alg in SUPPORTED_ALGORITHMS
}

many = settings(max_examples=examples(100), deadline=None)

anything: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([10**400, "\ud800", "x" * 300, math.nan, math.inf, -1]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def json_text(value: object) -> bytes:
    """JSON, or what Python takes for it: with NaN, Infinity and lone surrogates."""
    return json.dumps(value).encode()


deep = st.builds(
    lambda opening, depth, closing: opening * depth + closing * depth,
    st.sampled_from([b"[", b'{"a":', b'[{"a":', b'"[', b'\\"[']),
    st.integers(0, 3_000),
    st.sampled_from([b"", b"]", b"}", b"1}", b'"']),
)
long_numbers = st.builds(
    lambda sign, digits, tail: b'{"a":' + sign + b"7" * digits + tail + b"}",
    st.sampled_from([b"", b"-"]),
    st.integers(1, 6000),
    st.sampled_from([b"", b".5", b"e9", b"e999", b"e-999"]),
)
documents = st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | anything.map(json_text) | deep
documents |= long_numbers | st.dictionaries(st.text(max_size=8), anything, max_size=5).map(json_text)


def require_plain(error: OIDCError) -> None:
    assert error.message.isascii()
    assert error.message.isprintable()


def depth(value: object) -> int:
    if not isinstance(value, dict | list):
        return 0
    members = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, members), default=0)


@many
@given(documents)
@example(b'{"a":' * 100_000)
@example(b'{"a":' + b"9" * 5000 + b"}")
@example(b'{"a":"\\ud800"}')
def test_a_document_is_an_object_or_a_value_error(data: bytes) -> None:
    try:
        value = read_object(data)
    except ValueError as error:
        told = str(error)
        assert told.isascii()
        assert len(told) < 80
    else:
        assert depth(value) <= 32
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
        assert read_object(json_text(value)) == value


@many
@given(st.dictionaries(st.text(max_size=8), anything, max_size=5))
def test_what_was_read_is_what_python_reads(value: dict[str, Any]) -> None:
    data = json_text(value)
    with suppress(ValueError):
        assert read_object(data) == json.loads(data)
    assert isinstance(json.loads(data), dict)


segments = st.binary(max_size=60).map(b64) | st.text(max_size=30) | documents.map(b64)
headers = st.fixed_dictionaries(
    {"alg": st.sampled_from(SUPPORTED_ALGORITHMS) | anything},
    optional=dict.fromkeys(("kid", "typ", "crit", "b64", "jwk", "x5c", "zip"), anything),
)
tokens = (
    st.text(max_size=200)
    | st.lists(segments, min_size=1, max_size=7).map(".".join)
    | st.builds(lambda header, rest: f"{b64(json_text(header))}.{rest}", headers, st.text(max_size=50))
    | st.builds(
        lambda header, payload, tail: f"{b64(json_text(header))}.{payload}.{tail}", headers, segments, segments
    )
)


@many
@given(tokens)
@example("." * 200_000)
@example("e30.e30." + "A" * 200_000)
@example("\ud800.\ud800.\ud800")
def test_a_text_is_a_token_or_a_token_error(token: str) -> None:
    try:
        jws = parse_compact(token)
    except TokenError as error:
        require_plain(error)
    else:
        assert isinstance(jws.alg, str)
        assert ".".join([jws.signing_input.decode(), b64(jws.signature)]) == token
        for key in (KEYS["RS256"], KEYS["ES256"], KEYS["EdDSA"], KEYS["HS256"]):
            with pytest.raises(TokenError):
                verify_compact(jws, key)


HEADER = b64(b'{"alg":"RS256"}')
spellings = st.text(alphabet=st.characters(max_codepoint=127, exclude_characters="."), max_size=12)
spellings |= st.builds(
    lambda data, position, change: b64(data)[:position] + change + b64(data)[position + 1 :],
    st.binary(min_size=1, max_size=300),
    st.integers(0, 400),
    st.text(alphabet="AQgwEIMQUYcgkosw048-_+/= \n\0", max_size=3),
)


@settings(max_examples=examples(1000), deadline=None)
@given(spellings)
@example("AA=A")
@example("A===")
@example("====")
def test_a_segment_is_what_encoding_gives_or_no_base64url(segment: str) -> None:
    """threat model 109"""
    try:
        payload = parse_compact(f"{HEADER}.{segment}.AAAA").payload
    except TokenMalformed:
        with suppress(ValueError):
            assert b64(unb64(segment)) != segment
    else:
        assert b64(payload) == segment


@many
@given(tokens)
def test_a_text_is_not_an_id_token(token: str) -> None:
    with pytest.raises(TokenError):
        read_id_token(parse_id_token(token, EXPECTATIONS), KEYS["HS256"], EXPECTATIONS, now=NOW)


@many
@given(alg=st.sampled_from(SUPPORTED_ALGORITHMS), signature=st.binary(max_size=600))
def test_a_made_up_signature_never_verifies(alg: str, signature: bytes) -> None:
    jws = CompactJWS(header={"alg": alg}, payload=b"{}", signing_input=b"e30.e30", signature=signature)
    with pytest.raises(SignatureInvalid):
        verify_compact(jws, KEYS[alg])


right = {alg: parse_compact(compact({"alg": alg}, CLAIMS, alg=alg)) for alg in SUPPORTED_ALGORITHMS}


@many
@given(alg=st.sampled_from(SUPPORTED_ALGORITHMS), data=st.data())
def test_one_flipped_bit_anywhere_spoils_the_signature(alg: str, data: st.DataObject) -> None:
    jws = right[alg]
    parts = {"signing_input": jws.signing_input, "signature": jws.signature}
    name = data.draw(st.sampled_from(sorted(parts)))
    position = data.draw(st.integers(0, len(parts[name]) * 8 - 1))
    spoilt = bytearray(parts[name])
    spoilt[position // 8] ^= 1 << position % 8
    forged = CompactJWS(header=jws.header, payload=jws.payload, **{**parts, name: bytes(spoilt)})
    with pytest.raises(SignatureInvalid):
        verify_compact(forged, KEYS[alg])


@many
@given(
    st.dictionaries(st.sampled_from([*CLAIMS, "azp", "nbf", "auth_time", "at_hash", "c_hash", "events"]), anything)
)
def test_no_claims_make_anything_fail_but_the_token(changes: Mapping[str, Any]) -> None:
    claims = {**CLAIMS, **changes}
    try:
        jws = parse_id_token(compact({"alg": "HS256"}, claims, alg="HS256"), EXPECTATIONS)
        read = read_id_token(jws, KEYS["HS256"], EXPECTATIONS, now=NOW)
    except TokenError as error:
        require_plain(error)
    else:
        assert (read["iss"], read["nonce"]) == ("https://op.example", "the nonce")
        assert "client" in read["aud"]
        assert isinstance(read["sub"], str)
        assert NOW - 30 < read["exp"] < 10**12


@many
@given(documents)
def test_no_signed_payload_makes_anything_fail_but_the_token(payload: bytes) -> None:
    token = compact({"alg": "HS256"}, payload, alg="HS256")
    with pytest.raises(TokenError):
        read_id_token(parse_id_token(token, EXPECTATIONS), KEYS["HS256"], EXPECTATIONS, now=NOW)


MEMBERS = ("kty", "use", "key_ops", "alg", "kid", "crv", "n", "e", "x", "y", "d", "k", "x5c")
member_values = anything | st.binary(max_size=80).map(b64) | st.sampled_from(["RSA", "EC", "OKP", "P-256", "sig"])
jwks = st.dictionaries(st.sampled_from(MEMBERS), member_values) | st.builds(
    lambda alg, changes: {**public_jwk(key_for(alg)), **changes},
    st.sampled_from(["RS256", "ES256", "ES384", "ES512", "EdDSA", "HS256"]),
    st.dictionaries(st.sampled_from(MEMBERS), member_values, max_size=3),
)


@many
@given(jwks)
def test_a_jwk_is_a_public_key_or_unusable(jwk: dict[str, Any]) -> None:
    try:
        key = import_jwk(jwk)
    except KeyUnusable as error:
        require_plain(error)
    else:
        assert not key.material.is_private
        assert any(key.is_for(alg) for alg in ALGORITHMS)


@many
@given(documents | st.lists(jwks | anything, max_size=4).map(lambda keys: json_text({"keys": keys})), st.booleans())
def test_a_key_set_has_keys_or_is_invalid(body: bytes, is_ok: bool) -> None:
    try:
        keys = read_jwks(HttpResponse(status=200 if is_ok else 500, body=body)).keys
    except JWKSInvalid as error:
        require_plain(error)
    else:
        assert keys
        assert is_ok
        assert "oct" not in {key.kty for key in keys}


@many
@given(st.text())
def test_any_text_is_a_client_secret_or_unusable(secret: str) -> None:
    jws = parse_compact(compact({"alg": "HS256"}, {}, alg="HS256", key=b"another secret" * 5))
    with pytest.raises(TokenError):
        verify_compact(jws, client_secret_key(secret))


def test_the_key_of_these_tests_does_verify() -> None:
    """Otherwise the properties above would hold of a verifier that rejects everything."""
    for alg, key in KEYS.items():
        verify_compact(right[alg], key)
    assert read_id_token(right["HS256"], KEYS["HS256"], EXPECTATIONS, now=NOW) == CLAIMS
