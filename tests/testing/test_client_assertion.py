"""A client's assertion at the simulated provider: each way in which one can be wrong."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from oidc_async.protocol.http_message import HttpRequest
from oidc_async.testing import Clock, SimulatedProvider
from tests.protocol.signing import SECRET, compact, ec_key, key_for, public_jwk, rsa_key
from tests.testing.mini_relying_party import FORM, read

NOW = 1_700_000_000
ISSUER = "https://op.example"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLAIMS: dict[str, Any] = {
    "iss": "c1",
    "sub": "c1",
    "aud": ISSUER,
    "jti": "first",
    "iat": NOW,
    "exp": NOW + 60,
}
JWKS = {
    "keys": [
        public_jwk(rsa_key(), kid="r", use="sig"),
        public_jwk(ec_key("P-256"), kid="e", use="sig", alg="ES256"),
        public_jwk(rsa_key(), kid="enc", use="enc"),
        public_jwk(rsa_key(), kid="ps", use="sig", alg="PS256"),
    ]
}


@pytest.fixture(params=["client_secret_jwt", "private_key_jwt"])
def method(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def provider(method: str) -> SimulatedProvider:
    provider = SimulatedProvider(ISSUER, clock=Clock(NOW))
    if method == "client_secret_jwt":
        provider.register("c1", SECRET, token_endpoint_auth_method=method)
    else:
        provider.register("c1", jwks=JWKS, token_endpoint_auth_method=method)
    return provider


def assertion(method: str, claims: Mapping[str, Any] = CLAIMS, **changes: Any) -> str:
    alg, kid = ("HS256", None) if method == "client_secret_jwt" else ("RS256", "r")
    header = {"alg": alg, "kid": kid, "typ": "JWT", **changes.pop("header", {})}
    changed = {**claims, **changes}
    payload = {name: value for name, value in changed.items() if value is not None}
    return compact(header, payload, alg=alg)


def ask(provider: SimulatedProvider, jwt: str, path: str = "/token", **fields: str) -> tuple[int, str]:
    """Status and error of a request with this assertion."""
    form = {"grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": jwt, **fields}
    request = HttpRequest(method="POST", url=ISSUER + path, headers=FORM, body=urlencode(form).encode())
    response = provider.handle(request)
    return response.status, str(read(response).get("error", ""))


@pytest.mark.parametrize(
    "changes", [{}, {"aud": [ISSUER]}, {"exp": NOW + 300}, {"iat": NOW + 5}, {"exp": NOW + 1}, {"nbf": NOW}], ids=str
)
@pytest.mark.parametrize("path", ["/token", "/introspect"])
def test_a_valid_assertion_is_accepted(provider: SimulatedProvider, method: str, path: str, changes: Any) -> None:
    assert ask(provider, assertion(method, **changes), path, token="any") == (200, "")


@pytest.mark.parametrize(
    "changes",
    [
        *({name: None} for name in CLAIMS),
        {"iss": "c2"},
        {"sub": "c2"},
        {"aud": f"{ISSUER}/"},
        {"aud": f"{ISSUER}/token"},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": [ISSUER, f"{ISSUER}/token"]},
        {"aud": []},
        {"jti": ""},
        {"jti": 5},
        {"iat": NOW + 6},
        {"iat": str(NOW)},
        {"iat": NOW + 0.5},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": NOW + 301},
        {"iat": NOW - 400, "exp": NOW + 10},
        {"exp": str(NOW + 60)},
        {"exp": True},
        {"header": {"alg": "none"}},
        {"header": {"alg": "RS384"}},
        {"header": {"alg": "ES256", "kid": "r"}},
        {"header": {"alg": 5}},
    ],
    ids=str,
)
def test_any_other_is_rejected(provider: SimulatedProvider, method: str, changes: Any) -> None:
    """threat model 263"""
    assert ask(provider, assertion(method, **changes)) == (401, "invalid_client")


@pytest.mark.parametrize("kid", [None, "other", "e", "enc", "ps", 5])
def test_the_key_is_the_one_that_is_named(kid: object) -> None:
    provider = SimulatedProvider(ISSUER, clock=Clock(NOW))
    provider.register("c1", jwks=JWKS, token_endpoint_auth_method="private_key_jwt")
    assert ask(provider, assertion("private_key_jwt", header={"kid": kid})) == (401, "invalid_client")


def test_an_assertion_is_good_once(provider: SimulatedProvider, method: str) -> None:
    """threat model 263"""
    token = assertion(method)
    assert [ask(provider, token), ask(provider, token)] == [(200, ""), (401, "invalid_client")]
    assert ask(provider, assertion(method, exp=NOW + 61)) == (401, "invalid_client")
    assert ask(provider, assertion(method, jti="second")) == (200, "")


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"client_id": "c1"}, (200, "")),
        ({"client_id": "c2"}, (401, "invalid_client")),
        (
            {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
            (401, "invalid_client"),
        ),
        ({"client_secret": SECRET}, (400, "invalid_request")),
    ],
    ids=str,
)
def test_what_is_beside_it_must_fit(
    provider: SimulatedProvider, method: str, fields: dict[str, str], outcome: tuple[int, str]
) -> None:
    assert ask(provider, assertion(method), **fields) == outcome


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "e30.e30.e30", "W10.W10.", "e30.e30", "é.é.é"])
def test_anything_but_a_jwt_is_rejected(provider: SimulatedProvider, token: str) -> None:
    assert ask(provider, token) == (401, "invalid_client")


def test_the_other_method_is_rejected(provider: SimulatedProvider, method: str) -> None:
    other = "private_key_jwt" if method == "client_secret_jwt" else "client_secret_jwt"
    assert ask(provider, assertion(other)) == (401, "invalid_client")


@pytest.mark.parametrize(("alg", "outcome"), [("RS256", (200, "")), ("PS256", (401, "invalid_client"))])
def test_a_registered_algorithm_is_the_only_one(alg: str, outcome: tuple[int, str]) -> None:
    provider = SimulatedProvider(ISSUER, clock=Clock(NOW))
    method = "private_key_jwt"
    provider.register("c1", jwks=JWKS, token_endpoint_auth_method=method, token_endpoint_auth_signing_alg=alg)
    assert ask(provider, assertion(method)) == outcome


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"])
def test_a_signature_is_that_of_its_key(alg: str) -> None:
    key = key_for(alg)
    provider = SimulatedProvider(ISSUER, clock=Clock(NOW))
    jwk = public_jwk(key, kid="k", use="sig")
    provider.register("c1", jwks={"keys": [jwk]}, token_endpoint_auth_method="private_key_jwt")
    token = compact({"alg": alg, "kid": "k"}, CLAIMS, alg=alg)
    head, body, signature = token.split(".")
    other = compact({"alg": alg, "kid": "k"}, {**CLAIMS, "jti": "x"}, alg=alg).rpartition(".")[2]
    outcomes = [ask(provider, each) for each in (f"{head}.{body}.{other}", f"{head}.{body}.{signature[:-4]}", token)]
    assert outcomes == [(401, "invalid_client"), (401, "invalid_client"), (200, "")]
