"""Which library carries the requests: what is installed, and what the settings say."""

import asyncio
import importlib
import sys
from unittest import mock

import pytest

from oidc_async.errors import ConfigurationError
from oidc_async.http.settings import HttpSettings
from oidc_async.runtime.async_runtime import AsyncRuntime
from oidc_async.runtime.blocking_runtime import BlockingRuntime
from tests.core.conftest import Serve
from tests.core.raw_server import always, get, response
from tests.core.worlds import connections, quick

AIOHTTP = quick(HttpSettings(engine="aiohttp"))


@pytest.mark.parametrize("name", ["httpcore_async", "httpcore_sync"])
@pytest.mark.parametrize(("family", "core"), [("httpx", "httpcore"), ("httpx2", "httpcore2")])
def test_httpx2_is_used_when_it_is_installed(name: str, family: str, core: str) -> None:
    assert connections(name, family).core.__name__ == core


def test_aiohttp_is_used_when_the_settings_say_so(serve: Serve) -> None:
    server = serve(always(response()))
    aiohttp_connections = importlib.import_module("oidc_async.http.aiohttp_client")
    exchange = aiohttp_connections.AiohttpConnections.exchange
    for settings, calls in [(AIOHTTP, 1), (quick(HttpSettings()), 0)]:
        with mock.patch.object(
            aiohttp_connections.AiohttpConnections, "exchange", autospec=True, side_effect=exchange
        ) as spy:
            assert asyncio.run(AsyncRuntime(settings).send(get(server.url))).status == 200
        assert spy.call_count == calls


def test_without_aiohttp_the_error_says_how_to_install_it() -> None:
    with (
        mock.patch.dict(sys.modules, {"aiohttp": None, "oidc_async.http.aiohttp_client": None}),
        pytest.raises(
            ConfigurationError, match=r'^engine="aiohttp" needs aiohttp: pip install "oidc-async\[aiohttp\]"'
        ),
    ):
        AsyncRuntime(AIOHTTP)


def test_threads_have_no_aiohttp() -> None:
    with pytest.raises(ConfigurationError, match=r"^engine must be httpx here"):
        BlockingRuntime(AIOHTTP)
