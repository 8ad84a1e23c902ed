"""The metadata and the keys of a provider: threat model A 3, 11 to 13, B 17 to 21, 37, N, O."""

import time

import pytest

from oidc_async import AsyncRelyingParty, ClientMetadata, ProviderMetadata, RelyingParty
from oidc_async.errors import (
    IssuerMismatch,
    JWKSInvalid,
    KeyNotFound,
    ProviderError,
    ProviderUnreachable,
    SignatureInvalid,
    TokenError,
)
from oidc_async.provider import provider
from oidc_async.provider.cached_fetch import STALE_PAUSE
from oidc_async.provider.provider import Provider
from oidc_async.provider.provider_keys import DAY, HOUR, RENEWALS_AT_ONCE, SECONDS_PER_RENEWAL, ProviderKeys
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.retry import RETRIES
from oidc_async.testing import ALL_FAULTS, Fault, Misbehaviour
from oidc_async.testing.faults.documents import put
from oidc_async.testing.faults.forgeries import signed_by
from oidc_async.testing.faults.responses import header
from oidc_async.testing.keys import SigningKey
from oidc_async.testing.stages import DISCOVERY, DISCOVERY_REPLY, DRAFT, JWKS_REPLY, harmless, rejected
from tests.core.realm import SECRET, Realm, new_provider, new_realm, simulated
from tests.core.worlds import BlockingWorld, World

DISCOVERY_FAULTS = [fault for fault in ALL_FAULTS if fault.name.startswith("DISCOVERY_") and fault.rejected]
JUNK_KEYS = [
    Fault.JWKS_KEYS_NULL,
    Fault.JWKS_KEYS_MISSING,
    Fault.JWKS_KEYS_OBJECT,
    Fault.JWKS_KEYS_EMPTY,
    Fault.JWKS_ENCRYPTION_ONLY,
    Fault.JWKS_10000_KEYS,
    Fault.JWKS_HTML,
    Fault.JWKS_500,
    Fault.JWKS_ARRAY,
    Fault.JWKS_EMPTY,
    Fault.JWKS_REDIRECT,
    Fault.JWKS_TRUNCATED,
    Fault.JWKS_DUPLICATE_MEMBERS,
    Fault.JWKS_DEEP,
    Fault.JWKS_HUGE,
    Fault.JWKS_ENDLESS,
    Fault.JWKS_SLOW,
    Fault.JWKS_RESET,
]


@pytest.fixture
def realm(either_world: World) -> Realm:
    return new_realm(either_world)


def counts(realm: Realm) -> tuple[int, int]:
    """How often metadata and keys were fetched."""
    return realm.provider.count("discovery"), realm.provider.count("jwks")


def cached_for(seconds: object) -> Misbehaviour:
    age = header("cache-control", f"public, max-age={seconds}")
    return harmless("a max-age", DISCOVERY_REPLY(age), JWKS_REPLY(age))


# Metadata


def test_nobody_is_asked_before_the_first_login(realm: Realm) -> None:
    assert realm.provider.requests == ()
    realm.begin()
    assert counts(realm) == (1, 0)
    assert realm.log_in().id_token["sub"] == "alice"
    assert counts(realm) == (1, 1)


def test_metadata_and_keys_are_fetched_once_for_many_logins(realm: Realm) -> None:
    for _ in range(3):
        realm.log_in()
        realm.provider.clock.advance(HOUR / 4)
    assert counts(realm) == (1, 1)


def test_metadata_and_keys_are_fetched_again_after_an_hour(realm: Realm) -> None:
    realm.log_in()
    realm.provider.clock.advance(HOUR)
    realm.log_in()
    assert counts(realm) == (2, 2)


