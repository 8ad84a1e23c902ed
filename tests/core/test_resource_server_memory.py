"""What a resource server caches, and what it must never cache: threat model 129 to 133 and N."""

from functools import partial
from typing import Any

import pytest

from oidc_async import ClientMetadata
from oidc_async.errors import (
    ClaimInvalid,
    KeyNotFound,
    ProviderError,
    SignatureInvalid,
    TokenError,
    TokenExpired,
    TokenInactive,
)
from oidc_async.protocol.http_message import HttpRequest
from oidc_async.protocol.strict_json import read_object
from oidc_async.resource_server.token_cache import AccessCache
from oidc_async.testing import Clock, Fault, SimulatedProvider
from oidc_async.testing.faults.documents import put
from oidc_async.testing.stages import JWKS, rejected
from tests.core.api import API, ISSUER, START, new_api, new_provider, simulated
from tests.core.worlds import World


@pytest.fixture
def api(either_world: World) -> API:
    return new_api(either_world)


# How long


def test_a_cached_token_is_not_introspected_again(api: API) -> None:
    token = api.issue()
    first = api.verify(token)
    for _ in range(5):
        api.pass_time(11)
        assert api.verify(token) == first
    assert api.asked() == 1


@pytest.mark.parametrize(
    ("lifetime", "cache", "known_for"),
    [
        pytest.param(600, {}, 60, id="129: the cap, by default"),
        pytest.param(600, {"seconds": 7}, 7, id="129: the cap, as configured"),
        pytest.param(20, {}, 20, id="129: the token's own end"),
        pytest.param(600, {"seconds": 0}, 0, id="129: not at all"),
    ],
)
def test_a_valid_token_is_cached_until_the_first_end(
    either_world: World, lifetime: int, cache: dict[str, Any], known_for: float
) -> None:
    """threat model 129."""
    api = new_api(either_world, server={"cache": AccessCache(**cache)})
    token = api.issue(lifetime=lifetime)
    api.verify(token)
    if known_for:
        api.pass_time(known_for - 0.5)
        api.verify(token)
        assert api.asked() == 1
        api.pass_time(0.5)
    assert api.server.known(token) is None
    if lifetime > known_for:
        api.verify(token)
        assert api.asked() == 2


@pytest.mark.parametrize(
    ("fault", "known_for"),
    [
        (Fault.INTROSPECTION_EXP_MISSING, 10),
        (Fault.INTROSPECTION_TIMES_MISSING, 10),
        (Fault.INTROSPECTION_EXP_FAR, 60),
    ],
    ids=str,
)
def test_an_end_that_nobody_knows_comes_soon(api: API, fault: Any, known_for: float) -> None:
    """threat model 130, 133."""
    token = api.issue()
    with api.provider.misbehaving(fault):
        api.verify(token)
    api.pass_time(known_for - 1)
    assert api.server.known(token)
    api.pass_time(1)
    assert api.server.known(token) is None


def test_a_token_within_the_leeway_is_not_cached(api: API) -> None:
    """threat model 129: no accepted result goes beyond `exp`."""
    token = api.issue(claims={"exp": START - 10})
    for asked in (1, 2):
        assert api.verify(token)
        assert api.asked() == asked
    assert api.statistics.entries == 0


@pytest.mark.parametrize("jwt", [False, True], ids=["introspection", "jwt"])
def test_an_expired_entry_is_not_served_while_the_provider_is_down(either_world: World, jwt: bool) -> None:
    """threat model 239."""
    api = new_api(either_world, audience="api", access_token_verification="auto")
    token = api.issue(jwt=jwt, lifetime=30)
    api.verify(token)
    api.pass_time(30 + 30)
    with api.provider.misbehaving(Fault.INTROSPECTION_RESET, Fault.JWKS_RESET):
        error = api.rejection(token)
    assert isinstance(error, TokenExpired if jwt else ProviderError)


def test_the_cap_holds_while_the_provider_is_down(api: API) -> None:
    """threat model 239: the token may be good still, but nobody says so."""
    token = api.issue()
    api.verify(token)
    with api.provider.misbehaving(Fault.INTROSPECTION_RESET):
        api.pass_time(59)
        assert api.verify(token)
        api.pass_time(1)
        assert isinstance(api.rejection(token), ProviderError)
    api.pass_time(1)
    assert api.verify(token)


