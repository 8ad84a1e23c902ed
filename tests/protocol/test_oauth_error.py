"""What messages quote of an `error_description`: threat model 394."""

import base64
import json
from dataclasses import replace

import pytest

from oidc_async.errors import AuthorizationRefused, OAuthError, ProviderError
from oidc_async.protocol.authorization import read_authorization_response
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.metadata import ProviderMetadata
from oidc_async.protocol.oauth_error import MAX_QUOTED_LENGTH, quote_description, require_success

EXPIRED = "AADSTS7000222: The provided client secret keys for app '8d3e3d0a-7f5c-4d0c-9a53-0d6a3b8c2f11' are expired."
ADDRESS = "use https://login.example.com/signin-oidc, not 2026-12-01"
BASIC = "Basic " + base64.b64encode(b"client1:a%20secret").decode()
SESAME = "Basic " + base64.b64encode(b"jjp:let me inah").decode()


def request(body: bytes = b"", authorization: str = "") -> HttpRequest:
    headers = {"authorization": authorization} if authorization else {}
    return HttpRequest(method="POST", url="https://op.example/token", headers=headers, body=body)


@pytest.mark.parametrize(
    ("description", "shown"),
    [
        (EXPIRED, EXPIRED),
        ("", ""),
        (None, ""),
        (5, ""),
        ("two\r\nlines\u2028\x1b[31m\u202e", "two??lines??[31m?"),
        ('quotes " and \\', "quotes ? and ?"),
        ("word " * 200, ("word " * 40)[:MAX_QUOTED_LENGTH]),
        ("no " + "a" * 40 + " here", "no ... here"),
        ("no SplxlOBeZQQYbYS6WxSbIA here", "no ... here"),
        ("no header.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl0 here", "no header.....c2lnbmF0dXJl0 here"),
        (
            ADDRESS,
            ADDRESS,
        ),
    ],
    ids=repr,
)
def test_it_is_printable_and_short_and_has_nothing_that_looks_random(description: object, shown: str) -> None:
    """threat model 256, 394"""
    said = quote_description(description)
    assert said == (f' The provider says: "{shown}"' if shown else "")
    assert said.isprintable()


@pytest.mark.parametrize("status", [400, 401, 500, 503])
def test_it_is_quoted_whatever_the_status(status: int) -> None:
    said = json.dumps({"error": "server_error", "error_description": "Out of order"}).encode()
    with pytest.raises(ProviderError, match=rf'answered {status}.*The provider says: "Out of order"'):
        require_success(HttpResponse(status=status, body=said), "token endpoint")


@pytest.mark.parametrize(
    ("sent", "secret"),
    [
        (request(b"grant_type=refresh_token&refresh_token=short+one%2B"), "short one+"),
        (request(b"token=abcd&token_type_hint=refresh_token"), "abcd"),
        (request(b"client_id=c&client_secret=open+sesame"), "open sesame"),
        (request(authorization=BASIC), "a secret"),
        (request(authorization="Bearer short-one"), "short-one"),
        (request(b"grant_type=refresh_token&refresh_token=short+one%2B"), "short+one%2B"),
        (request(b"client_id=c&client_secret=open%20sesame"), "open%20sesame"),
        (request(authorization=BASIC), "a%20secret"),
        (request(authorization=SESAME), SESAME.partition(" ")[2]),
    ],
    ids=[
        *("refresh token", "token", "client secret", "Basic", "Bearer"),
        *("refresh token as sent", "client secret as sent", "secret in Basic as sent", "Basic as sent"),
    ],
)
def test_what_was_sent_is_not_quoted(sent: HttpRequest, secret: str) -> None:
    """threat model 394"""
    said = json.dumps({"error": "invalid_request", "error_description": f"I don't know {secret}, sorry"})
    with pytest.raises(OAuthError, match=r"I don't know \.\.\., sorry") as caught:
        require_success(HttpResponse(status=400, body=said.encode(), request=sent), "token endpoint")
    assert secret not in str(caught.value)


def test_what_is_public_is_quoted() -> None:
    sent = request(b"client_id=client1&redirect_uri=https%3A%2F%2Frp.example%2Fcallback&scope=openid+groups")
    text = "client1 must not use https://rp.example/callback or openid groups"
    assert quote_description(text, sent) == f' The provider says: "{text}"'


def test_the_request_is_not_a_part_of_the_value_of_a_response() -> None:
    response = HttpResponse(status=200)
    assert replace(response, request=request(b"code=secret")) == response
    assert "secret" not in repr(replace(response, request=request(b"code=secret")))


def test_a_response_by_the_browser_is_quoted_too() -> None:
    """threat model 394"""
    parameters = {"state": "s", "error": "invalid_scope", "error_description": "Invalid scopes: openid groups"}
    with pytest.raises(AuthorizationRefused) as caught:
        read_authorization_response(parameters, ProviderMetadata(issuer="https://op.example"), "s", "code")
    assert "error 'invalid_scope'. The provider says: \"Invalid scopes: openid groups\"" in str(caught.value)
