"""Logins that come back while the token endpoint is out of order: they wait for it. threat model 370."""

from collections.abc import Callable
from typing import Any

import pytest

from oidc_async.provider.endpoint_breakers import MAX_FAILURES
from oidc_async.testing import stages
from oidc_async.testing.faults.responses import status

from .authorization_response import back_with, is_logged_in
from .cookie_jar import jar_of
from .site import Site

MakeSite = Callable[..., Site]


STAGES = {"token": stages.TOKEN_REPLY, "userinfo": stages.USERINFO_REPLY}


def failing(endpoint: str) -> Any:
    return stages.rejected("it is out of order", STAGES[endpoint](status(503)))


def fail_logins(site: Site, endpoint: str) -> None:
    with site.provider.misbehaving(failing(endpoint)):
        for _ in range(MAX_FAILURES):
            browser = site.browser()
            assert browser.come_back(browser.begin_login()).status_code >= 400


@pytest.mark.parametrize("endpoint", ["token", "userinfo"])
def test_a_login_that_comes_back_meanwhile_can_be_completed_by_a_reload(make_site: MakeSite, endpoint: str) -> None:
    site = make_site()
    browser = site.browser()
    callback = browser.begin_login()
    fail_logins(site, endpoint)
    asked, jar = site.provider.count("token"), jar_of(browser)

    page = browser.come_back(callback)
    assert (page.status_code, page.headers["retry-after"]) == (503, "1")
    assert site.provider.count("token") == asked
    assert jar_of(browser) == jar
    site.provider.clock.advance(1)
    assert browser.come_back(callback).status_code == 302
    assert is_logged_in(browser)


def test_a_login_whose_code_was_sent_is_over(make_site: MakeSite) -> None:
    """The code may have been used: a second use would end what it gave (RFC 6749 4.1.2)."""
    site = make_site()
    browser = site.browser()
    callback = browser.begin_login()
    with site.provider.misbehaving(failing("token")):
        assert browser.come_back(callback).status_code == 502
    assert browser.come_back(callback).status_code == 400
    assert site.provider.count("token") == 1


def test_strangers_with_invented_codes_stop_nobody(make_site: MakeSite) -> None:
    site = make_site()
    for number in range(3 * MAX_FAILURES):
        stranger = site.browser()
        assert stranger.come_back(back_with(stranger.begin_login(), code=f"invented{number}")).status_code == 400
    browser = site.browser()
    assert browser.come_back(browser.begin_login()).status_code == 302
