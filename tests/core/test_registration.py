"""A client that registers itself at first need, and is managed from then on, in either world."""

import logging
from typing import Any

import pytest

from oidc_async import ClientKeys, ClientMetadata
from oidc_async.errors import ConfigurationError, OAuthError, ProviderError, TokenError
from oidc_async.testing import REGISTRATION_FAULTS, Fault, Misbehaviour
from oidc_async.testing.faults.documents import put, without
from oidc_async.testing.stages import DISCOVERY, harmless
from tests.core.realm import REDIRECT_URI, new_realm
from tests.core.registering import Registering, new_registering, open_provider, registrations, sent
from tests.core.worlds import World
from tests.protocol.signing import private_rsa_jwk, rsa_key

CROWD = {"AsyncWorld": 50, "BlockingWorld": 20}
"""Tasks on asyncio, threads without."""


@pytest.fixture
def registering(either_world: World) -> Registering:
    return new_registering(either_world)


# At first need


def test_the_first_login_registers_and_no_other_does(registering: Registering) -> None:
    assert registering.provider.requests == ()
    for _ in range(3):
        login = registering.realm.log_in(scope="openid email")
        assert login.userinfo == {"sub": "alice", "email": "alice@example.com"}
        assert login.id_token["aud"] == registering.known["client_id"]
    assert registrations(registering.provider) == 1
    assert [client.client_id for client in registering.provider.registered_clients] == [
        registering.known["client_id"]
    ]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt", "none"])
def test_a_registered_client_authenticates_as_it_asked_for(either_world: World, method: str) -> None:
    """RFC 6749 2.3.1: its identifier and its secret are of characters that need encoding"""
    registering = new_registering(either_world, info={"token_endpoint_auth_method": method})
    assert registering.realm.log_in().id_token["sub"] == "alice"
    assert ("client_secret" in registering.known) is (method != "none")


@pytest.mark.parametrize("alg", ["RS256", "ES256", "PS384", "HS256", "EdDSA"])
def test_the_algorithm_of_id_tokens_is_that_of_the_registration(either_world: World, alg: str) -> None:
    """threat model 10, 83: the only one that is taken"""
    registering = new_registering(either_world, info={"id_token_signed_response_alg": alg})
    assert registering.realm.log_in().id_token["sub"] == "alice"
    registering.provider.register("other", redirect_uris=[REDIRECT_URI])
    registered = registering.provider._registry.clients
    client_id = registering.known["client_id"]
    registered[client_id] = type(registered[client_id])(
        **{name: getattr(registered[client_id], name) for name in ("client_id", "client_secret", "redirect_uris")},
        id_token_signed_response_alg="ES384",
    )
    with pytest.raises(Exception, match="alg"):
        registering.realm.log_in()


def test_encrypted_id_tokens_are_registered_with_the_public_keys_alone(either_world: World) -> None:
    keys = ClientKeys.from_jwk({**private_rsa_jwk(rsa_key()), "use": "enc"})
    info = {"id_token_encrypted_response_alg": "RSA-OAEP", "userinfo_encrypted_response_alg": "RSA-OAEP"}
    registering = new_registering(either_world, info=info, client_keys=keys)
    assert registering.realm.log_in().id_token["sub"] == "alice"
    assert sent(registering.provider)["jwks"] == keys.jwks()
    assert {"d", "p", "q"} & sent(registering.provider)["jwks"]["keys"][0].keys() == set()


def test_refreshes_client_credentials_and_logouts_are_those_of_the_registered_client(either_world: World) -> None:
    grants = ["authorization_code", "refresh_token", "client_credentials"]
    registering = new_registering(either_world, info={"grant_types": grants})
    login = registering.realm.log_in(scope="openid offline_access")
    run, party = either_world.run, registering._origin
    assert run(party.refresh(login.tokens.refresh_token or "", id_token=login.id_token)).id_token
    assert run(party.client_credentials_grant("api")).access_token
    assert run(party.service_token("api")).access_token
    url = run(party.end_session_url(id_token_hint=login.id_token_jwt))
    assert url is not None
    request = run(party.end_session_request())
    assert request is not None
    assert registering.known["client_id"] in request.parameters["client_id"]
    assert run(party.revoke(login.tokens.access_token, token_type_hint="access_token"))
    assert registrations(registering.provider) == 1


