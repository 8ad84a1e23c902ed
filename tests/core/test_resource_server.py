"""Access tokens without a framework: threat model G, H and N as the resource server sees them."""

import logging
from typing import Any
from urllib.parse import parse_qs

import pytest

from oidc_async import ClientMetadata, ClientRegistrationInfo, ProviderConfiguration, ProviderMetadata
from oidc_async.errors import (
    ClaimInvalid,
    ConfigurationError,
    InsufficientScope,
    InsufficientUserAuthentication,
    OAuthError,
    OIDCError,
    TokenError,
    TokenExpired,
    TokenInactive,
    TokenMalformed,
)
from oidc_async.protocol.access_grant import Requirements
from oidc_async.resource_server.resource_server import AsyncResourceServer, ResourceServer
from oidc_async.testing import Fault
from oidc_async.testing.faults.documents import without
from oidc_async.testing.stages import DISCOVERY, harmless
from tests.core.api import API, ISSUER, SECRET, START, new_api, new_provider
from tests.core.worlds import World

WITHOUT_ENDPOINT = harmless("no introspection", DISCOVERY(without("introspection_endpoint")))
POST, BASIC = "client_secret_post", "client_secret_basic"


@pytest.fixture
def api(either_world: World) -> API:
    return new_api(either_world)


def jwt_api(world: World, **configuration: Any) -> API:
    return new_api(world, **{"audience": "api", "access_token_verification": "jwt", **configuration})


# A token that is good


@pytest.mark.parametrize("verification", ["introspection", "jwt", "auto"])
@pytest.mark.parametrize("jwt", [False, True], ids=["opaque", "jwt"])
def test_a_valid_token_gives_access(either_world: World, verification: str, jwt: bool) -> None:
    api = new_api(either_world, audience="api", access_token_verification=verification)
    token = api.issue(scope="read write", jwt=jwt)
    if verification == "jwt" and not jwt:
        assert isinstance(api.rejection(token), TokenMalformed)
        return
    access = api.verify(token)
    assert (access.subject, access.client_id, access.issuer) == ("alice", "app", ISSUER)
    assert access.scopes == {"read", "write"}
    assert (list(access.audience), access.expires_at) == (["api"], START + 600)
    assert api.asked() == (verification == "introspection" or not jwt)


def test_a_token_of_a_client_has_no_user(api: API) -> None:
    access = api.verify(api.issue("app", username=None))
    assert (access.subject, access.client_id) == (None, "app")


def test_an_answer_for_a_client_that_registered_for_signed_ones_is_verified(either_world: World) -> None:
    """threat model 134; RFC 9701."""
    signed: dict[str, Any] = {"introspection_signed_response_alg": "RS256"}
    api = new_api(either_world, new_provider(**signed), client=signed)
    assert api.verify(api.issue()).subject == "alice"
    assert isinstance(api.rejection("guessed"), TokenInactive)
    assert [recorded.endpoint for recorded in api.provider.requests][:3] == ["discovery", "introspection", "jwks"]


def test_metadata_may_be_given_in_place_of_discovery(either_world: World) -> None:
    provider = new_provider()
    metadata = ProviderMetadata(
        issuer=ISSUER,
        authorization_endpoint=f"{ISSUER}/authorize",
        token_endpoint=f"{ISSUER}/token",
        jwks_uri=f"{ISSUER}/jwks",
        introspection_endpoint=f"{ISSUER}/introspect",
    )
    api = new_api(either_world, provider, issuer=None, provider_metadata=metadata)
    assert api.verify(api.issue()).subject == "alice"
    assert provider.count("discovery") == 0


# A token that is bad


@pytest.mark.parametrize(
    "token",
    ["guessed", "", "a&token_type_hint=refresh_token", "a.b.c", "é", "x" * 40_000],
    ids=lambda t: ascii(t[:12]),
)
def test_a_token_of_no_provider_is_inactive(api: API, token: str) -> None:
    """threat model 124, 136."""
    assert isinstance(api.rejection(token), TokenInactive)
    assert api.provider.requests[-1].form_names[1:] == ("token_type_hint",)


def test_half_a_character_is_rejected_without_a_request(api: API) -> None:
    """threat model 143."""
    assert isinstance(api.rejection("\ud800"), TokenMalformed)
    assert api.asked() == 0


def test_a_token_does_not_add_parameters(api: API) -> None:
    """threat model 136: not even behind a good one."""
    assert isinstance(api.rejection(api.issue() + "&client_id=app"), TokenInactive)


