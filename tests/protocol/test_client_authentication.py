"""How a client proves who it is: threat model 77."""

from base64 import b64decode
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import pytest

from oidc_async.errors import ConfigurationError
from oidc_async.protocol.client_authentication import (
    METHODS,
    ClientAuthentication,
    authenticated_request,
    authentication_method,
    require_client,
    uses_mtls,
)
from oidc_async.protocol.metadata import ClientMetadata, ProviderMetadata

ENDPOINT = "https://op.example/token"
METHOD = "token_endpoint_auth_method"
PUBLIC = {"client_id": "c1"}
SECRET = {"client_secret": "s1"}
ALG = "token_endpoint_auth_signing_alg"
JWT = {**PUBLIC, METHOD: "client_secret_jwt", "client_secret": "a client secret of 32 bytes, and not one more"[:32]}
ODD = "a b+c%d:e&f=g/é𝄞\u20ac"


def request(method: str, client_id: str = "c1", secret: str | None = "s1") -> tuple[dict[str, str], str | None]:
    """The form and the Authorization header of a request by this client."""
    client = ClientAuthentication(method=method, client_id=client_id, client_secret=secret)
    made = authenticated_request(ENDPOINT, {"grant_type": "authorization_code"}, client)
    assert (made.method, made.url, made.repeatable) == ("POST", ENDPOINT, False)
    return dict(parse_qsl(made.body.decode("ascii"), strict_parsing=True)), made.headers.get("authorization")


@pytest.mark.parametrize(("client_id", "secret"), [("c1", "s1"), (ODD, ODD), ("https://rp.example/", ":")], ids=ascii)
def test_basic_credentials_are_form_encoded_before_they_are_joined(client_id: str, secret: str) -> None:
    """threat model 77."""
    form, header = request("client_secret_basic", client_id, secret)
    assert form == {"grant_type": "authorization_code"}
    scheme, _, credentials = (header or "").partition(" ")
    first, _, second = b64decode(credentials, validate=True).decode("ascii").partition(":")
    assert scheme == "Basic"
    assert (unquote_plus(first), unquote_plus(second)) == (client_id, secret)


def test_a_space_in_basic_credentials_is_a_plus() -> None:
    """threat model 77: forms are encoded so, and providers decode so."""
    _, header = request("client_secret_basic", "a b", "c+d%")
    assert b64decode((header or "").removeprefix("Basic ")) == b"a+b:c%2Bd%25"


def test_posted_credentials_are_in_the_form_only() -> None:
    form, header = request("client_secret_post", ODD, ODD)
    assert form == {"grant_type": "authorization_code", "client_id": ODD, "client_secret": ODD}
    assert header is None


def test_a_public_client_sends_its_id_and_never_a_secret() -> None:
    form, header = request("none", "c1", "s1")
    assert form == {"grant_type": "authorization_code", "client_id": "c1"}
    assert header is None


@pytest.mark.parametrize(
    ("client", "supported", "method"),
    [
        pytest.param(SECRET, None, "client_secret_basic", id="basic-by-default"),
        pytest.param(SECRET, ["client_secret_post"], "client_secret_post", id="post-if-basic-is-not"),
        pytest.param(SECRET, ["client_secret_post", "client_secret_basic"], "client_secret_basic", id="both"),
        pytest.param(SECRET, ["none"], "client_secret_basic", id="a-secret-is-always-used"),
        pytest.param(SECRET, [], "client_secret_basic", id="nothing-supported"),
        pytest.param({}, ["client_secret_basic"], "none", id="public"),
        pytest.param({**SECRET, METHOD: "client_secret_post"}, ["none"], "client_secret_post", id="post"),
        pytest.param({**SECRET, METHOD: "none"}, None, "none", id="registered-as-public"),
    ],
)
def test_the_method_is_the_registered_one_or_one_that_the_provider_supports(
    client: dict[str, Any], supported: list[str] | None, method: str
) -> None:
    """threat model 11: without metadata about it, client_secret_basic."""
    provider = ProviderMetadata("https://op.example", token_endpoint_auth_methods_supported=supported)
    assert authentication_method(ClientMetadata("c1", **client), provider) == method


@pytest.mark.parametrize(
    "client",
    [
        {"client_id": "c1"},
        {"client_id": ODD, "client_secret": ODD},
        {"client_id": "c1", "token_endpoint_auth_method": "none"},
        JWT,
        {**JWT, ALG: "HS256"},
        {**PUBLIC, METHOD: "private_key_jwt"},
        {**PUBLIC, METHOD: "private_key_jwt", ALG: "PS512"},
        {**PUBLIC, METHOD: "tls_client_auth"},
        {**PUBLIC, METHOD: "self_signed_tls_client_auth", "introspection_endpoint_auth_method": "none"},
    ],
    ids=lambda client: "-".join(map(ascii, client.values())),
)
def test_a_client_that_can_authenticate_is_accepted(client: dict[str, Any]) -> None:
    metadata = ClientMetadata(**client)
    require_client(metadata)
    assert authentication_method(metadata, ProviderMetadata()) in METHODS


