"""What begins with an app and ends with it: connections, processes, memory."""

import asyncio
import gc
import importlib
import json
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from quart import Quart
from quart_oidc_async import OIDCAuthentication

from oidc_async import (
    AsyncRuntime,
    BlockingRuntime,
    ClientMetadata,
    ConfigurationError,
    HttpSettings,
    ProviderConfiguration,
)
from tests.core.raw_server import Connection, RawServer, response

from .site import REDIRECT_URI, SECRET_KEY, Framework, Site


class Discovery:
    """A server with nothing but discovery documents, for any issuer on it; it knows who asked on which connection."""

    def __init__(self) -> None:
        self.connections: list[list[str]] = []
        self.all_closed = threading.Semaphore(0)
        self._server = RawServer(self._answer)
        self.close = self._server.close

    def issuer(self, name: str) -> str:
        return f"{self._server.url}/{name}"

    def _answer(self, connection: Connection) -> None:
        asked: list[str] = []
        self.connections.append(asked)
        for request in connection.requests():
            name = request.target.split("/")[1]
            asked.append(name)
            connection.send(response(json.dumps(self._document(self.issuer(name))).encode(), **JSON))
        self.all_closed.release()

    @staticmethod
    def _document(issuer: str) -> dict[str, Any]:
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }


SESSIONS_IN = ("cookies", "sqlite")
JSON = {"Content_Type": "application/json"}
CLIENT = ClientMetadata("client1", "secret1")


@pytest.fixture
def discovery() -> Iterator[Discovery]:
    server = Discovery()
    yield server
    server.close()


def new_quart(**configurations: ProviderConfiguration) -> Quart:
    app = Quart("life")
    app.config.update(OIDC_REDIRECT_URI=REDIRECT_URI, SECRET_KEY=SECRET_KEY)
    auth = OIDCAuthentication(configurations, app)

    def private() -> str:
        return "private"

    for name in configurations:
        app.add_url_rule(f"/{name}", name, auth.oidc_auth(name)(private))
    return app


class TestQuart:
    def test_closes_its_connections_after_serving(self, discovery: Discovery) -> None:
        app = new_quart(a=ProviderConfiguration(discovery.issuer("a"), client_metadata=CLIENT))

        async def serve() -> None:
            async with app.test_app() as served:
                assert (await served.test_client().get("/a")).status_code == 302
                assert not discovery.all_closed.acquire(blocking=False)
            # the event loop still runs: it is not what closes them
            assert await asyncio.to_thread(discovery.all_closed.acquire, timeout=10)

        asyncio.run(serve())
        assert discovery.connections == [["a"]]

    def test_may_serve_again(self, discovery: Discovery) -> None:
        app = new_quart(
            a=ProviderConfiguration(discovery.issuer("a"), client_metadata=CLIENT),
            b=ProviderConfiguration(discovery.issuer("b"), client_metadata=CLIENT),
        )

        async def serve(path: str) -> None:
            async with app.test_app() as served:
                assert (await served.test_client().get(path)).status_code == 302

        asyncio.run(serve("/a"))
        asyncio.run(serve("/b"))
        assert discovery.connections == [["a"], ["b"]]

    def test_leaves_the_clients_of_others_open(self, discovery: Discovery) -> None:
        async def serve() -> None:
            async with httpx.AsyncClient() as client:
                issuer = discovery.issuer("a")
                app = new_quart(a=ProviderConfiguration(issuer, client_metadata=CLIENT, http_client=client))
                async with app.test_app() as served:
                    assert (await served.test_client().get("/a")).status_code == 302
                assert not client.is_closed
                assert (await client.get(f"{discovery.issuer('c')}/more")).status_code == 200

        asyncio.run(serve())
        assert discovery.connections == [["a", "c"]]


