"""Aggregated and distributed claims, verified or omitted, in both worlds (OIDC Core 5.6.2). threat model 119, 121."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from oidc_async import ClaimsProvider, ConfigurationError, ProviderConfiguration
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.relying_party.claim_sources import SECONDS
from oidc_async.relying_party.login import Login
from oidc_async.testing import CLAIM_SOURCE_FAULTS, Fault, Misbehaviour, SimulatedProvider
from oidc_async.testing.faults.documents import put
from oidc_async.testing.faults.responses import body
from oidc_async.testing.stages import SOURCE_CLAIMS, SOURCE_REPLY, harmless
from tests.core.configured import CLIENT, ISSUER
from tests.core.realm import Realm, new_provider, new_realm, simulated
from tests.core.worlds import World

SOURCE, INSIDE = "https://claims.example", "https://inside.example"
IN_THE_ANSWER = {fault for fault in CLAIM_SOURCE_FAULTS if fault.edits[0].stage is SOURCE_REPLY}
IN_THE_TOKEN = [fault for fault in CLAIM_SOURCE_FAULTS if fault not in IN_THE_ANSWER]


@dataclass
class Scene:
    """A provider, somebody else who vouches for claims, and a host inside that nobody should be led to."""

    realm: Realm
    source: SimulatedProvider
    inside: SimulatedProvider

    @property
    def provider(self) -> SimulatedProvider:
        return self.realm.provider

    def tell(self, sources: Mapping[str, Any], names: Mapping[str, str], **claims: Any) -> None:
        """What the provider says of alice from now on, at userinfo and in ID tokens."""
        told = {"_claim_names": dict(names), "_claim_sources": dict(sources), **claims}
        self.provider.add_user("alice", claims=told, id_token_claims=told)

    def told(self, **parameters: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Her claims after a login, from the ID token and from UserInfo."""
        login: Login = self.realm.log_in(**parameters)
        return dict(login.id_token), dict(login.userinfo or {})

    def aggregated(self, **claims: Any) -> dict[str, Any]:
        return {"JWT": self.source.claims_token(claims)}


def new_scene(world: World, *, latency: float = 0.0, **trusted: Any) -> Scene:
    provider = new_provider()
    source, inside = (new_provider(issuer, clock=provider.clock) for issuer in (SOURCE, INSIDE))
    runtime = simulated(world, provider, source, inside, latency=latency)
    allowed = {SOURCE: ClaimsProvider(**trusted)}
    return Scene(new_realm(world, provider, runtime=runtime, claims_providers=allowed), source, inside)


@pytest.fixture
def scene(either_world: World) -> Scene:
    return new_scene(either_world)


def test_aggregated_claims_are_verified_and_laid_beside_those_of_the_provider(scene: Scene) -> None:
    scene.tell({"s": scene.aggregated(age=30, size=180, other=1)}, {"age": "s", "size": "s"}, email="a@example.com")
    id_token, userinfo = scene.told(scope="openid email")
    assert userinfo == {"sub": "alice", "email": "a@example.com", "age": 30, "size": 180}
    assert (id_token["age"], id_token["size"], "other" in id_token) == (30, 180, False)
    assert not {"_claim_names", "_claim_sources"} & {*id_token, *userinfo}