def test_a_logout_token_is_for_the_registered_client(registering: Registering) -> None:
    party, provider = registering._origin, registering.provider
    registering.realm.log_in()
    token = provider.logout_token(registering.known["client_id"], "alice")
    assert party.is_meant_for_us(token)
    assert either(registering).run(party.read_logout_token(token)).sub == "alice"


def either(registering: Registering) -> World:
    return registering.realm.world


def test_nothing_is_meant_for_a_client_that_is_not_registered(registering: Registering) -> None:
    registering.provider.register("other", redirect_uris=[REDIRECT_URI])
    registering.provider.sign_in("alice")
    assert registering._origin.is_meant_for_us(registering.provider.logout_token("other", "alice")) is False
    assert registrations(registering.provider) == 0


def test_many_at_once_register_one_client(either_world: World) -> None:
    """threat model 243"""
    registering = new_registering(either_world, latency=0.05)
    crowd = CROWD[type(either_world).__name__]
    outcomes = either_world.run_together([registering.asking] * crowd)
    assert {str(outcome["client_id"]) for outcome in outcomes if isinstance(outcome, ClientMetadata)} == {
        registering.known["client_id"]
    }
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    assert registrations(registering.provider) == 1


def test_with_client_metadata_nobody_registers(either_world: World) -> None:
    provider = open_provider()
    provider.register("client1", "secret1", redirect_uris=[REDIRECT_URI])
    registering = new_registering(either_world, provider, client_metadata=ClientMetadata("client1", "secret1"))
    assert registering.realm.log_in().id_token["aud"] == "client1"
    assert registrations(provider) == 0


# The registration request


TWO_URIS = [REDIRECT_URI, "https://rp.example/2"]
REFRESHING = ["authorization_code", "refresh_token"]
HYBRID = ["authorization_code", "implicit"]
OF_LOGOUT = {
    "post_logout_redirect_uris": ["https://rp.example/bye"],
    "backchannel_logout_uri": "https://rp.example/backchannel",
    "frontchannel_logout_uri": "https://rp.example/frontchannel",
}


@pytest.mark.parametrize(
    ("parameters", "info", "expected"),
    [
        ({}, {}, {"response_types": ["code"], "grant_types": ["authorization_code"], "application_type": "web"}),
        ({}, {}, {"redirect_uris": [REDIRECT_URI], "client_name": "An application"}),
        ({}, {}, {"id_token_signed_response_alg": "RS256", "token_endpoint_auth_method": "client_secret_basic"}),
        ({"scope": "openid offline_access"}, {}, {"grant_types": REFRESHING}),
        ({"response_type": "id_token"}, {}, {"response_types": ["id_token"], "grant_types": ["implicit"]}),
        (
            {"response_type": "token id_token"},
            {},
            {"response_types": ["id_token token"], "grant_types": ["implicit"]},
        ),
        ({"response_type": "code id_token"}, {}, {"response_types": ["code id_token"], "grant_types": HYBRID}),
        ({"response_type": "code token"}, {}, {"grant_types": HYBRID}),
        ({"response_type": "code id_token token"}, {}, {"grant_types": HYBRID}),
        ({}, {"grant_types": REFRESHING}, {"grant_types": REFRESHING}),
        ({}, {"redirect_uris": TWO_URIS}, {"redirect_uris": TWO_URIS}),
        ({}, {"contacts": ("dev@rp.example",)}, {"contacts": ["dev@rp.example"]}),
        ({}, {"client_name#de": "Anwendung"}, {"client_name#de": "Anwendung", "client_name": "An application"}),
        ({}, {"jwks_uri": "https://rp.example/jwks"}, {"jwks_uri": "https://rp.example/jwks", "jwks": None}),
        ({}, {"id_token_signed_response_alg": "ES256"}, {"id_token_signed_response_alg": "ES256"}),
        ({}, OF_LOGOUT, OF_LOGOUT),
    ],
    ids=str,
)
def test_the_metadata_follow_from_the_configuration(
    either_world: World, parameters: dict[str, str], info: dict[str, Any], expected: dict[str, Any]
) -> None:
    """OIDC Registration 2; contract.md: any registered name is a keyword, and replaces what follows"""
    keys = ClientKeys.from_jwk(private_rsa_jwk(rsa_key()))
    registering = new_registering(either_world, info=info, auth_request_params=parameters, client_keys=keys)
    registering.client()
    assert {name: sent(registering.provider).get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("supported", "method"),
    [
        (["client_secret_jwt", "client_secret_basic"], "client_secret_basic"),
        (["client_secret_post"], "client_secret_post"),
        (["client_secret_post", "client_secret_basic"], "client_secret_basic"),
        (["none"], "none"),
        (["private_key_jwt"], "client_secret_basic"),
    ],
    ids=str,
)
def test_the_way_to_authenticate_is_one_of_the_provider(
    either_world: World, supported: list[str], method: str
) -> None:
    registering = new_registering(either_world)
    fault = harmless("others", DISCOVERY(put(token_endpoint_auth_methods_supported=supported)))
    with registering.provider.misbehaving(fault):
        registering.client()
    assert sent(registering.provider)["token_endpoint_auth_method"] == method


