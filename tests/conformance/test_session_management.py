"""Sessions that a frame watches, and what becomes of them when it sees a change."""

import re
from typing import Any

from oidc_async.testing import Fault

from .driver import Driver, asked

WATCHED = '<iframe src="http'
FROM_THE_FRAME = {"sec-fetch-site": "same-origin"}


def log_in(driver: Driver) -> None:
    driver.provider.manage_sessions()
    driver.configure(session_management=True)
    assert driver.log_in()["ok"]


def see_a_change(driver: Driver) -> None:
    page = driver.http.get(f"{driver.base_url}/session_iframe?changed", headers=FROM_THE_FRAME)
    assert "oidc_async:session_changed" in page.text


def go_through_the_provider(driver: Driver) -> dict[str, Any]:
    """What the page around does: it reloads itself."""
    way = driver.get("/session-iframe")
    assert "prompt=none" in way.headers["location"]
    assert "id_token_hint=" in way.headers["location"]
    driver.come_back(driver.provider.authorize(way.headers["location"]))
    return driver.result()


def test_the_page_has_a_frame_with_a_frame_of_the_provider(driver: Driver) -> None:
    log_in(driver)
    assert '<iframe src="/session_iframe">' in driver.get("/session-iframe").text
    frame = driver.get("/session_iframe").text
    assert f'<iframe src="{driver.provider.issuer}check_session">' in frame
    assert re.search(r'data-message="client1 [0-9a-f]+\.[0-9a-f]+"', frame)


def test_a_session_that_continues_is_watched_by_its_new_state(driver: Driver) -> None:
    log_in(driver)
    before = driver.get("/session_iframe").text
    see_a_change(driver)
    result = go_through_the_provider(driver)
    assert result["ok"]
    assert asked(result).count("token") == 2
    assert driver.session()["logged_in"]
    after = driver.get("/session_iframe").text
    assert WATCHED in after
    assert after != before


def test_a_session_that_ended_asks_for_a_login(driver: Driver) -> None:
    log_in(driver)
    see_a_change(driver)
    with driver.provider.misbehaving(Fault.AUTHORIZATION_LOGIN_REQUIRED):
        result = go_through_the_provider(driver)
    assert result["error"]["code"] == "authorization_refused"
    way = driver.get("/session-iframe")
    assert (way.status_code, "prompt=none" in way.headers["location"]) == (302, False)
    assert WATCHED not in driver.get("/session_iframe").text


def test_without_the_order_there_is_no_frame(driver: Driver) -> None:
    driver.provider.manage_sessions()
    driver.configure()
    driver.log_in()
    for path in ("/session_iframe", "/session-iframe"):
        assert driver.get(path).status_code == 404