@pytest.mark.parametrize(
    ("max_age", "lasts"),
    [(0, 60), (1, 60), (600, 600), (315_360_000, DAY), ("9" * 400, DAY)],
    ids=["never", "a-second", "ten-minutes", "ten-years", "endless"],
)
def test_the_provider_decides_within_bounds_how_long_they_last(realm: Realm, max_age: object, lasts: float) -> None:
    """threat model 233."""
    with realm.provider.misbehaving(cached_for(max_age)):
        realm.log_in()
        realm.provider.clock.advance(lasts - 1)
        realm.log_in()
        assert counts(realm) == (1, 1)
        realm.provider.clock.advance(1)
        realm.log_in()
        assert counts(realm) == (2, 2)


def test_an_issuer_may_end_in_a_slash(either_world: World) -> None:
    """threat model 3."""
    realm = new_realm(either_world, new_provider("https://op.example/tenant/"))
    assert realm.log_in().id_token["iss"] == "https://op.example/tenant/"
    assert realm.provider.requests[0].path == "/tenant/.well-known/openid-configuration"


@pytest.mark.parametrize("issuer", ["https://op.example/", "https://OP.example", "https://op.example:443"])
def test_an_issuer_configured_in_another_spelling_is_another_issuer(either_world: World, issuer: str) -> None:
    """threat model 1, 2: nothing else is asked after that."""
    provider = new_provider()
    uri = f"{provider.issuer}/.well-known/openid-configuration"
    realm = new_realm(either_world, provider, issuer=issuer, discovery_url=uri)
    with pytest.raises(IssuerMismatch):
        realm.begin()
    assert [recorded.endpoint for recorded in provider.requests] == ["discovery"]


def test_given_metadata_need_no_discovery(either_world: World) -> None:
    provider = new_provider()
    at = provider.issuer
    metadata = ProviderMetadata(at, f"{at}/authorize", f"{at}/jwks", f"{at}/token", f"{at}/userinfo")
    realm = new_realm(either_world, provider, issuer=None, provider_metadata=metadata)
    assert realm.log_in().userinfo == {"sub": "alice"}
    assert counts(realm) == (0, 1)


def test_given_metadata_are_merged_into_the_discovered_ones(either_world: World) -> None:
    realm = new_realm(either_world, provider_metadata=ProviderMetadata(userinfo_endpoint="https://op.example/me"))
    metadata = either_world.run(realm_provider(realm).metadata())
    assert metadata["userinfo_endpoint"] == "https://op.example/me"
    assert metadata["token_endpoint"] == "https://op.example/token"


def test_the_discovery_document_may_be_elsewhere(either_world: World) -> None:
    provider = new_provider("https://op.example/tenant")
    uri = "https://op.example/tenant/.well-known/openid-configuration?p=policy"
    realm = new_realm(either_world, provider, discovery_url=uri)
    assert realm.log_in().id_token["iss"] == provider.issuer
    assert provider.requests[0].request.url == uri


@pytest.mark.parametrize("fault", DISCOVERY_FAULTS, ids=str)
def test_a_broken_discovery_stops_everything_else(realm: Realm, fault: Misbehaviour) -> None:
    """threat model 1, 2, 4, 5, 7 to 9, 12, 221 to 223, 227: nor does it last longer than the fault."""
    with realm.provider.misbehaving(fault), pytest.raises(ProviderError):
        realm.begin()
    assert {recorded.endpoint for recorded in realm.provider.requests} == {"discovery"}
    realm.provider.clock.advance(STALE_PAUSE)
    assert realm.log_in().id_token["sub"] == "alice"


@pytest.mark.parametrize("fault", DISCOVERY_FAULTS, ids=str)
def test_a_broken_discovery_leaves_the_last_good_metadata_in_use(realm: Realm, fault: Misbehaviour) -> None:
    """threat model 7, 13, 234, 239: for a day, never half applied, and then no more."""
    realm.log_in()
    before = realm.world.run(realm_provider(realm).metadata())
    with realm.provider.misbehaving(fault):
        realm.provider.clock.advance(HOUR + DAY - 10 * STALE_PAUSE)
        assert realm.world.run(realm_provider(realm).metadata()) is before
        realm.provider.clock.advance(20 * STALE_PAUSE)
        with pytest.raises(ProviderError):
            realm.begin()
    realm.provider.clock.advance(STALE_PAUSE)
    assert realm.log_in().id_token["sub"] == "alice"