@pytest.mark.parametrize("jwt", [False, True], ids=["introspection", "jwt"])
def test_a_token_ends(either_world: World, jwt: bool) -> None:
    """threat model 127, 145."""
    api = jwt_api(either_world) if jwt else new_api(either_world)
    token = api.issue(jwt=jwt)
    api.verify(token)
    api.pass_time(600 + 31)
    assert isinstance(api.rejection(token), TokenExpired if jwt else TokenInactive)


def test_a_revoked_token_is_rejected_when_it_is_introspected(api: API) -> None:
    """threat model 145, 237."""
    token = api.issue()
    api.verify(token)
    api.provider.revoke_access_token(token)
    api.forget(token)
    assert isinstance(api.rejection(token), TokenInactive)


def test_an_id_token_is_rejected_as_an_access_token(either_world: World) -> None:
    """threat model 148: of the same issuer, for the same client, and signed by the same key."""
    for settings in ({}, {"accept_untyped_access_tokens": True, "audience": ["api", "client1"]}):
        api = jwt_api(either_world, **settings)
        with api.provider.misbehaving(Fault.ACCESS_TOKEN_ID_TOKEN):
            error = api.rejection(api.issue("api", jwt=True))
        assert isinstance(error, ClaimInvalid)
        assert error.claim in ("typ", "nonce")


@pytest.mark.parametrize("verification", ["jwt", "auto"])
@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": "application/jwt"}], ids=str)
def test_tokens_without_a_type_are_taken_as_configured(
    either_world: World, verification: str, header: dict[str, str]
) -> None:
    """threat model 148."""
    settings = {"audience": "https://api.example", "access_token_verification": verification}
    untyped = jwt_api(either_world, accept_untyped_access_tokens=True, **settings)
    token = untyped.issue(audience="https://api.example", jwt=True, header=header)
    assert untyped.verify(token).subject == "alice"
    assert untyped.asked() == 0
    typed = jwt_api(either_world)
    assert "accept_untyped_access_tokens" in str(typed.rejection(typed.issue(jwt=True, header=header)))


def test_an_algorithm_is_taken_when_it_is_configured(either_world: World) -> None:
    """threat model 150."""
    api = jwt_api(either_world, access_token_algorithms=("ES256",))
    assert api.rejection(api.issue(jwt=True)).code == "algorithm_not_allowed"
    api = jwt_api(either_world, access_token_algorithms=["ES256", "RS256"])
    assert api.verify(api.issue(jwt=True))


# Whom it is meant for


@pytest.mark.parametrize(
    ("settings", "audience", "taken"),
    [
        pytest.param({}, "api", True, id="the client itself, by default"),
        pytest.param({}, "other", False, id="another one"),
        pytest.param({}, ["other", "api"], True, id="one of two"),
        pytest.param({"audience": "https://api.example"}, "https://api.example", True, id="a name of its own"),
        pytest.param({"audience": "https://api.example"}, "api", False, id="in place of the client"),
        pytest.param({"audience": {"a", "b"}}, "b", True, id="one of several names"),
        pytest.param({"audience": ("a", "b")}, "c", False, id="none of several names"),
        pytest.param({"enforce_audience": False}, "other", True, id="anybody"),
    ],
)
def test_the_audience_is_enforced(
    either_world: World, settings: dict[str, Any], audience: str | list[str], taken: bool
) -> None:
    """threat model 127, 149."""
    api = new_api(either_world, **settings)
    token = api.issue(audience=audience)
    if taken:
        assert api.verify(token)
    else:
        error = api.rejection(token)
        assert isinstance(error, ClaimInvalid)
        assert error.claim == "aud"


def test_without_an_audience_the_setting_is_named(api: API) -> None:
    """threat model 127; contract.md 4."""
    with api.provider.misbehaving(Fault.INTROSPECTION_AUD_MISSING):
        assert "enforce_audience=False" in str(api.rejection(api.issue()))


def test_auto_asks_about_jwts_as_long_as_no_audience_is_configured(either_world: World) -> None:
    """threat model 149."""
    api = new_api(either_world, access_token_verification="auto")
    assert api.verify(api.issue(jwt=True)).subject == "alice"
    assert (api.asked(), api.statistics.verified_here) == (1, 0)


# What is required of it


