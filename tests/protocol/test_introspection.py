"""Asking about a token, and what the answer is worth: threat model 123 to 128, 133 to 136."""

import json
from base64 import b64decode
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oidc_async.errors import (
    AlgorithmNotAllowed,
    ClaimInvalid,
    IntrospectionInvalid,
    OAuthError,
    OIDCError,
    ProviderUnreachable,
    SignatureInvalid,
    TokenError,
    TokenExpired,
    TokenInactive,
    TokenMalformed,
)
from oidc_async.protocol.access_token import AccessExpectations
from oidc_async.protocol.claims import MAX_TIME
from oidc_async.protocol.client_authentication import ClientAuthentication, authentication_method
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.introspection import (
    JWT_TYPE,
    introspection_request,
    parse_introspection_jwt,
    read_introspected_token,
    read_introspection,
    read_introspection_jwt,
)
from oidc_async.protocol.jose.jws import import_jwk
from oidc_async.protocol.metadata import ClientMetadata, ProviderMetadata
from tests.hypothesis_profiles import examples
from tests.protocol.signing import compact, key_for, public_jwk, rsa_key

NOW = 1_800_000_000.0
ISSUER = "https://op.example"
PROVIDER = ProviderMetadata(issuer=ISSUER, introspection_endpoint=f"{ISSUER}/introspect")
CLIENT = ClientAuthentication(method="client_secret_basic", client_id="api", client_secret="secret")
EXPECTATIONS = AccessExpectations(issuer=ISSUER, audience=frozenset({"api"}), leeway_seconds=30)
ACTIVE: dict[str, Any] = {"active": True, "aud": "api", "exp": NOW + 300}
SIGNED: dict[str, Any] = {"iss": ISSUER, "aud": "api", "iat": NOW, "token_introspection": ACTIVE}
HEADER = {"alg": "RS256", "typ": "token-introspection+jwt"}


