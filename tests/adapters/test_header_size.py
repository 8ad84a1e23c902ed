"""Responses whose headers a proxy may drop: said once, with the setting that helps."""

import logging
import secrets
from collections.abc import Callable

import pytest

from oidc_async.testing import stages
from oidc_async.web.response_headers import PROXY_BUFFER_BYTES

from .site import Page, Site

MakeSite = Callable[..., Site]


def log_in_with_tokens_of(site: Site, size: int) -> Page:
    """The response of the redirect URI to a login that brings so many characters."""
    tokens = {"refresh_token": secrets.token_hex(size)[:size]}
    browser = site.browser()
    with site.provider.misbehaving(stages.harmless("long tokens", stages.TOKEN(lambda it, scene: {**it, **tokens}))):
        return browser.come_back(browser.begin_login())


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "proxy_buffer_size" in record.getMessage()]


@pytest.mark.parametrize("size", [0, 9000], ids=["small", "large"])
def test_a_response_that_nginx_drops_by_default_is_warned_of(
    make_site: MakeSite, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    page = log_in_with_tokens_of(make_site(), size)
    headers = sum(len(name) + len(value) + 4 for name, value in page.headers.multi_items())
    assert page.status_code == 302
    assert (headers > PROXY_BUFFER_BYTES) is bool(warnings(caplog)) is bool(size)


def test_it_is_said_once_with_what_helps(make_site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    site = make_site()
    for _ in range(3):
        log_in_with_tokens_of(site, 9000)
    (warning,) = warnings(caplog)
    assert "OIDC_STORE" in warning
    assert f"{PROXY_BUFFER_BYTES} bytes" in warning