@pytest.mark.parametrize(
    ("requirements", "error"),
    [
        pytest.param({"scopes": {"read"}}, None, id="the scope is there"),
        pytest.param({"scopes": {"read", "admin"}}, InsufficientScope, id="one is missing"),
        pytest.param({"scopes": {"rea"}}, InsufficientScope, id="146: a shorter word"),
        pytest.param({"any_scopes": {"admin", "read"}}, None, id="any"),
        pytest.param({"any_scopes": {"admin"}}, InsufficientScope, id="none"),
        pytest.param({"acr_values": ("urn:gold",)}, None, id="acr"),
        pytest.param({"acr_values": ("urn:platinum",)}, InsufficientUserAuthentication, id="a better acr"),
        pytest.param({"max_age": 100}, None, id="recent"),
        pytest.param({"max_age": 70}, None, id="recent by the leeway"),
        pytest.param({"max_age": 69}, InsufficientUserAuthentication, id="too long ago"),
    ],
)
def test_requirements_are_held_against_the_token_known_or_not(
    api: API, requirements: dict[str, Any], error: type[OIDCError] | None
) -> None:
    """threat model 146."""
    token = api.issue(scope="read write", claims={"acr": "urn:gold", "auth_time": START - 100})
    for _ in range(2):
        if error is None:
            assert api.verify(token, Requirements(**requirements))
        else:
            assert type(api.rejection(token, Requirements(**requirements))) is error
    assert api.verify(token)
    assert api.asked() == 1


def test_a_login_grows_old_while_the_token_is_known(api: API) -> None:
    """RFC 9470: an authentication that was recent enough before may be too old now."""
    token = api.issue(claims={"auth_time": START})
    recent = Requirements(max_age=10)
    assert api.verify(token, recent)
    api.pass_time(41)
    assert isinstance(api.rejection(token, recent), InsufficientUserAuthentication)
    assert api.asked() == 1


@pytest.mark.parametrize(
    ("settings", "server", "seconds"),
    [({}, {}, 30), ({}, {"clock_skew_seconds": 5}, 5), ({"clock_skew_seconds": 0}, {"clock_skew_seconds": 5}, 0)],
    ids=["by default", "of the server", "of the provider"],
)
def test_the_leeway_is_a_setting(
    either_world: World, settings: dict[str, Any], server: dict[str, Any], seconds: float
) -> None:
    api = new_api(either_world, server=server, **settings)
    assert api.verify(api.issue(claims={"nbf": START + seconds}))
    assert isinstance(api.rejection(api.issue(claims={"nbf": START + seconds + 1})), ClaimInvalid)


# How we ask


@pytest.mark.parametrize(
    ("registered", "used"),
    [
        pytest.param({}, BASIC, id="by default"),
        pytest.param({"token_endpoint_auth_method": POST}, POST, id="as at the token endpoint"),
        pytest.param({"introspection_endpoint_auth_method": POST}, POST, id="its own"),
        pytest.param(
            {"token_endpoint_auth_method": POST, "introspection_endpoint_auth_method": BASIC},
            BASIC,
            id="its own first",
        ),
    ],
)
@pytest.mark.parametrize("secret", [SECRET, "s+e c/r:e&t=%é, long enough for all"], ids=["plain", "awkward"])
def test_we_ask_as_the_client_is_registered(
    either_world: World, registered: dict[str, Any], used: str, secret: str
) -> None:
    """RFC 7662 2.1: the simulated provider takes one method only."""
    provider = new_provider()
    provider.register("api", secret, **registered)
    api = new_api(either_world, provider, client_metadata=ClientMetadata("api", secret, **registered))
    assert api.verify(api.issue()).subject == "alice"
    asked = api.provider.requests[-1]
    assert asked.client_id == "api"
    assert ("authorization" in asked.request.headers, "client_secret" in asked.form_names) == (
        used == BASIC,
        used == POST,
    )


def test_the_token_is_in_the_body_and_nowhere_else(api: API) -> None:
    """threat model 136, 250."""
    token = api.issue()
    api.verify(token)
    request = api.provider.requests[-1].request
    assert parse_qs(request.body.decode())["token"] == [token]
    assert token not in f"{request.url} {request.headers} {request!r}"


