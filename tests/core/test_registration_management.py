"""A registration that is read, changed and ended (RFC 7592)."""

import pytest

from oidc_async import RelyingParty
from oidc_async.errors import ConfigurationError, OAuthError, RegistrationInvalid
from oidc_async.protocol.response_type import RESPONSE_TYPES
from tests.core.realm import REDIRECT_URI, new_realm
from tests.core.registering import Registering, new_registering, open_provider, registrations, sent
from tests.core.worlds import World


@pytest.fixture
def registering(either_world: World) -> Registering:
    return new_registering(either_world)


def test_a_registration_is_read_changed_and_ended(registering: Registering) -> None:
    """RFC 7592 2"""
    first = registering.client()
    assert registering.read()["client_name"] == "An application"
    changed = registering.update(client_name="Another name", contacts=["dev@rp.example"])
    assert (changed["client_name"], changed["contacts"]) == ("Another name", ["dev@rp.example"])
    assert (changed["client_id"], changed["client_secret"]) == (first["client_id"], first["client_secret"])
    assert sent(registering.provider, "PUT")["redirect_uris"] == [REDIRECT_URI]
    assert "contacts" not in registering.update(contacts=None)
    # each of them needed the access token that the one before brought
    assert registering.read()["registration_access_token"] != first["registration_access_token"]
    assert registering.realm.log_in().id_token["aud"] == first["client_id"]
    registering.delete()
    assert registering.provider.registered_clients == ()
    assert registering.realm.log_in().id_token["aud"] != first["client_id"]
    assert registrations(registering.provider) == 2


def test_who_is_not_registered_ends_nothing(registering: Registering) -> None:
    registering.delete()
    assert registering.provider.requests == ()


def test_a_change_that_would_not_work_is_rejected(registering: Registering) -> None:
    registering.client()
    with pytest.raises(RegistrationInvalid, match="client_keys"):
        registering.update(id_token_encrypted_response_alg="RSA-OAEP")


def test_a_change_that_the_provider_rejects_changes_nothing(registering: Registering) -> None:
    first = registering.client()
    with pytest.raises(OAuthError):
        registering.update(redirect_uris=["http://rp.example/plain"])
    assert registering.known is first


def test_without_management_that_is_said(either_world: World) -> None:
    registering = new_registering(either_world, open_provider(is_managed=False))
    registering.client()
    for call in (registering.read, registering.update, registering.delete):
        with pytest.raises(RegistrationInvalid, match="RFC 7592"):
            call()


def test_who_was_registered_by_hand_is_managed_by_hand(either_world: World) -> None:
    registering = Registering(new_realm(either_world))
    for call in (registering.read, registering.update, registering.delete):
        with pytest.raises(ConfigurationError, match="by hand"):
            call()


def test_the_blocking_class_has_all_of_it() -> None:
    assert {"read_registration", "update_registration", "delete_registration"} <= set(vars(RelyingParty))


def test_each_response_type_can_be_registered(either_world: World) -> None:
    for response_type in RESPONSE_TYPES:
        registering = new_registering(either_world, auth_request_params={"response_type": response_type})
        assert registering.realm.log_in().id_token["sub"] == "alice"
