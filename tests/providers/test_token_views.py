"""Access tokens of real providers at the APIs of a Flask and a Quart application that are served over HTTP."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from oidc_async import ProviderConfiguration

from .apps import serving
from .canaille_provider import CanailleProvider
from .configurations import configuration_of
from .node_provider import NodeProvider
from .real_provider import RealProvider
from .tokens import alices_tokens, revoke, service_token
from .visitor import Visitor, left_for

OPAQUE = {"scope": "openid api:read", "resource": "https://opaque.example"}
JWT = {"scope": "openid api:read", "resource": "https://jwt.example"}
UNTYPED: dict[str, Any] = {"access_token_verification": "jwt", "accept_untyped_access_tokens": True}

# the API, and how its tokens are got: provider, client, parameters
TOKENS: dict[str, tuple[str, str, dict[str, str]]] = {
    "canaille": ("canaille", "basic", {}),
    "canaille-jwt": ("canaille", "portal", {}),
    "node-opaque": ("node_provider", "basic", OPAQUE),
    "node-signed": ("node_provider", "basic", OPAQUE),
    "node-jwt": ("node_provider", "basic", JWT),
    "node-auto": ("node_provider", "basic", JWT),
}
REVOCABLE = ["canaille", "node-opaque", "node-signed"]


def configurations_of(canaille: CanailleProvider, node: NodeProvider) -> dict[str, ProviderConfiguration]:
    signed = {"introspection_signed_response_alg": "RS256"}
    basic = node.clients["basic"]
    return {
        "canaille": configuration_of(canaille, canaille.clients["basic"]),
        "canaille-jwt": configuration_of(canaille, canaille.clients["api"], audience="api", **UNTYPED),
        "node-opaque": configuration_of(node, basic, audience=OPAQUE["resource"]),
        "node-signed": configuration_of(node, node.clients["signed"], metadata=signed, audience=OPAQUE["resource"]),
        "node-jwt": configuration_of(node, basic, audience=JWT["resource"], access_token_verification="jwt"),
        "node-auto": configuration_of(node, basic, audience=JWT["resource"], access_token_verification="auto"),
    }


@pytest.fixture(scope="module", params=["flask", "quart"])
def app(
    request: pytest.FixtureRequest, apps: list[str], canaille: CanailleProvider, node_provider: NodeProvider
) -> Iterator[str]:
    """The address of an application with an API of each name above."""
    address = apps[["flask", "quart"].index(request.param)]
    with serving(request.param, configurations_of(canaille, node_provider), address):
        yield address


@pytest.fixture(params=TOKENS)
def api(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def token(api: str, request: pytest.FixtureRequest, apps: list[str]) -> str:
    """A token of alice's for this API."""
    return token_for(api, request, apps)


def token_for(api: str, request: pytest.FixtureRequest, apps: list[str]) -> str:
    provider, client, parameters = TOKENS[api]
    tokens = alices_tokens(request.getfixturevalue(provider), client, apps[0], **parameters)
    token: str = tokens["access_token"]
    return token


def ask(app: str, path: str, token: str | None = None) -> httpx.Response:
    headers = {"Accept": "application/json"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
    return httpx.get(f"{app}{path}", headers=headers, trust_env=False)


def rejection(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"], answer.headers["www-authenticate"]


def counters(app: str, api: str) -> dict[str, Any]:
    counted: dict[str, Any] = ask(app, "/counters").json()[api]
    return counted


def test_a_token_shows_whose_it_is(app: str, api: str, token: str) -> None:
    before = counters(app, api)
    answers = [ask(app, f"/api/{api}", token) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert {answer.json()["identity"]["sub"] for answer in answers} == {"alice"}
    after = counters(app, api)
    assert (after["misses"] - before["misses"], after["hits"] - before["hits"]) == (1, 2)
    assert after["upstream_calls"] - before["upstream_calls"] == (0 if api.endswith(("jwt", "auto")) else 1)


def test_nobody_gets_in_without_a_token(app: str, api: str) -> None:
    answer = ask(app, f"/api/{api}")
    assert rejection(answer) == (401, "bearer_token_missing", "Bearer")


def test_the_scope_that_is_missing_is_named(app: str, api: str, token: str) -> None:
    status, error, challenge = rejection(ask(app, f"/api/{api}/write", token))
    assert (status, error) == (403, "insufficient_scope")
    assert 'scope="api:write"' in challenge


@pytest.mark.parametrize(
    ("resource", "name"), [("https://opaque.example", "node-opaque"), ("https://jwt.example", "node-jwt")]
)
def test_the_scope_that_is_granted_lets_in(app: str, resource: str, name: str, node_provider: NodeProvider) -> None:
    token = service_token(node_provider, "basic", scope="api:write", resource=resource)
    answer = ask(app, f"/api/{name}/write", token)
    assert (answer.status_code, answer.json()["identity"]["scope"]) == (200, "api:write")


@pytest.mark.parametrize("name", REVOCABLE)
def test_a_revoked_token_is_rejected(app: str, name: str, request: pytest.FixtureRequest, apps: list[str]) -> None:
    token = token_for(name, request, apps)
    provider, client, _ = TOKENS[name]
    revoke(request.getfixturevalue(provider), client, token)
    status, error, challenge = rejection(ask(app, f"/api/{name}", token))
    assert (status, error) == (403, "invalid_token")
    assert 'error="invalid_token"' in challenge


@pytest.mark.parametrize(
    ("resource", "name"),
    [("https://another-opaque.example", "node-opaque"), ("https://another-jwt.example", "node-jwt")],
)
def test_a_token_for_another_api_is_rejected(app: str, resource: str, name: str, node_provider: NodeProvider) -> None:
    token = service_token(node_provider, "basic", scope="api:read", resource=resource)
    assert rejection(ask(app, f"/api/{name}", token))[:2] == (403, "invalid_token")


def test_what_the_provider_never_introspects_is_not_an_outage(app: str, node_provider: NodeProvider) -> None:
    """To ask again would be of no use."""
    token = service_token(node_provider, "basic", scope="api:read", resource=JWT["resource"])
    assert rejection(ask(app, "/api/node-opaque", token))[:2] == (403, "invalid_token")


@pytest.mark.parametrize("name", ["canaille-jwt", "node-auto"])
def test_an_api_for_several_providers_asks_the_right_one(
    app: str, name: str, request: pytest.FixtureRequest, apps: list[str]
) -> None:
    provider: RealProvider = request.getfixturevalue(TOKENS[name][0])
    answer = ask(app, "/api/any", token_for(name, request, apps))
    assert answer.status_code == 200
    assert answer.json()["identity"]["iss"] == provider.issuer


def test_a_view_for_both_takes_a_token_or_begins_a_login(
    app: str, visitor: Visitor, request: pytest.FixtureRequest, apps: list[str], canaille: CanailleProvider
) -> None:
    by_token = ask(app, "/either/canaille", token_for("canaille", request, apps))
    assert by_token.json()["identity"]["sub"] == "alice"
    assert ask(app, "/either/canaille", "made-up").status_code == 403
    authorization_url = left_for(visitor.open(f"{app}/either/canaille", within=app))
    page = visitor.open(canaille.login(visitor, authorization_url, canaille.alice), within=app)
    assert (page.status, page.url, page.text.strip()) == (200, f"{app}/either/canaille", '{"identity":null}')
