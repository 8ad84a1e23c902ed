"""What the routes under /ct/ answer to a driver."""

from typing import Any

import pytest

from .driver import CLIENT_ID, SECRET, Driver

CLIENT = {"client_id": CLIENT_ID, "client_secret": SECRET}


def test_where_the_application_is(driver: Driver) -> None:
    told = driver.configure(
        {"token_endpoint_auth_method": "client_secret_post"}, keys={"sig": "ES256", "enc": "ECDH-ES"}
    )
    assert told == {
        "redirect_uri": f"{driver.base_url}/callback",
        "post_logout_redirect_uri": f"{driver.base_url}/ct/logout",
        "initiate_login_uri": f"{driver.base_url}/initiate_login",
        "jwks_uri": f"{driver.base_url}/jwks",
        "request_uris": [],
        "backchannel_logout_uri": f"{driver.base_url}/backchannel_logout",
        "frontchannel_logout_uri": f"{driver.base_url}/frontchannel_logout",
        "client": {
            "client_id": CLIENT_ID,
            "token_endpoint_auth_method": "client_secret_post",
            "redirect_uris": [f"{driver.base_url}/callback"],
            "post_logout_redirect_uris": [f"{driver.base_url}/ct/logout"],
            "jwks_uri": f"{driver.base_url}/jwks",
            "initiate_login_uri": f"{driver.base_url}/initiate_login",
            "backchannel_logout_uri": f"{driver.base_url}/backchannel_logout",
            "backchannel_logout_session_required": True,
            "frontchannel_logout_uri": f"{driver.base_url}/frontchannel_logout",
            "frontchannel_logout_session_required": True,
        },
    }
    signs, decrypts = driver.http.get(told["jwks_uri"]).json()["keys"]
    assert (signs["use"], signs["alg"], decrypts["use"], decrypts["alg"]) == ("sig", "ES256", "enc", "ECDH-ES")
    assert "d" not in signs


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"client": {}}, "configuration_error"),
        ({"client": CLIENT, "webfinger": "=alice"}, "identifier_invalid"),
        ({"client": CLIENT, "response_type": "none"}, "configuration_error"),
        ({"client": CLIENT, "response_type": "id_token", "response_mode": "query"}, "configuration_error"),
        ({"client": {**CLIENT, "id_token_signed_response_alg": "none"}}, "configuration_error"),
        ({"client": {**CLIENT, "token_endpoint_auth_method": "private_key_jwt"}}, "configuration_error"),
        ({"client": CLIENT, "keys": {"encryption": "RSA-OAEP"}}, "configuration_error"),
        ({"client": CLIENT, "registration": "automatic"}, "invalid_order"),
        ({"client": CLIENT, "request_type": "by value"}, "invalid_order"),
        ({"client": CLIENT, "request_type": "request"}, "configuration_error"),
        (
            {"client": {**CLIENT, "request_object_signing_alg": "none"}, "request_type": "request"},
            "configuration_error",
        ),
        ({"client": CLIENT, "ca": "/no/such/file.pem"}, "invalid_order"),
        ({"client": CLIENT, "respones_type": "code"}, "invalid_order"),
    ],
    ids=str,
)
def test_impossible_orders_are_rejected(driver: Driver, order: dict[str, Any], code: str) -> None:
    error = driver.rejection(**order)
    assert error["code"] == code
    assert error["message"]


def test_a_rejected_order_changes_nothing(driver: Driver) -> None:
    driver.configure()
    driver.log_in()
    driver.rejection(client=CLIENT, response_type="none")
    assert driver.session()["logged_in"]
    assert driver.log_in()["ok"]


def test_the_log_names_each_module_and_no_secrets(driver: Driver) -> None:
    driver.configure(module="first", scope="openid offline_access")
    callback = driver.begin_login()
    assert callback is not None
    driver.come_back(callback)
    driver.refresh()
    driver.configure(module="second", issuer="https://127.0.0.1:1/")
    assert driver.log_in()["calls"][0] == ["GET", "https://127.0.0.1:1/.well-known/openid-configuration", None]
    log = driver.get("/ct/log").json()
    assert "INFO conformance: callback succeeded" in log["first"]
    assert "INFO conformance: login failed: provider_unreachable" in log["second"]
    state, code = callback.get("state"), callback.get("code")
    tokens = [*driver.provider._registry.access_tokens, *driver.provider._registry.id_tokens]
    assert len(tokens) == 4
    for secret in (state, code, SECRET, *tokens):
        assert secret
        assert secret not in str(log)
