"""The logout token and everything that must be true of it: threat model 175 to 184."""

from dataclasses import fields, replace
from typing import Any

import pytest

from oidc_async import LogoutToken
from oidc_async.errors import (
    AlgorithmNotAllowed,
    ClaimInvalid,
    ConfigurationError,
    SignatureInvalid,
    TokenError,
    TokenExpired,
    TokenMalformed,
)
from oidc_async.protocol.jose.jws import SUPPORTED_ALGORITHMS, client_secret_key, import_jwk, parse_compact
from oidc_async.protocol.logout_token import (
    EVENT,
    LogoutTokenExpectations,
    is_meant_for,
    parse_logout_token,
    read_logout_token,
)
from tests.protocol.absent import ABSENT
from tests.protocol.id_tokens import CLAIMS as ID_TOKEN_CLAIMS
from tests.protocol.id_tokens import read as read_as_id_token
from tests.protocol.signing import SECRET, compact, key_for, public_jwk, rsa_key

NOW = 1_800_000_000.0
ISSUER = "https://op.example"
HEADER = {"alg": "RS256", "typ": "logout+jwt"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "alice",
    "sid": "session 1",
    "aud": "client",
    "iat": NOW,
    "exp": NOW + 120,
    "jti": "token 1",
    "events": {EVENT: {}},
}
EXPECTATIONS = LogoutTokenExpectations(
    issuer=ISSUER,
    client_id="client",
    algorithms=("RS256",),
    leeway_seconds=30,
    issued_within_seconds=600,
    untyped=True,
    without_exp=False,
)


def claims_with(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ABSENT}


def read(
    payload: object,
    expectations: LogoutTokenExpectations = EXPECTATIONS,
    *,
    header: object = HEADER,
    now: float = NOW,
    **signed: Any,
) -> LogoutToken:
    """What the library makes of a token, from its text to what it says."""
    alg = signed.get("alg", "RS256")
    key = client_secret_key(SECRET) if alg.startswith("HS") else import_jwk(public_jwk(key_for(alg)))
    jws = parse_logout_token(compact(header, payload, **signed), expectations)
    return read_logout_token(jws, key, expectations, now=now)


def test_a_right_token_says_whose_sessions_end() -> None:
    token = read({**CLAIMS, "trace_id": "of no interest"})
    told = {field.name: getattr(token, field.name) for field in fields(token)}
    said = {name: CLAIMS[name] for name in ("iss", "sub", "sid", "iat", "exp", "jti")}
    assert told == {**said, "valid_until": NOW + 150}


@pytest.mark.parametrize(
    ("exp", "valid_until"), [(NOW + 120, NOW + 150), (NOW + 1e6, NOW + 630), (ABSENT, NOW + 630)]
)
def test_it_tells_until_when_it_would_be_taken(exp: object, valid_until: float) -> None:
    expectations = replace(EXPECTATIONS, without_exp=True)
    payload = claims_with(exp=exp)
    assert read(payload, expectations).valid_until == valid_until
    with pytest.raises(TokenError):
        read(payload, expectations, now=valid_until + 0.5)


def test_who_it_is_does_not_show() -> None:
    shown = repr(read(CLAIMS))
    assert "alice" not in shown
    assert "session 1" not in shown


@pytest.mark.parametrize("alg", SUPPORTED_ALGORITHMS)
def test_every_algorithm_serves_when_the_client_registered_it(alg: str) -> None:
    expectations = replace(EXPECTATIONS, algorithms=(alg,))
    assert read(CLAIMS, expectations, header={"alg": alg}, alg=alg).sub == "alice"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"sid": ABSENT}, id="sub alone"),
        pytest.param({"sub": ABSENT}, id="sid alone"),
        pytest.param({"aud": ["client"]}, id="a list of us"),
        pytest.param({"aud": ["other", "client"]}, id="us among others"),
        pytest.param({"iat": NOW + 30}, id="the provider's clock is ahead, within the leeway"),
        pytest.param({"iat": NOW - 630}, id="as old as it may be"),
        pytest.param({"exp": NOW - 29.5}, id="expired within the leeway"),
        pytest.param({"nbf": NOW}, id="from now on"),
        pytest.param({"sub": "x" * 255}, id="the longest sub"),
        pytest.param({"events": {EVENT: {"reason": "any"}}}, id="an event that says more"),
        pytest.param({"events": {EVENT: {}, "urn:example:other": 1}}, id="another event beside it"),
        pytest.param({"auth_time": NOW, "azp": "other"}, id="threat model 190: claims that mean nothing here"),
    ],
)
def test_a_token_may_say_it_in_another_way(changes: dict[str, Any]) -> None:
    payload = claims_with(**changes)
    token = read(payload)
    assert (token.sub, token.sid) == (payload.get("sub"), payload.get("sid"))


