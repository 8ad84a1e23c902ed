"""A Flask and a Quart application, the same in both, served for real from a thread of the tests."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import flask
import flask_oidc_async
import hypercorn.asyncio
import quart
import quart_oidc_async
from hypercorn.config import Config
from werkzeug.serving import make_server

from oidc_async import ProviderConfiguration, UserSession
from tests.certificates import Certificate

SECRET_KEY = "a secret of the provider lane 0123456789"


def flask_app(configurations: Mapping[str, ProviderConfiguration], address: str) -> flask.Flask:
    """For each provider a page at `/NAME`, an API at `/api/NAME` and one that wants a scope at `/api/NAME/write`.

    `/either/NAME` is page and API, `/api/any` takes the tokens of each issuer; there are `/counters`, `/refresh` and
    `/logout`, and over https `/login/initiate` for other sites.
    """
    app = flask.Flask("provider_lane_flask")
    app.config.update(settings(address, configurations))
    auth = flask_oidc_async.OIDCAuthentication(configurations, app)

    def profile() -> dict[str, Any]:
        return claims_of(flask_oidc_async.UserSession(flask.session))

    def identity() -> dict[str, Any]:
        return {"identity": auth.current_token_identity}

    for name in configurations:
        app.add_url_rule(f"/{name}", name, auth.oidc_auth(name)(profile))
        app.add_url_rule(f"/api/{name}", f"api {name}", auth.token_auth(name)(identity))
        app.add_url_rule(f"/api/{name}/write", f"write {name}", auth.token_auth(name, "api:write")(identity))
        app.add_url_rule(f"/either/{name}", f"either {name}", auth.access_control(name)(identity))
    app.add_url_rule("/api/any", "any", auth.token_auth(one_for_each_issuer(configurations))(identity))

    @app.get("/counters")
    def counters() -> dict[str, Any]:
        return {name: counted.to_dict() for name, counted in auth.statistics().items()}

    @app.get("/refresh")
    def refresh() -> dict[str, bool]:
        return {"refreshed": auth.valid_access_token(force_refresh=True) is not None}

    @app.get("/logout")
    @auth.oidc_logout
    def logout() -> str:
        return "logged out"

    @auth.error_view
    def rejected(**error: str) -> dict[str, str]:
        return error

    return app


def quart_app(configurations: Mapping[str, ProviderConfiguration], address: str) -> quart.Quart:
    """As flask_app."""
    app = quart.Quart("provider_lane_quart")
    app.config.update(settings(address, configurations))
    auth = quart_oidc_async.OIDCAuthentication(configurations, app)

    async def profile() -> dict[str, Any]:
        return claims_of(quart_oidc_async.UserSession(quart.session))

    async def identity() -> dict[str, Any]:
        return {"identity": auth.current_token_identity}

    for name in configurations:
        app.add_url_rule(f"/{name}", name, auth.oidc_auth(name)(profile))
        app.add_url_rule(f"/api/{name}", f"api {name}", auth.token_auth(name)(identity))
        app.add_url_rule(f"/api/{name}/write", f"write {name}", auth.token_auth(name, "api:write")(identity))
        app.add_url_rule(f"/either/{name}", f"either {name}", auth.access_control(name)(identity))
    app.add_url_rule("/api/any", "any", auth.token_auth(one_for_each_issuer(configurations))(identity))

    @app.get("/counters")
    async def counters() -> dict[str, Any]:
        return {name: counted.to_dict() for name, counted in auth.statistics().items()}

    @app.get("/refresh")
    async def refresh() -> dict[str, bool]:
        return {"refreshed": await auth.valid_access_token(force_refresh=True) is not None}

    @app.get("/logout")
    @auth.oidc_logout
    async def logout() -> str:
        return "logged out"

    @auth.error_view
    async def rejected(**error: str) -> dict[str, str]:
        return error

    return app


def settings(address: str, configurations: Mapping[str, ProviderConfiguration]) -> dict[str, str | None]:
    # of a client that registers itself, providers take no initiate_login_uri with http
    initiate = f"{address}/login/initiate" if address.startswith("https:") else None
    is_fetched = any(configuration.request_object == "reference" for configuration in configurations.values())
    return {
        "SECRET_KEY": SECRET_KEY,
        "OIDC_REQUEST_URI": f"{address}/request" if is_fetched else None,
        "OIDC_STORE": "memory:" if is_fetched else None,
        "OIDC_REDIRECT_URI": f"{address}/callback",
        "OIDC_INITIATE_LOGIN_URI": initiate,
    }


def one_for_each_issuer(configurations: Mapping[str, ProviderConfiguration]) -> list[str]:
    return list({configuration.issuer: name for name, configuration in configurations.items()}.values())


def claims_of(user: UserSession) -> dict[str, Any]:
    return {
        "provider": user.current_provider,
        "id_token": user.id_token,
        "userinfo": user.userinfo,
        "access_token_expires_at": user.access_token_expires_at,
        "has_refresh_token": user.refresh_token is not None,
    }


@contextmanager
def serving_flask(app: flask.Flask, address: str, certificate: Certificate | None = None) -> Iterator[None]:
    tls = None if certificate is None else certificate.server_context()
    server = make_server("127.0.0.1", urlsplit(address).port or 0, app, threaded=True, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for runtime in app.extensions["oidc_async"].application.runtimes:
            runtime.close()  # a Flask app has no end of its own


@contextmanager
def serving_quart(app: quart.Quart, address: str, certificate: Certificate | None = None) -> Iterator[None]:
    config = Config()
    config.bind = [f"127.0.0.1:{urlsplit(address).port}"]
    if certificate is not None:
        config.certfile, config.keyfile = certificate.certificate, certificate.key
    ready, finished = threading.Event(), threading.Event()

    @app.before_serving
    async def say_ready() -> None:
        ready.set()

    async def until_finished() -> None:
        while not finished.is_set():
            await asyncio.sleep(0.02)

    serve = hypercorn.asyncio.serve(app, config, shutdown_trigger=until_finished)
    thread = threading.Thread(target=asyncio.run, args=(serve,))
    thread.start()
    try:
        assert ready.wait(10)
        wait_until_listening(address)
        yield
    finally:
        finished.set()
        thread.join()


def wait_until_listening(address: str) -> None:
    """Hypercorn is ready before it listens."""
    parts, end = urlsplit(address), time.monotonic() + 10
    while True:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", parts.port or 0), 5):
            return
        assert time.monotonic() < end, f"nobody listens at {address}"
        time.sleep(0.02)


def serving(
    framework: str,
    configurations: Mapping[str, ProviderConfiguration],
    address: str,
    certificate: Certificate | None = None,
) -> AbstractContextManager[None]:
    """The application of that framework, for as long as the context lasts; over https with a certificate."""
    if framework == "flask":
        return serving_flask(flask_app(configurations, address), address, certificate)
    return serving_quart(quart_app(configurations, address), address, certificate)
