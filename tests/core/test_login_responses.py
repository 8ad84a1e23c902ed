"""Responses to logins, and what is fetched for them, without a framework. threat model C, D."""

from dataclasses import replace
from typing import Any

import pytest

from oidc_async import ClientMetadata
from oidc_async.errors import (
    AuthorizationRefused,
    AuthorizationResponseInvalid,
    ClaimInvalid,
    LoginExpired,
    OAuthError,
    OIDCError,
    StateMismatch,
)
from oidc_async.protocol.authorization import code_challenge
from oidc_async.testing import ALL_FAULTS, Fault, Misbehaviour
from tests.core.login_responses import back_with, endpoints
from tests.core.realm import REDIRECT_URI, Realm, new_provider, new_realm, simulated
from tests.core.worlds import World


@pytest.fixture
def realm(either_world: World) -> Realm:
    return new_realm(either_world)


@pytest.mark.parametrize("parameter", ["state", "iss"])
def test_nothing_is_sent_for_a_response_to_another_request(realm: Realm, parameter: str) -> None:
    """threat model 39, 44."""
    begun = realm.begin()
    callback = back_with(realm.provider.authorize(begun.url), **{parameter: "https://other.example"})
    with pytest.raises((StateMismatch, AuthorizationResponseInvalid)):
        realm.complete(begun.pending, callback)
    assert "token" not in endpoints(realm)


@pytest.mark.parametrize(
    ("asked_by", "came_by"),
    [("query", "form_post"), ("form_post", "query")],
    ids=["form-for-query", "query-for-form"],
)
def test_a_response_by_another_channel_is_rejected(realm: Realm, asked_by: str, came_by: str) -> None:
    """threat model 52."""
    begun = realm.begin(response_mode=asked_by)
    callback = realm.provider.authorize(begun.url)
    method = "POST" if came_by == "form_post" else "GET"
    with pytest.raises(AuthorizationResponseInvalid, match=f"response_mode={asked_by}, not {came_by}"):
        realm.complete(begun.pending, replace(back_with(callback), method=method))
    assert "token" not in endpoints(realm)


@pytest.mark.parametrize(
    ("seconds", "party"),
    [(601, {}), (61, {"login_lifetime_seconds": 60.0})],
    ids=["the-default", "configured"],
)
def test_a_login_that_took_too_long_is_rejected(either_world: World, seconds: float, party: dict[str, Any]) -> None:
    """threat model 43."""
    realm = new_realm(either_world, party=party)
    begun = realm.begin()
    callback = realm.provider.authorize(begun.url)
    realm.provider.clock.advance(seconds)
    with pytest.raises(LoginExpired, match="Begin it again"):
        realm.complete(begun.pending, callback)
    assert "token" not in endpoints(realm)


def test_a_clock_that_was_set_back_does_not_make_logins_last_for_ever(realm: Realm) -> None:
    """threat model 43, 236."""
    begun = realm.begin()
    callback = realm.provider.authorize(begun.url)
    realm.provider.clock.jump(-31)
    with pytest.raises(LoginExpired):
        realm.complete(begun.pending, callback)


def test_a_clock_that_was_corrected_a_little_disturbs_no_login(realm: Realm) -> None:
    """threat model 236."""
    begun = realm.begin()
    callback = realm.provider.authorize(begun.url)
    realm.provider.clock.jump(-20)
    assert realm.complete(begun.pending, callback).id_token["sub"] == "alice"


@pytest.mark.parametrize("iss", ["sent", "not sent"])
def test_a_login_begun_at_one_provider_is_not_finished_at_another(either_world: World, iss: str) -> None:
    """threat model 46, 59, 79: not even when neither sends `iss`; no code, no verifier, no secret goes out."""
    providers = [new_provider("https://op.example"), new_provider("https://evil.example")]
    runtime = simulated(either_world, *providers)
    honest, evil = (new_realm(either_world, provider, runtime=runtime) for provider in providers)
    faults = [] if iss == "sent" else [Fault.AUTHORIZATION_ISS_UNSUPPORTED]
    with providers[0].misbehaving(*faults), providers[1].misbehaving(*faults):
        begun = honest.begin()
        callback = providers[0].authorize(begun.url)
        with pytest.raises(StateMismatch, match="begun at another issuer"):
            evil.complete(begun.pending, callback)
    assert "token" not in endpoints(honest) + endpoints(evil)


