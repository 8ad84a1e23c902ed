"""The token request and its response, without a provider: threat model D."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oidc_async.errors import OAuthError, ProviderError, ProviderUnreachable, TokenResponseInvalid
from oidc_async.protocol.client_authentication import ClientAuthentication
from oidc_async.protocol.http_message import MAX_RESPONSE_BODY, HttpRequest, HttpResponse
from oidc_async.protocol.metadata import ProviderMetadata
from oidc_async.protocol.token import (
    MAX_LIFETIME,
    TokenResponse,
    authorization_code_request,
    read_token_response,
    refresh_request,
)

ISSUER = "https://op.example"
PROVIDER = ProviderMetadata(ISSUER, f"{ISSUER}/authorize", f"{ISSUER}/jwks", f"{ISSUER}/token")
GOOD: dict[str, Any] = {"access_token": "at-secret", "token_type": "Bearer", "id_token": "it-secret"}


def answered(body: bytes | dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def read(**changes: Any) -> TokenResponse:
    """The response GOOD with these members; None takes one away."""
    members = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return read_token_response(answered(members))


def outcome(response: HttpResponse) -> str:
    """The access token, or what the response is rejected with; the other members are what their types say."""
    try:
        tokens = read_token_response(response)
    except ProviderError as error:
        return str(error)
    assert tokens.token_type.lower() == "bearer"
    assert tokens.expires_in is None or 0 <= tokens.expires_in <= MAX_LIFETIME
    assert all(isinstance(value, str | None) for value in (tokens.id_token, tokens.refresh_token, tokens.scope))
    return tokens.access_token


def test_the_request_has_the_code_the_redirect_uri_and_the_verifier() -> None:
    """threat model 55, 79: the code goes to the token endpoint of this provider only, with its verifier."""
    client = ClientAuthentication(method="none", client_id="c1")
    request = authorization_code_request(
        PROVIDER, client, code="the code", redirect_uri="https://rp.example/cb?a=b", code_verifier="v" * 43
    )
    assert (request.method, request.url) == ("POST", PROVIDER["token_endpoint"])
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert dict(parse_qsl(request.body.decode(), strict_parsing=True)) == {
        "grant_type": "authorization_code",
        "code": "the code",
        "redirect_uri": "https://rp.example/cb?a=b",
        "code_verifier": "v" * 43,
        "client_id": "c1",
    }


def test_a_code_is_never_sent_twice() -> None:
    """threat model 69."""
    client = ClientAuthentication(method="client_secret_basic", client_id="c1", client_secret="s1")
    request = authorization_code_request(
        PROVIDER, client, code="c", redirect_uri="https://rp.example/", code_verifier="v"
    )
    assert not request.repeatable


@pytest.mark.parametrize("token", ["rt", "a b&c=d%", "~" * 5000], ids=["plain", "to be encoded", "long"])
def test_a_refresh_has_the_refresh_token_and_no_scope(token: str) -> None:
    """RFC 6749 6: what is not asked for is what was granted; threat model 69: it is sent once."""
    client = ClientAuthentication(method="client_secret_basic", client_id="c1", client_secret="s1")
    request = refresh_request(PROVIDER, client, token)
    assert (request.method, request.url, request.repeatable) == ("POST", PROVIDER["token_endpoint"], False)
    assert dict(parse_qsl(request.body.decode(), strict_parsing=True)) == {
        "grant_type": "refresh_token",
        "refresh_token": token,
    }


@pytest.mark.parametrize("token", ["\ud800", 5, ["a"], True], ids=ascii)
def test_a_refresh_token_that_could_not_be_sent_back_is_rejected(token: Any) -> None:
    with pytest.raises(TokenResponseInvalid):
        read(refresh_token=token)


@pytest.mark.parametrize("token", ["", None])
def test_an_empty_refresh_token_is_none(token: str | None) -> None:
    assert read(refresh_token=token).refresh_token is None


def test_every_member_of_the_response_can_be_read() -> None:
    response = read(refresh_token="rt", scope="openid email", expires_in=600, session_state={"a": [1]})
    assert response.access_token == "at-secret"
    assert response.token_type == "Bearer"
    assert response.id_token == "it-secret"
    assert response.refresh_token == "rt"
    assert response.expires_in == 600
    assert response["session_state"] == {"a": [1]}


def test_what_is_missing_is_none() -> None:
    response = read(id_token=None)
    assert (response.id_token, response.refresh_token, response.scope, response.expires_in) == (
        None,
        None,
        None,
        None,
    )


def test_a_narrower_scope_is_shown() -> None:
    """threat model 67."""
    assert read(scope="openid").scope == "openid"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="61-empty"),
        pytest.param(b"<!doctype html><title>Maintenance</title>", id="61-html"),
        pytest.param(b"[]", id="61-array"),
        pytest.param(b"null", id="61-null"),
        pytest.param(b'"token"', id="61-string"),
        pytest.param(b'{"access_token":"a","token_type":"Bearer","expires_in":NaN}', id="61-nan"),
        pytest.param(b'{"access_token":"a","access_token":"b","token_type":"Bearer"}', id="61-duplicate-members"),
        pytest.param(b'\xef\xbb\xbf{"access_token":"a","token_type":"Bearer"}', id="61-byte-order-mark"),
        pytest.param(json.dumps(GOOD).encode("utf-16"), id="61-utf-16"),
        pytest.param(b"access_token=a&token_type=bearer", id="61-a-form"),
        pytest.param(b'{"a":' + b"[" * 40_000 + b"]" * 40_000 + b"}", id="227-deep"),
        pytest.param(b'{"access_token":"a","token_type":"Bearer","expires_in":1e400}', id="66-overflow"),
        pytest.param(
            b'{"access_token":"a","token_type":"Bearer","expires_in":' + b"9" * 5000 + b"}", id="228-digits"
        ),
    ],
)
def test_a_success_that_is_not_a_json_object_is_rejected(body: bytes) -> None:
    """threat model 61, 66, 227, 228."""
    with pytest.raises(TokenResponseInvalid):
        read_token_response(answered(body))


@pytest.mark.parametrize(
    ("scope", "read"),
    [(["openid", "email"], "openid email"), (["openid"], "openid"), ([], ""), ("openid email", "openid email")],
    ids=str,
)
def test_a_scope_may_be_a_list_of_words(scope: object, read: str) -> None:
    """Twitch sends one, against RFC 6749 5.1."""
    assert read_token_response(answered({**GOOD, "scope": scope})).scope == read


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        pytest.param({"access_token": None}, "access_token", id="62-no-access_token"),
        pytest.param({"access_token": 5}, "access_token", id="62-access_token-is-a-number"),
        pytest.param({"access_token": ["a"]}, "access_token", id="62-access_token-is-a-list"),
        pytest.param({"access_token": ""}, "access_token", id="62-access_token-empty"),
        pytest.param({"access_token": "a b"}, "access_token", id="62-access_token-with-a-space"),
        pytest.param({"access_token": "a\r\nX-Admin: 1"}, "access_token", id="62-access_token-breaks-the-header"),
        pytest.param({"access_token": "a\n"}, "access_token", id="62-access_token-and-a-line-break"),
        pytest.param({"access_token": "ä"}, "access_token", id="62-access_token-outside-ascii"),
        pytest.param({"token_type": None}, "token_type", id="62-no-token_type"),
        pytest.param({"token_type": 5}, "token_type", id="62-token_type-is-a-number"),
        pytest.param({"token_type": "mac"}, "token_type", id="63-token_type-unknown"),
        pytest.param({"token_type": "Bearer "}, "token_type", id="63-token_type-and-a-space"),
        pytest.param({"token_type": "DPoP"}, "token_type", id="64-token_type-is-dpop"),
        pytest.param({"id_token": 5}, "id_token", id="65-id_token-is-a-number"),
        pytest.param({"id_token": {}}, "id_token", id="65-id_token-is-an-object"),
        pytest.param({"refresh_token": 5}, "refresh_token", id="62-refresh_token-is-a-number"),
        pytest.param({"scope": 5}, "scope", id="67-scope-is-a-number"),
        pytest.param({"scope": {"openid": True}}, "scope", id="67-scope-is-an-object"),
        pytest.param({"scope": ["openid", 5]}, "scope", id="67-a-list-with-a-number"),
        pytest.param({"scope": ["openid", None]}, "scope", id="67-a-list-with-null"),
        pytest.param({"scope": ["openid", ["email"]]}, "scope", id="67-a-list-in-a-list"),
        pytest.param({"scope": ["openid", ""]}, "scope", id="67-a-list-with-an-empty-word"),
        pytest.param({"scope": ["openid admin"]}, "scope", id="67-a-word-with-a-blank"),
        pytest.param({"scope": ["openid\tadmin"]}, "scope", id="67-a-word-with-a-tab"),
        pytest.param({"expires_in": -1}, "expires_in", id="66-negative"),
        pytest.param({"expires_in": True}, "expires_in", id="66-true"),
        pytest.param({"expires_in": "soon"}, "expires_in", id="66-no-number"),
        pytest.param({"expires_in": "-5"}, "expires_in", id="66-negative-in-quotes"),
        pytest.param({"expires_in": "\u00b2"}, "expires_in", id="66-a-digit-that-is-none"),
        pytest.param({"expires_in": [600]}, "expires_in", id="66-a-list"),
    ],
)
def test_a_member_of_the_wrong_kind_is_rejected(changes: dict[str, Any], parameter: str) -> None:
    """threat model 62 to 67."""
    with pytest.raises(TokenResponseInvalid, match=parameter) as caught:
        read(**changes)
    assert caught.value.evidence == {"parameter": parameter}
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("token_type", ["bearer", "BEARER", "bEaReR"])
def test_the_case_of_token_type_does_not_matter(token_type: str) -> None:
    """threat model 63."""
    assert read(token_type=token_type).access_token == "at-secret"


@pytest.mark.parametrize(
    ("sent", "lifetime"),
    [(0, 0), (600, 600), (0.5, 0.5), ("600", 600), (1e300, MAX_LIFETIME), (10**300 - 1, MAX_LIFETIME)],
    ids=str,
)
def test_a_lifetime_is_read_and_bounded(sent: object, lifetime: float) -> None:
    """threat model 66, 172."""
    assert read(expires_in=sent).expires_in == lifetime


@pytest.mark.parametrize("digits", ["9" * 400, "0" * 400])
def test_a_lifetime_in_quotes_does_not_overflow(digits: str) -> None:
    """threat model 66."""
    lifetime = read(expires_in=digits).expires_in
    assert lifetime is not None
    assert 0 <= lifetime <= MAX_LIFETIME


@pytest.mark.parametrize("status", [100, 201, 204, 301, 302, 307, 308])
def test_only_200_is_a_success(status: int) -> None:
    """threat model 61, 70: redirects are not followed, whatever they carry."""
    with pytest.raises(TokenResponseInvalid, match=str(status)):
        read_token_response(answered(GOOD, status))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_failing_provider_is_one_that_cannot_be_reached(status: int) -> None:
    """threat model 69."""
    with pytest.raises(ProviderUnreachable, match=str(status)):
        read_token_response(answered({"error": "server_error"}, status))


@pytest.mark.parametrize(
    ("body", "error", "description"),
    [
        pytest.param({"error": "invalid_grant"}, "invalid_grant", None, id="error-alone"),
        pytest.param({"error": "invalid_grant", "error_description": "No."}, "invalid_grant", "No.", id="described"),
        pytest.param({"error": "e\r\nX", "error_description": "a\x00b"}, "e??X", "a?b", id="256-controls"),
        pytest.param({"error": "e" * 300, "error_description": "d" * 900}, "e" * 100, "d" * 500, id="68-long"),
        pytest.param({"error": 5, "error_description": ["d"]}, "http_400", None, id="68-not-text"),
        pytest.param({"error": {"code": "s"}}, "http_400", None, id="68-an-object"),
        pytest.param({"error": ""}, "http_400", None, id="68-empty"),
        pytest.param({}, "http_400", None, id="68-no-error"),
        pytest.param(b"<html>", "http_400", None, id="68-html"),
        pytest.param(b"", "http_400", None, id="68-nothing"),
    ],
)
def test_an_error_response_is_shown_in_safe_characters(
    body: bytes | dict[str, Any], error: str, description: str | None
) -> None:
    """threat model 68, 256."""
    with pytest.raises(OAuthError) as caught:
        read_token_response(answered(body, 400))
    assert caught.value.error == error
    assert caught.value.error_description == description
    assert caught.value.status == 400
    assert str(caught.value).isprintable()


def test_an_error_response_that_quotes_the_code_does_not_put_it_into_the_message() -> None:
    """threat model 68, 250, 394: what we sent may come back in it, and messages are logged."""
    request = HttpRequest(method="POST", url="https://op.example/token", body=b"grant_type=x&code=SplxlOBe")
    response = answered({"error": "invalid_grant", "error_description": "code SplxlOBe is unknown"}, 400)
    with pytest.raises(OAuthError) as caught:
        read_token_response(replace(response, request=request))
    assert 'The provider says: "code ... is unknown"' in str(caught.value)
    assert "SplxlOBe" not in str(caught.value.evidence)


def test_an_error_with_status_200_is_an_error() -> None:
    """RFC 6749 5.2 asks for 400; some providers don't know"""
    with pytest.raises(OAuthError) as caught:
        read_token_response(answered({"error": "invalid_grant", "error_description": "Code is spent"}))
    assert "answered 200 with the error 'invalid_grant'. The provider says: \"Code is spent\"" in str(caught.value)
    assert (caught.value.error, caught.value.status) == ("invalid_grant", 200)


