"""The simulated provider's registration endpoint is strict, and its faults change what they say."""

import json
import secrets
from typing import Any

import pytest

from oidc_async.protocol.http_message import HttpRequest
from oidc_async.testing import REGISTRATION_FAULTS, Clock, Misbehaviour, SimulatedProvider
from oidc_async.testing.reply import Reply

ENDPOINT = "https://op.example/register"
METADATA: dict[str, Any] = {"redirect_uris": ["https://rp.example/cb"], "client_name": "N"}


@pytest.fixture
def provider() -> SimulatedProvider:
    provider = SimulatedProvider(clock=Clock(1_700_000_000.0))
    provider.open_registration()
    return provider


def ask(
    provider: SimulatedProvider,
    metadata: object = METADATA,
    *,
    method: str = "POST",
    url: str = ENDPOINT,
    token: str | None = None,
    content_type: str = "application/json",
) -> Reply:
    headers = {"content-type": content_type, **({} if token is None else {"authorization": f"Bearer {token}"})}
    body = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
    return provider.handle(HttpRequest(method=method, url=url, headers=headers, body=body))


def registered(provider: SimulatedProvider, **metadata: Any) -> dict[str, Any]:
    reply = ask(provider, {**METADATA, **metadata})
    assert reply.status == 201, reply.body
    document: dict[str, Any] = json.loads(reply.body)
    return document


def manage(provider: SimulatedProvider, client: dict[str, Any], method: str, metadata: object = None) -> Reply:
    token = client["registration_access_token"]
    return ask(provider, metadata, method=method, url=client["registration_client_uri"], token=token)


def error_of(reply: Reply) -> str:
    return f"{reply.status} {json.loads(reply.body)['error']}"


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        (b"{", "400 invalid_client_metadata"),
        ([], "400 invalid_client_metadata"),
        ({}, "400 invalid_redirect_uri"),
        ({"redirect_uris": []}, "400 invalid_redirect_uri"),
        ({"redirect_uris": ["http://rp.example/cb"]}, "400 invalid_redirect_uri"),
        ({"redirect_uris": "https://rp.example/cb"}, "400 invalid_redirect_uri"),
        ({**METADATA, "client_id": "c1"}, "400 invalid_client_metadata"),
        ({**METADATA, "client_secret": "s"}, "400 invalid_client_metadata"),
        ({**METADATA, "response_types": ["code id_token"]}, "400 invalid_client_metadata"),
        ({**METADATA, "response_types": ["other"], "grant_types": ["implicit"]}, "400 invalid_client_metadata"),
        ({**METADATA, "grant_types": ["refresh_token"]}, "400 invalid_client_metadata"),
        ({**METADATA, "token_endpoint_auth_method": "by_handshake"}, "400 invalid_client_metadata"),
        ({**METADATA, "id_token_signed_response_alg": "none"}, "400 invalid_client_metadata"),
        ({**METADATA, "jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}, "400 invalid_client_metadata"),
        ({**METADATA, "jwks": {"keys": []}, "jwks_uri": "https://rp.example/j"}, "400 invalid_client_metadata"),
        ({**METADATA, "backchannel_logout_uri": "http://rp.example/"}, "400 invalid_client_metadata"),
    ],
    ids=str,
)
def test_what_it_rejects(provider: SimulatedProvider, metadata: object, error: str) -> None:
    assert error_of(ask(provider, metadata)) == error
    assert provider.registered_clients == ()


def test_it_wants_json_and_the_initial_access_token(provider: SimulatedProvider) -> None:
    assert error_of(ask(provider, content_type="text/plain")) == "400 invalid_request"
    provider.open_registration(initial_access_token="t1")
    assert error_of(ask(provider)) == error_of(ask(provider, token="t2")) == "401 invalid_token"
    assert ask(provider, token="t1").status == 201


def test_where_nobody_may_register_there_is_no_endpoint() -> None:
    provider = SimulatedProvider()
    assert ask(provider).status == 404
    discovery = provider.handle(HttpRequest(method="GET", url="https://op.example/.well-known/openid-configuration"))
    assert "registration_endpoint" not in json.loads(discovery.body)


def test_only_the_last_access_token_manages_a_client(provider: SimulatedProvider) -> None:
    client, other = registered(provider), registered(provider)
    stolen = {**client, "registration_access_token": other["registration_access_token"]}
    for method in ("GET", "PUT", "DELETE"):
        assert error_of(manage(provider, stolen, method, METADATA)) == "401 invalid_token"
    body = {**METADATA, "client_id": client["client_id"]}
    assert manage(provider, client, "PUT", body).status == 200
    assert error_of(manage(provider, client, "GET")) == "401 invalid_token"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"client_id": None},
        {"client_secret": "another"},
        {"registration_access_token": "t"},
        {"client_secret_expires_at": 0},
    ],
    ids=str,
)
def test_an_update_must_not_tell_what_the_provider_says(provider: SimulatedProvider, changes: dict[str, Any]) -> None:
    client = registered(provider)
    body = {**METADATA, "client_id": client["client_id"], **changes}
    assert error_of(manage(provider, client, "PUT", body)) == "400 invalid_request"


def test_a_deleted_client_is_gone(provider: SimulatedProvider) -> None:
    client = registered(provider)
    assert manage(provider, client, "DELETE").status == 204
    assert provider.registered_clients == ()
    assert error_of(manage(provider, client, "GET")) == "401 invalid_token"


def test_secrets_expire_and_are_renewed_for_a_client_that_asks(provider: SimulatedProvider) -> None:
    provider.open_registration(secret_seconds=60, renews_secrets=True)
    client = registered(provider)
    assert client["client_secret_expires_at"] == 1_700_000_060
    assert json.loads(manage(provider, client, "GET").body) == client
    provider.clock.advance(60)
    renewed = json.loads(manage(provider, client, "GET").body)
    assert renewed["client_secret"] != client["client_secret"]
    assert renewed["client_secret_expires_at"] == 1_700_000_120


@pytest.mark.parametrize("fault", REGISTRATION_FAULTS, ids=str)
def test_each_fault_shows(monkeypatch: pytest.MonkeyPatch, fault: Misbehaviour) -> None:
    """Where whatever is random is always the same."""
    monkeypatch.setattr(secrets, "token_urlsafe", lambda size: f"random-{size}")
    replies: list[Reply] = []
    for faults in ([], [fault]):
        provider = SimulatedProvider(clock=Clock(1_700_000_000.0))
        provider.open_registration()
        with provider.misbehaving(*faults):
            replies.append(ask(provider))
    assert replies[0].status == 201
    assert replies[1] != replies[0]


def test_the_faults_are_those_of_a_registration() -> None:
    assert {fault.exchange for fault in REGISTRATION_FAULTS} == {"registration"}
    assert len(REGISTRATION_FAULTS) == 43


def test_metadata_that_mean_nothing_here_are_taken(provider: SimulatedProvider) -> None:
    """RFC 7591 2: by a request and by hand"""
    assert registered(provider, contacts=["dev@rp.example"], x_color="red")["contacts"] == ["dev@rp.example"]
    client = provider.register("c1", "a secret", redirect_uris=METADATA["redirect_uris"], contacts=["dev@rp.example"])
    assert client.redirect_uris == tuple(METADATA["redirect_uris"])
