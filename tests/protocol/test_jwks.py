"""The provider's published keys, and the one that fits a token."""

import json
import logging
from typing import Any

import pytest

from oidc_async.errors import JWKSInvalid, KeyAmbiguous, KeyNotFound, KeyUnusable, SignatureInvalid
from oidc_async.protocol.http_message import MAX_RESPONSE_BODY, HttpResponse
from oidc_async.protocol.jose.jwks import JWKS, jwks_request, read_jwks, select_key
from oidc_async.protocol.jose.jws import (
    VerificationKey,
    client_secret_key,
    import_jwk,
    parse_compact,
    verify_compact,
)
from tests.protocol.signing import (
    SECRET,
    b64_int,
    compact,
    ec_key,
    ed25519_key,
    private_rsa_jwk,
    public_jwk,
    rsa_key,
)

GOOD = public_jwk(rsa_key(), kid="good")
LOGGER = "oidc_async.provider"


def answer(*keys: object, status: int = 200) -> HttpResponse:
    return HttpResponse(status=status, body=json.dumps({"keys": keys}).encode())


def kids(jwks: JWKS) -> list[str | None]:
    return [key.kid for key in jwks.keys]


def test_the_request_may_be_repeated_and_is_bounded() -> None:
    """threat model 36"""
    request = jwks_request("https://op.example/keys")
    assert (request.method, request.url, request.repeatable) == ("GET", "https://op.example/keys", True)
    assert request.headers == {"accept": "application/json, application/jwk-set+json"}
    assert request.max_body == MAX_RESPONSE_BODY == 512 * 1024


def test_all_kinds_of_keys_are_read_in_their_order() -> None:
    jwks = read_jwks(answer(GOOD, public_jwk(ec_key(), kid="curve"), public_jwk(ed25519_key())))
    assert [(key.kid, key.kty) for key in jwks.keys] == [("good", "RSA"), ("curve", "EC"), (None, "OKP")]


def test_encryption_keys_are_separate_from_verification_keys() -> None:
    """threat model 27: one without a use is for both."""
    jwks = read_jwks(
        answer(
            GOOD,
            public_jwk(rsa_key(2), kid="verifies", use="sig"),
            public_jwk(ec_key(), kid="encrypts", use="enc"),
            public_jwk(ed25519_key(), kid="curve"),
            {**public_jwk(b"a secret", kid="secret"), "use": "enc"},
        )
    )
    assert kids(jwks) == ["good", "verifies", "curve"]
    assert [key.kid for key in jwks.recipients] == ["good", "encrypts"]


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({}, id="threat model 22: an empty object"),
        pytest.param(None, id="threat model 22: null"),
        pytest.param("RSA", id="threat model 22: a string"),
        pytest.param([GOOD], id="threat model 22: a list"),
        pytest.param(7, id="threat model 22: a number"),
        pytest.param({"kty": "AKP", "pub": "x"}, id="threat model 22: an unknown type"),
        pytest.param({"kty": "RSA", "n": None, "e": {}}, id="threat model 22: members of wrong types"),
        pytest.param(public_jwk(rsa_key(2), kid="good", use="enc"), id="threat model 27: for encryption"),
        pytest.param(public_jwk(rsa_key(2), key_ops=["wrapKey"]), id="threat model 27: key_ops without verify"),
        pytest.param(public_jwk(rsa_key(2), n=b64_int((1 << 1023) + 1)), id="threat model 31: 1024 bits"),
        pytest.param(public_jwk(rsa_key(2), n=b64_int((1 << 16000) + 1)), id="threat model 32: 16001 bits"),
        pytest.param(public_jwk(ec_key("secp256k1")), id="threat model 33: secp256k1"),
        pytest.param(public_jwk(rsa_key(2), kid=["good"]), id="threat model 35: kid a list"),
    ],
)
def test_an_odd_key_is_left_out_and_logged(odd: object, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger=LOGGER):
        assert kids(read_jwks(answer(odd, GOOD))) == ["good"]
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert caplog.text.count("keys[0] of the key set is skipped") == 1


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param([], id="threat model 23: no key"),
        pytest.param([public_jwk(SECRET.encode())], id="threat model 29: only a symmetric key"),
        pytest.param([{"kty": "RSA"}, None, public_jwk(rsa_key(), use="enc")], id="threat model 22: only odd ones"),
    ],
)
def test_a_key_set_without_a_usable_key_is_invalid(keys: list[object]) -> None:
    with pytest.raises(JWKSInvalid, match="usable") as caught:
        read_jwks(answer(*keys))
    problems = caught.value.evidence["problems"]
    assert isinstance(problems, tuple)
    assert len(problems) == len(keys)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="threat model 20: nothing"),
        pytest.param(b"<html>Welcome</html>", id="threat model 20: HTML"),
        pytest.param(b"[]", id="threat model 23: a list"),
        pytest.param(b"null", id="threat model 23: null"),
        pytest.param(b"{}", id="threat model 23: keys missing"),
        pytest.param(b'{"keys": null}', id="threat model 23: keys null"),
        pytest.param(b'{"keys": {}}', id="threat model 23: keys an object"),
        pytest.param(b'{"keys": "RSA"}', id="threat model 23: keys a string"),
        pytest.param(b'{"keys": 1}', id="threat model 23: keys a number"),
        pytest.param(b'{"keys": [], "keys": []}', id="threat model 20: keys twice"),
        pytest.param(json.dumps({"keys": [GOOD]}).encode("utf-16"), id="threat model 20: UTF-16"),
        pytest.param(b'{"keys": [NaN]}', id="threat model 20: NaN"),
        pytest.param(b'{"keys": ' + b"[" * 40_000, id="threat model 227: deep"),
        pytest.param(b'{"keys": [' + b"7" * 5000 + b"]}", id="threat model 228: a long integer"),
    ],
)
def test_anything_but_a_key_set_is_invalid(body: bytes) -> None:
    with pytest.raises(JWKSInvalid):
        read_jwks(HttpResponse(status=200, body=body))


