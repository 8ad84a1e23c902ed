"""Which access tokens a configuration takes, and settings that would take too many: threat model 364 to 368."""

import logging
from typing import Any

import pytest

from oidc_async import ClientMetadata, ProviderConfiguration
from oidc_async.errors import ClaimInvalid, ConfigurationError
from oidc_async.resource_server.resource_server import ResourceServer
from oidc_async.testing import stages
from oidc_async.testing.faults.documents import without
from tests.core.api import API, ISSUER, SECRET, new_api
from tests.core.worlds import World

JWT: dict[str, Any] = {"audience": "app", "access_token_verification": "jwt"}
UNTYPED: dict[str, Any] = {**JWT, "accept_untyped_access_tokens": True}
CLIENT = ClientMetadata("api", SECRET)
NO_AUD = stages.harmless("no aud", stages.ACCESS_TOKEN_CLAIMS(without("aud")))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        pytest.param({"audience_claim": "client_id"}, "access_token_verification", id="366 with introspection"),
        pytest.param(
            {"audience_claim": "client_id", "audience": "app", "access_token_verification": "auto"},
            "access_token_verification",
            id="366 with auto",
        ),
        pytest.param({**JWT, "audience_claim": "sub"}, "audience_claim", id="366 in any claim"),
        pytest.param({**JWT, "audience_claim": None}, "audience_claim", id="366 in none"),
        pytest.param(
            {"audience_claim": "client_id", "access_token_verification": "jwt"}, "audience", id="366 without audience"
        ),
        pytest.param({**JWT, "audience": {}}, "audience", id="no audience"),
        pytest.param({**JWT, "audience": b"app"}, "audience", id="an audience in bytes"),
        pytest.param({"access_token_clients": ()}, "access_token_clients", id="367 no clients"),
        pytest.param({"access_token_clients": [5]}, "access_token_clients", id="367 a number"),
        pytest.param({"access_token_clients": {"app": 1}}, "access_token_clients", id="367 a mapping"),
        pytest.param({"access_token_subjects": [""]}, "access_token_subjects", id="367 an empty subject"),
        pytest.param({**JWT, "access_token_marks": {"scope": True}}, "accept_untyped_access_tokens", id="368 typed"),
        pytest.param(
            {"accept_untyped_access_tokens": True, "access_token_marks": {"scope": True}},
            "access_token_verification",
            id="368 with introspection",
        ),
        pytest.param({**UNTYPED, "access_token_marks": {"roles": True}}, "access_token_marks", id="368 no mark"),
    ],
)
def test_settings_that_would_take_too_much_or_do_nothing_are_a_mistake(settings: dict[str, Any], named: str) -> None:
    """threat model 366 to 368."""
    with pytest.raises(ConfigurationError, match=named):
        ProviderConfiguration(ISSUER, client_metadata=CLIENT, **settings)


@pytest.mark.parametrize(
    ("settings", "warns"),
    [
        pytest.param({}, True, id="365 nothing tells"),
        pytest.param({"audience": "https://api.example"}, True, id="365 an audience alone"),
        pytest.param({"client_metadata": CLIENT}, False, id="a client"),
        pytest.param({"access_token_clients": "app"}, False, id="clients"),
        pytest.param({"access_token_subjects": "alice"}, False, id="subjects"),
        pytest.param({"access_token_marks": {"scope": True}}, False, id="a mark"),
        pytest.param({"audience_claim": "client_id"}, False, id="the mark of audience_claim"),
        pytest.param({"accept_untyped_access_tokens": False}, False, id="typed tokens"),
    ],
)
def test_a_start_with_nothing_that_tells_id_tokens_warns(
    settings: dict[str, Any], warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 365."""
    ResourceServer(ProviderConfiguration(ISSUER, **{**UNTYPED, **settings}))
    logged = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(logged) == warns
    assert all("access_token_marks" in record.getMessage() for record in logged)


def issue(api: API, **claims: Any) -> str:
    with api.provider.misbehaving(NO_AUD):
        return api.issue(jwt=True, header={"typ": "JWT"}, claims=claims)


def test_tokens_as_cognito_issues_them(either_world: World) -> None:
    """threat model 366."""
    api = new_api(either_world, client_metadata=None, **UNTYPED, audience_claim="client_id")
    assert api.verify(issue(api, token_use="access")).client_id == "app"
    for claims in ({}, {"token_use": "id"}, {"token_use": "access", "client_id": "other"}):
        assert isinstance(api.rejection(issue(api, **claims)), ClaimInvalid)


ACCEPTS: list[dict[str, Any]] = [
    {},
    {"audience_claim": "client_id"},
    {"access_token_clients": "other"},
    {"access_token_subjects": "bob"},
    {"access_token_marks": {"scope": True}},
    {"access_token_marks": {"scp": True}},
    {"access_token_marks": {"token_use": "access"}},
]


def test_what_one_configuration_found_out_serves_no_other(either_world: World) -> None:
    """threat model 235: a cache may be shared."""
    first = new_api(either_world, client_metadata=None, **UNTYPED)
    apis = [
        new_api(
            either_world,
            first.provider,
            client_metadata=None,
            runtime=first.server.configuration.runtime,
            **UNTYPED,
            **more,
        )
        for more in ACCEPTS
    ]
    servers: list[Any] = [getattr(api.server, "_origin", api.server) for api in apis]
    assert len({server._role.identity for server in servers}) == len(ACCEPTS)


def test_an_introspected_token_is_of_an_accepted_client_and_subject(either_world: World) -> None:
    """threat model 367: a provider answers for the tokens of all its clients."""
    clients = new_api(either_world, enforce_audience=False, access_token_clients={"app"})
    assert clients.verify(clients.issue()).client_id == "app"
    assert isinstance(clients.rejection(clients.issue("api")), ClaimInvalid)
    subjects = new_api(either_world, enforce_audience=False, access_token_subjects=["bob"])
    assert isinstance(subjects.rejection(subjects.issue()), ClaimInvalid)