# What is wrong


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", ABSENT),
        ("iss", "https://other.example"),
        ("iss", f"{ISSUER}/"),
        ("iss", [ISSUER]),
        ("iss", None),
        ("aud", ABSENT),
        ("aud", "other"),
        ("aud", "client2"),
        ("aud", "clien"),
        ("aud", []),
        ("aud", ["other"]),
        ("aud", ["client", 5]),
        ("aud", {"client": True}),
        ("aud", None),
        ("iat", ABSENT),
        ("iat", NOW + 31),
        ("iat", NOW - 631),
        ("iat", str(NOW)),
        ("iat", True),
        ("iat", -1),
        ("iat", None),
        ("exp", ABSENT),
        ("exp", str(NOW + 60)),
        ("exp", None),
        ("exp", 1e300),
        ("nbf", NOW + 31),
        ("jti", ABSENT),
        ("jti", ""),
        ("jti", 5),
        ("jti", None),
        ("events", ABSENT),
        ("events", {}),
        ("events", {"urn:example:other": {}}),
        ("events", {f"{EVENT}/": {}}),
        ("events", {EVENT: None}),
        ("events", {EVENT: True}),
        ("events", {EVENT: []}),
        ("events", {EVENT: ""}),
        ("events", [EVENT]),
        ("events", EVENT),
        ("events", None),
        ("nonce", "any"),
        ("nonce", ""),
        ("nonce", None),
        ("sub", ""),
        ("sub", 5),
        ("sub", ["alice"]),
        ("sub", None),
        ("sub", "x" * 256),
        ("sid", ""),
        ("sid", 5),
        ("sid", ["session 1"]),
        ("sid", None),
    ],
    ids=str,
)
def test_a_claim_that_is_wrong_is_named(claim: str, value: object) -> None:
    """threat model 177 to 182"""
    with pytest.raises(ClaimInvalid) as caught:
        read(claims_with(**{claim: value}))
    assert caught.value.claim == claim
    assert caught.value.message.startswith(claim)


def test_a_token_that_has_expired_is_rejected() -> None:
    """threat model 178"""
    with pytest.raises(TokenExpired):
        read(claims_with(exp=NOW - 31))


def test_a_token_about_nobody_is_rejected() -> None:
    """threat model 181"""
    with pytest.raises(ClaimInvalid, match="sub or sid"):
        read(claims_with(sub=ABSENT, sid=ABSENT))


def test_a_missing_exp_is_borne_when_that_is_said() -> None:
    """threat model 178"""
    old_provider = replace(EXPECTATIONS, without_exp=True)
    assert read(claims_with(exp=ABSENT), old_provider).exp is None
    with pytest.raises(TokenExpired):
        read(claims_with(exp=NOW - 31), old_provider)
    with pytest.raises(ClaimInvalid, match="iat"):
        read(claims_with(exp=ABSENT, iat=NOW - 631), old_provider)


@pytest.mark.parametrize("alg", ["none", "None", "", None, ["RS256"], "HS256", "PS256", "RS512", "ES256", "rs256"])
def test_an_algorithm_that_was_not_registered_is_rejected_before_any_key_is_needed(alg: object) -> None:
    """threat model 175, 176"""
    token = compact({"alg": alg, "typ": "logout+jwt"}, CLAIMS)
    for candidate in (token, token.rpartition(".")[0] + "."):
        with pytest.raises(AlgorithmNotAllowed):
            parse_logout_token(candidate, EXPECTATIONS)


@pytest.mark.parametrize("alg", [alg for alg in SUPPORTED_ALGORITHMS if alg != "RS256"])
def test_a_valid_signature_by_another_algorithm_is_rejected(alg: str) -> None:
    """threat model 176"""
    jws = parse_compact(compact({"alg": alg}, CLAIMS, alg=alg))
    key = client_secret_key(SECRET) if alg.startswith("HS") else import_jwk(public_jwk(key_for(alg)))
    with pytest.raises(AlgorithmNotAllowed, match="RS256"):
        read_logout_token(jws, key, EXPECTATIONS, now=NOW)