def test_metadata_that_changed_are_used_whole(realm: Realm) -> None:
    realm.log_in()
    moved = harmless("moved", DISCOVERY(put(authorization_endpoint="https://op.example/new")))
    realm.provider.clock.advance(HOUR)
    with realm.provider.misbehaving(moved):
        assert realm.begin().url.startswith("https://op.example/new?")


# Keys


def test_a_rotated_key_is_found_with_one_more_fetch(realm: Realm) -> None:
    """threat model 17."""
    realm.log_in()
    realm.provider.rotate_keys()
    assert realm.log_in().id_token["sub"] == "alice"
    assert counts(realm) == (1, 2)


def test_a_rotation_right_after_a_fetch_succeeds(realm: Realm) -> None:
    """threat model 19: and so do two more in the same second."""
    realm.log_in()
    for fetched in range(2, 2 + RENEWALS_AT_ONCE):
        realm.provider.rotate_keys()
        realm.log_in()
        assert counts(realm) == (1, fetched)


def test_a_provider_restarted_with_new_keys_under_old_names_is_understood(realm: Realm) -> None:
    """threat model 17, 26."""
    realm.log_in()
    realm.provider.rotate_keys(same_kid=True)
    assert realm.log_in().id_token["sub"] == "alice"
    assert counts(realm) == (1, 2)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.ID_TOKEN_KID_UNKNOWN, KeyNotFound),
        (Fault.ID_TOKEN_KID_PATH, KeyNotFound),
        (Fault.ID_TOKEN_SIGNATURE_BROKEN, SignatureInvalid),
        (Fault.ID_TOKEN_SIGNATURE_FOREIGN, SignatureInvalid),
    ],
    ids=lambda value: str(value) if isinstance(value, Misbehaviour) else value.__name__,
)
def test_a_flood_of_tokens_that_no_key_fits_costs_a_handful_of_fetches(
    realm: Realm, fault: Misbehaviour, error: type[TokenError]
) -> None:
    """threat model 18."""
    realm.log_in()
    with realm.provider.misbehaving(fault):
        for _ in range(30):
            with pytest.raises(error):
                realm.log_in()
    assert counts(realm) == (1, 1 + RENEWALS_AT_ONCE)
    assert realm.log_in().id_token["sub"] == "alice"


def test_after_a_flood_a_real_rotation_is_found_in_a_minute(realm: Realm) -> None:
    """threat model 18, 19."""
    realm.log_in()
    with realm.provider.misbehaving(Fault.ID_TOKEN_KID_UNKNOWN):
        for _ in range(10):
            with pytest.raises(KeyNotFound):
                realm.log_in()
    realm.provider.rotate_keys()
    with pytest.raises(KeyNotFound):
        realm.log_in()
    realm.provider.clock.advance(SECONDS_PER_RENEWAL)
    assert realm.log_in().id_token["sub"] == "alice"


def test_fifty_logins_after_a_rotation_share_one_fetch(either_world: World) -> None:
    """threat model 17, 241."""
    realm = new_realm(either_world, latency=0.02)
    realm.log_in()
    realm.provider.rotate_keys()
    outcomes = either_world.run_together([realm.logging_in] * 50)
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    assert counts(realm) == (1, 2)


@pytest.mark.parametrize("fault", JUNK_KEYS, ids=str)
def test_a_broken_key_set_leaves_the_last_good_keys_in_use(realm: Realm, fault: Misbehaviour) -> None:
    """threat model 20, 23, 36, 234: for a day, and then no more."""
    realm.log_in()
    with realm.provider.misbehaving(fault):
        realm.provider.clock.advance(HOUR + DAY - 10 * STALE_PAUSE)
        assert realm.log_in().id_token["sub"] == "alice"
        realm.provider.clock.advance(20 * STALE_PAUSE)
        with pytest.raises(ProviderError):
            realm.log_in()
    realm.provider.clock.advance(STALE_PAUSE)
    assert realm.log_in().id_token["sub"] == "alice"


