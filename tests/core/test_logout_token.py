"""read_logout_token(): what a provider says about ended sessions is verified before anybody acts on it."""

from typing import Any

import pytest

from oidc_async import AsyncRelyingParty, LogoutToken, ProviderConfiguration, RelyingParty
from oidc_async.errors import ClaimInvalid, ConfigurationError, ProviderError, TokenError
from oidc_async.testing import LOGOUT_FAULTS, Fault, Misbehaviour
from oidc_async.testing.faults.responses import reset
from oidc_async.testing.stages import JWKS_REPLY, harmless
from tests.core.protected import OAEP, protected_realm
from tests.core.realm import REDIRECT_URI, SECRET, Realm, new_provider, new_realm
from tests.core.worlds import World


@pytest.fixture
def realm(either_world: World) -> Realm:
    return signed_in(new_realm(either_world))


def signed_in(realm: Realm) -> Realm:
    realm.provider.sign_in("alice")
    return realm


def read(realm: Realm, token: str) -> LogoutToken:
    async def reading() -> LogoutToken:
        party = realm.party
        return (
            party.read_logout_token(token)
            if isinstance(party, RelyingParty)
            else await party.read_logout_token(token)
        )

    return realm.world.run(reading())


def is_meant_for(realm: Realm, token: str) -> bool:
    party = realm.party
    return (party if isinstance(party, AsyncRelyingParty) else party._origin).is_meant_for_us(token)


def issued(realm: Realm, *faults: Misbehaviour) -> str:
    with realm.provider.misbehaving(*faults):
        return realm.provider.logout_token("client1", "alice")


def test_a_logout_token_tells_whose_sessions_end(realm: Realm) -> None:
    begun = int(realm.provider.clock())
    told = read(realm, issued(realm))
    assert (told.iss, told.sub) == (realm.provider.issuer, "alice")
    assert begun <= told.iat <= realm.provider.clock()
    assert told.sid
    assert told.jti


@pytest.mark.parametrize("fault", LOGOUT_FAULTS, ids=str)
def test_an_invalid_logout_token_is_rejected(realm: Realm, fault: Misbehaviour) -> None:
    """threat model 175 to 184"""
    if fault.harmless:
        assert read(realm, issued(realm, fault)).iat
    else:
        with pytest.raises(TokenError):
            read(realm, issued(realm, fault))


def test_an_id_token_and_a_logout_token_are_not_taken_for_each_other(realm: Realm) -> None:
    """threat model 183"""
    login = realm.log_in()
    with pytest.raises(ClaimInvalid, match="events"):
        read(realm, login.id_token_jwt)
    with realm.provider.misbehaving(Fault.ID_TOKEN_EVENTS), pytest.raises(ClaimInvalid, match="events"):
        realm.log_in()


@pytest.mark.parametrize("alg", ["RS256", "ES256", "PS256", "EdDSA", "HS256"])
def test_the_algorithm_is_the_one_that_is_registered_for_id_tokens(either_world: World, alg: str) -> None:
    """threat model 176"""
    realm = signed_in(new_realm(either_world, alg=alg))
    assert read(realm, issued(realm)).sub == "alice"
    realm.provider.register("client1", SECRET, id_token_signed_response_alg="RS256" if alg != "RS256" else "ES256")
    with pytest.raises(TokenError, match="alg"):
        read(realm, issued(realm))


def test_a_provider_of_old_is_borne_when_that_is_said(either_world: World) -> None:
    """threat model 178"""
    realm = signed_in(new_realm(either_world, accept_logout_tokens_without_exp=True))
    assert read(realm, issued(realm, Fault.LOGOUT_TOKEN_EXP_MISSING)).exp is None
    with pytest.raises(TokenError, match="exp"):
        read(realm, issued(realm, Fault.LOGOUT_TOKEN_EXP_PAST))


def test_a_token_can_be_asked_to_say_what_it_is(either_world: World) -> None:
    """threat model 184"""
    realm = signed_in(new_realm(either_world, accept_untyped_logout_tokens=False))
    assert read(realm, issued(realm)).sub == "alice"
    for fault in (Fault.LOGOUT_TOKEN_TYP_JWT, Fault.LOGOUT_TOKEN_TYP_MISSING):
        with pytest.raises(ClaimInvalid, match="typ"):
            read(realm, issued(realm, fault))


@pytest.mark.parametrize("name", ["accept_untyped_logout_tokens", "accept_logout_tokens_without_exp"])
def test_a_setting_that_is_neither_true_nor_false_is_rejected(name: str) -> None:
    settings: dict[str, Any] = {"issuer": "https://op.example", "access_token_verification": "jwt", name: "yes"}
    with pytest.raises(ConfigurationError, match=name):
        ProviderConfiguration(**settings)


def test_keys_that_were_just_rotated_are_found(realm: Realm) -> None:
    read(realm, issued(realm))
    realm.provider.rotate_keys()
    assert read(realm, issued(realm)).sub == "alice"