def test_the_signature_of_somebody_else_is_rejected() -> None:
    with pytest.raises(SignatureInvalid):
        read(CLAIMS, key=rsa_key(2))


@pytest.mark.parametrize("typ", ["logout+jwt", "LOGOUT+JWT", "application/logout+jwt", "JWT", "jwt", ABSENT])
def test_a_type_that_will_do(typ: object) -> None:
    """threat model 184"""
    header = {name: value for name, value in {**HEADER, "typ": typ}.items() if value is not ABSENT}
    assert read(CLAIMS, header=header).sub == "alice"
    strict = replace(EXPECTATIONS, untyped=False)
    if "logout" in str(typ).lower():
        assert read(CLAIMS, strict, header=header).sub == "alice"
    else:
        with pytest.raises(ClaimInvalid, match="typ"):
            read(CLAIMS, strict, header=header)


@pytest.mark.parametrize(
    "typ", ["at+jwt", "dpop+jwt", "secevent+jwt", "id_token+jwt", "logout", "", None, 5, ["JWT"]]
)
def test_another_type_is_rejected(typ: object) -> None:
    """threat model 184"""
    with pytest.raises(ClaimInvalid) as caught:
        parse_logout_token(compact({**HEADER, "typ": typ}, CLAIMS), EXPECTATIONS)
    assert caught.value.claim == "typ"


@pytest.mark.parametrize(
    "payload", [b"[]", b'"a"', b"5", b"", b"{", b'{"sub":"a","sub":"b"}', b'{"iat":NaN}'], ids=str
)
def test_a_payload_that_is_not_an_object_is_rejected(payload: bytes) -> None:
    with pytest.raises(TokenMalformed):
        read(payload)


def test_an_id_token_is_not_a_logout_token() -> None:
    """threat model 183: BCL 4.1, whatever else it says of itself"""
    id_token = {**ID_TOKEN_CLAIMS, "sid": "session 1", "jti": "token 1"}
    for payload in (id_token, {name: id_token[name] for name in id_token if name != "nonce"}):
        with pytest.raises(ClaimInvalid, match="events"):
            read(payload, header={"alg": "RS256", "typ": "JWT"})


@pytest.mark.parametrize("typ", ["logout+jwt", "JWT"])
def test_a_logout_token_is_not_an_id_token(typ: str) -> None:
    """threat model 183, 104: not even with the right nonce"""
    payload = {**ID_TOKEN_CLAIMS, **CLAIMS, "nonce": ID_TOKEN_CLAIMS["nonce"]}
    with pytest.raises(ClaimInvalid, match="typ" if typ == "logout+jwt" else "events"):
        read_as_id_token(payload, header={"alg": "RS256", "typ": typ})


@pytest.mark.parametrize("algorithms", [(), "RS256", ("none",), ("RS256", "none"), ["RS256"], None, (5,)], ids=str)
def test_expectations_without_a_known_algorithm_are_rejected(algorithms: Any) -> None:
    with pytest.raises(ConfigurationError, match="algorithms"):
        replace(EXPECTATIONS, algorithms=algorithms)


@pytest.mark.parametrize("changes", [{}, *({name: 5} for name in CLAIMS), {"nonce": "a canary"}], ids=str)
def test_no_message_holds_the_token(changes: dict[str, Any]) -> None:
    """threat model 250"""
    token = compact(HEADER, claims_with(**changes), key=rsa_key(2))
    with pytest.raises(TokenError) as caught:
        read_logout_token(
            parse_logout_token(token, EXPECTATIONS), import_jwk(public_jwk(rsa_key())), EXPECTATIONS, now=NOW
        )
    told = f"{caught.value.message} {caught.value.evidence}"
    assert not any(segment in told for segment in token.split("."))


# For whom it claims to be


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (CLAIMS, True),
        ({"iss": ISSUER, "aud": ["other", "client"]}, True),
        ({**CLAIMS, "iss": "https://other.example"}, False),
        ({**CLAIMS, "aud": "other"}, False),
        ({**CLAIMS, "aud": ["client", 5]}, False),
        ({}, False),
        (b"[]", False),
    ],
    ids=str,
)
def test_the_claimed_recipient_is_found_without_a_key(payload: object, expected: bool) -> None:
    assert is_meant_for(parse_compact(compact(HEADER, payload, key=rsa_key(2))), ISSUER, "client") is expected