@pytest.mark.parametrize("fault", JUNK_KEYS, ids=str)
def test_a_rotation_into_a_broken_key_set_lets_nobody_in(realm: Realm, fault: Misbehaviour) -> None:
    """threat model 20: neither are the old keys lost."""
    realm.log_in()
    forged = SigningKey(kid="new", alg="RS256", private=realm_key(realm).private)
    with (
        realm.provider.misbehaving(fault, rejected("an unknown key", DRAFT(signed_by(forged, kid="new")))),
        pytest.raises((ProviderError, TokenError)),
    ):
        realm.log_in()
    realm.provider.clock.advance(STALE_PAUSE)
    assert realm.log_in().id_token["sub"] == "alice"


def test_a_key_that_was_taken_back_ends_with_the_next_fetch(realm: Realm) -> None:
    """threat model 237."""
    realm.log_in()
    old = realm_key(realm)
    realm.provider.rotate_keys()
    with realm.provider.misbehaving(rejected("signed by an old key", DRAFT(signed_by(old, kid=old.kid)))):
        assert realm.log_in().id_token["sub"] == "alice"
        realm.provider.clock.advance(HOUR)
        with pytest.raises(KeyNotFound):
            realm.log_in()


def test_keys_are_left_behind_when_they_move(realm: Realm) -> None:
    """threat model 37: what an earlier jwks_uri said counts no more."""
    realm.log_in()
    moved = rejected("keys elsewhere", DISCOVERY(put(jwks_uri="https://op.example/moved")))
    with realm.provider.misbehaving(cached_for(60), moved):
        realm.provider.clock.advance(HOUR - 1)
        realm.log_in()
        realm.provider.clock.advance(1)
        with pytest.raises(JWKSInvalid):
            realm.log_in()
    realm.provider.clock.advance(HOUR)
    assert realm.log_in().id_token["sub"] == "alice"


def test_keys_that_come_back_are_fetched_again(realm: Realm) -> None:
    """threat model 37, 237."""
    often = harmless("asked every minute", DISCOVERY_REPLY(header("cache-control", "max-age=60")))
    moved = rejected("keys elsewhere", DISCOVERY(put(jwks_uri="https://op.example/moved")))
    with realm.provider.misbehaving(often):
        realm.log_in()
        realm.provider.clock.advance(60)
        with realm.provider.misbehaving(moved), pytest.raises(JWKSInvalid):
            realm.log_in()
        realm.provider.clock.advance(60)
        realm.log_in()
    assert realm.provider.count("jwks") == 2


def test_two_issuers_with_keys_of_equal_names_are_not_mixed_up(either_world: World) -> None:
    """threat model 37, 235, 240: over one runtime, with one user of the same name at each."""
    providers = [new_provider("https://op.example"), new_provider("https://other.example")]
    runtime = simulated(either_world, *providers)
    realms = [new_realm(either_world, provider, runtime=runtime) for provider in providers]
    assert [realm_key(realm).kid for realm in realms] == ["rs256-1", "rs256-1"]
    assert [realm.log_in().id_token["iss"] for realm in realms] == [provider.issuer for provider in providers]
    assert [counts(realm) for realm in realms] == [(1, 1), (1, 1)]
    foreign = rejected("signed by the other", DRAFT(signed_by(realm_key(realms[0]))))
    with providers[1].misbehaving(foreign), pytest.raises(SignatureInvalid):
        realms[1].log_in()


def test_two_tenants_of_one_host_are_not_mixed_up(either_world: World) -> None:
    """threat model 37, 59, 235."""
    providers = [new_provider("https://op.example/a"), new_provider("https://op.example/b")]
    runtime = simulated(either_world, *providers)
    realms = [new_realm(either_world, provider, runtime=runtime) for provider in providers]
    assert [realm.log_in().id_token["iss"] for realm in realms] == [provider.issuer for provider in providers]


