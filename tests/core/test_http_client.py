"""A client of the caller's own, in place of the built-in one."""

import http.cookiejar
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import httpcore
import httpcore2
import httpx
import httpx2
import pytest

from oidc_async import ClientMetadata, ProviderConfiguration
from oidc_async.errors import ConfigurationError, ProviderTimeout, ProviderUnreachable, ResponseTooLarge
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest
from oidc_async.runtime.async_runtime import AsyncRuntime
from oidc_async.runtime.blocking_runtime import BlockingRuntime
from tests.core.conftest import Serve
from tests.core.raw_server import always, get, response
from tests.core.worlds import AsyncWorld, BlockingWorld, World


def test_it_is_used_with_its_headers_and_not_closed(world: World, serve: Serve) -> None:
    server = serve(always(response()))
    client = world.client(headers={"X-Gateway": "1", "Accept-Encoding": "br"}, auth=("user", "password"))
    runtime = world.runtime(http_client=client)
    assert world.run(runtime.send(get(server.url, headers={"Authorization": "Bearer ours"}))).status == 200
    world.close_runtime(runtime)
    assert not client.is_closed
    assert world.run(runtime.send(get(server.url.replace("//", "//user:password@")))).status == 200
    first, second = server.seen
    assert (first.headers["x-gateway"], first.headers["accept-encoding"]) == ("1", "identity")
    assert first.headers["authorization"] == "Bearer ours"
    assert "authorization" not in second.headers


def test_its_transport_serves_the_other_family_too(either_world: World, serve: Serve) -> None:
    """A caller's httpx client works although httpx2 is installed."""
    server = serve(always(response()))
    old_world = AsyncWorld("httpx") if isinstance(either_world, AsyncWorld) else BlockingWorld("httpx")
    client = old_world.client()
    assert type(client).__module__ == "httpx"
    runtime = either_world.runtime(http_client=client)
    assert either_world.run(runtime.send(get(server.url))).status == 200
    close = client.aclose() if isinstance(either_world, AsyncWorld) else _nothing()
    either_world.run(close)
    old_world.close()


async def _nothing() -> None: ...


def test_a_mock_transport_works(world: World) -> None:
    def answer(request: Any) -> Any:
        return world.http.Response(200, json={"url": str(request.url)}, headers={"Set-Cookie": "a=b"})

    client = world.client(transport=world.http.MockTransport(answer))
    got = world.run(world.runtime(http_client=client).send(get("https://op.example/x")))
    assert got.body.replace(b" ", b"") == b'{"url":"https://op.example/x"}'
    assert got.media_type == "application/json"
    with pytest.raises(ResponseTooLarge):
        world.run(world.runtime(http_client=client).send(get("https://op.example/x", max_body=5)))


def test_the_cookies_of_one_user_are_not_kept_for_the_next(world: World, serve: Serve) -> None:
    """threat model 122"""
    server = serve(always(response(Set_Cookie="user=a; Path=/")))
    client = world.client(cookies={"callers": "own"})
    runtime = world.runtime(http_client=client)
    for _ in range(2):
        world.run(runtime.send(get(server.url)))
    assert [seen.headers.get("cookie") for seen in server.seen] == [None, None]
    assert isinstance(client.cookies.jar, http.cookiejar.CookieJar)
    assert [(cookie.name, cookie.value) for cookie in client.cookies.jar] == [("callers", "own")]


@pytest.mark.parametrize(
    ("runtime", "client", "fix"),
    [
        (AsyncRuntime, httpx.Client, r"httpx\.Client; .* httpx\.AsyncClient or httpx2\.AsyncClient"),
        (AsyncRuntime, httpx2.Client, r"httpx2\.Client; .* httpx\.AsyncClient or httpx2\.AsyncClient"),
        (AsyncRuntime, object, r"builtins\.object; .* httpx\.AsyncClient or httpx2\.AsyncClient"),
        (BlockingRuntime, httpx.AsyncClient, r"httpx\.AsyncClient; .* httpx\.Client or httpx2\.Client"),
        (BlockingRuntime, httpx2.AsyncClient, r"httpx2\.AsyncClient; .* httpx\.Client or httpx2\.Client"),
        (BlockingRuntime, dict, r"builtins\.dict; .* httpx\.Client or httpx2\.Client"),
    ],
)
def test_a_client_of_the_wrong_kind_is_rejected_with_the_fix(runtime: Any, client: Any, fix: str) -> None:
    with pytest.raises(ConfigurationError, match=fix):
        runtime(http_client=client())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("proxy", "http://proxy.example:3128"),
        ("ca_bundle", "/etc/ca.pem"),
        ("ca_bundle", ssl.create_default_context()),
        ("client_certificate", "/etc/client.pem"),
        ("user_agent", "application"),
        ("engine", "aiohttp"),
    ],
    ids=["proxy", "CA file", "SSL context", "client certificate", "user agent", "engine"],
)
def test_settings_that_it_would_make_void_are_rejected(name: str, value: Any) -> None:
    settings = HttpSettings(**{name: value})
    makes: list[Callable[[], object]] = [
        lambda: AsyncRuntime(settings, http_client=httpx.AsyncClient()),
        lambda: BlockingRuntime(settings, http_client=httpx.Client()),
        lambda: ProviderConfiguration(
            "https://op.example",
            client_metadata=ClientMetadata("client1"),
            http_settings=settings,
            http_client=httpx.Client(),
        ),
    ]
    for make in makes:
        with pytest.raises(ConfigurationError, match=rf"{name} in http_settings .* http_client"):
            make()