def answer(document: object = None, *, status: int = 200, media_type: str = "application/json") -> HttpResponse:
    """Bytes as they are, all else as JSON."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return HttpResponse(status=status, headers={"content-type": media_type}, body=body)


# The request


@pytest.mark.parametrize(
    "token",
    ["abc", "a&token_type_hint=refresh_token", "a=b&active=true", "a b+c%20d", "a\r\nb", "é", "a;b", "a#b?c"],
    ids=ascii,
)
def test_a_token_stays_one_parameter(token: str) -> None:
    """threat model 136."""
    request = introspection_request(PROVIDER, CLIENT, token, signed=False)
    assert (request.method, request.url) == ("POST", f"{ISSUER}/introspect")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(request.body.decode()) == [("token", token), ("token_type_hint", "access_token")]
    assert token not in request.url
    assert token not in repr(request) or token == "abc"


@pytest.mark.parametrize(("signed", "accepted"), [(False, "application/json"), (True, JWT_TYPE)], ids=str)
def test_the_answer_is_asked_for_in_one_form(signed: bool, accepted: str) -> None:
    """RFC 9701 4."""
    request = introspection_request(PROVIDER, CLIENT, "abc", signed=signed)
    assert request.headers["accept"] == accepted
    assert request.repeatable


AWKWARD = ("api:1 ü%", "s+e c/r:e&t=%é")


def test_basic_credentials_are_form_encoded() -> None:
    """RFC 6749 2.3.1."""
    client = replace(CLIENT, client_id=AWKWARD[0], client_secret=AWKWARD[1])
    request = introspection_request(PROVIDER, client, "abc", signed=False)
    pair = b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
    assert [unquote_plus(part) for part in pair.split(":")] == list(AWKWARD)
    assert "client_secret" not in request.body.decode()


def test_posted_credentials_are_in_the_form_alone() -> None:
    client = ClientAuthentication(method="client_secret_post", client_id=AWKWARD[0], client_secret=AWKWARD[1])
    request = introspection_request(PROVIDER, client, "abc", signed=False)
    form = dict(parse_qsl(request.body.decode()))
    assert (form["client_id"], form["client_secret"], form["token"]) == (*AWKWARD, "abc")
    assert "authorization" not in request.headers


POST, BASIC = "client_secret_post", "client_secret_basic"


@pytest.mark.parametrize(
    ("client", "provider", "method"),
    [
        pytest.param({}, {}, BASIC, id="by default"),
        pytest.param({"token_endpoint_auth_method": POST}, {}, POST, id="as at the token endpoint"),
        pytest.param(
            {"token_endpoint_auth_method": POST, "introspection_endpoint_auth_method": BASIC}, {}, BASIC, id="its own"
        ),
        pytest.param({"introspection_endpoint_auth_method": POST}, {}, POST, id="its own alone"),
        pytest.param(
            {}, {"introspection_endpoint_auth_methods_supported": [POST]}, POST, id="what is supported here"
        ),
        pytest.param({}, {"token_endpoint_auth_methods_supported": [POST]}, POST, id="what is supported there"),
        pytest.param(
            {},
            {
                "token_endpoint_auth_methods_supported": [POST],
                "introspection_endpoint_auth_methods_supported": [BASIC],
            },
            BASIC,
            id="supported here goes before there",
        ),
    ],
)
def test_the_client_authenticates_as_it_is_registered(
    client: dict[str, Any], provider: dict[str, Any], method: str
) -> None:
    metadata = ClientMetadata("api", "secret", **client)
    assert authentication_method(metadata, PROVIDER.copy(**provider), "introspection") == method


# The response, plain


def test_an_answer_is_read_active_or_not() -> None:
    assert read_introspection(answer({"active": False})) == {"active": False}
    assert read_introspection(answer(ACTIVE, media_type="")) == ACTIVE


@pytest.mark.parametrize(
    ("response", "error"),
    [
        pytest.param(answer(ACTIVE, status=201), IntrospectionInvalid, id="201"),
        pytest.param(answer(b"", status=204), IntrospectionInvalid, id="204"),
        pytest.param(answer(ACTIVE, status=302), IntrospectionInvalid, id="302"),
        pytest.param(answer(ACTIVE, status=400), OAuthError, id="400"),
        pytest.param(answer({"error": "invalid_client"}, status=401), OAuthError, id="126: 401"),
        pytest.param(answer(ACTIVE, status=403), OAuthError, id="126: 403"),
        pytest.param(answer(ACTIVE, status=500), ProviderUnreachable, id="125: 500"),
        pytest.param(answer(ACTIVE, status=503), ProviderUnreachable, id="125: 503"),
        pytest.param(answer(b""), IntrospectionInvalid, id="125: nothing"),
        pytest.param(answer(b"<html>"), IntrospectionInvalid, id="125: a page"),
        pytest.param(answer([ACTIVE]), IntrospectionInvalid, id="125: a list"),
        pytest.param(answer(True), IntrospectionInvalid, id="125: true"),
        pytest.param(answer(b'{"active":false,"active":true}'), IntrospectionInvalid, id="125: active twice"),
        pytest.param(answer(b'{"active":true,"exp":NaN}'), IntrospectionInvalid, id="125: NaN"),
        pytest.param(answer(ACTIVE, media_type=JWT_TYPE), IntrospectionInvalid, id="134: said to be a JWT"),
    ],
)
def test_an_invalid_response_says_nothing_about_the_token(response: HttpResponse, error: type[OIDCError]) -> None:
    """threat model 125, 126."""
    with pytest.raises(error) as caught:
        read_introspection(response)
    assert not isinstance(caught.value, TokenError)


# The response, signed


def signed(
    claims: object = SIGNED, header: object = HEADER, *, media_type: str = JWT_TYPE, **how: Any
) -> HttpResponse:
    return answer(compact(header, claims, **how).encode(), media_type=media_type)


def read_signed(response: HttpResponse, alg: str = "RS256") -> dict[str, Any]:
    jws = parse_introspection_jwt(response, alg)
    key = import_jwk(public_jwk(key_for(alg)))
    return read_introspection_jwt(jws, key, issuer=ISSUER, client_id="api", leeway=30, now=NOW)


def test_a_signed_answer_gives_what_is_inside() -> None:
    assert read_signed(signed()) == ACTIVE
    assert read_signed(signed({**SIGNED, "aud": ["other", "api"]}, {**HEADER, "typ": JWT_TYPE})) == ACTIVE
    assert read_signed(signed({**SIGNED, "iat": NOW - 330})) == ACTIVE
    assert read_signed(signed(header={**HEADER, "alg": "ES256"}, alg="ES256"), "ES256") == ACTIVE


@pytest.mark.parametrize(
    ("response", "error"),
    [
        pytest.param(answer(ACTIVE), IntrospectionInvalid, id="134: plain JSON"),
        pytest.param(signed(media_type="application/json"), IntrospectionInvalid, id="134: said to be JSON"),
        pytest.param(signed(media_type="application/jwt"), IntrospectionInvalid, id="134: any JWT"),
        pytest.param(signed(media_type=""), IntrospectionInvalid, id="134: said to be nothing"),
        pytest.param(answer(ACTIVE, media_type=JWT_TYPE), TokenMalformed, id="134: JSON said to be a JWT"),
        pytest.param(answer("é".encode(), media_type=JWT_TYPE), TokenMalformed, id="bytes beyond ASCII"),
        pytest.param(signed(header={**HEADER, "typ": "JWT"}), IntrospectionInvalid, id="typ is JWT"),
        pytest.param(signed(header={**HEADER, "typ": "at+jwt"}), IntrospectionInvalid, id="an access token"),
        pytest.param(signed(header={"alg": "RS256"}), IntrospectionInvalid, id="no typ"),
        pytest.param(signed(header={**HEADER, "typ": 5}), IntrospectionInvalid, id="typ is a number"),
        pytest.param(signed(header={**HEADER, "alg": "none"}), AlgorithmNotAllowed, id="alg is none"),
        pytest.param(signed(header={**HEADER, "alg": "HS256"}, alg="HS256"), AlgorithmNotAllowed, id="HMAC"),
        pytest.param(signed(header={**HEADER, "alg": "PS256"}, alg="PS256"), AlgorithmNotAllowed, id="another alg"),
        pytest.param(signed(key=rsa_key(2)), SignatureInvalid, id="an attacker's signature"),
        pytest.param(signed({**SIGNED, "iss": "https://other.example"}), ClaimInvalid, id="another iss"),
        pytest.param(signed({**SIGNED, "iss": None}), ClaimInvalid, id="no iss"),
        pytest.param(signed({**SIGNED, "aud": "other"}), ClaimInvalid, id="for another client"),
        pytest.param(signed({**SIGNED, "iat": NOW + 31}), ClaimInvalid, id="signed in the future"),
        pytest.param(signed({**SIGNED, "iat": NOW - 331}), ClaimInvalid, id="363 signed long ago"),
        pytest.param(signed({**SIGNED, "iat": 1}), ClaimInvalid, id="363 signed in 1970"),
        pytest.param(signed({**SIGNED, "iat": None}), ClaimInvalid, id="no iat"),
        pytest.param(signed({**SIGNED, "token_introspection": [ACTIVE]}), IntrospectionInvalid, id="a list"),
        pytest.param(signed({**SIGNED, "token_introspection": None}), IntrospectionInvalid, id="null"),
        pytest.param(signed({**SIGNED, **ACTIVE, "token_introspection": True}), IntrospectionInvalid, id="lifted"),
        pytest.param(signed(b"[]"), IntrospectionInvalid, id="no object"),
        pytest.param(answer(ACTIVE, status=500, media_type=JWT_TYPE), ProviderUnreachable, id="125: 500"),
        pytest.param(answer({}, status=401), OAuthError, id="126: 401"),
    ],
)
def test_a_signed_answer_is_verified_and_nothing_less_is_taken(
    response: HttpResponse, error: type[OIDCError]
) -> None:
    """threat model 134; RFC 9701 5."""
    with pytest.raises(error):
        read_signed(response)


# What it says of the token


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"active": False}, TokenInactive, id="124: false"),
        pytest.param({"active": None}, TokenInactive, id="123: null"),
        pytest.param({"active": "true"}, TokenInactive, id="123: a string"),
        pytest.param({"active": 1}, TokenInactive, id="123: 1"),
        pytest.param({"active": 1.0}, TokenInactive, id="123: 1.0"),
        pytest.param({"active": [True]}, TokenInactive, id="123: a list"),
        pytest.param({"exp": NOW - 30}, TokenExpired, id="127: expired, the leeway is over"),
        pytest.param({"exp": None}, ClaimInvalid, id="exp is null"),
        pytest.param({"exp": True}, ClaimInvalid, id="exp is true"),
        pytest.param({"exp": "never"}, ClaimInvalid, id="exp is a word"),
        pytest.param({"nbf": NOW + 31}, ClaimInvalid, id="127: not yet"),
        pytest.param({"iat": NOW + 31}, ClaimInvalid, id="127: issued in the future"),
        pytest.param({"iss": "https://other.example"}, ClaimInvalid, id="127: another iss"),
        pytest.param({"aud": "other"}, ClaimInvalid, id="127: another aud"),
        pytest.param({"cnf": {"jkt": "x"}}, ClaimInvalid, id="135: bound to a key"),
        pytest.param({"scope": 5}, ClaimInvalid, id="scope is a number"),
    ],
)
def test_a_token_that_is_not_good_is_rejected(changes: dict[str, Any], error: type[TokenError]) -> None:
    """threat model 123, 124, 127, 135."""
    with pytest.raises(error):
        read_introspected_token({**ACTIVE, **changes}, EXPECTATIONS, now=NOW)


def test_active_must_be_there() -> None:
    """threat model 123."""
    with pytest.raises(TokenInactive):
        read_introspected_token({"aud": "api"}, EXPECTATIONS, now=NOW)


@pytest.mark.parametrize("document", [{}, {"active": "true"}, {"active": 1}], ids=str)
def test_the_message_does_not_claim_an_active_that_the_response_lacks(document: dict[str, Any]) -> None:
    with pytest.raises(TokenInactive) as caught:
        read_introspected_token(document, EXPECTATIONS, now=NOW)
    assert "active: false" not in caught.value.message
    assert "does not have active=true" in caught.value.message


def test_an_audience_is_required_unless_that_is_disabled() -> None:
    """threat model 127."""
    with pytest.raises(ClaimInvalid, match="enforce_audience=False") as caught:
        read_introspected_token({"active": True}, EXPECTATIONS, now=NOW)
    assert caught.value.claim == "aud"
    anybody = replace(EXPECTATIONS, audience=None)
    assert read_introspected_token({"active": True}, anybody, now=NOW) == {"active": True}


@pytest.mark.parametrize("expiry", [MAX_TIME + 1, 1e15, 1e300, 10**200], ids=lambda value: f"{value:.0e}")
def test_an_end_beyond_all_calendars_is_the_end_of_the_calendar(expiry: float) -> None:
    """threat model 133."""
    assert read_introspected_token({**ACTIVE, "exp": expiry}, EXPECTATIONS, now=NOW)["exp"] == MAX_TIME


@pytest.mark.parametrize("expiry", [NOW + 0.5, NOW - 29.5, MAX_TIME], ids=str)
def test_an_end_may_have_a_fraction(expiry: float) -> None:
    """threat model 133."""
    assert read_introspected_token({**ACTIVE, "exp": expiry}, EXPECTATIONS, now=NOW)["exp"] == expiry


anything: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
members = st.dictionaries(
    st.sampled_from(["active", "aud", "exp", "nbf", "iat", "iss", "sub", "client_id", "scope", "cnf", "x"]), anything
)


@settings(max_examples=examples(200), deadline=None)
@given(members)
def test_only_a_valid_token_is_accepted_for_any_response(changes: dict[str, Any]) -> None:
    """threat model 123, 127."""
    document = {**ACTIVE, **changes}
    try:
        claims = read_introspected_token(document, EXPECTATIONS, now=NOW)
    except TokenError:
        return
    assert document["active"] is True
    assert claims["aud"] == "api" or "api" in claims["aud"]
    assert NOW - 30 < claims["exp"] <= MAX_TIME
    assert claims.get("nbf", 0) <= NOW + 30
    assert "cnf" not in claims


@settings(max_examples=examples(100), deadline=None)
@given(st.binary(max_size=60), st.sampled_from([200, 204, 302, 400, 401, 500]), st.sampled_from(["", JWT_TYPE]))
def test_whatever_is_answered_our_own_errors_come_out(body: bytes, status: int, media_type: str) -> None:
    """threat model 125."""
    response = answer(body, status=status, media_type=media_type)
    for read in (read_introspection, read_signed):
        with suppress(OIDCError):
            assert isinstance(read(response), dict)
            assert status == 200
