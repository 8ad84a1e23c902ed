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
        pytest.param("none", id="threat model 80: none"),
        pytest.param("None", id="threat model 80: None"),
        pytest.param("NoNe", id="threat model 80: NoNe"),
        pytest.param("", id="threat model 80: empty"),
        pytest.param(None, id="threat model 80: null"),
        pytest.param(["RS256"], id="threat model 80: a list"),
        pytest.param("HS256", id="threat model 81, 82: HS256"),
        pytest.param("RS512", id="threat model 83: RS512"),
        pytest.param("PS256", id="threat model 83: PS256"),
        pytest.param("ES256", id="threat model 83: ES256"),
        pytest.param("rs256", id="threat model 83: lower case"),
        pytest.param("RS2567", id="threat model 110: a longer name"),
        pytest.param("RS25", id="threat model 110: a shorter name"),
    ],
)
def test_an_algorithm_that_was_not_registered_is_rejected_before_any_key_is_needed(alg: object) -> None:
    token = compact({"alg": alg}, CLAIMS)
    for candidate in (token, token.rpartition(".")[0] + "."):
        with pytest.raises(AlgorithmNotAllowed):
            parse_id_token(candidate, EXPECTATIONS)


def test_a_token_without_alg_is_rejected() -> None:
    """threat model 80"""
    with pytest.raises(AlgorithmNotAllowed):
        parse_id_token(compact({"typ": "JWT"}, CLAIMS), EXPECTATIONS)


@pytest.mark.parametrize("alg", [alg for alg in SUPPORTED_ALGORITHMS if alg != "RS256"])
def test_a_valid_signature_by_an_algorithm_that_was_not_registered_is_rejected(alg: str) -> None:
    """threat model 82, 83"""
    jws = parse_compact(compact({"alg": alg}, CLAIMS, alg=alg))
    key = client_secret_key(SECRET) if alg.startswith("HS") else import_jwk(public_jwk(key_for(alg)))
    with pytest.raises(AlgorithmNotAllowed, match="RS256"):
        read_id_token(jws, key, EXPECTATIONS, now=NOW)


def test_the_client_secret_does_not_open_the_door_of_the_public_key() -> None:
    """threat model 81: both algorithms registered, the public key used as a secret"""
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
    """threat model 104"""
    token = compact({"alg": "RS256", "typ": typ}, CLAIMS)
    with pytest.raises(ClaimInvalid, match="typ"):
        parse_id_token(token, EXPECTATIONS)
    with pytest.raises(ClaimInvalid, match="typ"):
        read_id_token(parse_compact(token), import_jwk(public_jwk(rsa_key())), EXPECTATIONS, now=NOW)


# ---- signature and form


def test_a_signature_by_another_key_is_rejected() -> None:
    """threat model 84"""
    with pytest.raises(SignatureInvalid):
        read(CLAIMS, key=rsa_key(2))


def test_no_claim_is_looked_at_before_the_signature() -> None:
    with pytest.raises(SignatureInvalid):
        read({**CLAIMS, "iss": "https://evil.example", "exp": 0}, key=rsa_key(2))


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="threat model 108: nothing"),
        pytest.param(b"[]", id="threat model 108: a list"),
        pytest.param(b'"alice"', id="threat model 108: a string"),
        pytest.param(b"1", id="threat model 108: a number"),
        pytest.param(b'{"sub":"a","sub":"b"}', id="threat model 108: a duplicate member"),
        pytest.param(json.dumps(CLAIMS).encode("utf-16"), id="threat model 108: UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode(), id="threat model 108: a byte order mark"),
        pytest.param(b'{"sub":"\xff"}', id="threat model 108: invalid UTF-8"),
        pytest.param(json.dumps({**CLAIMS, "sub": "\ud800"}).encode(), id="threat model 96: a lone surrogate"),
        pytest.param(json.dumps({**CLAIMS, "exp": math.nan}).encode(), id="threat model 92: exp NaN"),
        pytest.param(json.dumps({**CLAIMS, "exp": math.inf}).encode(), id="threat model 92: exp Infinity"),
        pytest.param(json.dumps(CLAIMS).replace("1800000300.0", "1e400").encode(), id="threat model 92: exp 1e400"),
        pytest.param(
            json.dumps(CLAIMS).replace("1800000300.0", "1" + "0" * 400).encode(), id="threat model 92: exp 10^400"
        ),
        pytest.param(b'{"sub":' + b"[" * 40_000, id="threat model 227: deep"),
        pytest.param(b'{"exp":' + b"9" * 5000 + b"}", id="threat model 228: a long integer"),
        pytest.param(compact(HEADER, CLAIMS).encode(), id="threat model 107: a token inside the token"),
    ],
)
def test_claims_are_one_strict_json_object(payload: bytes) -> None:
    with pytest.raises(TokenMalformed):
        read(payload)


