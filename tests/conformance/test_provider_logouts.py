"""Logouts that the provider begins: each logout token of the suite, and a page with a frame."""

import httpx
import pytest

from oidc_async.testing import LOGOUT_FAULTS, Misbehaviour

from .driver import CLIENT_ID, Driver, asked


def tell(driver: Driver, token: str) -> httpx.Response:
    """What the provider is answered to a logout token; it has no cookies of the browser."""
    return httpx.post(f"{driver.base_url}/backchannel_logout", data={"logout_token": token}, trust_env=False)


@pytest.mark.parametrize("fault", LOGOUT_FAULTS, ids=str)
def test_a_logout_token(driver: Driver, fault: Misbehaviour) -> None:
    driver.configure()
    driver.log_in()
    with driver.provider.misbehaving(fault):
        answer = tell(driver, driver.provider.logout_token(CLIENT_ID, "alice"))
    assert answer.status_code == (400 if fault.rejected else 200)
    assert "no-store" in answer.headers["cache-control"]
    assert not set(asked(driver.result())) & {"token", "userinfo"}
    assert driver.session()["logged_in"] == fault.rejected


def test_a_logout_token_for_a_session_that_is_gone(driver: Driver) -> None:
    driver.configure()
    driver.log_in()
    driver.post("/ct/logout")
    assert tell(driver, driver.provider.logout_token(CLIENT_ID, "alice")).status_code == 200


def test_a_logout_token_is_good_once(driver: Driver) -> None:
    driver.configure()
    driver.log_in()
    token = driver.provider.logout_token(CLIENT_ID, "alice")
    assert [tell(driver, token).status_code for _ in range(2)] == [200, 400]


def test_a_logout_token_for_a_client_that_asked_nothing_yet(driver: Driver) -> None:
    driver.configure()
    driver.provider.sign_in("alice")
    assert tell(driver, driver.provider.logout_token(CLIENT_ID, "alice")).status_code == 200
    assert asked(driver.result()) == ["openid-configuration", "jwks"]


def test_a_frame(driver: Driver) -> None:
    driver.configure()
    driver.log_in()
    (url,) = driver.provider.frontchannel_logout_urls("alice")
    strange = httpx.URL(url).copy_set_param("sid", "of another session")
    for frame, stays in ((strange, True), (url, False)):
        page = driver.http.get(frame)
        assert (page.status_code, page.text) == (200, "")
        assert driver.result()["step"] == "frontchannel_logout"
        assert driver.session()["logged_in"] == stays