@pytest.mark.parametrize("status", [201, 204, 206, 301, 304, 400, 404, 500, 503])
def test_only_200_brings_keys(status: int) -> None:
    """threat model 20"""
    with pytest.raises(JWKSInvalid, match=str(status)):
        read_jwks(answer(GOOD, status=status))


def test_any_media_type_will_do() -> None:
    body = answer(GOOD).body
    for media_type in ("application/json", "application/jwk-set+json; charset=utf-8", "text/plain", ""):
        response = HttpResponse(status=200, headers={"content-type": media_type}, body=body)
        assert kids(read_jwks(response)) == ["good"]


def test_a_hundred_keys_are_read_and_one_more_is_not() -> None:
    """threat model 36"""
    keys = [{**GOOD, "kid": str(number)} for number in range(101)]
    assert len(read_jwks(answer(*keys[:100])).keys) == 100
    with pytest.raises(JWKSInvalid, match="at most 100"):
        read_jwks(answer(*keys))


def test_published_private_members_are_warned_of_and_not_imported(caplog: pytest.LogCaptureFixture) -> None:
    """threat model 30, 252"""
    published = private_rsa_jwk(rsa_key(), kid="oops")
    with caplog.at_level(logging.DEBUG, logger=LOGGER):
        (key,) = read_jwks(answer(published)).keys
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert not key.material.is_private
    assert not any(value in caplog.text for name, value in published.items() if name not in ("kty", "kid", "e"))


def test_a_published_symmetric_key_is_warned_of_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """threat model 29"""
    with caplog.at_level(logging.DEBUG, logger=LOGGER):
        assert kids(read_jwks(answer(public_jwk(SECRET.encode(), kid="secret"), GOOD))) == ["good"]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_key_s_text_reaches_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """threat model 252, 256"""
    odd = {"kty": "canary", "kid": "canary\r\nERROR forged", "n": "canary", "use": "canary", "k": "canary"}
    with caplog.at_level(logging.DEBUG, logger=LOGGER):
        read_jwks(answer(odd, {**odd, "kty": "RSA"}, {**odd, "kty": "oct"}, GOOD))
    assert caplog.text.count("skipped") == 3
    assert "canary" not in caplog.text


# ---- which key


def key(kid: str | None = None, *, private: Any = None, **members: Any) -> VerificationKey:
    named = members if kid is None else {"kid": kid, **members}
    return import_jwk(public_jwk(private or rsa_key(), **named))


RSA_1, RSA_2 = key("1"), key("2", private=rsa_key(2))
RSA_1_OTHER = key("1", private=rsa_key(2))
RSA_ANON, RSA_ANON_2 = key(), key(private=rsa_key(2))
RSA_1_PS256, RSA_1_RS256 = key("1", alg="PS256"), key("1", alg="RS256")
EC_1, EC_1_P384 = key("1", private=ec_key()), key("1", private=ec_key("P-384"))
OKP_1 = key("1", private=ed25519_key())


