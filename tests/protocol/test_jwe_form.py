"""Encrypted tokens that are rejected before they are decrypted, or for what is inside. threat model 224 to 228."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oidc_async.errors import (
    AlgorithmNotAllowed,
    TokenError,
    TokenMalformed,
)
from oidc_async.protocol.jose.jwe import (
    Encryption,
    decrypt_jwe,
    parse_jwe,
    parse_nested,
)
from tests.hypothesis_profiles import examples
from tests.protocol.encrypting import (
    CONTENT,
    encrypted,
    joined,
    key_that_opens,
)
from tests.protocol.opening import KINDS, OAEP, opened, outcome, parts_of
from tests.protocol.signing import b64

GOOD = encrypted(OAEP)
HEADER, KEY, IV, CIPHERTEXT, TAG = parts_of(GOOD)
LONG = "A" * 131_072


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param(CONTENT, id="threat model 105: not encrypted"),
        pytest.param(joined(HEADER, KEY, IV, CIPHERTEXT), id="threat model 109: 4 segments"),
        pytest.param(f"{GOOD}.", id="threat model 109: 6 segments"),
        pytest.param("." * 100_000, id="threat model 226: nothing but dots"),
        pytest.param(f"{GOOD}=", id="threat model 109: padded"),
        pytest.param(f" {GOOD}", id="threat model 109: a leading blank"),
        pytest.param(f"{GOOD}\n", id="threat model 109: a trailing line break"),
        pytest.param(GOOD.replace(".", ".+", 1), id="threat model 109: the plain base64 alphabet"),
        pytest.param(GOOD[:-1] + "é", id="threat model 109: not ASCII"),
        pytest.param(json.dumps({"protected": b64(HEADER)}), id="threat model 109: JSON serialization"),
        pytest.param(joined(HEADER, KEY, IV, LONG, TAG), id="threat model 226: a long content"),
        pytest.param(joined(HEADER, "A" * 1404, IV, CIPHERTEXT, TAG), id="threat model 226: a long key"),
        pytest.param(joined(HEADER, KEY, "A" * 68, CIPHERTEXT, TAG), id="threat model 226: a long IV"),
        pytest.param(joined(HEADER, KEY, IV, CIPHERTEXT, "A" * 68), id="threat model 226: a long tag"),
        pytest.param(joined(HEADER + b" " * 8192, KEY, IV, CIPHERTEXT, TAG), id="threat model 226: a long header"),
        pytest.param(joined(b"[]", KEY, IV, CIPHERTEXT, TAG), id="threat model 108: a header that is a list"),
        pytest.param(
            joined(b'{"alg":"dir",' + HEADER[1:], KEY, IV, CIPHERTEXT, TAG), id="threat model 108: alg twice"
        ),
        pytest.param(
            joined(b'{"x":' + b"[" * 3000 + b",", KEY, IV, CIPHERTEXT, TAG), id="threat model 227: a deep header"
        ),
        pytest.param(
            joined(b'{"x":' + b"1" * 5000 + b"}", KEY, IV, CIPHERTEXT, TAG), id="threat model 228: a long integer"
        ),
        pytest.param(encrypted(OAEP, at_last={"zip": "DEF"}), id="threat model 224: compressed"),
        pytest.param(encrypted(OAEP, at_last={"zip": None}), id="threat model 224: zip null"),
        pytest.param(encrypted(OAEP, at_last={"crit": ["exp"]}), id="threat model 103: crit"),
        pytest.param(encrypted(OAEP, at_last={"crit": []}), id="threat model 103: crit empty"),
        pytest.param(encrypted(OAEP, at_last={"crit": ["exp"], "exp": 1}), id="threat model 103: crit of a member"),
        pytest.param(encrypted(OAEP, at_last={"kid": 5}), id="threat model 35: kid a number"),
        pytest.param(encrypted(OAEP, at_last={"kid": "x" * 1025}), id="threat model 35: kid of 1025 characters"),
    ],
)
def test_anything_but_a_compact_jwe_is_rejected(token: str) -> None:
    with pytest.raises(TokenMalformed):
        parse_jwe(token, OAEP)


def test_only_text_is_a_token() -> None:
    token: Any
    for token in (GOOD.encode(), None, 1, [GOOD]):
        with pytest.raises(TokenMalformed):
            parse_jwe(token, OAEP)


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"alg": "RSA1_5"}, id="threat model 106: RSA1_5"),
        pytest.param({"alg": "RSA-OAEP-256"}, id="threat model 106: RSA-OAEP-256"),
        pytest.param({"alg": "RSA-OAEP-512"}, id="RSA-OAEP-512"),
        pytest.param({"alg": "dir"}, id="threat model 106: dir"),
        pytest.param({"alg": "A128KW"}, id="A128KW"),
        pytest.param({"alg": "A256GCMKW", "iv": "AA", "tag": "AA"}, id="A256GCMKW"),
        pytest.param({"alg": "PBES2-HS256+A128KW", "p2s": "AA", "p2c": 2**31}, id="threat model 225: PBES2"),
        pytest.param({"alg": "none"}, id="none"),
        pytest.param({"alg": "RS256"}, id="a signature algorithm"),
        pytest.param({"alg": "rsa-oaep"}, id="another case"),
        pytest.param({"alg": None}, id="null"),
        pytest.param({"alg": ["RSA-OAEP"]}, id="a list"),
        pytest.param({"enc": "A256CBC-HS512"}, id="threat model 106: another enc"),
        pytest.param({"enc": "A128GCM"}, id="threat model 106: GCM"),
        pytest.param({"enc": "none"}, id="enc none"),
        pytest.param({"enc": None}, id="enc null"),
        pytest.param({"enc": 5}, id="enc a number"),
        pytest.param({"enc": ["A128CBC-HS256"]}, id="enc a list"),
    ],
)
def test_nothing_but_what_was_registered_is_decrypted(members: dict[str, Any]) -> None:
    with pytest.raises(AlgorithmNotAllowed):
        parse_jwe(encrypted(OAEP, at_last=members), OAEP)


@pytest.mark.parametrize("name", ["alg", "enc"])
def test_a_header_without_algorithms_is_rejected(name: str) -> None:
    header = {key: value for key, value in json.loads(HEADER).items() if key != name}
    with pytest.raises(AlgorithmNotAllowed, match=name):
        parse_jwe(joined(header, KEY, IV, CIPHERTEXT, TAG), OAEP)


@pytest.mark.parametrize("members", [{"foo": {"bar": [1]}}, {"typ": "JWT"}, {"iss": "x"}, {"jku": "https:"}], ids=str)
def test_harmless_header_parameters_are_accepted(members: dict[str, Any]) -> None:
    assert opened(encrypted(OAEP, header=members), OAEP) == CONTENT


# What is inside


@pytest.mark.parametrize("header", [{}, {"cty": "JWT"}, {"cty": "jwt"}, {"cty": "application/JWT"}], ids=str)
def test_a_nested_token_is_called_so_or_not_at_all(header: dict[str, Any]) -> None:
    """RFC 7519 5.2."""
    jwe = parse_nested(encrypted(OAEP, header=header), OAEP)
    assert decrypt_jwe(jwe, (key_that_opens(OAEP),)) == CONTENT.encode()


@pytest.mark.parametrize("cty", ["json", "", "JWE", None, 5, ["JWT"], "jwt "], ids=str)
def test_another_content_type_is_not_a_nested_token(cty: Any) -> None:
    with pytest.raises(TokenMalformed, match="cty"):
        parse_nested(encrypted(OAEP, header={"cty": cty}), OAEP)


mangled_bytes = st.binary(max_size=80)
TOKENS = {encryption.alg: encrypted(encryption) for encryption in KINDS}


@settings(max_examples=examples(300), deadline=None)
@given(st.data())
def test_a_mangled_token_raises_our_errors_only(data: st.DataObject) -> None:
    encryption = data.draw(st.sampled_from(KINDS))
    parts: list[bytes | str] = [*parts_of(TOKENS[encryption.alg])]
    for _ in range(data.draw(st.integers(1, 3))):
        number = data.draw(st.integers(0, 4))
        part = parts[number]
        if data.draw(st.booleans()) or not isinstance(part, bytes) or not part:
            parts[number] = data.draw(mangled_bytes | st.text(max_size=20))
        else:
            position = data.draw(st.integers(0, len(part) - 1))
            parts[number] = part[:position] + data.draw(mangled_bytes) + part[position + 1 :]
    token = joined(*parts)
    assert outcome(token, encryption) == (CONTENT if token == TOKENS[encryption.alg] else TokenError)


members = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
anything = st.recursive(
    members, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
names = st.sampled_from(["epk", "apu", "apv", "kid", "cty", "typ", "p2c", "iv", "tag", "x5c", "jwk", "foo"])


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from(KINDS), st.dictionaries(names, anything, max_size=3))
def test_a_header_of_any_kind_raises_our_errors_only(encryption: Encryption, header: dict[str, Any]) -> None:
    assert outcome(encrypted(encryption, at_last=header), encryption) in (CONTENT, TokenError)