def test_the_response_of_one_provider_does_not_finish_a_login_at_another(either_world: World) -> None:
    """threat model 44, 46: mix-up, seen from the honest provider's login."""
    providers = [new_provider("https://op.example"), new_provider("https://evil.example")]
    runtime = simulated(either_world, *providers)
    honest, evil = (new_realm(either_world, provider, runtime=runtime) for provider in providers)
    begun = honest.begin()
    foreign = providers[1].authorize(evil.begin().url)
    with pytest.raises(AuthorizationResponseInvalid, match="another provider"):
        honest.complete(begun.pending, back_with(foreign, state=begun.pending.state))
    assert "token" not in endpoints(honest) + endpoints(evil)


def test_a_code_and_a_secret_go_to_the_token_endpoint_of_their_own_provider_only(either_world: World) -> None:
    """threat model 79."""
    providers = [new_provider("https://op.example"), new_provider("https://other.example")]
    runtime = simulated(either_world, *providers)
    new_realm(either_world, providers[0], runtime=runtime).log_in()
    assert [recorded.endpoint for recorded in providers[1].requests] == []


def test_a_code_of_another_session_is_rejected_by_its_verifier(realm: Realm) -> None:
    """threat model 55."""
    attacker, victim = realm.begin(), realm.begin()
    stolen = realm.provider.authorize(victim.url).get("code")
    callback = back_with(realm.provider.authorize(attacker.url), code=stolen)
    with pytest.raises(OAuthError, match="invalid_grant"):
        realm.complete(attacker.pending, callback)


def test_a_code_of_another_session_is_rejected_by_its_nonce(realm: Realm) -> None:
    """threat model 55, 95: also when the provider doesn't check the verifier."""
    attacker, victim = realm.begin(), realm.begin()
    stolen = str(realm.provider.authorize(victim.url).get("code"))
    codes = realm.provider._registry.codes
    codes[stolen] = replace(codes[stolen], code_challenge=code_challenge(attacker.pending.code_verifier))
    callback = back_with(realm.provider.authorize(attacker.url), code=stolen)
    with pytest.raises(ClaimInvalid, match="nonce"):
        realm.complete(attacker.pending, callback)


def test_a_response_is_good_once(realm: Realm) -> None:
    """threat model 42: a pending login that is kept too long is rejected by the provider."""
    begun = realm.begin()
    callback = realm.provider.authorize(begun.url)
    realm.complete(begun.pending, callback)
    with pytest.raises(OAuthError, match="invalid_grant"):
        realm.complete(begun.pending, callback)


def test_an_error_response_keeps_the_description_of_the_provider(realm: Realm) -> None:
    """threat model 49."""
    begun = realm.begin()
    callback = realm.provider.authorize(begun.url, consent=False)
    with pytest.raises(AuthorizationRefused) as caught:
        realm.complete(begun.pending, callback)
    assert (caught.value.error, caught.value.error_description) == ("access_denied", "The user said no.")


# The token endpoint


@pytest.mark.parametrize(
    "fault",
    [fault for fault in ALL_FAULTS if fault.name.startswith("TOKEN_") and fault.rejected],
    ids=str,
)
def test_a_code_is_sent_once_whatever_comes_back(realm: Realm, fault: Misbehaviour) -> None:
    """threat model 61 to 70, 76: also if the provider asks for another proof."""
    with realm.provider.misbehaving(fault), pytest.raises(OIDCError):
        realm.log_in()
    assert endpoints(realm).count("token") == 1
    assert "elsewhere" not in endpoints(realm)
    assert "userinfo" not in endpoints(realm)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_a_client_authenticates_as_it_is_registered(either_world: World, method: str) -> None:
    """threat model 77: with a secret and an id that need every kind of encoding."""
    client_id, secret = "client +%:&=/é", None if method == "none" else "a b+c%d:e&f=g/é𝄞"
    provider = new_provider()
    provider.register(client_id, secret, redirect_uris=[REDIRECT_URI], token_endpoint_auth_method=method)
    client = ClientMetadata(client_id, secret, token_endpoint_auth_method=method)
    assert new_realm(either_world, provider, client_metadata=client).log_in().id_token["aud"] == client_id
    assert provider.count("token", client_id=client_id) == 1
