"""Refreshes and logouts in the situations of the suite."""

from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_async.testing import Fault

from .driver import CLIENT_ID, Driver, asked
from .situations import REFRESHES, Situation

OFFLINE = "openid offline_access"


@pytest.mark.parametrize("situation", REFRESHES, ids=str)
def test_a_refresh(driver: Driver, situation: Situation) -> None:
    driver.configure(scope=OFFLINE)
    assert driver.log_in()["ok"]
    with driver.provider.misbehaving(*situation.faults):
        result = driver.refresh()
    assert result["step"] == "refresh"
    assert asked(result) == ["token"]
    assert (result["ok"], (result["error"] or {}).get("code")) == (situation.code is None, situation.code)
    assert driver.session()["logged_in"]


def test_a_refresh_without_a_token(driver: Driver) -> None:
    driver.configure()
    driver.log_in()
    result = driver.refresh()
    assert (result["ok"], result["calls"]) == (False, [])


def test_a_logout(driver: Driver) -> None:
    told = driver.configure()
    driver.log_in()
    page = driver.post("/ct/logout")
    assert page.status_code == 303
    parameters = parse_qs(urlsplit(page.headers["location"]).query)
    assert parameters["post_logout_redirect_uri"] == [told["post_logout_redirect_uri"]]
    assert parameters["client_id"] == [CLIENT_ID]
    assert parameters["id_token_hint"]
    assert (driver.result()["ok"], driver.result()["step"]) == (True, "logout")
    back = driver.http.get(driver.provider.end_session(page.headers["location"]).url)
    assert (back.status_code, back.json()["logged_in"]) == (200, False)
    assert not driver.session()["logged_in"]


def test_a_logout_at_a_provider_without_one(driver: Driver) -> None:
    driver.configure()
    with driver.provider.misbehaving(Fault.DISCOVERY_OPTIONAL_MISSING):
        driver.log_in()
    assert driver.post("/ct/logout").json() == {"logged_in": False, "sid": None, "sub": None}
    assert driver.result()["ok"]