@pytest.mark.parametrize(
    ("client", "setting"),
    [
        pytest.param({}, "client_id", id="no-client_id"),
        pytest.param({"client_id": ""}, "client_id", id="client_id-empty"),
        pytest.param({"client_id": 5}, "client_id", id="client_id-a-number"),
        pytest.param({"client_id": "\ud800"}, "client_id", id="client_id-no-text"),
        pytest.param({**PUBLIC, "client_secret": ""}, "client_secret", id="client_secret-empty"),
        pytest.param({**PUBLIC, "client_secret": 5}, "client_secret", id="client_secret-a-number"),
        pytest.param({**PUBLIC, "client_secret": b"s"}, "client_secret", id="client_secret-bytes"),
        pytest.param({**PUBLIC, "client_secret": "\ud800"}, "client_secret", id="client_secret-no-text"),
        pytest.param({**PUBLIC, METHOD: "client_secret_post"}, "client_secret", id="post-needs-a-secret"),
        pytest.param({**PUBLIC, METHOD: "client_secret_basic"}, "client_secret", id="basic-needs-a-secret"),
        pytest.param({**PUBLIC, METHOD: "client_secret_jwt"}, "client_secret", id="secret-jwt-needs-a-secret"),
        pytest.param(
            {**JWT, "client_secret": "short"}, "HS256 needs a client_secret", id="secret-jwt-needs-a-long-one"
        ),
        pytest.param({**JWT, ALG: "HS512"}, "HS512 needs a client_secret", id="secret-jwt-needs-a-longer-one"),
        pytest.param({**JWT, ALG: "RS256"}, ALG, id="secret-jwt-signs-by-no-key"),
        pytest.param({**JWT, ALG: "none"}, ALG, id="secret-jwt-signs"),
        pytest.param({**PUBLIC, METHOD: "private_key_jwt", ALG: "HS256"}, ALG, id="key-jwt-signs-by-no-secret"),
        pytest.param({**PUBLIC, METHOD: "private_key_jwt", ALG: "none"}, ALG, id="key-jwt-signs"),
        pytest.param({**PUBLIC, METHOD: "private_key_jwt", ALG: ["RS256"]}, ALG, id="key-jwt-alg-a-list"),
        pytest.param(
            {**PUBLIC, METHOD: "private_key_jwt", "revocation_endpoint_auth_signing_alg": "none"},
            "revocation_endpoint_auth_signing_alg",
            id="key-jwt-signs-elsewhere",
        ),
        pytest.param(
            {**PUBLIC, "revocation_endpoint_auth_method": "client_secret_post"},
            "revocation_endpoint_auth_method",
            id="revocation-method",
        ),
        pytest.param({**PUBLIC, METHOD: "certificate"}, METHOD, id="method-unknown"),
        pytest.param({**PUBLIC, METHOD: ["none"]}, METHOD, id="method-a-list"),
    ],
)
def test_a_client_that_cannot_authenticate_is_rejected(client: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigurationError, match=setting):
        require_client(ClientMetadata(**client))


@pytest.mark.parametrize("endpoint", ["token", "introspection", "revocation"])
def test_a_method_that_the_given_metadata_rule_out_is_rejected(endpoint: str) -> None:
    name = f"{endpoint}_endpoint_auth_method"
    client = ClientMetadata("c1", "s1", **{name: "client_secret_post"})
    provider = ProviderMetadata().copy(**{f"{name}s_supported": ["client_secret_basic", "none"]})
    require_client(client, ProviderMetadata())
    require_client(client.copy(**{name: "client_secret_basic"}), provider)
    with pytest.raises(ConfigurationError, match=f"{name} 'client_secret_post' is not in {name}s_supported"):
        require_client(client, provider)


@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth"])
def test_a_client_with_a_certificate_says_who_it_is_and_nothing_more(method: str) -> None:
    """RFC 8705 2.1, 2.2"""
    form, header = request(method, "c1", "s1")
    assert form == {"grant_type": "authorization_code", "client_id": "c1"}
    assert header is None


@pytest.mark.parametrize(
    ("client", "is_bound"),
    [
        ({}, False),
        ({METHOD: "private_key_jwt"}, False),
        ({METHOD: "tls_client_auth"}, True),
        ({METHOD: "none", "revocation_endpoint_auth_method": "self_signed_tls_client_auth"}, True),
        ({"tls_client_certificate_bound_access_tokens": True}, True),
        ({"tls_client_certificate_bound_access_tokens": False}, False),
    ],
)
def test_a_client_with_a_certificate_is_known_by_its_metadata(client: dict[str, Any], is_bound: bool) -> None:
    assert uses_mtls(ClientMetadata("c1", **client)) is is_bound


def test_no_secret_shows_in_the_text_of_a_client() -> None:
    """threat model 251."""
    members: dict[str, Any] = {
        "client_secret": "canary",
        "registration_access_token": "canary",
        "jwks": {"keys": [{"d": "canary"}]},
        "private_key": "canary",
        "software_statement": "canary",
        "client_assertion": "canary",
        "code": "canary",
        "code_verifier": "canary",
        "Client_Password": "canary",
        "odd\n_token": "canary",
        "token_endpoint_auth_method": "none",
        "id_token_signed_response_alg": "ES256",
    }
    metadata = ClientMetadata("c1", **members)
    secrets = {"method": "none", "client_id": "c1", "client_secret": "canary", "assertion": "canary"}
    for value in (metadata, ClientAuthentication(**secrets)):
        for text in (repr(value), str(value), f"{value}"):
            assert "canary" not in text
            assert "c1" in text
    assert "'token_endpoint_auth_method': 'none', 'id_token_signed_response_alg': 'ES256'" in repr(metadata)
    assert metadata.to_dict()["client_secret"] == "canary"