def test_two_relying_parties_of_one_provider_share_nothing(either_world: World) -> None:
    """threat model 240: no cache belongs to a class."""
    provider = new_provider()
    for party in range(1, 3):
        new_realm(either_world, provider).log_in()
        assert provider.count("discovery") == party


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA", "HS256"])
def test_each_algorithm_logs_in_when_it_is_the_registered_one(either_world: World, alg: str) -> None:
    realm = new_realm(either_world, alg=alg)
    assert realm.log_in().id_token["sub"] == "alice"
    assert counts(realm) == (1, 0 if alg == "HS256" else 1)


@pytest.mark.parametrize("registered", ["RS256", "ES256", "HS256"])
@pytest.mark.parametrize("alg", ["RS256", "ES256", "HS256"])
def test_no_other_algorithm_logs_in(either_world: World, registered: str, alg: str) -> None:
    """threat model 10, 82, 83: whatever the metadata advertise."""
    client = ClientMetadata("client1", SECRET, id_token_signed_response_alg=registered)
    realm = new_realm(either_world, new_provider(alg=alg), client_metadata=client)
    if alg == registered:
        assert realm.log_in().id_token["sub"] == "alice"
    else:
        with pytest.raises(TokenError, match=f"alg must be {registered}"):
            realm.log_in()


# Many at once


def test_fifty_first_logins_share_one_discovery_and_one_fetch_of_keys(either_world: World) -> None:
    """threat model 241."""
    realm = new_realm(either_world, latency=0.02)
    outcomes = either_world.run_together([realm.logging_in] * 50)
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    assert counts(realm) == (1, 1)
    assert realm.provider.count("token") == 50


def test_threads_that_come_first_together_share_one_fetch_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """threat model 241: also when each of them gets ready to fetch."""

    def slowly(runtime: Runtime, jwks_uri: str) -> ProviderKeys:
        time.sleep(0.05)
        return ProviderKeys(runtime, jwks_uri)

    monkeypatch.setattr(provider, "ProviderKeys", slowly)
    world = BlockingWorld()
    realm = new_realm(world, latency=0.05)
    outcomes = world.run_together([realm.logging_in] * 20)
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    assert counts(realm) == (1, 1)


def test_fifty_logins_at_a_dead_provider_share_one_attempt(either_world: World) -> None:
    """threat model 229: and a caller that comes right after them asks nobody."""
    realm = new_realm(either_world, latency=0.02)
    with realm.provider.misbehaving(Fault.DISCOVERY_RESET):
        outcomes = either_world.run_together([realm.beginning] * 50)
        assert {type(outcome) for outcome in outcomes} == {ProviderUnreachable}
        attempts = counts(realm)
        assert attempts == (1 + RETRIES, 0)
        with pytest.raises(ProviderUnreachable):
            realm.begin()
        assert counts(realm) == attempts
    realm.provider.clock.advance(5)
    assert realm.log_in().id_token["sub"] == "alice"


def test_a_failure_of_one_caller_has_no_frames_of_the_others(either_world: World) -> None:
    realm = new_realm(either_world, latency=0.02)
    with realm.provider.misbehaving(Fault.DISCOVERY_ISSUER_OTHER):
        outcomes = either_world.run_together([realm.beginning] * 10)
    assert {type(outcome) for outcome in outcomes} == {IssuerMismatch}
    assert len({id(outcome) for outcome in outcomes}) == 10


def origin_of(party: AsyncRelyingParty | RelyingParty) -> AsyncRelyingParty:
    return party._origin if isinstance(party, RelyingParty) else party


def realm_provider(realm: Realm) -> Provider:
    """The Provider below the relying party."""
    return origin_of(realm.party).provider


def realm_key(realm: Realm) -> SigningKey:
    """The key that the simulated provider signs with now."""
    return realm.provider._registry.ring.key("RS256")
