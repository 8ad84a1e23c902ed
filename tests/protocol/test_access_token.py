"""JWT access tokens and what every access token must say: threat model 127, 135, 144, 145, 148 to 151, 366 to 368."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oidc_async.errors import (
    AlgorithmNotAllowed,
    ClaimInvalid,
    ConfigurationError,
    KeyUnusable,
    OIDCError,
    SignatureInvalid,
    TokenError,
    TokenExpired,
    TokenMalformed,
)
from oidc_async.protocol.access_token import (
    ALLOWED_ALGORITHMS,
    AccessExpectations,
    is_issued_by,
    parse_access_token,
    read_access_token,
    require_access_claims,
)
from oidc_async.protocol.jose.jws import import_jwk
from oidc_async.protocol.presented_token import PresentedToken
from oidc_async.protocol.token_kind import AccessTokenMark, read_marks
from tests.hypothesis_profiles import examples
from tests.protocol.absent import ABSENT
from tests.protocol.signing import b64, compact, key_for, public_jwk, rsa_key

NOW = 1_800_000_000.0
ISSUER = "https://op.example"
HEADER = {"alg": "RS256", "typ": "at+jwt"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "alice",
    "aud": "api",
    "client_id": "app",
    "scope": "read",
    "exp": NOW + 300,
    "iat": NOW,
    "jti": "1",
}
EXPECTATIONS = AccessExpectations(issuer=ISSUER, audience=frozenset({"api"}), leeway_seconds=30)


def claims_with(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ABSENT}


def read(
    payload: object = CLAIMS,
    expectations: AccessExpectations = EXPECTATIONS,
    *,
    header: object = HEADER,
    algorithms: tuple[str, ...] = ("RS256",),
    untyped: bool = False,
    client_id: str | None = "client",
    **signed: Any,
) -> dict[str, Any]:
    """What the library makes of a token, from its text to its claims."""
    jws = parse_access_token(PresentedToken(compact(header, payload, **signed)), algorithms, untyped=untyped)
    key = import_jwk(public_jwk(key_for(signed.get("alg", "RS256"))))
    return read_access_token(jws, key, expectations, client_id=client_id, now=NOW)


def test_a_right_token_gives_its_claims() -> None:
    assert read({**CLAIMS, "roles": ["a"]}) == {**CLAIMS, "roles": ["a"]}


@pytest.mark.parametrize("alg", ALLOWED_ALGORITHMS)
def test_every_algorithm_with_a_public_key_serves_when_it_is_configured(alg: str) -> None:
    assert read(header={"alg": alg, "typ": "at+jwt"}, algorithms=(alg,), alg=alg)["sub"] == "alice"


# What kind of token it is


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"])
def test_it_says_that_it_is_an_access_token(typ: str) -> None:
    assert read(header={**HEADER, "typ": typ})["sub"] == "alice"


OTHER_TYPES = ["logout+jwt", "dpop+jwt", "token-introspection+jwt", "at+jw", "at+jwt2", "", 5, None, ["at+jwt"]]


@pytest.mark.parametrize("typ", [ABSENT, "JWT", "application/jwt", *OTHER_TYPES], ids=str)
def test_another_type_is_rejected_before_any_key_is_needed(typ: object) -> None:
    """threat model 148."""
    header = {"alg": "RS256"} if typ is ABSENT else {"alg": "RS256", "typ": typ}
    with pytest.raises(ClaimInvalid) as caught:
        parse_access_token(PresentedToken(compact(header, CLAIMS)), ("RS256",), untyped=False)
    assert caught.value.claim == "typ"


@pytest.mark.parametrize("typ", [ABSENT, "JWT", "jwt", "application/jwt", "at+jwt"], ids=str)
def test_tokens_without_a_type_are_taken_when_that_is_asked_for(typ: object) -> None:
    header = {"alg": "RS256"} if typ is ABSENT else {"alg": "RS256", "typ": typ}
    assert read(header=header, untyped=True)["sub"] == "alice"


@pytest.mark.parametrize("typ", OTHER_TYPES, ids=str)
def test_those_of_another_type_are_not_taken_even_then(typ: object) -> None:
    """threat model 148."""
    with pytest.raises(ClaimInvalid, match="typ"):
        read(header={"alg": "RS256", "typ": typ}, untyped=True)


@pytest.mark.parametrize("name", ["nonce", "at_hash", "c_hash", "s_hash", "events"])
def test_an_id_token_without_a_type_is_recognized_by_its_claims(name: str) -> None:
    """threat model 148."""
    with pytest.raises(ClaimInvalid) as caught:
        read({**CLAIMS, name: "x"}, header={"alg": "RS256"}, untyped=True)
    assert caught.value.claim == name
    assert read({**CLAIMS, name: "x"}, untyped=True)[name] == "x"


@pytest.mark.parametrize("aud", ["client", ["client"]], ids=str)
def test_an_id_token_without_a_type_is_recognized_by_its_audience(aud: object) -> None:
    """threat model 148: an API that is its own client gets ID tokens with the same `aud`."""
    expectations = replace(EXPECTATIONS, audience=frozenset({"client", "api"}))
    with pytest.raises(ClaimInvalid) as caught:
        read({**CLAIMS, "aud": aud}, expectations, header={"alg": "RS256"}, untyped=True)
    assert caught.value.claim == "aud"
    assert read({**CLAIMS, "aud": aud}, expectations)["aud"] == aud
    assert read({**CLAIMS, "aud": ["client", "api"]}, expectations, header={"alg": "RS256"}, untyped=True)
    assert read({**CLAIMS, "aud": aud}, expectations, header={"alg": "RS256"}, untyped=True, client_id=None)


# What a provider says in place of that

UNTYPED: dict[str, Any] = {"header": {"alg": "RS256"}, "untyped": True}
BY_CLIENT = replace(
    EXPECTATIONS,
    audience=frozenset({"app"}),
    audience_claim="client_id",
    marks=(AccessTokenMark(names=("token_use",), values=frozenset({"access"})),),
)
COGNITO = {"aud": ABSENT, "token_use": "access"}


def test_a_token_may_name_in_another_claim_whom_it_is_for() -> None:
    assert read(claims_with(**COGNITO), BY_CLIENT, **UNTYPED)["client_id"] == "app"
    assert read(claims_with(aud=ABSENT), BY_CLIENT)["client_id"] == "app"


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        pytest.param({"client_id": "other"}, "client_id", id="366 another client"),
        pytest.param({"client_id": ["app"]}, "client_id", id="366 a list of clients"),
        pytest.param({"client_id": ABSENT}, "client_id", id="366 no client"),
        pytest.param({"client_id": ABSENT, "aud": "app"}, "client_id", id="366 in aud alone"),
        pytest.param({"aud": "other"}, "aud", id="366 an aud of somebody else"),
        pytest.param({"aud": []}, "aud", id="366 an empty aud"),
        pytest.param({"iss": "https://other.example"}, "iss", id="366 of another pool"),
        pytest.param({"token_use": ABSENT}, "token_use", id="366 without a mark"),
        pytest.param({"token_use": "id", "aud": "app"}, "token_use", id="366 an ID token of the pool"),
        pytest.param({"token_use": "id", "aud": "app", "client_id": ABSENT}, "token_use", id="366 as it comes"),
        pytest.param({"nonce": "n"}, "nonce", id="366 with a nonce"),
        pytest.param({"at_hash": "h"}, "at_hash", id="366 with an at_hash"),
    ],
)
def test_no_other_token_passes_by_the_audience_in_another_claim(changes: dict[str, Any], claim: str) -> None:
    """threat model 366."""
    with pytest.raises(ClaimInvalid) as caught:
        read(claims_with(**{**COGNITO, **changes}), BY_CLIENT, **UNTYPED)
    assert caught.value.claim == claim


@pytest.mark.parametrize("claims", [{"client_id": "app"}, {"azp": "app"}, {"client_id": ABSENT}], ids=str)
def test_the_advice_for_a_token_without_an_audience_can_be_followed(claims: dict[str, Any]) -> None:
    """JWTs are never accepted without an audience, so enforce_audience does not change that."""
    with pytest.raises(ClaimInvalid, match="aud is missing") as caught:
        read(claims_with(aud=ABSENT, **claims))
    assert "enforce_audience" not in str(caught.value)
    assert ("audience_claim" in str(caught.value)) == any(value is not ABSENT for value in claims.values())


def test_a_wrong_audience_names_the_setting() -> None:
    with pytest.raises(ClaimInvalid, match=r"aud must contain api, not only 'account'.*audience"):
        read(claims_with(aud="account"))


@pytest.mark.parametrize("marks", [{"scope": True}, {"typ": "Bearer"}], ids=str)
def test_marks_tell_an_access_token_for_the_client_itself_from_an_id_token(marks: Any) -> None:
    """threat model 368: a client that is its own API gets both with the same `aud`."""
    own = replace(EXPECTATIONS, audience=frozenset({"client"}), marks=read_marks(marks))
    claims = claims_with(aud="client", typ="Bearer")
    assert read(claims, own, **UNTYPED)["sub"] == "alice"
    id_token = {name: value for name, value in claims.items() if name not in ("scope", "typ")}
    for token in (id_token, {**claims, "nonce": "n"}, {**claims, "at_hash": "h"}, {**claims, "typ": "ID"}):
        with pytest.raises(ClaimInvalid):
            read(token, own, **UNTYPED)


@pytest.mark.parametrize(
    ("accepted", "changes", "claim"),
    [
        pytest.param({"clients": {"app"}}, {}, None, id="client_id"),
        pytest.param({"clients": {"app", "b"}}, {"client_id": ABSENT, "azp": "b"}, None, id="azp"),
        pytest.param({"clients": {"app"}}, {"client_id": ABSENT, "appid": "app"}, None, id="appid"),
        pytest.param({"clients": {"app"}}, {"client_id": ABSENT, "cid": "app"}, None, id="cid"),
        pytest.param({"clients": {"app"}}, {"azp": None}, None, id="client_id beside null"),
        pytest.param({"clients": {"other"}}, {}, "client_id", id="367 another client"),
        pytest.param({"clients": {"app"}}, {"client_id": ABSENT}, "client_id", id="367 no client"),
        pytest.param({"clients": {"app"}}, {"azp": "other"}, "azp", id="367 two clients"),
        pytest.param({"clients": {"app"}}, {"client_id": ABSENT, "azp": ["app"]}, "azp", id="367 a list"),
        pytest.param({"clients": {"app"}}, {"client_id": "APP"}, "client_id", id="367 another case"),
        pytest.param({"subjects": {"alice", "bob"}}, {}, None, id="a subject"),
        pytest.param({"subjects": {"bob"}}, {}, "sub", id="367 another subject"),
        pytest.param({"subjects": {"alice"}}, {"sub": ABSENT}, "sub", id="367 no subject"),
        pytest.param({"subjects": {"ali"}}, {}, "sub", id="367 a beginning of it"),
    ],
)
def test_an_api_may_accept_some_clients_and_subjects_only(
    accepted: dict[str, Any], changes: dict[str, Any], claim: str | None
) -> None:
    """threat model 367: in introspection responses, too."""
    expected: dict[str, Any] = {name: frozenset(names) for name, names in accepted.items()}
    expectations = replace(EXPECTATIONS, **expected)
    claims = claims_with(**changes)
    if claim is None:
        assert read(claims, expectations) == claims
        return
    for check in (lambda: read(claims, expectations), lambda: require_access_claims(claims, expectations, now=NOW)):
        with pytest.raises(ClaimInvalid) as caught:
            check()
        assert caught.value.claim == claim


def test_an_id_token_is_recognized_by_an_accepted_client() -> None:
    """threat model 148: where the API is not a client itself."""
    expectations = replace(EXPECTATIONS, audience=frozenset({"app"}), clients=frozenset({"app"}))
    with pytest.raises(ClaimInvalid, match="may be an ID token"):
        read(claims_with(aud="app"), expectations, client_id=None, **UNTYPED)


# Algorithm, signature, form


@pytest.mark.parametrize(
    "alg", ["none", "None", "", None, ["RS256"], "HS256", "RS512", "PS256", "ES256", "rs256"], ids=str
)
def test_an_algorithm_that_is_not_configured_is_rejected_before_any_key_is_needed(alg: object) -> None:
    """threat model 150."""
    token = compact({"alg": alg, "typ": "at+jwt"}, CLAIMS)
    for candidate in (token, token.rpartition(".")[0] + "."):
        with pytest.raises(AlgorithmNotAllowed):
            parse_access_token(PresentedToken(candidate), ("RS256",), untyped=False)


@pytest.mark.parametrize("algorithms", [(), ("HS256",), ("RS256", "HS512"), ("none",), ("RS999",)], ids=str)
def test_no_secret_and_no_unknown_algorithm_can_be_configured(algorithms: tuple[str, ...]) -> None:
    """threat model 150: a shared secret could sign for every client that has it."""
    with pytest.raises(ConfigurationError, match="access_token_algorithms"):
        parse_access_token(PresentedToken(compact(HEADER, CLAIMS)), algorithms, untyped=False)


def test_a_key_of_the_sender_is_not_used() -> None:
    """threat model 150."""
    foreign = rsa_key(2)
    with pytest.raises(SignatureInvalid):
        read(header={**HEADER, "jwk": public_jwk(foreign)}, key=foreign)


def test_a_key_for_another_algorithm_is_not_used() -> None:
    jws = parse_access_token(PresentedToken(compact(HEADER, CLAIMS)), ("RS256",), untyped=False)
    with pytest.raises(KeyUnusable):
        read_access_token(jws, import_jwk(public_jwk(key_for("ES256"))), EXPECTATIONS, client_id=None, now=NOW)


@pytest.mark.parametrize(
    "token",
    ["", "a", "a.b", "a.b.c", "a.b.c.d", "a.b.c.d.e", "." * 100_000, "x" * 2_000_000, "é.é.é", "\ud800"],
    ids=lambda token: ascii(token[:10]),
)
def test_anything_but_a_jwt_is_malformed(token: str) -> None:
    """threat model 144."""
    with pytest.raises(TokenMalformed):
        parse_access_token(PresentedToken(token), ("RS256",), untyped=False)
    assert PresentedToken(token).claimed_issuer is None
    assert not is_issued_by(PresentedToken(token), ISSUER, untyped=True)


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"{", b'{"iss":"a","iss":"b"}', b"\xff"], ids=ascii)
def test_claims_that_are_not_an_object_are_malformed(payload: bytes) -> None:
    with pytest.raises(TokenMalformed, match="one JSON object"):
        read(payload)
    assert PresentedToken(compact(HEADER, payload)).claimed_issuer is None


# Claims


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        pytest.param({"iss": ABSENT}, "iss", id="149: no iss"),
        pytest.param({"iss": "https://other.example"}, "iss", id="another iss"),
        pytest.param({"iss": ISSUER + "/"}, "iss", id="iss with a slash"),
        pytest.param({"iss": [ISSUER]}, "iss", id="iss is a list"),
        pytest.param({"aud": ABSENT}, "aud", id="149: no aud"),
        pytest.param({"aud": "other"}, "aud", id="149: another API"),
        pytest.param({"aud": "api2"}, "aud", id="a longer aud"),
        pytest.param({"aud": "ap"}, "aud", id="a shorter aud"),
        pytest.param({"aud": []}, "aud", id="an empty aud"),
        pytest.param({"aud": None}, "aud", id="aud is null"),
        pytest.param({"aud": {"api": True}}, "aud", id="aud is an object"),
        pytest.param({"exp": ABSENT}, "exp", id="149: no exp"),
        pytest.param({"exp": None}, "exp", id="exp is null"),
        pytest.param({"exp": True}, "exp", id="exp is true"),
        pytest.param({"exp": str(NOW + 300)}, "exp", id="exp is a string"),
        pytest.param({"exp": -1}, "exp", id="exp is negative"),
        pytest.param({"exp": 1e300}, "exp", id="133: exp beyond all calendars"),
        pytest.param({"exp": NOW - 30}, "exp", id="145: expired, the leeway is over"),
        pytest.param({"nbf": NOW + 31}, "nbf", id="127: not yet"),
        pytest.param({"nbf": "0"}, "nbf", id="nbf is a string"),
        pytest.param({"iat": NOW + 31}, "iat", id="issued in the future"),
        pytest.param({"iat": "0"}, "iat", id="iat is a string"),
        pytest.param({"cnf": {"jkt": "x"}}, "cnf", id="151: bound by DPoP"),
        pytest.param({"cnf": {"x5t#S256": "x"}}, "cnf", id="135: bound to a certificate"),
        pytest.param({"cnf": None}, "cnf", id="135: bound to nothing"),
        pytest.param({"sub": 5}, "sub", id="sub is a number"),
        pytest.param({"sub": ""}, "sub", id="sub is empty"),
        pytest.param({"client_id": ["app"]}, "client_id", id="client_id is a list"),
        pytest.param({"scope": 5}, "scope", id="scope is a number"),
    ],
)
def test_a_claim_that_is_wrong_is_named(changes: dict[str, Any], claim: str) -> None:
    """threat model 127, 135, 145, 149, 151."""
    with pytest.raises((ClaimInvalid, TokenExpired)) as caught:
        read(claims_with(**changes))
    assert caught.value.evidence["claim"] == claim


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": ["api", "other"]}, id="a list"),
        pytest.param({"exp": NOW - 29.5}, id="expired within the leeway, with a fraction"),
        pytest.param({"nbf": NOW + 30}, id="nbf within the leeway"),
        pytest.param({"iat": NOW + 30}, id="iat within the leeway"),
        pytest.param({"iat": ABSENT}, id="no iat"),
        pytest.param({"iat": 1}, id="issued long ago"),
        pytest.param({"sub": ABSENT, "client_id": ABSENT, "jti": ABSENT, "scope": ABSENT}, id="the bare minimum"),
        pytest.param({"sub": None, "client_id": None, "scope": None}, id="nulls"),
    ],
)
def test_what_leaves_no_doubt_is_taken(changes: dict[str, Any]) -> None:
    assert read(claims_with(**changes)) == claims_with(**changes)


def test_expiry_is_an_error_of_its_own() -> None:
    """threat model 145."""
    with pytest.raises(TokenExpired):
        read(claims_with(exp=NOW - 31))


def test_a_claim_missing_from_introspection_is_not_required_except_the_audience() -> None:
    """threat model 127."""
    require_access_claims({"aud": "api"}, EXPECTATIONS, now=NOW)
    with pytest.raises(ClaimInvalid, match="enforce_audience=False"):
        require_access_claims({}, EXPECTATIONS, now=NOW)
    require_access_claims({}, replace(EXPECTATIONS, audience=None), now=NOW)


def test_an_audience_is_never_empty() -> None:
    """threat model 149."""
    with pytest.raises(ConfigurationError, match="audience"):
        AccessExpectations(issuer=ISSUER, audience=frozenset(), leeway_seconds=0)


def test_a_jwt_is_not_read_without_an_audience() -> None:
    """threat model 149."""
    with pytest.raises(ConfigurationError, match="audience"):
        read(expectations=replace(EXPECTATIONS, audience=None))


# Whose it is, before anything is verified


@pytest.mark.parametrize(
    ("header", "claims", "untyped", "is_theirs"),
    [
        pytest.param(HEADER, {"iss": ISSUER}, False, True, id="an access token of theirs"),
        pytest.param(HEADER, {"iss": ISSUER + "/"}, False, False, id="nearly"),
        pytest.param(HEADER, {}, False, False, id="of nobody"),
        pytest.param(HEADER, {"iss": [ISSUER]}, False, False, id="of a list"),
        pytest.param({"alg": "RS256"}, {"iss": ISSUER}, False, False, id="without a type"),
        pytest.param({"alg": "RS256"}, {"iss": ISSUER}, True, True, id="without a type, as configured"),
        pytest.param({"alg": "RS256", "typ": "logout+jwt"}, {"iss": ISSUER}, True, False, id="another type"),
    ],
)
def test_a_token_says_whose_it_is(header: object, claims: dict[str, Any], untyped: bool, is_theirs: bool) -> None:
    token = PresentedToken(compact(header, claims))
    assert is_issued_by(token, ISSUER, untyped=untyped) is is_theirs
    named = claims.get("iss")
    assert token.claimed_issuer == (named if isinstance(named, str) else None)


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = sorted({*CLAIMS, "nbf", "cnf", "nonce"})
many = settings(max_examples=examples(150), deadline=None)


@many
@given(st.dictionaries(st.sampled_from(NAMES), anything, max_size=4))
def test_whatever_a_signed_token_says_our_own_errors_come_out(changes: dict[str, Any]) -> None:
    """What is taken has the right issuer, audience and times, whatever else it says."""
    try:
        claims = read({**CLAIMS, **changes})
    except TokenError:
        return
    assert claims["iss"] == ISSUER
    assert claims["aud"] == "api" or "api" in claims["aud"]
    assert NOW - 30 < claims["exp"] < 1e12
    assert claims.get("nbf", 0) <= NOW + 30
    assert "cnf" not in claims


@many
@given(st.text(max_size=50) | st.builds(lambda *parts: ".".join(map(b64, parts)), *[st.binary(max_size=30)] * 3))
def test_whatever_comes_in_our_own_errors_come_out(token: str) -> None:
    with suppress(OIDCError):
        parse_access_token(PresentedToken(token), ("RS256",), untyped=True)
    presented = PresentedToken(token)
    assert presented.claimed_issuer is None or isinstance(presented.claimed_issuer, str)
    is_issued_by(presented, ISSUER, untyped=True)
