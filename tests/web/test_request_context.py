"""The context of a request before and after the request is read."""

from typing import cast

import pytest

from oidc_async.web.application import WebApplication
from oidc_async.web.request_context import RequestContext

from .web_request import web_request

APPLICATION = cast("WebApplication", object())


def test_a_request_that_was_not_read_is_an_error_and_not_none() -> None:
    context = RequestContext(APPLICATION)
    assert not context.has_request
    with pytest.raises(RuntimeError, match="not read"):
        _ = context.request


def test_a_request_is_read_once() -> None:
    context = RequestContext(APPLICATION)
    context.read_once(lambda: web_request(path="/first"))
    context.read_once(lambda: web_request(path="/second"))
    assert context.request.path == "/first"