def test_a_provider_that_is_out_of_reach_raises_a_provider_error(realm: Realm) -> None:
    token = issued(realm)
    with realm.provider.misbehaving(harmless("down", JWKS_REPLY(reset))), pytest.raises(ProviderError):
        read(realm, token)
    realm.provider.clock.advance(5)
    assert read(realm, token).sub == "alice"


def test_a_bad_header_costs_no_request(realm: Realm) -> None:
    for fault in (Fault.LOGOUT_TOKEN_ALG_NONE, Fault.LOGOUT_TOKEN_TYP_ACCESS_TOKEN):
        with pytest.raises(TokenError):
            read(realm, issued(realm, fault))
    assert realm.provider.requests == ()


def test_whom_it_is_for_is_seen_without_a_request(either_world: World) -> None:
    realm, other = (
        signed_in(new_realm(either_world)),
        signed_in(new_realm(either_world, new_provider("https://b.example"))),
    )
    party = AsyncRelyingParty(realm.party.configuration, redirect_uri=REDIRECT_URI)
    assert party.is_meant_for_us(issued(realm))
    assert not party.is_meant_for_us(issued(other))
    assert not party.is_meant_for_us(issued(realm, Fault.LOGOUT_TOKEN_AUD_OTHER))
    assert not any(map(party.is_meant_for_us, ("", "a.b", "a.b.c", "....", "é.é.é", "{}")))
    assert realm.provider.requests == ()


@pytest.mark.parametrize("alg", ["RSA-OAEP", "ECDH-ES", "dir"])
def test_a_logout_token_is_encrypted_as_an_id_token_is(either_world: World, alg: str) -> None:
    """OIDC Back-Channel Logout 2.6: by what was registered for ID tokens."""
    realm = signed_in(protected_realm(either_world, id_token_encrypted_response_alg=alg))
    token = issued(realm)
    assert token.count(".") == 4
    assert is_meant_for(realm, token)
    assert read(realm, token).sub == "alice"


@pytest.mark.parametrize("fault", [fault for fault in LOGOUT_FAULTS if fault.rejected], ids=str)
def test_encryption_makes_no_invalid_logout_token_valid(either_world: World, fault: Misbehaviour) -> None:
    """threat model 107, 175 to 184."""
    realm = signed_in(protected_realm(either_world, **OAEP))
    with pytest.raises(TokenError):
        read(realm, issued(realm, fault))


ACCEPTING: dict[str, Any] = {"configuration": {"accept_unencrypted_logout_tokens": True}}


@pytest.mark.parametrize("fault", [None, Fault.ENCRYPTION_MISSING], ids=["encrypted", "signed only"])
def test_logout_tokens_that_are_signed_only_can_be_accepted(either_world: World, fault: Misbehaviour | None) -> None:
    """For providers that encrypt ID tokens only, such as Keycloak. Encrypted ones stay valid."""
    realm = signed_in(protected_realm(either_world, **OAEP, **ACCEPTING))
    token = issued(realm, *([fault] if fault else []))
    assert token.count(".") == (2 if fault else 4)
    assert is_meant_for(realm, token)
    assert read(realm, token).sub == "alice"


@pytest.mark.parametrize("fault", [fault for fault in LOGOUT_FAULTS if fault.rejected], ids=str)
def test_what_is_wrong_with_a_logout_token_that_is_signed_only_stays_wrong(
    either_world: World, fault: Misbehaviour
) -> None:
    """threat model 401."""
    realm = signed_in(protected_realm(either_world, **OAEP, **ACCEPTING))
    with pytest.raises(TokenError):
        read(realm, issued(realm, Fault.ENCRYPTION_MISSING, fault))


@pytest.mark.parametrize("fault", [Fault.ENCRYPTION_TAG_CHANGED, Fault.ENCRYPTION_OTHER_KEY], ids=str)
def test_what_is_wrong_with_the_encryption_stays_wrong(either_world: World, fault: Misbehaviour) -> None:
    """threat model 401."""
    realm = signed_in(protected_realm(either_world, **OAEP, **ACCEPTING))
    with pytest.raises(TokenError):
        read(realm, issued(realm, fault))


def test_id_tokens_must_be_encrypted_all_the_same(either_world: World) -> None:
    """threat model 105, 401: the setting is about logout tokens only."""
    realm = protected_realm(either_world, **OAEP, **ACCEPTING)
    with realm.provider.misbehaving(Fault.ENCRYPTION_MISSING), pytest.raises(TokenError):
        realm.log_in()


@pytest.mark.parametrize(
    "fault", [Fault.ENCRYPTION_MISSING, Fault.ENCRYPTION_TAG_CHANGED, Fault.ENCRYPTION_OTHER_KEY], ids=str
)
def test_a_logout_token_that_is_not_well_encrypted_is_for_nobody(either_world: World, fault: Misbehaviour) -> None:
    """threat model 105, 106."""
    realm = signed_in(protected_realm(either_world, **OAEP))
    token = issued(realm, fault)
    assert not is_meant_for(realm, token)
    with pytest.raises(TokenError):
        read(realm, token)