def test_a_login_does_not_wait_for_each_of_many_slow_sources(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    party, seconds = scene.realm.party, list[float]()
    origin: Any = getattr(party, "_origin", party)
    runtime: Any = origin._userinfo._claim_sources._runtime
    send = runtime.send

    async def send_slowly(request: HttpRequest) -> HttpResponse:
        if request.url == f"{SOURCE}/claims":
            seconds.append(request.seconds)
            scene.provider.clock.advance(SECONDS - 1)
        response: HttpResponse = await send(request)
        return response

    monkeypatch.setattr(runtime, "send", send_slowly)
    sources = {name: scene.source.distribute_claims({name: 30}) for name in "abc"}
    scene.tell(sources, {name: name for name in sources})
    _, userinfo = scene.told()
    assert set(userinfo) == {"sub", "a", "b"}
    # once for the ID token, once for userinfo
    assert [round(left) for left in seconds] == [SECONDS, 1] * 2


def test_distributed_claims_are_fetched_with_the_token_of_their_source(scene: Scene) -> None:
    source = scene.source.distribute_claims({"age": 30})
    scene.tell({"s": source}, {"age": "s"})
    id_token, userinfo = scene.told()
    assert (id_token["age"], userinfo["age"]) == (30, 30)
    asked = [recorded for recorded in scene.source.requests if recorded.endpoint == "claims"]
    assert {recorded.request.headers["authorization"] for recorded in asked} == {f"Bearer {source['access_token']}"}
    assert {recorded.request.url for recorded in asked} == {f"{SOURCE}/claims"}
    # the provider's own token goes nowhere else
    assert all("access_token" not in recorded.form_names for recorded in scene.source.requests)


def test_keys_are_fetched_once_and_again_when_they_were_rotated(scene: Scene) -> None:
    for age in (30, 31):
        scene.tell({"s": scene.aggregated(age=age)}, {"age": "s"})
        assert scene.told()[1]["age"] == age
    assert (scene.source.count("discovery"), scene.source.count("jwks")) == (1, 1)
    scene.source.rotate_keys()
    scene.tell({"s": scene.aggregated(age=32)}, {"age": "s"})
    assert scene.told()[1]["age"] == 32
    assert (scene.source.count("discovery"), scene.source.count("jwks")) == (1, 2)


def test_a_refresh_has_them_verified_too(scene: Scene) -> None:
    scene.tell({"s": scene.aggregated(age=30)}, {"age": "s"})
    login = scene.realm.log_in(scope="openid offline_access")
    party = scene.realm.party

    async def refreshing() -> Any:
        found: Any = party.refresh(login.tokens.refresh_token or "", id_token=login.id_token)
        return found if hasattr(found, "id_token") else await found

    refresh = scene.realm.world.run(refreshing())
    assert (refresh.id_token["age"], "_claim_sources" in refresh.id_token) == (30, False)


def believed(scene: Scene) -> bool:
    id_token, userinfo = scene.told()
    assert ("age" in id_token) == ("age" in userinfo)
    assert (id_token["sub"], userinfo["sub"], id_token["iss"]) == ("alice", "alice", scene.provider.issuer)
    assert not {"_claim_names", "_claim_sources"} & {*id_token, *userinfo}
    return "age" in userinfo


@pytest.mark.parametrize("fault", IN_THE_TOKEN, ids=str)
def test_an_aggregated_source_that_is_wrong_is_left_out(scene: Scene, fault: Misbehaviour) -> None:
    """And the login continues without these claims."""
    with scene.source.misbehaving(fault):
        scene.tell({"s": scene.aggregated(age=30)}, {"age": "s"})
    assert believed(scene) == fault.harmless


@pytest.mark.parametrize("fault", CLAIM_SOURCE_FAULTS, ids=str)
def test_a_distributed_source_that_is_wrong_is_left_out(
    scene: Scene, fault: Misbehaviour, caplog: pytest.LogCaptureFixture
) -> None:
    source = scene.source.distribute_claims({"age": 30})
    scene.tell({"s": source}, {"age": "s"})
    with scene.source.misbehaving(fault), caplog.at_level(logging.WARNING, "oidc_async.provider"):
        assert believed(scene) == fault.harmless
    assert bool(caplog.records) == fault.rejected
    assert source["access_token"] not in caplog.text
    # asked once for each, and nobody is followed
    assert scene.source.count("claims") == 2
    assert scene.source.count("elsewhere") == 0


@pytest.mark.parametrize("name", ["sub", "iss", "aud", "exp", "nonce", "auth_time", "acr", "sid", "email"])
def test_what_the_provider_says_is_overridden_by_nobody(scene: Scene, name: str) -> None:
    """threat model 119."""
    with scene.source.misbehaving(harmless("much more", SOURCE_CLAIMS(put(**{name: "mallory"})))):
        source = scene.aggregated(age=30) if name != "iss" else scene.aggregated()
    scene.tell({"s": source}, {name: "s", "age": "s"}, email="alice@example.com")
    id_token, userinfo = scene.told(scope="openid email")
    assert "mallory" not in (id_token.get(name), userinfo.get(name))


def test_a_name_of_the_user_at_the_source_is_compared_with_nothing(scene: Scene) -> None:
    scene.tell({"s": scene.aggregated(age=30, sub="4711")}, {"age": "s", "sub": "s"})
    assert believed(scene)
    assert scene.told()[1]["sub"] == "alice"


@pytest.mark.parametrize(
    "endpoint",
    [
        f"{INSIDE}/claims",
        "https://169.254.169.254/latest",
        "http://claims.example/claims",
        "https://claims.example:444/",
    ],
)
def test_an_endpoint_elsewhere_is_not_asked(scene: Scene, endpoint: str) -> None:
    """threat model 121, 219."""
    source = scene.inside.distribute_claims({"age": 30})
    scene.tell({"s": {**source, "endpoint": endpoint}}, {"age": "s"})
    assert not believed(scene)
    assert scene.inside.requests == ()
    assert scene.source.requests == ()


def test_an_issuer_that_nobody_allowed_is_not_asked_for_its_keys(scene: Scene) -> None:
    scene.tell({"s": {"JWT": scene.inside.claims_token({"age": 30})}}, {"age": "s"})
    assert not believed(scene)
    assert scene.inside.requests == ()


def test_an_algorithm_that_nobody_allowed_asks_nobody_for_keys(scene: Scene) -> None:
    with scene.source.misbehaving(Fault.SOURCE_OTHER_ALGORITHM):
        scene.tell({"s": scene.aggregated(age=30)}, {"age": "s"})
    assert not believed(scene)
    assert scene.source.requests == ()


def test_an_allowed_issuer_answers_at_its_own_places_alone(either_world: World) -> None:
    """One that is allowed can't have another one's claims told at its endpoint."""
    scene = new_scene(either_world)
    trusted = {SOURCE: ClaimsProvider(), INSIDE: ClaimsProvider()}
    runtime = scene.realm.party.configuration.runtime
    scene.realm = new_realm(either_world, scene.provider, runtime=runtime, claims_providers=trusted)
    source = scene.source.distribute_claims({"age": 30})
    scene.tell({"s": source}, {"age": "s"})
    assert believed(scene)
    of_the_other = body(scene.inside.claims_token({"age": 31}).encode())
    with scene.source.misbehaving(harmless("what another one signed", SOURCE_REPLY(of_the_other))):
        assert not believed(scene)


@pytest.mark.parametrize(
    ("origins", "is_believed"),
    [(None, True), ([SOURCE], True), ({INSIDE, SOURCE}, True), ([], False), ([INSIDE], False)],
)
def test_where_distributed_claims_may_be(either_world: World, origins: Any, is_believed: bool) -> None:
    scene = new_scene(either_world, origins=origins)
    scene.tell({"s": scene.source.distribute_claims({"age": 30})}, {"age": "s"})
    assert believed(scene) == is_believed
    # for the ID token, and for userinfo
    assert scene.source.count("claims") == (2 if is_believed else 0)


def test_keys_may_be_elsewhere(either_world: World) -> None:
    scene = new_scene(either_world, jwks_uri=f"{SOURCE}/jwks")
    scene.tell({"s": scene.aggregated(age=30)}, {"age": "s"})
    assert believed(scene)
    assert (scene.source.count("discovery"), scene.source.count("jwks")) == (0, 1)


def test_the_provider_may_vouch_for_claims_as_any_other(either_world: World) -> None:
    provider = new_provider()
    realm = new_realm(either_world, provider, claims_providers={provider.issuer: ClaimsProvider()})
    scene = Scene(realm, provider, provider)
    scene.tell({"s": provider.distribute_claims({"age": 30})}, {"age": "s"})
    assert believed(scene)


def test_a_source_that_is_down_does_not_hide_another_one(scene: Scene) -> None:
    scene.tell(
        {"up": scene.aggregated(age=30), "down": scene.source.distribute_claims({"size": 1}), "no": {}},
        {"age": "up", "size": "down", "other": "no", "more": "missing"},
    )
    with scene.source.misbehaving(Fault.SOURCE_500):
        assert believed(scene)
    assert scene.told()[1] == {"sub": "alice", "age": 30, "size": 1}


@pytest.mark.parametrize(
    "told",
    [
        {"_claim_names": [], "_claim_sources": {}},
        {"_claim_names": {"age": "s"}},
        {"_claim_sources": {"s": {"JWT": "x"}}},
        {"_claim_names": {f"claim{number}": f"s{number}" for number in range(6)}, "_claim_sources": {}},
    ],
    ids=str,
)
def test_what_can_not_be_understood_is_left_out(scene: Scene, told: dict[str, Any]) -> None:
    scene.provider.add_user("alice", claims=told, id_token_claims=told)
    assert not believed(scene)
    assert scene.source.requests == ()


def test_a_login_that_fails_asks_no_source(scene: Scene) -> None:
    scene.tell({"s": scene.source.distribute_claims({"age": 30})}, {"age": "s"})
    with scene.provider.misbehaving(Fault.USERINFO_SUB_OTHER), pytest.raises(Exception, match="sub"):
        scene.realm.log_in()
    assert scene.source.requests == ()


def test_by_default_they_are_handed_on_as_they_come(either_world: World) -> None:
    scene = new_scene(either_world)
    scene.realm = new_realm(either_world, scene.provider, runtime=scene.realm.party.configuration.runtime)
    source = scene.source.distribute_claims({"age": 30})
    scene.tell({"s": source}, {"age": "s"})
    assert scene.told()[1]["_claim_sources"] == {"s": source}
    assert scene.source.requests == ()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"algorithms": ()}, "algorithms"),
        ({"algorithms": "RS256"}, "algorithms"),
        ({"algorithms": ("HS256",)}, "algorithms"),
        ({"algorithms": ("none",)}, "algorithms"),
        ({"jwks_uri": "http://claims.example/jwks"}, "jwks_uri"),
        ({"origins": SOURCE}, "origins"),
        ({"origins": [f"{SOURCE}/claims"]}, "origins"),
        ({"origins": [f"{SOURCE}/"]}, "origins"),
        ({"origins": ["http://claims.example"]}, "origins"),
        ({"origins": [5]}, "origins"),
    ],
    ids=str,
)
def test_a_claims_provider_that_can_not_be(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        ClaimsProvider(**settings)


@pytest.mark.parametrize(
    "providers",
    [[SOURCE], {"http://claims.example": ClaimsProvider()}, {5: ClaimsProvider()}, {SOURCE: {}}, {SOURCE: None}],
    ids=str,
)
def test_claims_providers_that_can_not_be(providers: Any) -> None:
    with pytest.raises(ConfigurationError, match="claims_providers"):
        ProviderConfiguration(ISSUER, client_metadata=CLIENT, claims_providers=providers)
