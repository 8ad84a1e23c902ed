"""Signed tokens in compact form, taken apart."""

import json
import traceback
from typing import Any

import pytest

from oidc_async.errors import AlgorithmNotAllowed, SignatureInvalid, TokenError, TokenMalformed
from oidc_async.protocol.jose.jws import (
    CACHED_HEADER_LENGTH,
    CACHED_HEADERS,
    parse_compact,
    verify_compact,
)
from tests.protocol.signing import (
    b64,
    compact,
    public_jwk,
    rsa_key,
    unb64,
)
from tests.protocol.verifying import (
    HEADER_PART,
    PAYLOAD,
    PAYLOAD_PART,
    SIGNATURE_PART,
    TOKEN,
    verification_key,
)

LONG_HEADER_PART = b64(b'{"alg":"RS256"}' + b" " * 6144)


def test_a_token_is_taken_apart() -> None:
    jws = parse_compact(TOKEN)
    assert (jws.alg, jws.kid, jws.payload) == ("RS256", "one", b'{"sub": "alice"}')
    assert jws.signing_input == f"{HEADER_PART}.{PAYLOAD_PART}".encode()
    assert jws.signature == unb64(SIGNATURE_PART)


def test_neither_payload_nor_signature_shows_in_the_repr() -> None:
    """threat model 251"""
    shown = repr(parse_compact(TOKEN))
    assert "alice" not in shown
    assert SIGNATURE_PART[:20] not in shown
    assert PAYLOAD_PART not in shown


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="threat model 109: nothing"),
        pytest.param(HEADER_PART, id="threat model 109: 1 segment"),
        pytest.param(f"{HEADER_PART}.{PAYLOAD_PART}", id="threat model 109: 2 segments"),
        pytest.param(f"{TOKEN}.{SIGNATURE_PART}", id="threat model 109: 4 segments"),
        pytest.param(f"{TOKEN}...", id="threat model 109: 6 segments"),
        pytest.param("." * 100_000, id="threat model 226: nothing but dots"),
        pytest.param('{"payload":"e30","signature":""}', id="threat model 109: JSON serialization"),
        pytest.param('{"' + TOKEN + '":""}', id="threat model 109: JSON around a token"),
        pytest.param(f" {TOKEN}", id="threat model 109: a leading blank"),
        pytest.param(f"{TOKEN}\n", id="threat model 109: a trailing line break"),
        pytest.param(f"{HEADER_PART}.{PAYLOAD_PART[:4]} {PAYLOAD_PART[4:]}.x", id="threat model 109: a blank inside"),
        pytest.param(f"{HEADER_PART}=.{PAYLOAD_PART}.{SIGNATURE_PART}", id="threat model 109: padded header"),
        pytest.param(f"{HEADER_PART}.e30=.{SIGNATURE_PART}", id="threat model 109: padded payload"),
        pytest.param(f"{TOKEN}==", id="threat model 109: padded signature"),
        pytest.param(f"{HEADER_PART}.e31.{SIGNATURE_PART}", id="threat model 109: stray bits at the end"),
        pytest.param(f"{HEADER_PART}.e.{SIGNATURE_PART}", id="threat model 109: an impossible length"),
        pytest.param(f"{HEADER_PART}.{PAYLOAD_PART}.+/+/", id="threat model 109: the plain base64 alphabet"),
        pytest.param(f"{HEADER_PART}.e30.%%%%", id="threat model 109: characters outside base64"),
        pytest.param(f"{HEADER_PART}.e30.ÄÖÜ", id="threat model 109: not ASCII"),
        pytest.param(f"{HEADER_PART}.e30.\ud800", id="threat model 109: a lone surrogate"),
        pytest.param(f"..{SIGNATURE_PART}", id="an empty header"),
        pytest.param("A" * (128 * 1024 + 1), id="threat model 226: one character too many"),
        pytest.param(f"{HEADER_PART}.{'A' * 131_072}.AAAA", id="threat model 226: a long payload"),
        pytest.param(f"{LONG_HEADER_PART}.e30.AAAA", id="threat model 226: a long header"),
        pytest.param(compact(b"[]", PAYLOAD), id="threat model 108: a header that is a list"),
        pytest.param(compact(b'{"alg":"none","alg":"RS256"}', PAYLOAD), id="threat model 108: alg twice"),
        pytest.param(compact('{"alg":"RS256"}'.encode("utf-16"), PAYLOAD), id="threat model 108: UTF-16 header"),
        pytest.param(compact(b'{"alg":"RS256","x":' + b"[" * 3000, PAYLOAD), id="threat model 227: a deep header"),
        pytest.param(
            compact(b'{"alg":"RS256","x":' + b"1" * 5000 + b"}", PAYLOAD), id="threat model 228: a long integer"
        ),
    ],
)
def test_anything_but_a_compact_jws_is_rejected(token: str) -> None:
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
def test_every_pair_of_last_characters_is_canonical_or_rejected(before: str, count: int) -> None:
    """threat model 109: text that no encoder produces is rejected as base64url"""
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
    """threat model 106, 107, 109"""
    with pytest.raises(TokenMalformed, match="encrypted"):
        parse_compact("e30.a.b.c.d")
    with pytest.raises(TokenMalformed, match="3 segments"):
        parse_compact("e30.a.b.c.d.e")