@pytest.mark.parametrize("name", ["registration_token", "initial_access_token"])
def test_an_initial_access_token_goes_as_it_is(either_world: World, name: str) -> None:
    """RFC 7591 3, by the name of Flask-pyoidc and by that of the RFC"""
    provider = open_provider(initial_access_token="an/initial+token==")
    rejected = new_registering(either_world, provider)
    assert isinstance(rejected.rejection(), OAuthError)
    registering = new_registering(either_world, provider, info={name: "an/initial+token=="})
    assert registering.client()["client_id"]
    assert name not in sent(provider)


@pytest.mark.parametrize(
    ("info", "word"),
    [
        ({"redirect_uris": ["https://rp.example/other"]}, "redirect_uris"),
        ({"redirect_uris": REDIRECT_URI}, "redirect_uris"),
        ({"token_endpoint_auth_method": "by_handshake"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "client_keys"),
        ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
        ({"id_token_encrypted_response_alg": "RSA-OAEP"}, "client_keys"),
        ({"post_logout_redirect_uris": "https://rp.example/"}, "post_logout_redirect_uris"),
        ({"client_id": "c1"}, "client_id"),
        ({"client_secret": "canary"}, "client_secret"),
        ({"registration_token": "canary with spaces"}, "registration_token"),
        ({"initial_access_token": "canary\r\n"}, "initial_access_token"),
        ({"logo_uri": {"dev@rp.example"}}, "JSON"),
        ({"default_max_age": float("nan")}, "JSON"),
    ],
    ids=str,
)
def test_what_could_not_work_is_rejected_at_the_start(either_world: World, info: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word) as caught:
        new_registering(either_world, info=info)
    assert "canary" not in str(caught.value)


def test_a_relying_party_needs_a_client_of_either_kind(either_world: World) -> None:
    with pytest.raises(ConfigurationError, match="client_registration_info"):
        new_realm(either_world, client_metadata=None, access_token_verification="jwt", audience="https://api.example")


def test_a_provider_without_the_endpoint_registers_nobody(registering: Registering) -> None:
    fault = harmless("closed", DISCOVERY(without("registration_endpoint")))
    with registering.provider.misbehaving(fault):
        error = registering.rejection()
    assert isinstance(error, ConfigurationError)
    assert "registration_endpoint" in str(error)


# Faults


@pytest.mark.parametrize("fault", [fault for fault in REGISTRATION_FAULTS if fault.rejected], ids=str)
def test_an_invalid_registration_is_none_and_the_next_one_is_tried(
    either_world: World, fault: Misbehaviour, caplog: pytest.LogCaptureFixture
) -> None:
    registering = new_registering(either_world)
    with caplog.at_level(logging.DEBUG), registering.provider.misbehaving(fault):
        error = registering.rejection()
        assert isinstance(error, ProviderError)
        # the pause after a failure: nobody asks again at once
        assert type(registering.rejection()) is type(error)
        assert registrations(registering.provider) == 1
    assert registering.known == ClientMetadata()
    secrets = {client.client_secret or "-" for client in registering.provider.registered_clients}
    assert [secret for secret in secrets if secret in caplog.text + str(error) + repr(error.evidence)] == []


@pytest.mark.parametrize("unsigned", [Fault.ID_TOKEN_ALG_NONE, Fault.ID_TOKEN_ALG_NONE_SIGNED], ids=str)
def test_a_provider_that_registers_unsigned_id_tokens_logs_nobody_in_by_them(
    either_world: World, unsigned: Misbehaviour
) -> None:
    """OIDC Registration 3.2, threat model 80, 400: the algorithm that was asked for is the one that counts."""
    registering = new_registering(either_world)
    with registering.provider.misbehaving(Fault.REGISTRATION_ALG_NONE):
        assert registering.client()["id_token_signed_response_alg"] == "RS256"
        with registering.provider.misbehaving(unsigned), pytest.raises(TokenError):
            registering.realm.log_in()
        assert registering.realm.log_in().id_token["sub"] == "alice"


@pytest.mark.parametrize("fault", [fault for fault in REGISTRATION_FAULTS if fault.harmless], ids=str)
def test_an_odd_registration_is_one(either_world: World, fault: Misbehaviour) -> None:
    registering = new_registering(either_world)
    with registering.provider.misbehaving(fault):
        assert registering.realm.log_in().id_token["sub"] == "alice"


def test_after_the_pause_the_provider_is_asked_again(registering: Registering) -> None:
    with registering.provider.misbehaving(Fault.REGISTRATION_500):
        registering.rejection()
    registering.provider.clock.advance(2)
    assert registering.client()["client_id"]
    assert registrations(registering.provider) == 2


def test_nobody_loops_when_the_provider_forgot_the_client(registering: Registering) -> None:
    registering.realm.log_in()
    registering.provider._registry.clients.clear()
    with pytest.raises(OAuthError) as caught:
        either(registering).run(registering._origin.client_credentials_grant())
    assert caught.value.error == "invalid_client"
    assert registrations(registering.provider) == 1


# Expiry


def test_a_secret_that_expired_is_asked_for_again(either_world: World) -> None:
    """RFC 7591 3.2.1, RFC 7592 2.1: the client stays the same"""
    provider = open_provider(secret_seconds=3600, renews_secrets=True)
    registering = new_registering(either_world, provider)
    first = registering.client()
    provider.clock.advance(3599)
    assert registering.client() is first
    provider.clock.advance(1)
    assert registering.realm.log_in().id_token["aud"] == first["client_id"]
    assert registering.known["client_secret"] != first["client_secret"]
    assert (registrations(provider), registrations(provider, "GET")) == (1, 1)


@pytest.mark.parametrize("managed", [True, False])
def test_where_no_new_secret_is_to_be_had_another_client_is_registered(either_world: World, managed: bool) -> None:
    provider = open_provider(secret_seconds=3600, is_managed=managed)
    registering = new_registering(either_world, provider, latency=0.05)
    first = registering.client()["client_id"]
    provider.clock.advance(3600)
    outcomes = either_world.run_together([registering.asking] * CROWD[type(either_world).__name__])
    assert {type(outcome) for outcome in outcomes} == {ClientMetadata}
    assert registering.realm.log_in().id_token["aud"] == registering.known["client_id"] != first
    assert registrations(provider) == 2


def test_while_the_provider_is_down_an_expired_client_stays_as_it_is(either_world: World) -> None:
    provider = open_provider(secret_seconds=3600)
    registering = new_registering(either_world, provider)
    first = registering.client()
    provider.clock.advance(3600)
    with provider.misbehaving(Fault.REGISTRATION_500):
        assert isinstance(registering.rejection(), ProviderError)
    assert registering.known is first
    assert registrations(provider) == 1
