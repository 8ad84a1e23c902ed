"""The UserInfo request and its response: security.md F."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oidc_async.errors import ProviderError, ProviderUnreachable, UserInfoInvalid
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.userinfo import read_userinfo, userinfo_request

ENDPOINT = "https://op.example/userinfo"
JSON_TYPE = {"content-type": "application/json"}


def read(
    body: bytes | dict[str, Any], *, status: int = 200, content_type: str = "application/json", sub: str = "alice"
) -> dict[str, Any]:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_userinfo(HttpResponse(status=status, headers={"content-type": content_type}, body=encoded), sub)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_token_travels_in_the_header_only(method: str) -> None:
    """security.md 120."""
    request = userinfo_request(ENDPOINT, "the-token", method)
    assert (request.method, request.url, request.body) == (method, ENDPOINT, b"")
    assert request.headers["authorization"] == "Bearer the-token"
    assert "the-token" not in repr(request)


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
def test_claims_of_somebody_else_are_refused(claims: dict[str, Any]) -> None:
    """security.md 112."""
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
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    """security.md 113, 114, 227."""
    with pytest.raises(UserInfoInvalid, match="JSON object"):
        read(body)


@pytest.mark.parametrize("content_type", ["application/jwt", "Application/JWT; charset=utf-8"])
@pytest.mark.parametrize("body", [b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.", b'{"sub":"alice"}'])
def test_a_jwt_is_refused_when_none_was_registered(content_type: str, body: bytes) -> None:
    """security.md 114."""
    with pytest.raises(UserInfoInvalid, match="JWT"):
        read(body, content_type=content_type)


@pytest.mark.parametrize("status", [100, 201, 204, 301, 302, 307, 308, 400, 401, 403, 404, 429])
def test_only_200_answers_userinfo(status: int) -> None:
    """security.md 117, 118: redirects are not followed, the token never leaves its origin."""
    with pytest.raises(UserInfoInvalid, match=str(status)) as caught:
        read({"sub": "alice"}, status=status)
    assert caught.value.evidence == {"status": status}


@pytest.mark.parametrize("status", [500, 503, 599])
def test_a_failing_provider_is_one_that_cannot_be_reached(status: int) -> None:
    with pytest.raises(ProviderUnreachable, match=str(status)):
        read({"sub": "alice"}, status=status)


DOCUMENTS = st.dictionaries(st.sampled_from(("sub", "self")), st.none() | st.text()).map(json.dumps)


@settings(deadline=None)
@given(status=st.sampled_from((200, 204, 401, 500)), body=st.binary() | DOCUMENTS.map(str.encode))
def test_no_response_makes_anything_fail_but_with_our_errors(status: int, body: bytes) -> None:
    try:
        outcome = read(body, status=status)["sub"]
    except ProviderError as error:
        outcome = str(error)
    assert outcome.isprintable()
