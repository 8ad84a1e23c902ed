"""Responses that browsers bring to the redirect URI, and what becomes of them."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from oidc_async.errors import OIDCError
from oidc_async.testing import Callback

from .site import REDIRECT_URI, Browser


def back_with(callback: Callback, **changes: str | None) -> Callback:
    """The callback with other parameters; None takes one away."""
    pairs = {**dict(callback.parameters), **changes}
    parameters = tuple((name, value) for name, value in pairs.items() if value is not None)
    url = callback.url if callback.method == "POST" else f"{REDIRECT_URI}?{urlencode(parameters)}"
    return replace(callback, url=url, parameters=parameters)


def code_of(caplog: pytest.LogCaptureFixture) -> str:
    """The code of the last error that was answered with a page."""
    record = [record for record in caplog.records if record.name == "oidc_async.login"][-1]
    assert isinstance(record.args, tuple)
    error = record.args[0]
    assert isinstance(error, OIDCError)
    return error.code


def is_logged_in(browser: Browser) -> bool:
    return browser.who() != {}
