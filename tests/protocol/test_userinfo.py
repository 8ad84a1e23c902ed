"""The UserInfo request and its response: threat model F."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oidc_async.errors import (
    AlgorithmNotAllowed,
    ClaimInvalid,
    ProviderError,
    ProviderUnreachable,
    SignatureInvalid,
    TokenError,
    UserInfoInvalid,
)
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.jose.jws import SUPPORTED_ALGORITHMS, client_secret_key, import_jwk
from oidc_async.protocol.userinfo import (
    parse_signed_userinfo,
    read_signed_userinfo,
    read_userinfo,
    read_userinfo_token,
    userinfo_request,
)
from tests.protocol.absent import ABSENT
from tests.protocol.signing import SECRET, compact, key_for, public_jwk, rsa_key

ENDPOINT = "https://op.example/userinfo"
JSON_TYPE = {"content-type": "application/json"}


def read(
    body: bytes | dict[str, Any], *, status: int = 200, content_type: str = "application/json", sub: str = "alice"
) -> dict[str, Any]:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_userinfo(HttpResponse(status=status, headers={"content-type": content_type}, body=encoded), sub)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_token_travels_in_the_header_only(method: str) -> None:
    """threat model 120."""
    request = userinfo_request(ENDPOINT, "the-token", method)
    assert (request.method, request.url, request.body) == (method, ENDPOINT, b"")
    assert request.headers["authorization"] == "Bearer the-token"
    assert "the-token" not in repr(request)


def test_the_token_travels_in_the_form_only_when_it_is_asked_to() -> None:
    """RFC 6750 2.2; threat model 120."""
    request = userinfo_request(ENDPOINT, "the+token/=", "POST", in_body=True)
    assert (request.method, request.url, request.body) == ("POST", ENDPOINT, b"access_token=the%2Btoken%2F%3D")
    accept = {"accept": "application/json"}
    assert request.headers == {**accept, "content-type": "application/x-www-form-urlencoded"}
    assert "the%2B" not in repr(request)


def test_claims_of_the_right_user_are_read() -> None:
    claims = {"sub": "alice", "name": "Alice", "iss": "https://other.example", "x": [None]}
    assert read(claims) == claims


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "text/plain", ""])
def test_the_content_type_of_json_does_not_matter(content_type: str) -> None:
    assert read({"sub": "alice"}, content_type=content_type) == {"sub": "alice"}


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({}, id="missing"),
        pytest.param({"sub": None}, id="null"),
        pytest.param({"sub": "mallory"}, id="other"),
        pytest.param({"sub": "Alice"}, id="other-case"),
        pytest.param({"sub": "alice "}, id="a-space-more"),
        pytest.param({"sub": ["alice"]}, id="list"),
        pytest.param({"sub": {"alice": 1}}, id="object"),
        pytest.param({"sub": 5}, id="number"),
        pytest.param({"sub": ""}, id="empty"),
        pytest.param({"Sub": "alice"}, id="other-name"),
    ],
)
def test_claims_of_somebody_else_are_rejected(claims: dict[str, Any]) -> None:
    """threat model 112."""
    with pytest.raises(UserInfoInvalid, match="sub") as caught:
        read(claims)
    assert caught.value.evidence == {"claim": "sub"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="113-empty"),
        pytest.param(b"<!doctype html>", id="113-html"),
        pytest.param(b"[]", id="113-array"),
        pytest.param(b"null", id="113-null"),
        pytest.param(b'"alice"', id="113-string"),
        pytest.param(b'{"sub":"mallory","sub":"alice"}', id="112-sub-twice"),
        pytest.param(b'{"sub":"alice","x":NaN}', id="113-nan"),
        pytest.param(b'{"sub":"alice"', id="113-truncated"),
        pytest.param(b"sub=alice", id="113-form"),
        pytest.param('{"sub":"alice"}'.encode("utf-16"), id="113-utf-16"),
        pytest.param(b"[" * 100_000, id="227-deep"),
        pytest.param(b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.", id="114-a-jwt-as-json"),
    ],
)
def test_anything_but_a_json_object_is_rejected(body: bytes) -> None:
    """threat model 113, 114, 227."""
    with pytest.raises(UserInfoInvalid, match="JSON object"):
        read(body)


@pytest.mark.parametrize("content_type", ["application/jwt", "Application/JWT; charset=utf-8"])
@pytest.mark.parametrize("body", [b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.", b'{"sub":"alice"}'])
def test_a_jwt_is_rejected_when_none_was_registered(content_type: str, body: bytes) -> None:
    """threat model 114."""
    with pytest.raises(UserInfoInvalid, match="JWT"):
        read(body, content_type=content_type)


@pytest.mark.parametrize("status", [100, 201, 204, 301, 302, 307, 308, 400, 401, 403, 404, 429])
def test_only_200_answers_userinfo(status: int) -> None:
    """threat model 117, 118: redirects are not followed, the token never leaves its origin."""
    with pytest.raises(UserInfoInvalid, match=str(status)) as caught:
        read({"sub": "alice"}, status=status)
    assert caught.value.evidence == {"status": status}


@pytest.mark.parametrize("status", [500, 503, 599])
def test_a_failing_provider_is_one_that_cannot_be_reached(status: int) -> None:
    with pytest.raises(ProviderUnreachable, match=str(status)):
        read({"sub": "alice"}, status=status)


# Signed responses

NOW = 1_700_000_000.0
SIGNED = {"sub": "alice", "iss": "https://op.example", "aud": "client1"}


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """SIGNED with these changes."""
    return {name: value for name, value in {**SIGNED, **changes}.items() if value is not ABSENT}


def read_signed(
    claims: object,
    *,
    header: dict[str, Any] | None = None,
    alg: str = "RS256",
    algorithms: tuple[str, ...] = ("RS256",),
) -> dict[str, Any]:
    token = compact({"alg": alg, **(header or {})}, claims, alg=alg)
    jws = parse_signed_userinfo(token, algorithms)
    key = client_secret_key(SECRET) if alg.startswith("HS") else import_jwk(public_jwk(key_for(alg)))
    return read_signed_userinfo(
        jws, key, issuer="https://op.example", client_id="client1", sub="alice", leeway=30, now=NOW
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as it should be"),
        pytest.param({"iss": ABSENT}, id="115-no-iss"),
        pytest.param({"aud": ABSENT}, id="115-no-aud"),
        pytest.param({"aud": ["client1"]}, id="115-aud-a-list"),
        pytest.param({"aud": ["client1", "another"]}, id="115-aud-of-several"),
        pytest.param({"exp": NOW + 1, "iat": NOW, "nbf": NOW}, id="times"),
        pytest.param({"exp": NOW - 29, "nbf": NOW + 29}, id="times-within-the-leeway"),
        pytest.param({"iat": NOW - 10_000_000}, id="issued-long-ago"),
        pytest.param({"nonce": "n", "at_hash": "h", "auth_time": 1, "x": [None]}, id="other-claims"),
    ],
)
def test_signed_claims_of_the_right_user_are_read(changes: dict[str, Any]) -> None:
    claims = changed(changes)
    assert read_signed(claims) == claims


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        pytest.param({"iss": "https://op.example/"}, "iss", id="115-a-slash-more"),
        pytest.param({"iss": None}, "iss", id="115-iss-null"),
        pytest.param({"iss": ["https://op.example"]}, "iss", id="115-iss-a-list"),
        pytest.param({"aud": "client2"}, "aud", id="115-aud-other"),
        pytest.param({"aud": "client1 "}, "aud", id="115-a-space-more"),
        pytest.param({"aud": []}, "aud", id="115-aud-empty"),
        pytest.param({"aud": None}, "aud", id="115-aud-null"),
        pytest.param({"aud": ["client1", 5]}, "aud", id="115-aud-with-a-number"),
        pytest.param({"exp": NOW - 31}, "exp", id="exp-past"),
        pytest.param({"exp": "never"}, "exp", id="exp-a-string"),
        pytest.param({"exp": None}, "exp", id="exp-null"),
        pytest.param({"nbf": NOW + 31}, "nbf", id="nbf-future"),
        pytest.param({"nbf": True}, "nbf", id="nbf-true"),
        pytest.param({"events": {}}, "events", id="104-a-logout-token"),
        pytest.param({"sub": "mallory"}, "sub", id="112-sub-other"),
        pytest.param({"sub": ABSENT}, "sub", id="112-no-sub"),
    ],
)
def test_what_a_signed_response_says_must_be_right(changes: dict[str, Any], name: str) -> None:
    """threat model 104, 112, 115."""
    with pytest.raises((TokenError, UserInfoInvalid), match=name) as caught:
        read_signed(changed(changes))
    assert caught.value.evidence["claim"] == name


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", "Application/JWT"])
def test_a_signed_response_may_say_that_it_is_a_jwt(typ: str) -> None:
    assert read_signed(SIGNED, header={"typ": typ}) == SIGNED


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "dpop+jwt", "token-introspection+jwt", "", 5, None, ["JWT"]])
def test_a_token_of_another_kind_is_not_userinfo(typ: Any) -> None:
    """threat model 104."""
    with pytest.raises(ClaimInvalid, match="typ"):
        read_signed(SIGNED, header={"typ": typ})


@pytest.mark.parametrize("alg", [alg for alg in SUPPORTED_ALGORITHMS if alg != "RS256"])
def test_no_algorithm_but_the_registered_one_signs_userinfo(alg: str) -> None:
    """threat model 114."""
    assert read_signed(SIGNED, alg=alg, algorithms=(alg,)) == SIGNED
    with pytest.raises(AlgorithmNotAllowed):
        read_signed(SIGNED, alg=alg)


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"null", b'{"sub":"alice"', b'{"sub":"mallory","sub":"alice"}'], ids=str
)
def test_signed_nonsense_is_rejected(payload: bytes) -> None:
    """threat model 113."""
    with pytest.raises(UserInfoInvalid, match="JSON object"):
        read_signed(payload)


def test_a_forged_response_is_rejected() -> None:
    """threat model 114."""
    jws = parse_signed_userinfo(compact({"alg": "RS256"}, SIGNED, key=rsa_key(2)), ("RS256",))
    with pytest.raises(SignatureInvalid):
        read_signed_userinfo(
            jws, import_jwk(public_jwk(rsa_key())), issuer="i", client_id="c", sub="alice", leeway=0, now=NOW
        )


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "application/jwt+json"])
@pytest.mark.parametrize("body", [b'{"sub":"alice"}', b"a.b.c"])
def test_what_is_called_no_jwt_is_none(content_type: str, body: bytes) -> None:
    """threat model 116."""
    response = HttpResponse(status=200, headers={"content-type": content_type}, body=body)
    with pytest.raises(UserInfoInvalid, match="must have the type application/jwt"):
        read_userinfo_token(response)


@pytest.mark.parametrize("status", [204, 302, 401, 403])
def test_only_200_brings_a_jwt(status: int) -> None:
    """threat model 117, 118."""
    response = HttpResponse(status=status, headers={"content-type": "application/jwt"}, body=b"a.b.c")
    with pytest.raises(UserInfoInvalid, match=str(status)):
        read_userinfo_token(response)


def test_a_jwt_is_asked_for_as_such() -> None:
    assert userinfo_request(ENDPOINT, "t", "GET", as_jwt=True).headers["accept"] == "application/jwt"
    assert userinfo_request(ENDPOINT, "t", "GET").headers["accept"] == "application/json"


DOCUMENTS = st.dictionaries(st.sampled_from(("sub", "self")), st.none() | st.text()).map(json.dumps)


@settings(deadline=None)
@given(status=st.sampled_from((200, 204, 401, 500)), body=st.binary() | DOCUMENTS.map(str.encode))
def test_no_response_makes_anything_fail_but_with_our_errors(status: int, body: bytes) -> None:
    try:
        outcome = read(body, status=status)["sub"]
    except ProviderError as error:
        outcome = str(error)
    assert outcome.isprintable()
