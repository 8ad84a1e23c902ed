"""Access tokens of real providers at an API that has nothing but the core, in both worlds."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from oidc_async import OAuthError, ProviderConfiguration, Requirements
from oidc_async.errors import ClaimInvalid, InsufficientScope, OIDCError, TokenInactive

from .configurations import configuration_of
from .real_provider import RealProvider
from .tokens import alices_tokens, revoke, service_token
from .worlds import World

OPAQUE = {"resource": "https://opaque.example"}
JWT = {"resource": "https://jwt.example"}
READING = {"scope": "api:read"}
LOGIN = {"scope": "openid api:read"}

FOR_OPAQUE = {"audience": OPAQUE["resource"]}
FOR_JWT = {"audience": JWT["resource"], "access_token_verification": "jwt"}
FOR_EITHER = {"audience": frozenset({OPAQUE["resource"], JWT["resource"]}), "access_token_verification": "auto"}
CANAILLES_JWT = {"audience": "api", "access_token_verification": "jwt", "accept_untyped_access_tokens": True}
ALL_SCOPES = frozenset({"openid", "profile", "email", "groups"})
SIGNED = {"introspection_signed_response_alg": "RS256"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A token that `client` gets with `request`, and an API that is the client `api` to the provider."""

    provider: str
    client: str = "basic"
    is_alices: bool
    request: Mapping[str, str] = field(default_factory=dict[str, str])
    api: str = "basic"
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def token(self, provider: RealProvider, app: str) -> str:
        if self.is_alices:
            token: str = alices_tokens(provider, self.client, app, **self.request)["access_token"]
            return token
        return service_token(provider, self.client, **self.request)

    def configuration(self, provider: RealProvider) -> ProviderConfiguration:
        return configuration_of(provider, provider.clients[self.api], metadata=self.metadata, **self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Good(Case):
    subject: str | None
    scopes: frozenset[str] = frozenset({"api:read"})
    client_id: str | None = "basic"
    is_verified_here: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad(Case):
    error: type[OIDCError]
    evidence: Mapping[str, object] = field(default_factory=dict[str, object])
    requirements: Requirements = field(default_factory=Requirements)


NODE, CANAILLE = "node_provider", "canaille"
GOOD = {
    "node, alice, opaque": Good(
        provider=NODE, is_alices=True, request=LOGIN | OPAQUE, options=FOR_OPAQUE, subject="alice"
    ),
    "node, alice, opaque, signed introspection": Good(
        provider=NODE,
        is_alices=True,
        request=LOGIN | OPAQUE,
        api="signed",
        metadata=SIGNED,
        options=FOR_OPAQUE,
        subject="alice",
    ),
    "node, alice, JWT": Good(
        provider=NODE, is_alices=True, request=LOGIN | JWT, options=FOR_JWT, subject="alice", is_verified_here=True
    ),
    "node, service, opaque": Good(
        provider=NODE, is_alices=False, request=READING | OPAQUE, api="post", options=FOR_OPAQUE, subject=None
    ),
    "node, service, opaque, signed introspection": Good(
        provider=NODE,
        is_alices=False,
        request=READING | OPAQUE,
        api="signed",
        metadata=SIGNED,
        options=FOR_OPAQUE,
        subject=None,
    ),
    "node, service, JWT": Good(
        provider=NODE,
        is_alices=False,
        request=READING | JWT,
        options=FOR_JWT,
        subject="basic",
        is_verified_here=True,
    ),
    "node, service, JWT, by its looks": Good(
        provider=NODE,
        is_alices=False,
        request=READING | JWT,
        options=FOR_EITHER,
        subject="basic",
        is_verified_here=True,
    ),
    "node, service, opaque, by its looks": Good(
        provider=NODE, is_alices=False, request=READING | OPAQUE, options=FOR_EITHER, subject=None
    ),
    "node, service, opaque, for whomever": Good(
        provider=NODE, is_alices=False, request=READING, options={"enforce_audience": False}, subject=None
    ),
    "canaille, alice": Good(provider=CANAILLE, is_alices=True, subject="alice", scopes=ALL_SCOPES),
    "canaille, alice, another way of authentication for introspection": Good(
        provider=CANAILLE,
        client="post",
        is_alices=True,
        api="post",
        metadata={"introspection_endpoint_auth_method": "client_secret_basic"},
        subject="alice",
        scopes=ALL_SCOPES,
        client_id="post",
    ),
    "canaille, alice, at another client": Good(
        provider=CANAILLE,
        client="portal",
        is_alices=True,
        api="api",
        subject="alice",
        scopes=ALL_SCOPES,
        client_id="portal",
    ),
    # canaille's JWTs have neither scope nor client_id
    "canaille, alice, JWT": Good(
        provider=CANAILLE,
        client="portal",
        is_alices=True,
        api="api",
        options=CANAILLES_JWT,
        subject="alice",
        scopes=frozenset(),
        client_id=None,
        is_verified_here=True,
    ),
    "canaille, service": Good(
        provider=CANAILLE, is_alices=False, request={"scope": "profile"}, subject=None, scopes=frozenset({"profile"})
    ),
}
BAD = {
    "node, for another API": Bad(
        provider=NODE,
        is_alices=False,
        request=READING | {"resource": "https://another-opaque.example"},
        options=FOR_OPAQUE,
        error=ClaimInvalid,
        evidence={"claim": "aud"},
    ),
    "node, JWT for another API": Bad(
        provider=NODE,
        is_alices=False,
        request=READING | {"resource": "https://another-jwt.example"},
        options=FOR_JWT,
        error=ClaimInvalid,
        evidence={"claim": "aud"},
    ),
    "node, for userinfo alone": Bad(provider=NODE, is_alices=True, error=ClaimInvalid, evidence={"claim": "aud"}),
    "node, without the scope": Bad(
        provider=NODE,
        is_alices=False,
        request=READING | OPAQUE,
        options=FOR_OPAQUE,
        requirements=Requirements(scopes=frozenset({"api:read", "api:write"})),
        error=InsufficientScope,
        evidence={"scope": "api:read api:write"},
    ),
    "node, JWT without the scope": Bad(
        provider=NODE,
        is_alices=False,
        request=READING | JWT,
        options=FOR_JWT,
        requirements=Requirements(any_scopes=frozenset({"api:write"})),
        error=InsufficientScope,
        evidence={"scope": "api:write"},
    ),
    # node never introspects JWTs
    "node, JWT for introspection": Bad(
        provider=NODE,
        is_alices=False,
        request=READING | JWT,
        options={"audience": JWT["resource"]},
        error=TokenInactive,
    ),
    "canaille, of a client with another audience": Bad(
        provider=CANAILLE, client="post", is_alices=True, error=TokenInactive
    ),
    "canaille, for another API": Bad(
        provider=CANAILLE,
        is_alices=False,
        options={"audience": "another"},
        error=ClaimInvalid,
        evidence={"claim": "aud"},
    ),
    "canaille, without the scope": Bad(
        provider=CANAILLE,
        is_alices=False,
        request={"scope": "profile"},
        requirements=Requirements(scopes=frozenset({"groups"})),
        error=InsufficientScope,
        evidence={"scope": "groups"},
    ),
    "canaille, JWT that does not say what it is": Bad(
        provider=CANAILLE,
        client="portal",
        is_alices=True,
        api="api",
        options=CANAILLES_JWT | {"accept_untyped_access_tokens": False},
        error=ClaimInvalid,
        evidence={"claim": "typ"},
    ),
    # an ID token of that client would look the same
    "canaille, JWT for its client alone": Bad(
        provider=CANAILLE,
        is_alices=True,
        options=CANAILLES_JWT | {"audience": "basic"},
        error=ClaimInvalid,
        evidence={"claim": "aud"},
    ),
}


@pytest.mark.parametrize("case", GOOD.values(), ids=GOOD.keys())
def test_a_valid_token_says_what_it_grants(
    case: Good, world: World, request: pytest.FixtureRequest, apps: list[str]
) -> None:
    provider = request.getfixturevalue(case.provider)
    api, token = world.api(case.configuration(provider)), case.token(provider, apps[2])
    access = api.verify(token)
    assert (access.subject, access.scopes, access.client_id) == (case.subject, case.scopes, case.client_id)
    assert access.issuer == provider.issuer
    assert access.expires_at is not None
    assert access.expires_at > time.time()
    assert api.verify(token) == access
    counted = api.statistics()
    assert (counted.misses, counted.hits) == (1, 1)
    assert (counted.verified_here, counted.upstream_calls) == ((1, 0) if case.is_verified_here else (0, 1))


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_a_token_that_will_not_do_is_rejected(
    case: Bad, world: World, request: pytest.FixtureRequest, apps: list[str]
) -> None:
    provider = request.getfixturevalue(case.provider)
    api, token = world.api(case.configuration(provider)), case.token(provider, apps[2])
    with pytest.raises(case.error) as caught:
        api.verify(token, case.requirements)
    assert case.evidence.items() <= caught.value.evidence.items()


@pytest.mark.parametrize(
    ("name", "client", "options"), [(NODE, "basic", FOR_JWT), (CANAILLE, "portal", CANAILLES_JWT)]
)
def test_an_id_token_is_not_an_access_token(
    name: str, client: str, options: dict[str, Any], world: World, request: pytest.FixtureRequest, apps: list[str]
) -> None:
    provider: RealProvider = request.getfixturevalue(name)
    id_token = alices_tokens(provider, client, apps[2])["id_token"]
    # an API that would take the client's own audience
    api = world.api(configuration_of(provider, provider.clients["basic"], **options | {"audience": client}))
    with pytest.raises(ClaimInvalid):
        api.verify(id_token)


def test_an_invalid_token_is_inactive(provider: RealProvider, world: World) -> None:
    api = world.api(configuration_of(provider, provider.clients["basic"]))
    with pytest.raises(TokenInactive):
        api.verify("made-up")
    with pytest.raises(TokenInactive):
        api.verify("made-up")
    assert (api.statistics().upstream_calls, api.statistics().refused_hits) == (1, 1)


REVOCABLE = [name for name, case in GOOD.items() if not case.is_verified_here and case.api == case.client]


@pytest.mark.parametrize("name", [*REVOCABLE, "node, alice, opaque, signed introspection"])
def test_a_revoked_token_is_rejected_once_it_is_not_cached(
    name: str, world: World, request: pytest.FixtureRequest, apps: list[str]
) -> None:
    case = GOOD[name]
    provider = request.getfixturevalue(case.provider)
    api, token = world.api(case.configuration(provider)), case.token(provider, apps[2])
    assert api.verify(token)
    revoke(provider, case.client, token)
    assert api.verify(token)
    api.forget(token)
    with pytest.raises(TokenInactive):
        api.verify(token)


def test_a_service_token_is_the_same_until_it_is_old(provider: RealProvider, world: World) -> None:
    service = world.service(configuration_of(provider, provider.clients["basic"]))
    scopes = ["api:read", "api:write"] if provider.name == "node-oidc-provider" else ["profile", "email"]
    first, second, other = (service.service_token(scope) for scope in (scopes[0], scopes[0], scopes[1]))
    assert first.access_token == second.access_token != other.access_token
    assert other.scope == scopes[1]


def test_each_client_credentials_grant_is_a_new_token(provider: RealProvider, world: World) -> None:
    service = world.service(configuration_of(provider, provider.clients["basic"]))
    first, second = (service.client_credentials_grant() for _ in range(2))
    assert first.access_token != second.access_token
    assert first.expires_in is not None


def test_a_client_that_may_not_introspect_gets_an_error(provider: RealProvider, world: World) -> None:
    service = world.service(configuration_of(provider, provider.clients["public"]))
    with pytest.raises(OAuthError) as caught:
        service.client_credentials_grant()
    assert (
        caught.value.error == {"canaille": "invalid_client", "node-oidc-provider": "invalid_request"}[provider.name]
    )
