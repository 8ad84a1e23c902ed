"""The revocation endpoint (RFC 7009), as a client written by hand sees it."""

from urllib.parse import urlencode

import pytest

from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.testing import SimulatedProvider

from .conftest import SECRET
from .mini_relying_party import FORM, REDIRECT_URI, MiniRelyingParty, basic, read


def revoke(rp: MiniRelyingParty, secret: str = SECRET, client_id: str = "client1", **form: str) -> HttpResponse:
    url = rp.discover()["revocation_endpoint"]
    headers = {**FORM, "Authorization": basic(client_id, secret)}
    return rp.send(HttpRequest(method="POST", url=url, headers=headers, body=urlencode(form).encode()))


@pytest.fixture
def tokens(provider: SimulatedProvider, rp: MiniRelyingParty) -> dict[str, str]:
    """Those of a login."""
    rp.scope = "openid offline_access"
    return rp.log_in(provider).tokens


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "no such hint"])
def test_a_refresh_token_takes_all_tokens_of_its_login_along(
    rp: MiniRelyingParty, tokens: dict[str, str], hint: str
) -> None:
    """RFC 7009 2.1; the hint is no more than that."""
    assert revoke(rp, token=tokens["refresh_token"], token_type_hint=hint).status == 200
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert read(rp.ask_for_tokens(form))["error"] == "invalid_grant"
    assert rp.ask_who(tokens["access_token"]).status == 401


def test_an_access_token_goes_alone(rp: MiniRelyingParty, tokens: dict[str, str]) -> None:
    assert revoke(rp, token=tokens["access_token"]).status == 200
    assert rp.ask_who(tokens["access_token"]).status == 401
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert rp.ask_for_tokens(form).status == 200


def test_a_token_that_is_unknown_is_revoked_already(rp: MiniRelyingParty) -> None:
    """RFC 7009 2.2"""
    response = revoke(rp, token="unknown")
    assert (response.status, response.body) == (200, b"")


def test_a_client_revokes_its_own(provider: SimulatedProvider, rp: MiniRelyingParty, tokens: dict[str, str]) -> None:
    provider.register("other", "the secret of the other", redirect_uris=[REDIRECT_URI])
    for token in (tokens["refresh_token"], tokens["access_token"]):
        rejected = revoke(rp, "the secret of the other", "other", token=token)
        assert (rejected.status, read(rejected)["error"]) == (400, "invalid_grant")
    assert rp.ask_who(tokens["access_token"]).status == 200


def test_nobody_revokes_without_the_secret(rp: MiniRelyingParty, tokens: dict[str, str]) -> None:
    rejected = revoke(rp, "wrong", token=tokens["refresh_token"])
    assert (rejected.status, read(rejected)["error"]) == (401, "invalid_client")
    assert read(revoke(rp))["error"] == "invalid_request"