@pytest.mark.parametrize("token", ["é30.e30.AAAA", "e30.e30.\ud800", "e" * 131_073], ids=["é", "surrogate", "long"])
def test_a_token_is_measured_before_it_is_taken_apart(token: str) -> None:
    """threat model 109, 226"""
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
        pytest.param({"alg": "RS256", "crit": []}, id="threat model 103: crit empty"),
        pytest.param({"alg": "RS256", "crit": ["exp"]}, id="threat model 103: crit names what is absent"),
        pytest.param({"alg": "RS256", "crit": ["kid"], "kid": "one"}, id="threat model 103: crit of kid"),
        pytest.param({"alg": "RS256", "crit": ["x"], "x": 1}, id="threat model 103: crit unknown"),
        pytest.param({"alg": "RS256", "crit": None}, id="threat model 103: crit null"),
        pytest.param({"alg": "RS256", "crit": "b64"}, id="threat model 103: crit a string"),
        pytest.param({"alg": "RS256", "b64": False}, id="threat model 103: b64 false"),
        pytest.param({"alg": "RS256", "b64": True}, id="threat model 103: b64 true"),
        pytest.param({"alg": "RS256", "b64": False, "crit": ["b64"]}, id="threat model 103: b64 in crit"),
        pytest.param({"alg": "RS256", "kid": 7}, id="threat model 35: kid a number"),
        pytest.param({"alg": "RS256", "kid": None}, id="threat model 35: kid null"),
        pytest.param({"alg": "RS256", "kid": ["one"]}, id="threat model 35: kid a list"),
        pytest.param({"alg": "RS256", "kid": {"kid": "one"}}, id="threat model 35: kid an object"),
        pytest.param({"alg": "RS256", "kid": "x" * 1025}, id="threat model 35: kid of 1025 characters"),
    ],
)
def test_header_parameters_that_would_change_the_rules_are_rejected(header: dict[str, Any]) -> None:
    with pytest.raises(TokenMalformed):
        parse_compact(compact(header, PAYLOAD))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({}, id="threat model 80: missing"),
        pytest.param({"alg": ""}, id="threat model 80: empty"),
        pytest.param({"alg": None}, id="threat model 80: null"),
        pytest.param({"alg": 256}, id="threat model 80: a number"),
        pytest.param({"alg": ["RS256"]}, id="threat model 80: a list"),
        pytest.param({"alg": {"alg": "RS256"}}, id="threat model 80: an object"),
        pytest.param({"alg": True}, id="threat model 80: true"),
    ],
)
def test_a_token_must_name_an_algorithm(header: dict[str, Any]) -> None:
    with pytest.raises(AlgorithmNotAllowed):
        parse_compact(compact(header, PAYLOAD))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"alg": "RS256", "x-our-own": {"deep": [1]}}, id="threat model 111: unknown parameter"),
        pytest.param({"alg": "RS256", "cty": "JWT"}, id="threat model 111: registered parameter"),
        pytest.param({"alg": "RS256", "x5c": ["A" * 2000] * 3}, id="a certificate chain"),
        pytest.param({"alg": "RS256", "kid": "../../etc/passwd"}, id="threat model 35: kid like a path"),
        pytest.param({"alg": "RS256", "kid": "x" * 1024}, id="threat model 35: kid of 1024 characters"),
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
    [pytest.param({}, id="one that is cached"), pytest.param({"x": [1]}, id="one that is not")],
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


def test_a_bounded_number_of_headers_is_cached() -> None:
    tokens = [token_with({"alg": "RS256", "kid": f"number {number}"}) for number in range(CACHED_HEADERS + 1)]
    first, *_, last = [parse_compact(token).header for token in tokens]
    assert parse_compact(tokens[-1]).header is last
    assert parse_compact(tokens[0]).header is not first
    assert parse_compact(tokens[0]).header == first


def test_a_long_header_is_not_cached() -> None:
    def token_of(length: int) -> str:
        header = b64(b'{"alg":"RS256"}'.ljust(length // 4 * 3))
        assert len(header) == length
        return f"{header}.e30.AAAA"

    at_most, longer = token_of(CACHED_HEADER_LENGTH), token_of(CACHED_HEADER_LENGTH + 4)
    assert parse_compact(at_most).header is parse_compact(at_most).header
    assert parse_compact(longer).header is not parse_compact(longer).header


def test_a_header_that_was_rejected_is_rejected_again() -> None:
    for header in ({"alg": "RS256", "crit": ["exp"]}, {"alg": ""}, {"alg": "RS256", "kid": 7}):
        for _ in range(3):
            with pytest.raises(TokenError):
                parse_compact(token_with(header))


def test_another_spelling_of_a_known_header_is_rejected() -> None:
    """threat model 109: with padding, and with each of the 15 values of the stray bits"""
    known = b64(b'{"alg":"RS256"}\n')
    assert parse_compact(f"{known}.e30.AAAA").alg == "RS256"
    assert known[-1] == "g"
    for spelling in [f"{known}==", f"{known}=", *(known[:-1] + last for last in "hijklmnopqrstuv")]:
        assert unb64(spelling.rstrip("=")) == unb64(known)
        with pytest.raises(TokenMalformed):
            parse_compact(f"{spelling}.e30.AAAA")


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_the_token_brings_along_is_never_used(name: str) -> None:
    """threat model 34"""
    forger = rsa_key(2)
    values = {"jwk": public_jwk(forger), "x5c": ["MIIB"]}
    header = {"alg": "RS256", name: values.get(name, "https://evil.example/keys")}
    with pytest.raises(SignatureInvalid):
        verify_compact(parse_compact(compact(header, PAYLOAD, key=forger)), verification_key("RS256"))


def test_messages_hold_nothing_of_the_token() -> None:
    """threat model 250"""
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