@pytest.mark.parametrize("fault", [None, Fault.INTROSPECTION_401, Fault.INTROSPECTION_403], ids=str)
def test_an_endpoint_that_rejects_the_client_says_nothing_about_the_token(
    either_world: World, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 126: the operator sees it in the log, the token is not rejected, and nothing is cached."""
    api = new_api(either_world)
    token = api.issue()
    api.provider.register("api", SECRET if fault else "another secret since this morning")
    with api.provider.misbehaving(*([fault] if fault else [])):
        error = api.rejection(token)
    assert isinstance(error, OAuthError)
    assert not isinstance(error, TokenError)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert ("client_secret" in record.getMessage()) is (fault is not Fault.INTROSPECTION_403)
    api.provider.register("api", SECRET)
    api.pass_time(1)
    assert api.verify(token).subject == "alice"


def test_a_token_is_shown_to_its_own_provider_alone(either_world: World) -> None:
    """threat model 137."""
    other = new_provider("https://other.example")
    api = new_api(either_world, audience="api", access_token_verification="auto")
    foreign = other.issue_access_token("app", audience="api", username="alice", jwt=True)
    assert isinstance(api.rejection(foreign), TokenInactive)
    assert other.requests == ()


# Mistakes of the developer


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        pytest.param({"access_token_verification": "jwt"}, "audience", id="149: jwt without an audience"),
        pytest.param({"audience": ""}, "audience", id="149: an empty audience"),
        pytest.param({"audience": []}, "audience", id="149: no audience in the list"),
        pytest.param({"audience": ["api", ""]}, "audience", id="149: an empty one among them"),
        pytest.param({"audience": [5]}, "audience", id="149: a number"),
        pytest.param({"audience": "api", "enforce_audience": False}, "enforce_audience", id="set and switched off"),
        pytest.param({"enforce_audience": "no"}, "enforce_audience", id="a word for False"),
        pytest.param({"accept_untyped_access_tokens": 1}, "accept_untyped_access_tokens", id="1 for True"),
        pytest.param({"access_token_verification": "JWT"}, "access_token_verification", id="another case"),
        pytest.param({"access_token_verification": None}, "access_token_verification", id="None"),
        pytest.param({"access_token_algorithms": ("HS256",)}, "access_token_algorithms", id="150: HMAC"),
        pytest.param({"access_token_algorithms": ("RS256", "none")}, "access_token_algorithms", id="150: none"),
        pytest.param({"access_token_algorithms": ()}, "access_token_algorithms", id="150: nothing"),
        pytest.param({"access_token_algorithms": "RS256"}, "access_token_algorithms", id="a string"),
        pytest.param({"client_metadata": None}, "client_metadata", id="no client to ask as"),
    ],
)
def test_a_configuration_that_cannot_be_safe_is_rejected(settings: dict[str, Any], named: str) -> None:
    """threat model 149, 150."""
    with pytest.raises(ConfigurationError, match=named):
        ProviderConfiguration(**{"issuer": ISSUER, "client_metadata": ClientMetadata("api", SECRET), **settings})


@pytest.mark.parametrize("kind", [AsyncResourceServer, ResourceServer])
@pytest.mark.parametrize("value", [-1, "30", True, float("nan")], ids=str)
def test_an_invalid_leeway_is_rejected(kind: Any, value: object) -> None:
    configuration = ProviderConfiguration(ISSUER, client_metadata=ClientMetadata("api", SECRET))
    with pytest.raises(ConfigurationError, match="clock_skew_seconds"):
        kind(configuration, clock_skew_seconds=value)


def test_introspection_needs_a_client(either_world: World) -> None:
    with pytest.raises(ConfigurationError, match="client_metadata"):
        new_api(either_world, client_metadata=None, client_registration_info=ClientRegistrationInfo())


def test_jwts_are_verified_without_one(either_world: World) -> None:
    api = jwt_api(either_world, client_metadata=None)
    assert api.verify(api.issue(jwt=True)).subject == "alice"


def test_a_provider_without_the_endpoint_is_a_mistake_that_is_named(api: API) -> None:
    with api.provider.misbehaving(WITHOUT_ENDPOINT):
        error = api.rejection(api.issue())
    assert isinstance(error, ConfigurationError)
    assert "introspection_endpoint" in str(error)


def test_the_blocking_server_has_all_of_the_other() -> None:
    names = [name for name in vars(AsyncResourceServer) if not name.startswith("_")]
    assert set(names) - {"try_cached"} <= set(vars(ResourceServer))


def test_the_issuer_is_known_without_asking(either_world: World) -> None:
    configuration = ProviderConfiguration(ISSUER, client_metadata=ClientMetadata("api", SECRET))
    assert AsyncResourceServer(configuration).issuer == ISSUER