FORKING = """
import os, sys
from flask import Flask
from flask_oidc_async import ClientMetadata, OIDCAuthentication, ProviderConfiguration

app = Flask("forking")
app.config.update(OIDC_REDIRECT_URI="https://rp.example/redirect_uri", SECRET_KEY="s" * 32)
client = ClientMetadata("client1", "secret1")
auth = OIDCAuthentication({name: ProviderConfiguration(issuer, client_metadata=client)
                           for name, issuer in zip("ab", sys.argv[1:])}, app)
for name in "ab":
    app.add_url_rule("/" + name, name, auth.oidc_auth(name)(lambda: "private"))

def begins_a_login(name):
    return app.test_client().get("/" + name, base_url="https://rp.example").status_code == 302

assert begins_a_login("a")
child = os.fork()
if child == 0:
    os._exit(0 if begins_a_login("b") else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert begins_a_login("b")
"""


def test_a_child_of_flask_has_connections_of_its_own(discovery: Discovery) -> None:
    """As with Gunicorn's --preload: what was opened before the fork belongs to the parent."""
    command = [sys.executable, "-c", FORKING, discovery.issuer("a"), discovery.issuer("b")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert sorted(discovery.connections) == [["a", "b"], ["b"]]


def test_providers_that_are_reached_in_the_same_way_share_a_runtime(framework: Framework) -> None:
    configurations = {
        "one": ProviderConfiguration("https://one.example", client_metadata=CLIENT),
        "two": ProviderConfiguration("https://two.example", client_metadata=CLIENT),
        "slow": ProviderConfiguration(
            "https://slow.example", client_metadata=CLIENT, http_settings=HttpSettings(deadline=60)
        ),
    }
    app = framework.new_app()
    app.config.update(OIDC_REDIRECT_URI=REDIRECT_URI, SECRET_KEY=SECRET_KEY)
    site = Site(framework, app, framework.new_authentication(configurations, app), [])
    kind = {"flask": BlockingRuntime, "quart": AsyncRuntime}[framework.name]
    assert [type(runtime) for runtime in site.web.runtimes] == [kind, kind]


def test_an_app_is_released_by_its_instance(framework: Framework) -> None:
    configurations = {"default": ProviderConfiguration("https://op.example", client_metadata=CLIENT)}
    auth = framework.new_authentication(configurations)

    def set_up() -> weakref.ref[Any]:
        app = framework.new_app()
        app.config.update(OIDC_REDIRECT_URI=REDIRECT_URI, SECRET_KEY=SECRET_KEY)
        auth.init_app(app)
        return weakref.ref(app)

    apps = [set_up(), set_up()]
    gc.collect()
    assert [app() for app in apps] == [None, None]
    with pytest.raises(ConfigurationError, match="serves 0 apps"):
        list(auth.clients)


def test_a_request_leaves_nothing_behind(make_site: Callable[..., Site], framework: Framework) -> None:
    translation = importlib.import_module(f"{framework.name}_oidc_async.translation")
    contexts: list[weakref.ref[Any]] = []

    def views(app: Any, auth: Any) -> None:
        def page() -> str:
            contexts.append(weakref.ref(translation.framework.current_context()))
            return "page"

        app.add_url_rule("/page", "page", auth.oidc_auth("default")(page))

    browser = make_site(views=views).browser()
    assert browser.log_in("/page").text == "page"
    assert browser.get("/page").text == "page"
    # A thread that ran the view may still be at the end of its work.
    for _ in range(100):
        gc.collect()
        if not any(context() for context in contexts):
            break
        time.sleep(0.05)
    assert [context() for context in contexts] == [None, None]


def test_two_requests_in_one_app_context_are_two_users(make_site: Callable[..., Site], framework: Framework) -> None:
    """Flask's tests may hold an app context open around requests, and `g` lives as long as that."""
    site = make_site()
    alice, nobody = site.browser(), site.browser()
    alice.log_in()

    def visit() -> list[int]:
        return [browser.get("/private").status_code for browser in (alice, nobody, alice)]

    if framework.name == "flask":
        with site.app.app_context():
            assert visit() == [200, 302, 200]
    assert visit() == [200, 302, 200]
