"""What a browser keeps: to look at it, and to give it something else."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from .site import Browser, Site

in_cookies = pytest.mark.parametrize("sessions_in", ["cookies"], indirect=True)
"""For a test that is about sealed cookies, in a module that runs everywhere."""


def jar_of(browser: Browser) -> dict[str, str]:
    return {cookie.name: cookie.value or "" for cookie in browser.cookies.jar}


def put(browser: Browser, cookies: Mapping[str, str]) -> None:
    """Let the browser have these cookies and no others."""
    browser.cookies.clear()
    for name, value in cookies.items():
        browser.cookies.set(name, value, domain="rp.example", path="/")


def session_name(site: Site) -> str:
    in_cookies = site.web.store is None or site.web.settings.session_in_cookies
    return site.web.cookies.name("session" if in_cookies else "sid")


def session_of(browser: Browser) -> dict[str, str]:
    """The cookies of the session, in the order of their parts."""
    name = session_name(browser.site)
    return {key: value for key, value in sorted(jar_of(browser).items()) if re.fullmatch(rf"{name}(-\d+)?", key)}


def copy_of_session(browser: Browser) -> dict[str, str]:
    """All that another browser needs to have the same session."""
    current = browser.site.web.cookies.name("current")
    return {**session_of(browser), **{name: value for name, value in jar_of(browser).items() if name == current}}


def logged_in(site: Site, **authorize: Any) -> Browser:
    """A browser with a session."""
    browser = site.browser()
    browser.log_in(**authorize)
    assert browser.who() != {}
    return browser


def login_again(browser: Browser) -> str:
    """Where a login leads that another tab began before there was a session."""
    kept, name = jar_of(browser), session_name(browser.site)
    put(browser, {key: value for key, value in kept.items() if not key.startswith(name)})
    location: str = browser.get("/private").headers["location"]
    put(browser, {**jar_of(browser), **kept})
    return location


def is_anonymous(browser: Browser) -> bool:
    """Whether nobody is logged in, which is not an error: a protected page leads to the login."""
    page = browser.get("/who")
    return (page.status_code, page.text.strip()) == (200, "{}") and browser.get("/private").status_code == 302