@pytest.mark.parametrize(
    ("header", "keys", "chosen"),
    [
        pytest.param({"alg": "RS256", "kid": "1"}, [RSA_1, RSA_2], RSA_1, id="by kid"),
        pytest.param({"alg": "RS256", "kid": "2"}, [RSA_1, RSA_2], RSA_2, id="by kid, the second"),
        pytest.param({"alg": "RS256"}, [RSA_1], RSA_1, id="threat model 24: no kid, one key"),
        pytest.param({"alg": "RS256"}, [EC_1, OKP_1, RSA_1], RSA_1, id="threat model 24: no kid, one of the type"),
        pytest.param({"alg": "RS256"}, [RSA_1_PS256, RSA_2], RSA_2, id="threat model 24: no kid, one for alg"),
        pytest.param({"alg": "ES384"}, [EC_1, EC_1_P384], EC_1_P384, id="threat model 24: no kid, one of the curve"),
        pytest.param({"alg": "RS256"}, [RSA_ANON], RSA_ANON, id="threat model 24: no kid on either side"),
        pytest.param({"alg": "RS256", "kid": "1"}, [EC_1, OKP_1, RSA_1], RSA_1, id="threat model 26: RSA, decoys"),
        pytest.param({"alg": "ES256", "kid": "1"}, [RSA_1, EC_1_P384, EC_1], EC_1, id="threat model 26: EC, decoys"),
        pytest.param({"alg": "EdDSA", "kid": "1"}, [RSA_1, EC_1, OKP_1], OKP_1, id="threat model 26: OKP, decoys"),
        pytest.param({"alg": "Ed25519", "kid": "1"}, [EC_1, OKP_1], OKP_1, id="threat model 26: Ed25519 by name"),
        pytest.param(
            {"alg": "RS256", "kid": "1"}, [RSA_1_PS256, RSA_1_RS256], RSA_1_RS256, id="threat model 26: decoy by alg"
        ),
    ],
)
def test_the_key_that_fits_is_chosen(
    header: dict[str, str], keys: list[VerificationKey], chosen: VerificationKey
) -> None:
    assert select_key(parse_compact(compact(header, {})), keys) is chosen


@pytest.mark.parametrize(
    ("header", "keys"),
    [
        pytest.param({"alg": "RS256"}, [], id="no key at all"),
        pytest.param({"alg": "RS256", "kid": "3"}, [RSA_1, RSA_2], id="threat model 17: unknown kid"),
        pytest.param({"alg": "RS256", "kid": "3"}, [RSA_1], id="threat model 17: unknown kid, one key"),
        pytest.param({"alg": "RS256", "kid": "1"}, [RSA_ANON], id="kid that no key has"),
        pytest.param({"alg": "RS256", "kid": ""}, [RSA_1, RSA_ANON], id="empty kid"),
        pytest.param({"alg": "RS256", "kid": "1 "}, [RSA_1], id="threat model 35: kid with a blank"),
        pytest.param({"alg": "ES256", "kid": "1"}, [RSA_1, EC_1_P384, OKP_1], id="threat model 26: decoys only"),
        pytest.param({"alg": "RS256", "kid": "1"}, [RSA_1_PS256], id="threat model 28: reserved for another alg"),
        pytest.param({"alg": "HS256", "kid": "1"}, [RSA_1, EC_1, OKP_1], id="threat model 81: HMAC and public keys"),
        pytest.param({"alg": "none"}, [RSA_1, client_secret_key(SECRET)], id="threat model 80: none"),
        pytest.param({"alg": "RS256"}, [client_secret_key(SECRET)], id="threat model 81: RSA and a secret"),
    ],
)
def test_no_key_fits(header: dict[str, str], keys: list[VerificationKey]) -> None:
    with pytest.raises(KeyNotFound):
        select_key(parse_compact(compact(header, {})), keys)


@pytest.mark.parametrize(
    ("header", "keys"),
    [
        pytest.param({"alg": "RS256"}, [RSA_1, RSA_2], id="threat model 25: no kid, two keys"),
        pytest.param({"alg": "PS512"}, [RSA_ANON, RSA_ANON_2], id="threat model 25: no kid on either side"),
        pytest.param({"alg": "RS256", "kid": "1"}, [RSA_1, RSA_1_OTHER], id="threat model 26: one kid, two keys"),
        pytest.param({"alg": "RS256", "kid": "1"}, [RSA_1, RSA_1_RS256], id="threat model 26: one kid, one alg"),
    ],
)
def test_two_keys_that_fit_are_ambiguous(header: dict[str, str], keys: list[VerificationKey]) -> None:
    with pytest.raises(KeyAmbiguous) as caught:
        select_key(parse_compact(compact(header, {})), keys)
    assert caught.value.evidence == {"fitting": 2}


def test_a_client_secret_fits_whatever_kid_the_token_names() -> None:
    secret = client_secret_key(SECRET)
    for header in ({"alg": "HS256"}, {"alg": "HS256", "kid": "some internal name"}):
        jws = parse_compact(compact(header, {}, alg="HS256"))
        assert select_key(jws, [secret]) is secret
        verify_compact(jws, secret)


def test_a_symmetric_key_in_the_key_set_signs_nothing() -> None:
    """threat model 29: who reads the key set could sign with it"""
    published = b"published" * 8
    jwks = read_jwks(answer(public_jwk(published, kid="1", alg="HS256"), public_jwk(rsa_key(), kid="1")))
    jws = parse_compact(compact({"alg": "HS256", "kid": "1"}, {}, alg="HS256", key=published))
    with pytest.raises(KeyNotFound):
        select_key(jws, jwks.keys)
    with pytest.raises(KeyUnusable):
        verify_compact(jws, jwks.keys[0])


def test_a_token_of_another_key_fails_even_when_its_kid_is_right() -> None:
    """threat model 84"""
    jws = parse_compact(compact({"alg": "RS256", "kid": "1"}, {}, key=rsa_key(2)))
    with pytest.raises(SignatureInvalid):
        verify_compact(jws, select_key(jws, [RSA_1, RSA_2]))
