"""Telling a provider that a token is not needed any more (RFC 7009): threat model 194."""

import json
import traceback
from urllib.parse import parse_qsl

import pytest

from oidc_async.errors import OAuthError, ProviderError, ProviderUnreachable
from oidc_async.protocol.client_authentication import ClientAuthentication, authentication_method
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.metadata import ClientMetadata, ProviderMetadata
from oidc_async.protocol.revocation import read_revocation, revocation_request

ISSUER = "https://op.example"
PROVIDER = ProviderMetadata(issuer=ISSUER, revocation_endpoint=f"{ISSUER}/revoke")
QUOTED = "SplxlOBeZQQYbYS6WxSbIA is not your token"
BASIC = ClientAuthentication(method="client_secret_basic", client_id="c1", client_secret="s1")


def rejected(status: int, document: object) -> HttpResponse:
    return HttpResponse(status=status, body=json.dumps(document).encode())


@pytest.mark.parametrize("hint", ["refresh_token", "access_token"])
def test_the_request_has_the_token_and_what_it_may_be(hint: str) -> None:
    """RFC 7009 2.1"""
    request = revocation_request(PROVIDER, BASIC, "a token & more", hint)
    assert (request.method, request.url) == ("POST", f"{ISSUER}/revoke")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert dict(parse_qsl(request.body.decode(), strict_parsing=True)) == {
        "token": "a token & more",
        "token_type_hint": hint,
    }
    assert request.headers["authorization"] == "Basic YzE6czE="


def test_a_public_client_says_who_it_is() -> None:
    client = ClientAuthentication(method="none", client_id="c1")
    request = revocation_request(PROVIDER, client, "t", "refresh_token")
    assert dict(parse_qsl(request.body.decode()))["client_id"] == "c1"
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("registered", "method"),
    [
        ({}, "client_secret_basic"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "client_secret_post"),
        ({"revocation_endpoint_auth_method": "client_secret_post"}, "client_secret_post"),
    ],
)
def test_the_client_authenticates_as_it_is_registered(registered: dict[str, str], method: str) -> None:
    """RFC 8414 2: as at the token endpoint, unless this one has a method of its own"""
    client = ClientMetadata("c1", "s1", **registered)
    assert authentication_method(client, PROVIDER, "revocation") == method


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"\xff"], ids=repr)
def test_a_success_says_nothing(body: bytes) -> None:
    """RFC 7009 2.2: the body is ignored"""
    read_revocation(HttpResponse(status=200, body=body))
    read_revocation(HttpResponse(status=204))


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (rejected(400, {"error": "unsupported_token_type"}), OAuthError),
        (rejected(401, {"error": "invalid_client"}), OAuthError),
        (rejected(400, {"error": 5}), ProviderError),
        (HttpResponse(status=404, body=b"not here"), ProviderError),
        (HttpResponse(status=500), ProviderUnreachable),
        (HttpResponse(status=503, headers={"retry-after": "1"}), ProviderError),
    ],
    ids=lambda value: str(getattr(value, "status", "")),
)
def test_all_else_is_a_failure(response: HttpResponse, error: type[ProviderError]) -> None:
    """RFC 7009 2.2.1"""
    with pytest.raises(error):
        read_revocation(response)


@pytest.mark.parametrize("status", [202, 302, 307])
def test_another_status_revoked_nothing(status: int) -> None:
    """RFC 7009 2.2: above all, a redirect is not followed, and not a success"""
    with pytest.raises(ProviderError):
        read_revocation(HttpResponse(status=status, headers={"location": "https://evil.example"}))


def test_no_message_has_what_the_provider_quotes() -> None:
    """threat model 250"""
    with pytest.raises(OAuthError) as caught:
        read_revocation(rejected(400, {"error": "invalid_request", "error_description": QUOTED}))
    assert QUOTED[:8] not in "".join(traceback.format_exception(caught.value))