# ---- claims


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": ["client"]}, id="threat model 89: aud a list of one"),
        pytest.param({"aud": ["client", "client"]}, id="threat model 89: aud twice the same"),
        pytest.param({"aud": ["client", "trusted"], "azp": "client"}, id="threat model 88: a trusted audience"),
        pytest.param({"azp": "client"}, id="threat model 90: azp ours"),
        pytest.param({"exp": NOW - 29}, id="threat model 91: exp past, within the leeway"),
        pytest.param({"exp": NOW + 0.5, "iat": NOW - 0.25, "nbf": NOW - 0.125}, id="threat model 92: fractions"),
        pytest.param({"exp": 253_402_300_799}, id="threat model 92: exp at the end of the year 9999"),
        pytest.param({"iat": NOW + 30}, id="threat model 93: iat ahead, within the leeway"),
        pytest.param({"iat": NOW - 630}, id="threat model 93: iat old, within the leeway"),
        pytest.param({"nbf": NOW + 30}, id="threat model 94: nbf ahead, within the leeway"),
        pytest.param({"sub": "x" * 255}, id="threat model 96: sub of 255 characters"),
        pytest.param({"sub": "Zoë 𝄞"}, id="threat model 96: sub not ASCII"),
        pytest.param({"at_hash": half_hash("the access token", "sha256")}, id="threat model 98: at_hash right"),
        pytest.param({"c_hash": half_hash("the code", "sha256")}, id="threat model 97: c_hash right"),
        pytest.param({"s_hash": half_hash("the state", "sha256")}, id="s_hash right"),
        pytest.param({"auth_time": NOW - 1e6}, id="threat model 101: auth_time, not asked for"),
        pytest.param({"acr": "0"}, id="threat model 102: acr, not asked for"),
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
    """threat model 92"""
    with pytest.raises(ClaimInvalid, match=claim) as caught:
        read({**CLAIMS, claim: value})
    assert caught.value.claim == claim


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        pytest.param("iss", ABSENT, id="threat model 86: iss missing"),
        pytest.param("iss", "https://evil.example", id="threat model 86: iss other"),
        pytest.param("iss", "https://op.exampl", id="threat model 86: iss a prefix"),
        pytest.param("iss", "https://op.example/", id="threat model 86: iss with a slash"),
        pytest.param("iss", "https://OP.example", id="threat model 86: iss in capitals"),
        pytest.param("iss", "https://op.example:443", id="threat model 86: iss with the port"),
        pytest.param("iss", " https://op.example", id="threat model 86: iss with a blank"),
        pytest.param("iss", [ISSUER], id="threat model 86: iss a list"),
        pytest.param("iss", {ISSUER: 1}, id="threat model 86: iss an object"),
        pytest.param("iss", None, id="threat model 86: iss null"),
        pytest.param("iss", "", id="threat model 86: iss empty"),
        pytest.param("aud", ABSENT, id="threat model 87: aud missing"),
        pytest.param("aud", "other", id="threat model 87: aud other"),
        pytest.param("aud", "clien", id="threat model 87: aud a substring"),
        pytest.param("aud", "client2", id="threat model 87: aud a longer name"),
        pytest.param("aud", "client other", id="threat model 87: aud with blanks"),
        pytest.param("aud", "", id="threat model 87: aud empty"),
        pytest.param("aud", None, id="threat model 87: aud null"),
        pytest.param("aud", [], id="threat model 87: aud an empty list"),
        pytest.param("aud", {"client": 1}, id="threat model 87: aud an object"),
        pytest.param("aud", ["client", 7], id="threat model 87: aud with a number"),
        pytest.param("aud", ["client", None], id="threat model 87: aud with null"),
        pytest.param("aud", ["client", ""], id="threat model 87: aud with an empty string"),
        pytest.param("aud", [["client"]], id="threat model 87: aud a list in a list"),
        pytest.param("aud", ["other"], id="threat model 87: aud a list without us"),
        pytest.param("aud", ["trusted"], id="threat model 87: aud trusted, without us"),
        pytest.param("aud", ["client", "other"], id="threat model 88: aud with an untrusted one"),
        pytest.param("aud", ["client", "trusted", "other"], id="threat model 88: aud with both"),
        pytest.param("azp", "other", id="threat model 90: azp other"),
        pytest.param("azp", "", id="threat model 90: azp empty"),
        pytest.param("azp", None, id="threat model 90: azp null"),
        pytest.param("azp", ["client"], id="threat model 90: azp a list"),
        pytest.param("exp", ABSENT, id="threat model 91: exp missing"),
        pytest.param("iat", ABSENT, id="threat model 93: iat missing"),
        pytest.param("iat", NOW + 31, id="threat model 93: iat in the future"),
        pytest.param("iat", NOW - 631, id="threat model 93: iat too old"),
        pytest.param("nbf", NOW + 31, id="threat model 94: nbf in the future"),
        pytest.param("auth_time", NOW + 31, id="threat model 101: auth_time in the future"),
        pytest.param("nonce", ABSENT, id="threat model 95: nonce missing"),
        pytest.param("nonce", "another nonce", id="threat model 95: nonce of another login"),
        pytest.param("nonce", "the nonc", id="threat model 95: nonce a prefix"),
        pytest.param("nonce", "THE NONCE", id="threat model 95: nonce in capitals"),
        pytest.param("nonce", "thé nonce", id="threat model 95: nonce not ASCII"),
        pytest.param("nonce", "", id="threat model 95: nonce empty"),
        pytest.param("nonce", ["the nonce"], id="threat model 95: nonce a list"),
        pytest.param("nonce", None, id="threat model 95: nonce null"),
        pytest.param("sub", ABSENT, id="threat model 96: sub missing"),
        pytest.param("sub", "", id="threat model 96: sub empty"),
        pytest.param("sub", 7, id="threat model 96: sub a number"),
        pytest.param("sub", None, id="threat model 96: sub null"),
        pytest.param("sub", ["alice"], id="threat model 96: sub a list"),
        pytest.param("sub", "x" * 256, id="threat model 96: sub of 256 characters"),
        pytest.param("at_hash", half_hash("another", "sha256"), id="threat model 98: at_hash wrong"),
        pytest.param("at_hash", half_hash("the access token", "sha512"), id="threat model 98: at_hash by SHA-512"),
        pytest.param("at_hash", half_hash("the access token", "sha256") + "==", id="threat model 98: at_hash padded"),
        pytest.param("at_hash", "", id="threat model 98: at_hash empty"),
        pytest.param("at_hash", None, id="threat model 98: at_hash null"),
        pytest.param("at_hash", "ÄÖÜ", id="threat model 98: at_hash not ASCII"),
        pytest.param("c_hash", half_hash("another", "sha256"), id="threat model 97: c_hash wrong"),
        pytest.param("c_hash", half_hash("the access token", "sha256"), id="threat model 97: c_hash of the other"),
        pytest.param("c_hash", 7, id="threat model 97: c_hash a number"),
        pytest.param("s_hash", half_hash("another", "sha256"), id="s_hash wrong"),
        pytest.param("s_hash", "", id="s_hash empty"),
        pytest.param("events", {}, id="threat model 104: a logout token"),
        pytest.param("events", None, id="threat model 104: events null"),
    ],
)
def test_a_wrong_claim_is_named(claim: str, value: object) -> None:
    with pytest.raises(ClaimInvalid) as caught:
        read(claims_with(**{claim: value}))
    assert caught.value.claim == claim
    assert claim in caught.value.message