@pytest.mark.parametrize("jump", [3600, -3600, 86_400 * 365, -86_400 * 365], ids=str)
def test_a_clock_that_is_set_does_not_prolong_an_entry(api: API, jump: float) -> None:
    """threat model 236."""
    token = api.issue(lifetime=20)
    api.verify(token)
    api.provider.clock.jump(jump)
    api.pass_time(20)
    assert api.server.known(token) is None


def test_a_clock_that_was_behind_when_the_token_came_prolongs_it_to_the_cap_at_most(api: API) -> None:
    """threat model 236."""
    token = api.issue()
    api.provider.clock.jump(-20)
    api.verify(token)
    api.provider.clock.jump(20)
    api.pass_time(60)
    assert api.server.known(token) is None


# Rejections


@pytest.mark.parametrize("seconds", [5, 1, 0])
def test_a_cached_rejection_ends_soon(either_world: World, seconds: float) -> None:
    """threat model 131: a token may become good a moment later."""
    settings: dict[str, Any] = {} if seconds == 5 else {"refused_seconds": seconds}
    api = new_api(either_world, server={"cache": AccessCache(**settings)})
    with api.provider.misbehaving(Fault.INTROSPECTION_INACTIVE_IN_FULL):
        token = api.issue()
        rejections = [api.rejection(token) for _ in range(3)]
    assert {type(rejection) for rejection in rejections} == {TokenInactive}
    assert len({id(rejection) for rejection in rejections}) == 3
    assert api.asked() == (1 if seconds else 3)
    if seconds:
        api.pass_time(seconds - 0.1)
        api.rejection(token)
    api.pass_time(0.1)
    assert api.verify(token)


def test_a_cached_rejection_is_the_same_each_time(api: API) -> None:
    token = api.issue(audience="other")
    rejections = [api.rejection(token) for _ in range(3)]
    assert {(str(error), error.code, str(error.evidence)) for error in rejections} == {
        (str(rejections[0]), "claim_invalid", str(rejections[0].evidence))
    }
    assert [error.claim for error in rejections if isinstance(error, ClaimInvalid)] == ["aud"] * 3


def test_a_flood_of_invalid_tokens_does_not_evict_the_valid_one(either_world: World) -> None:
    """threat model 131, 230."""
    api = new_api(either_world, server={"cache": AccessCache(entries=20)})
    good = api.issue()
    api.verify(good)
    for number in range(200):
        api.rejection(f"guessed{number}")
    assert api.server.known(good)
    assert api.statistics.entries == 1


# Keys


def published(provider: SimulatedProvider) -> Any:
    reply = provider.handle(HttpRequest(method="GET", url=f"{provider.issuer}/jwks"))
    return read_object(reply.body)["keys"]


def test_a_key_that_is_published_a_moment_later_serves_at_once(either_world: World) -> None:
    """threat model 131: a missing key says nothing of the token for long."""
    api = new_api(either_world, audience="api", access_token_verification="jwt")
    api.verify(api.issue(jwt=True))
    keys_of_yesterday = rejected("keys of yesterday", JWKS(put(keys=published(api.provider))))
    api.provider.rotate_keys()
    token = api.issue(jwt=True)
    with api.provider.misbehaving(keys_of_yesterday):
        assert isinstance(api.rejection(token), KeyNotFound)
    assert api.verify(token).subject == "alice"


@pytest.mark.parametrize("same_kid", [False, True], ids=["other names", "the same names"])
def test_keys_may_be_rotated(either_world: World, same_kid: bool) -> None:
    api = new_api(either_world, audience="api", access_token_verification="jwt")
    old = api.issue(jwt=True)
    api.verify(old)
    api.provider.rotate_keys(same_kid=same_kid)
    assert api.verify(api.issue(jwt=True)).subject == "alice"
    assert api.verify(old)
    api.pass_time(61)
    assert isinstance(api.rejection(old), SignatureInvalid if same_kid else KeyNotFound)


