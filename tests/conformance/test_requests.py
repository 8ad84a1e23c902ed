"""Requests in objects, by value and fetched by the provider, in the situations of the suite."""

from urllib.parse import parse_qs, urlsplit

import pytest

from .driver import Driver
from .situations import REQUESTS, Situation
from .test_logins import require_login

NONE = {"request_object_signing_alg": "none"}


@pytest.mark.parametrize("situation", REQUESTS, ids=str)
def test_a_login(driver: Driver, situation: Situation) -> None:
    driver.configure(dict(situation.registered), module=situation.name, **situation.order)
    require_login(driver, driver.log_in())


@pytest.mark.parametrize("request_type", ["request", "request_uri"])
def test_an_unsigned_one_is_rejected_unless_it_is_requested(driver: Driver, request_type: str) -> None:
    client = {"client_id": "client1", "client_secret": 64 * "s", **NONE}
    assert driver.rejection(client=client, request_type=request_type)["code"] == "configuration_error"


def test_an_unsigned_one_by_value(driver: Driver) -> None:
    driver.configure(NONE, request_type="request", unsigned=True)
    require_login(driver, driver.log_in())


def test_an_unsigned_one_is_not_fetched_by_http(driver: Driver) -> None:
    """threat model 265."""
    client = {"client_id": "client1", "client_secret": 64 * "s", **NONE}
    error = driver.rejection(client=client, request_type="request_uri", unsigned=True)
    assert (error["code"], "https" in error["message"]) == ("configuration_error", True)


def test_where_it_is_fetched(driver: Driver) -> None:
    told = driver.configure(request_type="request_uri", keys={"sig": "RS256"})
    assert told["request_uris"] == told["client"]["request_uris"] == [f"{driver.base_url}/request"]
    query = parse_qs(urlsplit(driver.get("/ct/login").headers["location"]).query)
    assert set(query) == {"client_id", "response_type", "scope", "request_uri"}
    (uri,) = query["request_uri"]
    assert uri.startswith(f"{driver.base_url}/request/")
    assert uri.endswith(".jwt")


@pytest.mark.parametrize("request_type", ["request", "request_uri"])
def test_a_client_that_registers_itself(driver: Driver, request_type: str) -> None:
    driver.configure_dynamic(
        {"request_object_signing_alg": "ES256"}, request_type=request_type, keys={"sig": "ES256"}
    )
    require_login(driver, driver.log_in())
    (client,) = driver.provider.registered_clients
    assert client.request_uris == ((f"{driver.base_url}/request",) if request_type == "request_uri" else ())