@pytest.mark.parametrize("name", ["access_token", "token_type"])
def test_what_is_missing_is_said_to_be_missing(name: str) -> None:
    with pytest.raises(TokenResponseInvalid, match=f"^{name} in the token response is missing"):
        read(**{name: None})


def test_no_token_shows_in_the_text_of_a_response() -> None:
    """threat model 251: nor what may be a token under a name that we don't know."""
    response = read(refresh_token="rt-secret", device_secret="ds-secret", x={"y": "x-secret"}, expires_in=5)
    for text in (repr(response), str(response), f"{response}"):
        assert "secret" not in text.replace("device_secret", "")
        assert "'expires_in': 5" in text


def test_a_response_may_have_members_of_any_name() -> None:
    members = {"self": 1, "cls": 2, "values": 3, "": 4, "__class__": 5}
    response = read_token_response(answered({**GOOD, **members}))
    assert {name: response[name] for name in members} == members


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ("access_token", "token_type", "expires_in", "id_token", "refresh_token", "scope", "error", "self", "x")
)
DOCUMENTS = st.dictionaries(NAMES, JSON | st.sampled_from(("Bearer", "a"))).map(
    lambda value: json.dumps(value).encode()
)


@settings(deadline=None)
@given(status=st.integers(100, 599), body=st.binary() | DOCUMENTS)
@example(status=200, body=b'{"access_token":"a","token_type":"Bearer","self":1}')
def test_no_response_makes_anything_fail_but_with_our_errors(status: int, body: bytes) -> None:
    assert outcome(HttpResponse(status=status, body=body)).isprintable()


@settings(deadline=None)
@given(members=st.dictionaries(NAMES, JSON, max_size=3))
def test_no_member_makes_anything_fail_but_with_our_errors(members: dict[str, Any]) -> None:
    assert outcome(answered({**GOOD, **members})).isprintable()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * MAX_RESPONSE_BODY,
        b'{"a":"' + b"\\u0061" * (MAX_RESPONSE_BODY // 6),
        b"9" * MAX_RESPONSE_BODY,
        b'{"' * 200_000,
    ],
    ids=["brackets", "escapes", "digits", "objects"],
)
def test_a_hostile_body_costs_little(body: bytes) -> None:
    """threat model 227, 228."""
    with pytest.raises(TokenResponseInvalid):
        read_token_response(answered(body))
