"""Logins in the situations of the suite: how they end, and that nothing more is asked when they fail."""

from base64 import urlsafe_b64decode
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_async.testing import Fault, SimulatedProvider

from .driver import Driver, asked
from .situations import LOGINS, NOT_ASKED, Situation


@pytest.mark.parametrize("situation", LOGINS, ids=str)
def test_a_login(driver: Driver, situation: Situation) -> None:
    driver.configure(dict(situation.registered), module=situation.name, **situation.order)
    with driver.provider.misbehaving(*situation.faults):
        result = driver.log_in()
    assert asked(result).count("token") <= 1
    if situation.code is None:
        require_login(driver, result)
    else:
        require_failure(driver, result, situation)


def require_login(driver: Driver, result: dict[str, object]) -> None:
    assert (result["ok"], result["error"], result["step"]) == (True, None, "callback")
    claims = result["id_token_claims"]
    assert isinstance(claims, dict)
    assert claims["iss"] == driver.provider.issuer
    assert driver.session() == {"logged_in": True, "sid": claims["sid"], "sub": "alice"}


def require_failure(driver: Driver, result: dict[str, object], situation: Situation) -> None:
    error = result["error"]
    assert isinstance(error, dict)
    assert (result["ok"], error["code"]) == (False, situation.code)
    # a claim that is wrong is named, as the situation is
    assert error["code"] != "claim_invalid" or situation.name.split()[0] in error["message"].split()
    assert error["message"]
    assert not set(asked(result)) & set(NOT_ASKED[situation.rejected])
    assert driver.session() == {"logged_in": False, "sid": None, "sub": None}


def test_the_requests_of_a_login(driver: Driver) -> None:
    driver.configure()
    result = driver.log_in()
    issuer = driver.provider.issuer
    assert result["calls"][0] == ["GET", f"{issuer}.well-known/openid-configuration", 200]
    assert sorted(asked(result)) == ["jwks", "openid-configuration", "token", "userinfo"]
    assert result["userinfo"]["sub"] == "alice"
    driver.log_in()
    # the same client knows the provider by now
    assert sorted(asked(driver.result())) == ["token", "userinfo"]


def test_every_configuration_is_a_client_that_knows_nothing(driver: Driver) -> None:
    driver.configure()
    driver.log_in()
    cookies = dict(driver.http.cookies)
    driver.configure()
    driver.http.cookies.update(cookies)
    assert not driver.session()["logged_in"]
    assert "openid-configuration" in asked(driver.log_in())


def test_a_login_that_is_under_way_is_dropped(driver: Driver) -> None:
    driver.configure()
    callback = driver.begin_login()
    assert callback is not None
    cookies = dict(driver.http.cookies)
    driver.configure()
    driver.http.cookies.update(cookies)
    assert driver.come_back(callback).status_code == 400
    assert driver.result()["error"]["code"] == "state_mismatch"


def test_a_login_while_somebody_is_logged_in(driver: Driver) -> None:
    driver.configure()
    driver.log_in()
    assert driver.log_in()["ok"]
    with driver.provider.misbehaving(Fault.ID_TOKEN_NONCE_WRONG):
        assert not driver.log_in()["ok"]
    assert driver.session()["logged_in"]


def test_the_request(driver: Driver) -> None:
    driver.configure(scope="openid email", authorization_params={"ui_locales": "de", "max_age": 600})
    # nothing about PKCE may depend on what the provider says of it
    with driver.provider.misbehaving(Fault.DISCOVERY_OPTIONAL_MISSING):
        location = driver.get("/ct/login").headers["location"]
    parameters = {name: value for name, [value] in parse_qs(urlsplit(location).query).items()}
    assert parameters["scope"] == "openid email"
    assert (parameters["ui_locales"], parameters["max_age"]) == ("de", "600")
    assert parameters["code_challenge_method"] == "S256"
    assert len(parameters["nonce"]) <= 43
    assert urlsafe_b64decode(parameters["nonce"] + "==")


def test_a_login_that_the_provider_initiates(driver: Driver) -> None:
    told = driver.configure()
    page = driver.http.get(told["initiate_login_uri"], params={"iss": driver.provider.issuer})
    driver.come_back(driver.provider.authorize(page.headers["location"]))
    assert driver.result()["ok"]
    assert driver.session()["logged_in"]


def test_a_login_that_another_issuer_initiates(driver: Driver) -> None:
    told = driver.configure()
    page = driver.http.get(told["initiate_login_uri"], params={"iss": "https://other.example/"})
    assert (page.status_code, driver.result()["calls"]) == (400, [])
    assert not driver.result()["ok"]
    assert driver.result()["error"]["code"] == "login_request_invalid"


def test_keys_that_are_rotated_between_two_logins(driver: Driver, provider: SimulatedProvider) -> None:
    driver.configure()
    assert driver.log_in()["ok"]
    provider.rotate_keys()
    result = driver.log_in()
    assert result["ok"]
    assert asked(result).count("jwks") == 1


def test_userinfo_by_post(driver: Driver) -> None:
    driver.configure(userinfo="POST")
    assert ["POST", f"{driver.provider.issuer}userinfo", 200] in driver.log_in()["calls"]


def test_no_userinfo(driver: Driver) -> None:
    driver.configure(userinfo=None)
    result = driver.log_in()
    assert (result["ok"], result["userinfo"]) == (True, None)
    assert "userinfo" not in asked(result)


@pytest.mark.parametrize(
    ("method", "keys"),
    [
        ("client_secret_basic", {}),
        ("client_secret_post", {}),
        ("client_secret_jwt", {}),
        ("private_key_jwt", {"sig": "RS256"}),
        ("private_key_jwt", {"sig": "ES256"}),
        ("private_key_jwt", {"sig": "EdDSA"}),
        ("none", {}),
    ],
)
def test_client_authentication(driver: Driver, method: str, keys: dict[str, str]) -> None:
    secret = {} if method.startswith("client_secret") else {"client_secret": None}
    driver.configure({"token_endpoint_auth_method": method, **secret}, keys=keys)
    assert driver.log_in()["ok"]