@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        (httpx.ConnectTimeout("x"), ProviderTimeout),
        (httpx.PoolTimeout("x"), ProviderTimeout),
        (httpx2.ReadTimeout("x"), ProviderTimeout),
        (httpcore.ReadTimeout("x"), ProviderTimeout),
        (httpcore2.ConnectTimeout("x"), ProviderTimeout),
        (TimeoutError("x"), ProviderTimeout),
        (httpx.ConnectError("x"), ProviderUnreachable),
        (httpx2.RemoteProtocolError("s3cret"), ProviderUnreachable),
        (httpx.LocalProtocolError("s3cret"), ProviderUnreachable),
        (httpcore.ReadError("s3cret"), ProviderUnreachable),
        (httpcore2.WriteError("s3cret"), ProviderUnreachable),
        (httpx.InvalidURL("s3cret"), ProviderUnreachable),
        (httpx2.TooManyRedirects("s3cret"), ProviderUnreachable),
        (httpx.StreamConsumed(), ProviderUnreachable),
        (ConnectionResetError("x"), ProviderUnreachable),
        (ssl.SSLCertVerificationError("x"), ProviderUnreachable),
        (UnicodeEncodeError("ascii", "s3cret", 0, 1, "s3cret"), ProviderUnreachable),
        (RuntimeError("s3cret"), ProviderUnreachable),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_foreign_exception_becomes_ours(either_world: World, foreign: Exception, ours: type[Exception]) -> None:
    def fail(request: Any) -> Any:
        raise foreign

    world = either_world
    runtime = world.runtime(http_client=world.client(transport=world.http.MockTransport(fail)))
    with pytest.raises(ours) as caught:
        world.run(runtime.send(get("https://op.example/x?code=s3cret")))
    assert type(caught.value) is ours
    assert str(caught.value).startswith("GET https://op.example/x: ")
    assert type(foreign).__name__ in str(caught.value)
    assert "s3cret" not in f"{caught.value} {getattr(caught.value, 'evidence', None)}"
    assert caught.value.__context__ is None


def test_a_closed_client_is_a_provider_that_cannot_be_reached(world: World, serve: Serve) -> None:
    server = serve(always(response()))
    other = type(world)
    client = world.client()
    runtime = world.runtime(http_client=client)
    world.run(client.aclose()) if other is AsyncWorld else client.close()
    with pytest.raises(ProviderUnreachable, match="RuntimeError"):
        world.run(runtime.send(get(server.url)))


def test_its_requests_pass_the_gate(world: World, serve: Serve) -> None:
    server = serve(always(response(), after=0.01))
    runtime = world.runtime(HttpSettings(max_concurrency=1), http_client=world.client())
    outcomes = world.run_together([lambda: runtime.send(get(server.url))] * 5)
    assert len(outcomes) == 5
    assert server.connections == 1


def test_a_body_that_drips_ends_with_the_deadline(world: World, serve: Serve) -> None:
    """threat model 223"""

    def drip(connection: Any) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        connection.drip(b"x" * 1000, 0.02)

    server = serve(drip)
    runtime = world.runtime(HttpSettings(deadline=0.2), http_client=world.client())
    with pytest.raises(ProviderTimeout):
        world.run(runtime.send(HttpRequest(method="GET", url=server.url)))
    assert threading.active_count() < 20


LOADED = """
import sys
import oidc_async
oidc_async.AsyncRuntime()
oidc_async.BlockingRuntime()
print(*sorted({"aiohttp", "anyio", "h11", "httpcore", "httpcore2", "httpx", "httpx2"} & sys.modules.keys()))
"""


def test_no_http_library_is_loaded_before_the_first_request() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == []
