"""The ID token and everything that must be true of it."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from oidc_async.errors import (
    AlgorithmNotAllowed,
    ClaimInvalid,
    KeyUnusable,
    SignatureInvalid,
    TokenExpired,
    TokenMalformed,
)
from oidc_async.protocol.id_token import (
    parse_id_token,
    read_id_token,
)
from oidc_async.protocol.jose.jws import (
    SUPPORTED_ALGORITHMS,
    client_secret_key,
    import_jwk,
    parse_compact,
)
from tests.protocol.absent import ABSENT
from tests.protocol.id_tokens import CLAIMS, EXPECTATIONS, HEADER, ISSUER, NOW, claims_with, read
from tests.protocol.signing import SECRET, compact, half_hash, key_for, public_jwk, rsa_key


def test_a_right_token_gives_its_claims() -> None:
    assert read({**CLAIMS, "email": "alice@example.org"}) == {**CLAIMS, "email": "alice@example.org"}


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
def test_every_algorithm_serves_when_the_client_registered_it(alg: str) -> None:
    expectations = replace(EXPECTATIONS, algorithms=(alg,))
    assert read(CLAIMS, expectations, header={"alg": alg}, alg=alg)["sub"] == "alice"


# ---- before any key is needed


@pytest.mark.parametrize(
    "alg",
    [
        pytest.param("none", id="security.md 80: none"),
        pytest.param("None", id="security.md 80: None"),
        pytest.param("NoNe", id="security.md 80: NoNe"),
        pytest.param("", id="security.md 80: empty"),
        pytest.param(None, id="security.md 80: null"),
        pytest.param(["RS256"], id="security.md 80: a list"),
        pytest.param("HS256", id="security.md 81, 82: HS256"),
        pytest.param("RS512", id="security.md 83: RS512"),
        pytest.param("PS256", id="security.md 83: PS256"),
        pytest.param("ES256", id="security.md 83: ES256"),
        pytest.param("rs256", id="security.md 83: lower case"),
        pytest.param("RS2567", id="security.md 110: a longer name"),
        pytest.param("RS25", id="security.md 110: a shorter name"),
    ],
)
def test_an_algorithm_that_was_not_registered_is_rejected_before_any_key_is_needed(alg: object) -> None:
    token = compact({"alg": alg}, CLAIMS)
    for candidate in (token, token.rpartition(".")[0] + "."):
        with pytest.raises(AlgorithmNotAllowed):
            parse_id_token(candidate, EXPECTATIONS)


def test_a_token_without_alg_is_rejected() -> None:
    """security.md 80"""
    with pytest.raises(AlgorithmNotAllowed):
        parse_id_token(compact({"typ": "JWT"}, CLAIMS), EXPECTATIONS)


@pytest.mark.parametrize("alg", [alg for alg in SUPPORTED_ALGORITHMS if alg != "RS256"])
def test_a_valid_signature_by_an_algorithm_that_was_not_registered_is_rejected(alg: str) -> None:
    """security.md 82, 83"""
    jws = parse_compact(compact({"alg": alg}, CLAIMS, alg=alg))
    key = client_secret_key(SECRET) if alg.startswith("HS") else import_jwk(public_jwk(key_for(alg)))
    with pytest.raises(AlgorithmNotAllowed, match="RS256"):
        read_id_token(jws, key, EXPECTATIONS, now=NOW)


def test_the_client_secret_does_not_open_the_door_of_the_public_key() -> None:
    """security.md 81: both algorithms registered, the public key used as a secret"""
    expectations = replace(EXPECTATIONS, algorithms=("RS256", "HS256"))
    jws = parse_id_token(compact({"alg": "HS256"}, CLAIMS, alg="HS256", key=b"x" * 64), expectations)
    with pytest.raises(KeyUnusable):
        read_id_token(jws, import_jwk(public_jwk(rsa_key())), expectations, now=NOW)
    with pytest.raises(SignatureInvalid):
        read_id_token(jws, client_secret_key(SECRET), expectations, now=NOW)


@pytest.mark.parametrize("typ", [ABSENT, "JWT", "jwt", "Jwt", "application/jwt", "application/JWT"])
def test_an_id_token_s_type_is_jwt_or_absent(typ: object) -> None:
    header = {"alg": "RS256", **({} if typ is ABSENT else {"typ": typ})}
    assert read(CLAIMS, header=header)["sub"] == "alice"


@pytest.mark.parametrize(
    "typ",
    [
        "at+jwt",
        "application/at+jwt",
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "token-introspection+jwt",
        "oauth-authz-req+jwt",
        "JOSE",
        "JWT ",
        "JW",
        "",
        None,
        1,
        ["JWT"],
        {"typ": "JWT"},
    ],
)
def test_a_token_of_another_type_is_not_an_id_token(typ: object) -> None:
    """security.md 104"""
    token = compact({"alg": "RS256", "typ": typ}, CLAIMS)
    with pytest.raises(ClaimInvalid, match="typ"):
        parse_id_token(token, EXPECTATIONS)
    with pytest.raises(ClaimInvalid, match="typ"):
        read_id_token(parse_compact(token), import_jwk(public_jwk(rsa_key())), EXPECTATIONS, now=NOW)


# ---- signature and form


def test_a_signature_by_another_key_is_rejected() -> None:
    """security.md 84"""
    with pytest.raises(SignatureInvalid):
        read(CLAIMS, key=rsa_key(2))


def test_no_claim_is_looked_at_before_the_signature() -> None:
    with pytest.raises(SignatureInvalid):
        read({**CLAIMS, "iss": "https://evil.example", "exp": 0}, key=rsa_key(2))


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="security.md 108: nothing"),
        pytest.param(b"[]", id="security.md 108: a list"),
        pytest.param(b'"alice"', id="security.md 108: a string"),
        pytest.param(b"1", id="security.md 108: a number"),
        pytest.param(b'{"sub":"a","sub":"b"}', id="security.md 108: a duplicate member"),
        pytest.param(json.dumps(CLAIMS).encode("utf-16"), id="security.md 108: UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode(), id="security.md 108: a byte order mark"),
        pytest.param(b'{"sub":"\xff"}', id="security.md 108: invalid UTF-8"),
        pytest.param(json.dumps({**CLAIMS, "sub": "\ud800"}).encode(), id="security.md 96: a lone surrogate"),
        pytest.param(json.dumps({**CLAIMS, "exp": math.nan}).encode(), id="security.md 92: exp NaN"),
        pytest.param(json.dumps({**CLAIMS, "exp": math.inf}).encode(), id="security.md 92: exp Infinity"),
        pytest.param(json.dumps(CLAIMS).replace("1800000300.0", "1e400").encode(), id="security.md 92: exp 1e400"),
        pytest.param(
            json.dumps(CLAIMS).replace("1800000300.0", "1" + "0" * 400).encode(), id="security.md 92: exp 10^400"
        ),
        pytest.param(b'{"sub":' + b"[" * 40_000, id="security.md 227: deep"),
        pytest.param(b'{"exp":' + b"9" * 5000 + b"}", id="security.md 228: a long integer"),
        pytest.param(compact(HEADER, CLAIMS).encode(), id="security.md 107: a token inside the token"),
    ],
)
def test_claims_are_one_strict_json_object(payload: bytes) -> None:
    with pytest.raises(TokenMalformed):
        read(payload)


# ---- claims


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": ["client"]}, id="security.md 89: aud a list of one"),
        pytest.param({"aud": ["client", "client"]}, id="security.md 89: aud twice the same"),
        pytest.param({"aud": ["client", "trusted"], "azp": "client"}, id="security.md 88: a trusted audience"),
        pytest.param({"azp": "client"}, id="security.md 90: azp ours"),
        pytest.param({"exp": NOW - 29}, id="security.md 91: exp past, within the leeway"),
        pytest.param({"exp": NOW + 0.5, "iat": NOW - 0.25, "nbf": NOW - 0.125}, id="security.md 92: fractions"),
        pytest.param({"exp": 253_402_300_799}, id="security.md 92: exp at the end of the year 9999"),
        pytest.param({"iat": NOW + 30}, id="security.md 93: iat ahead, within the leeway"),
        pytest.param({"iat": NOW - 630}, id="security.md 93: iat old, within the leeway"),
        pytest.param({"nbf": NOW + 30}, id="security.md 94: nbf ahead, within the leeway"),
        pytest.param({"sub": "x" * 255}, id="security.md 96: sub of 255 characters"),
        pytest.param({"sub": "Zoë 𝄞"}, id="security.md 96: sub not ASCII"),
        pytest.param({"at_hash": half_hash("the access token", "sha256")}, id="security.md 98: at_hash right"),
        pytest.param({"c_hash": half_hash("the code", "sha256")}, id="security.md 97: c_hash right"),
        pytest.param({"s_hash": half_hash("the state", "sha256")}, id="s_hash right"),
        pytest.param({"auth_time": NOW - 1e6}, id="security.md 101: auth_time, not asked for"),
        pytest.param({"acr": "0"}, id="security.md 102: acr, not asked for"),
        pytest.param({"unknown": {"deep": [1]}}, id="a claim that we don't know"),
    ],
)
def test_what_is_right_is_accepted(changes: dict[str, Any]) -> None:
    assert read(claims_with(**changes)) == claims_with(**changes)


NOT_TIMES = [
    pytest.param(True, id="true"),
    pytest.param(False, id="false"),
    pytest.param("123", id="a string"),
    pytest.param(None, id="null"),
    pytest.param([NOW], id="a list"),
    pytest.param({}, id="an object"),
    pytest.param(-1, id="negative"),
    pytest.param(-0.5, id="a negative fraction"),
    pytest.param(1e300, id="1e300"),
    pytest.param(10**299, id="10^299"),
    pytest.param(253_402_300_800, id="the year 10000"),
    pytest.param(NOW * 1000, id="milliseconds"),
]


@pytest.mark.parametrize("value", NOT_TIMES)
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf", "auth_time"])
def test_a_time_is_a_number_of_seconds(claim: str, value: object) -> None:
    """security.md 92"""
    with pytest.raises(ClaimInvalid, match=claim) as caught:
        read({**CLAIMS, claim: value})
    assert caught.value.claim == claim


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        pytest.param("iss", ABSENT, id="security.md 86: iss missing"),
        pytest.param("iss", "https://evil.example", id="security.md 86: iss other"),
        pytest.param("iss", "https://op.exampl", id="security.md 86: iss a prefix"),
        pytest.param("iss", "https://op.example/", id="security.md 86: iss with a slash"),
        pytest.param("iss", "https://OP.example", id="security.md 86: iss in capitals"),
        pytest.param("iss", "https://op.example:443", id="security.md 86: iss with the port"),
        pytest.param("iss", " https://op.example", id="security.md 86: iss with a blank"),
        pytest.param("iss", [ISSUER], id="security.md 86: iss a list"),
        pytest.param("iss", {ISSUER: 1}, id="security.md 86: iss an object"),
        pytest.param("iss", None, id="security.md 86: iss null"),
        pytest.param("iss", "", id="security.md 86: iss empty"),
        pytest.param("aud", ABSENT, id="security.md 87: aud missing"),
        pytest.param("aud", "other", id="security.md 87: aud other"),
        pytest.param("aud", "clien", id="security.md 87: aud a substring"),
        pytest.param("aud", "client2", id="security.md 87: aud a longer name"),
        pytest.param("aud", "client other", id="security.md 87: aud with blanks"),
        pytest.param("aud", "", id="security.md 87: aud empty"),
        pytest.param("aud", None, id="security.md 87: aud null"),
        pytest.param("aud", [], id="security.md 87: aud an empty list"),
        pytest.param("aud", {"client": 1}, id="security.md 87: aud an object"),
        pytest.param("aud", ["client", 7], id="security.md 87: aud with a number"),
        pytest.param("aud", ["client", None], id="security.md 87: aud with null"),
        pytest.param("aud", ["client", ""], id="security.md 87: aud with an empty string"),
        pytest.param("aud", [["client"]], id="security.md 87: aud a list in a list"),
        pytest.param("aud", ["other"], id="security.md 87: aud a list without us"),
        pytest.param("aud", ["trusted"], id="security.md 87: aud trusted, without us"),
        pytest.param("aud", ["client", "other"], id="security.md 88: aud with an untrusted one"),
        pytest.param("aud", ["client", "trusted", "other"], id="security.md 88: aud with both"),
        pytest.param("azp", "other", id="security.md 90: azp other"),
        pytest.param("azp", "", id="security.md 90: azp empty"),
        pytest.param("azp", None, id="security.md 90: azp null"),
        pytest.param("azp", ["client"], id="security.md 90: azp a list"),
        pytest.param("exp", ABSENT, id="security.md 91: exp missing"),
        pytest.param("iat", ABSENT, id="security.md 93: iat missing"),
        pytest.param("iat", NOW + 31, id="security.md 93: iat in the future"),
        pytest.param("iat", NOW - 631, id="security.md 93: iat too old"),
        pytest.param("nbf", NOW + 31, id="security.md 94: nbf in the future"),
        pytest.param("auth_time", NOW + 31, id="security.md 101: auth_time in the future"),
        pytest.param("nonce", ABSENT, id="security.md 95: nonce missing"),
        pytest.param("nonce", "another nonce", id="security.md 95: nonce of another login"),
        pytest.param("nonce", "the nonc", id="security.md 95: nonce a prefix"),
        pytest.param("nonce", "THE NONCE", id="security.md 95: nonce in capitals"),
        pytest.param("nonce", "thé nonce", id="security.md 95: nonce not ASCII"),
        pytest.param("nonce", "", id="security.md 95: nonce empty"),
        pytest.param("nonce", ["the nonce"], id="security.md 95: nonce a list"),
        pytest.param("nonce", None, id="security.md 95: nonce null"),
        pytest.param("sub", ABSENT, id="security.md 96: sub missing"),
        pytest.param("sub", "", id="security.md 96: sub empty"),
        pytest.param("sub", 7, id="security.md 96: sub a number"),
        pytest.param("sub", None, id="security.md 96: sub null"),
        pytest.param("sub", ["alice"], id="security.md 96: sub a list"),
        pytest.param("sub", "x" * 256, id="security.md 96: sub of 256 characters"),
        pytest.param("at_hash", half_hash("another", "sha256"), id="security.md 98: at_hash wrong"),
        pytest.param("at_hash", half_hash("the access token", "sha512"), id="security.md 98: at_hash by SHA-512"),
        pytest.param("at_hash", half_hash("the access token", "sha256") + "==", id="security.md 98: at_hash padded"),
        pytest.param("at_hash", "", id="security.md 98: at_hash empty"),
        pytest.param("at_hash", None, id="security.md 98: at_hash null"),
        pytest.param("at_hash", "ÄÖÜ", id="security.md 98: at_hash not ASCII"),
        pytest.param("c_hash", half_hash("another", "sha256"), id="security.md 97: c_hash wrong"),
        pytest.param("c_hash", half_hash("the access token", "sha256"), id="security.md 97: c_hash of the other"),
        pytest.param("c_hash", 7, id="security.md 97: c_hash a number"),
        pytest.param("s_hash", half_hash("another", "sha256"), id="s_hash wrong"),
        pytest.param("s_hash", "", id="s_hash empty"),
        pytest.param("events", {}, id="security.md 104: a logout token"),
        pytest.param("events", None, id="security.md 104: events null"),
    ],
)
def test_a_wrong_claim_is_named(claim: str, value: object) -> None:
    with pytest.raises(ClaimInvalid) as caught:
        read(claims_with(**{claim: value}))
    assert caught.value.claim == claim
    assert claim in caught.value.message


def test_several_audiences_need_an_authorized_party() -> None:
    """security.md 90"""
    with pytest.raises(ClaimInvalid) as caught:
        read({**CLAIMS, "aud": ["client", "trusted"]})
    assert caught.value.claim == "azp"


@pytest.mark.parametrize("exp", [NOW - 30, NOW - 31, 0, 1.5])
def test_a_token_past_its_time_is_expired(exp: float) -> None:
    """security.md 91"""
    with pytest.raises(TokenExpired) as caught:
        read({**CLAIMS, "exp": exp})
    assert caught.value.evidence == {"claim": "exp", "seen": exp, "now": NOW}


def test_without_leeway_a_token_ends_at_the_second_it_names() -> None:
    """security.md 91: RFC 7519 4.1.4, "on or after" """
    strict = replace(EXPECTATIONS, leeway_seconds=0)
    assert read({**CLAIMS, "exp": NOW + 0.001}, strict)["sub"] == "alice"
    with pytest.raises(TokenExpired):
        read({**CLAIMS, "exp": NOW}, strict)


def test_a_clock_that_knows_no_time_accepts_nothing() -> None:
    with pytest.raises(TokenExpired):
        read(CLAIMS, now=math.nan)


@pytest.mark.parametrize("nonce", [ABSENT, "whatever", 7])
def test_a_nonce_that_nobody_expects_is_ignored(nonce: object) -> None:
    assert read(claims_with(nonce=nonce), replace(EXPECTATIONS, nonce=None))["sub"] == "alice"


@pytest.mark.parametrize(
    ("auth_time", "accepted"),
    [
        pytest.param(NOW - 60, True, id="recent"),
        pytest.param(NOW - 89.5, True, id="recent, a fraction"),
        pytest.param(NOW - 90, True, id="recent, within the leeway"),
        pytest.param(NOW - 90.5, False, id="security.md 101: too old"),
        pytest.param(0, False, id="security.md 101: in 1970"),
        pytest.param(ABSENT, False, id="security.md 101: missing"),
        pytest.param(NOW + 31, False, id="security.md 101: in the future"),
        pytest.param(True, False, id="security.md 92: true"),
    ],
)
def test_max_age_needs_a_recent_authentication(auth_time: object, accepted: bool) -> None:
    payload, expectations = claims_with(auth_time=auth_time), replace(EXPECTATIONS, max_age_seconds=60)
    if accepted:
        assert read(payload, expectations)["auth_time"] == auth_time
    else:
        with pytest.raises(ClaimInvalid, match="auth_time"):
            read(payload, expectations)


def test_max_age_zero_is_a_max_age() -> None:
    """security.md 101"""
    expectations = replace(EXPECTATIONS, max_age_seconds=0, leeway_seconds=0)
    assert read({**CLAIMS, "auth_time": NOW}, expectations)["auth_time"] == NOW
    with pytest.raises(ClaimInvalid, match="auth_time"):
        read(CLAIMS, expectations)


@pytest.mark.parametrize(
    ("acr", "accepted"),
    [
        pytest.param("gold", True, id="the first"),
        pytest.param("silver", True, id="the second"),
        pytest.param("bronze", False, id="security.md 102: another"),
        pytest.param("gol", False, id="security.md 102: a substring"),
        pytest.param("gold silver", False, id="security.md 102: both"),
        pytest.param(["gold"], False, id="security.md 102: a list"),
        pytest.param(None, False, id="security.md 102: null"),
        pytest.param(ABSENT, False, id="security.md 102: missing"),
    ],
)
def test_an_essential_acr_must_be_met(acr: object, accepted: bool) -> None:
    payload, expectations = claims_with(acr=acr), replace(EXPECTATIONS, acr_values=("gold", "silver"))
    if accepted:
        assert read(payload, expectations)["acr"] == acr
    else:
        with pytest.raises(ClaimInvalid) as caught:
            read(payload, expectations)
        assert caught.value.claim == "acr"