def test_forged_tokens_do_not_make_us_fetch_keys_again_and_again(either_world: World) -> None:
    """threat model 229."""
    api = new_api(either_world, audience="api", access_token_verification="jwt")
    api.verify(api.issue(jwt=True))
    with api.provider.misbehaving(Fault.ACCESS_TOKEN_KID_UNKNOWN):
        for _ in range(30):
            assert isinstance(api.rejection(api.issue(jwt=True)), KeyNotFound)
    assert api.provider.count("jwks") <= 1 + 3


def test_keys_that_cannot_be_fetched_say_nothing_about_the_token(either_world: World) -> None:
    """threat model 125."""
    api = new_api(either_world, audience="api", access_token_verification="jwt")
    token = api.issue(jwt=True)
    with api.provider.misbehaving(Fault.JWKS_RESET):
        assert isinstance(api.rejection(token), ProviderError)
    api.pass_time(1)
    assert api.verify(token)


# Nobody gets what is another's


def test_what_one_caller_does_to_claims_another_does_not_see(api: API) -> None:
    """threat model 247."""
    token = api.issue(claims={"roles": ["user"]})
    for access in (api.verify(token), api.verify(token), api.server.known(token)):
        assert access is not None
        assert access["roles"] == ["user"]
        access["roles"].append("admin")
        access.claims["sub"] = "mallory"
    assert api.verify(token).to_dict() | {"sub": "alice", "roles": ["user"]} == api.verify(token).to_dict()


OTHER = "https://other.example"


def neighbours(world: World, one: dict[str, Any], other: dict[str, Any]) -> tuple[API, API]:
    """Two APIs over one cache and one runtime, at a provider that both use."""
    provider = new_provider()
    shared: dict[str, Any] = {"runtime": simulated(world, provider), "server": {"cache": AccessCache()}}
    return new_api(world, provider, **{**shared, **one}), new_api(world, provider, **{**shared, **other})


@pytest.mark.parametrize(
    ("one", "other", "error"),
    [
        pytest.param({"audience": "api"}, {"audience": "other"}, ClaimInvalid, id="another audience"),
        pytest.param({"enforce_audience": False}, {"audience": "other"}, ClaimInvalid, id="no audience at all"),
        pytest.param({"audience": ["api", "other"]}, {"audience": "other"}, ClaimInvalid, id="a narrower audience"),
        pytest.param(
            {"audience": "api"},
            {"audience": "api", "access_token_verification": "jwt"},
            TokenError,
            id="another way to verify",
        ),
        pytest.param({}, {"client_metadata": ClientMetadata("app", "wrong")}, ClaimInvalid, id="another client"),
    ],
)
def test_what_is_good_for_one_server_is_not_good_for_another(
    either_world: World, one: dict[str, Any], other: dict[str, Any], error: type[TokenError]
) -> None:
    """threat model 132, 235."""
    if "client_metadata" in other:
        other = {"client_metadata": ClientMetadata("app", "the client secret of the app, 32+")}
    first, second = neighbours(either_world, one, other)
    token = first.issue()
    assert first.verify(token)
    assert second.server.known(token) is None
    assert isinstance(second.rejection(token), error)
    assert first.verify(token)


def test_clients_who_take_any_audience_ask_for_themselves(either_world: World) -> None:
    """threat model 132: the provider may tell each of them something else."""
    app = ClientMetadata("app", "the client secret of the app, 32+")
    first, second = neighbours(
        either_world, {"enforce_audience": False}, {"enforce_audience": False, "client_metadata": app}
    )
    token = first.issue()
    assert first.verify(token)
    assert second.server.known(token) is None
    assert second.verify(token)
    assert [recorded.client_id for recorded in first.provider.requests if recorded.endpoint == "introspection"] == [
        "api",
        "app",
    ]


def test_a_generous_leeway_is_not_lent_to_a_strict_server(either_world: World) -> None:
    """threat model 132, 235."""
    first, second = neighbours(either_world, {"clock_skew_seconds": 300}, {"clock_skew_seconds": 0})
    token = first.issue(claims={"nbf": START + 100})
    assert first.verify(token)
    assert second.server.known(token) is None
    assert isinstance(second.rejection(token), ClaimInvalid)


@pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "at once"])
def test_two_providers_with_the_same_token_keep_it_apart(either_world: World, at_once: bool) -> None:
    """threat model 235: whatever else is equal, the client, the subject and the token itself."""
    clock = Clock(START)
    providers = [new_provider(clock=clock), new_provider(OTHER, clock=clock)]
    runtime = simulated(either_world, *providers, latency=0.02)
    cache = AccessCache()
    apis = [new_api(either_world, provider, runtime=runtime, server={"cache": cache}) for provider in providers]
    token = apis[0].issue(scope="read")
    granted = providers[1].issue_access_token("app", scope="admin", username="alice", audience="api")
    providers[1]._registry.access_tokens[token] = providers[1]._registry.access_tokens[granted]
    if at_once:
        outcomes = either_world.run_together([partial(api.verifying, token) for api in apis * 5])
        assert [access.scopes for access in outcomes if not isinstance(access, BaseException)] == [
            {"read"},
            {"admin"},
        ] * 5
    for _ in range(2):
        assert [api.verify(token).scopes for api in apis] == [{"read"}, {"admin"}]
        assert [api.verify(token).issuer for api in apis] == [ISSUER, OTHER]
    assert [api.asked() for api in apis] == [1, 1]


def test_a_jwt_of_another_provider_with_the_same_names_is_rejected(either_world: World) -> None:
    """threat model 235: equal `sub`, equal `kid`, and the right audience."""
    clock, cache = Clock(START), AccessCache()
    providers = [new_provider(clock=clock), new_provider(OTHER, clock=clock)]
    shared: dict[str, Any] = {"runtime": simulated(either_world, *providers), "server": {"cache": cache}}
    settings: dict[str, Any] = {"audience": "api", "access_token_verification": "jwt", **shared}
    apis = [new_api(either_world, provider, **settings) for provider in providers]
    kid = published(providers[0])[0]["kid"]
    same_kid = [
        {**key, "kid": kid if number == 0 else key["kid"]} for number, key in enumerate(published(providers[1]))
    ]
    with providers[1].misbehaving(rejected("the kid of another", JWKS(put(keys=same_kid)))):
        tokens = [api.issue(jwt=True, header={"kid": kid}) for api in apis]
        assert [api.verify(token).issuer for api, token in zip(apis, tokens, strict=True)] == [ISSUER, OTHER]
        assert [type(api.rejection(token)) for api, token in zip(apis, reversed(tokens), strict=True)] == [
            ClaimInvalid,
            ClaimInvalid,
        ]
        assert [api.server.known(token) for api, token in zip(apis, reversed(tokens), strict=True)] == [None, None]


def test_servers_that_are_alike_in_all_share_what_they_know(either_world: World) -> None:
    """As the workers of one application, or two that are configured alike."""
    first, second = neighbours(either_world, {}, {})
    token = first.issue()
    assert first.verify(token) == second.server.known(token)
    assert first.asked() == 1


def test_each_server_has_a_cache_of_its_own_by_default(either_world: World) -> None:
    """threat model 240."""
    provider = new_provider()
    first, second = (new_api(either_world, provider) for _ in range(2))
    token = first.issue()
    first.verify(token)
    assert second.server.known(token) is None


def test_a_part_of_a_token_is_not_the_token(api: API) -> None:
    """threat model 132."""
    token = api.issue()
    api.verify(token)
    for other in (token[:-1], token + "x", token.upper(), token[1:], " " + token):
        assert api.server.known(other) is None
        assert isinstance(api.rejection(other), TokenInactive)


def test_the_token_itself_is_not_kept(api: API) -> None:
    """threat model 132."""
    token = api.issue()
    api.verify(token)
    api.rejection("guessed-token")
    cache: Any = vars(getattr(api.server, "_origin", api.server))["_cache"]
    kept = [repr(vars(generations)) for generations in (cache._valid, cache._rejections)]
    assert [token in text or "guessed-token" in text for text in kept] == [False, False]
    assert {len(key) for key in cache._valid._young} == {48}