def test_several_audiences_need_an_authorized_party() -> None:
    """threat model 90"""
    with pytest.raises(ClaimInvalid) as caught:
        read({**CLAIMS, "aud": ["client", "trusted"]})
    assert caught.value.claim == "azp"


@pytest.mark.parametrize("exp", [NOW - 30, NOW - 31, 0, 1.5])
def test_a_token_past_its_time_is_expired(exp: float) -> None:
    """threat model 91"""
    with pytest.raises(TokenExpired) as caught:
        read({**CLAIMS, "exp": exp})
    assert caught.value.evidence == {"claim": "exp", "seen": exp, "now": NOW}


def test_without_leeway_a_token_ends_at_the_second_it_names() -> None:
    """threat model 91: RFC 7519 4.1.4, "on or after" """
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
        pytest.param(NOW - 90.5, False, id="threat model 101: too old"),
        pytest.param(0, False, id="threat model 101: in 1970"),
        pytest.param(ABSENT, False, id="threat model 101: missing"),
        pytest.param(NOW + 31, False, id="threat model 101: in the future"),
        pytest.param(True, False, id="threat model 92: true"),
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
    """threat model 101"""
    expectations = replace(EXPECTATIONS, max_age_seconds=0, leeway_seconds=0)
    assert read({**CLAIMS, "auth_time": NOW}, expectations)["auth_time"] == NOW
    with pytest.raises(ClaimInvalid, match="auth_time"):
        read(CLAIMS, expectations)


@pytest.mark.parametrize(
    ("acr", "accepted"),
    [
        pytest.param("gold", True, id="the first"),
        pytest.param("silver", True, id="the second"),
        pytest.param("bronze", False, id="threat model 102: another"),
        pytest.param("gol", False, id="threat model 102: a substring"),
        pytest.param("gold silver", False, id="threat model 102: both"),
        pytest.param(["gold"], False, id="threat model 102: a list"),
        pytest.param(None, False, id="threat model 102: null"),
        pytest.param(ABSENT, False, id="threat model 102: missing"),
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
