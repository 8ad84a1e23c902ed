"""Clients that register themselves: once for each configuration, and with what was ordered."""

import pytest

from oidc_async.testing import Fault, Misbehaviour
from oidc_async.testing.faults.documents import without
from oidc_async.testing.stages import DISCOVERY, rejected

from .driver import Driver, asked
from .situations import ENCRYPTED, ENCRYPTED_USERINFO, OWN_KEYS, SIGNED_USERINFO
from .test_logins import require_login

NO_REGISTRATION = rejected("no registration_endpoint", DISCOVERY(without("registration_endpoint")))


def test_a_client_registers_once(driver: Driver) -> None:
    driver.configure_dynamic()
    first = driver.log_in()
    assert (first["ok"], first["error"]) == (True, None)
    assert ["POST", f"{driver.provider.issuer}register", 201] in first["calls"]
    second = driver.log_in()
    assert second["ok"]
    assert "register" not in asked(second)


def test_each_configuration_is_another_client(driver: Driver) -> None:
    names = []
    for _ in range(2):
        driver.configure_dynamic()
        names.append(driver.log_in()["id_token_claims"]["aud"])
    assert names == [client.client_id for client in driver.provider.registered_clients]
    assert len(set(names)) == 2


@pytest.mark.parametrize(
    ("metadata", "response_type"),
    [
        ({"token_endpoint_auth_method": "client_secret_post"}, "code"),
        ({"id_token_signed_response_alg": "ES256"}, "code"),
        ({"userinfo_signed_response_alg": "RS256"}, "code"),
        ({}, "id_token token"),
        ({}, "code id_token"),
    ],
)
def test_it_registers_what_is_ordered(driver: Driver, metadata: dict[str, str], response_type: str) -> None:
    told = driver.configure_dynamic(metadata, response_type=response_type)
    assert driver.log_in()["ok"]
    (client,) = driver.provider.registered_clients
    assert client.redirect_uris == (told["redirect_uri"],)
    assert client.post_logout_redirect_uris == (told["post_logout_redirect_uri"],)
    assert client.response_types == (response_type,)
    assert {name: getattr(client, name) for name in metadata} == metadata


@pytest.mark.parametrize(
    "metadata",
    [
        ENCRYPTED,
        ENCRYPTED_USERINFO,
        {**ENCRYPTED, **ENCRYPTED_USERINFO, **SIGNED_USERINFO},
        {**ENCRYPTED, "token_endpoint_auth_method": "private_key_jwt"},
    ],
    ids=["ID tokens", "userinfo", "both", "assertions beside"],
)
def test_it_registers_for_encryption_to_its_own_keys(driver: Driver, metadata: dict[str, str]) -> None:
    told = driver.configure_dynamic(metadata, **OWN_KEYS)
    result = driver.log_in()
    require_login(driver, result)
    assert result["userinfo"]["sub"] == "alice"
    (client,) = driver.provider.registered_clients
    assert (client.jwks_uri, client.jwks) == (told["jwks_uri"], {})
    assert {name: getattr(client, name) for name in metadata} == metadata


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.ENCRYPTION_TAG_CHANGED, "decryption_failed"),
        (Fault.ENCRYPTION_MISSING, "token_malformed"),
        (Fault.ENCRYPTION_OTHER_ENC, "algorithm_not_allowed"),
    ],
    ids=str,
)
def test_what_it_registered_for_is_kept_to(driver: Driver, fault: Misbehaviour, code: str) -> None:
    driver.configure_dynamic(ENCRYPTED, **OWN_KEYS)
    with driver.provider.misbehaving(fault):
        result = driver.log_in()
    assert (result["ok"], result["error"]["code"]) == (False, code)
    assert "userinfo" not in asked(result)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.REGISTRATION_CLIENT_ID_MISSING, "registration_invalid"),
        (Fault.REGISTRATION_REDIRECT_URI_OTHER, "registration_invalid"),
        (Fault.REGISTRATION_RESPONSE_TYPE_OTHER, "registration_invalid"),
        (Fault.REGISTRATION_ALG_UNKNOWN, "registration_invalid"),
        (Fault.REGISTRATION_REJECTED, "oauth_error"),
        (NO_REGISTRATION, "configuration_error"),
    ],
    ids=str,
)
def test_a_registration_that_fails_ends_the_login(driver: Driver, fault: Misbehaviour, code: str) -> None:
    driver.configure_dynamic()
    with driver.provider.misbehaving(fault):
        result = driver.log_in()
    assert (result["ok"], result["step"]) == (False, "login")
    assert result["error"]["code"] == code
    assert not set(asked(result)) & {"token", "jwks", "userinfo"}


def test_unsigned_id_tokens_are_rejected_though_they_were_registered(driver: Driver) -> None:
    """The module of the suite is "skipped" then, as it allows (OIDC Registration 3.2)."""
    driver.configure_dynamic()
    with driver.provider.misbehaving(Fault.REGISTRATION_ALG_NONE, Fault.ID_TOKEN_ALG_NONE):
        result = driver.log_in()
    assert (result["ok"], result["error"]["code"]) == (False, "algorithm_not_allowed")
    assert "userinfo" not in asked(result)
