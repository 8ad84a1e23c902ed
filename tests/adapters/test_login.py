"""A login from the first page to the session, as a user of either framework sees it."""

import pytest

from .site import Site

SESSIONS_IN = ("cookies", "sqlite")


@pytest.mark.parametrize("path", ["/private", "/private-other-kind"])
def test_a_protected_page_is_shown_after_a_login(site: Site, path: str) -> None:
    browser = site.browser()
    assert browser.log_in(path).text == "private"
    assert browser.get(path).text == "private"
    assert site.provider.count("token") == 1


def test_the_session_has_what_the_provider_sent(site: Site) -> None:
    browser = site.browser()
    browser.log_in()
    who = browser.who()
    assert who["current_provider"] == "default"
    assert who["id_token"]["sub"] == "alice"
    assert who["id_token"]["iss"] == site.provider.issuer
    assert who["userinfo"]["sub"] == "alice"
    assert who["access_token"]
    assert who["id_token_jwt"].count(".") == 2
    assert who["access_token_expires_at"] > site.provider.clock()
