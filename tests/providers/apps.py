"""A Flask and a Quart application, the same in both, served for real from a thread of the tests."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

SECRET_KEY = "a secret of the provider lane 0123456789"


def flask_app(configurations: Mapping[str, ProviderConfiguration], address: str) -> flask.Flask:
    """A page for each provider at `/NAME`, and `/logout`."""
    app = flask.Flask("provider_lane_flask")
    app.config.update(SECRET_KEY=SECRET_KEY, OIDC_REDIRECT_URI=f"{address}/callback")
    auth = flask_oidc_async.OIDCAuthentication(configurations, app)

    def profile() -> dict[str, Any]:
        return what_is_known(flask_oidc_async.UserSession(flask.session))

    for name in configurations:
        app.add_url_rule(f"/{name}", name, auth.oidc_auth(name)(profile))

    @app.get("/logout")
    @auth.oidc_logout
    def logout() -> str:
        return "logged out"

    @auth.error_view
    def refused(**error: str) -> dict[str, str]:
        return error

    return app


def quart_app(configurations: Mapping[str, ProviderConfiguration], address: str) -> quart.Quart:
    """As flask_app."""
    app = quart.Quart("provider_lane_quart")
    app.config.update(SECRET_KEY=SECRET_KEY, OIDC_REDIRECT_URI=f"{address}/callback")
    auth = quart_oidc_async.OIDCAuthentication(configurations, app)

    async def profile() -> dict[str, Any]:
        return what_is_known(quart_oidc_async.UserSession(quart.session))

    for name in configurations:
        app.add_url_rule(f"/{name}", name, auth.oidc_auth(name)(profile))

    @app.get("/logout")
    @auth.oidc_logout
    async def logout() -> str:
        return "logged out"

    @auth.error_view
    async def refused(**error: str) -> dict[str, str]:
        return error

    return app


def what_is_known(user: UserSession) -> dict[str, Any]:
    return {
        "provider": user.current_provider,
        "id_token": user.id_token,
        "userinfo": user.userinfo,
        "access_token_expires_at": user.access_token_expires_at,
        "has_refresh_token": user.refresh_token is not None,
    }


@contextmanager
def serving_flask(app: flask.Flask, address: str) -> Iterator[None]:
    server = make_server("127.0.0.1", urlsplit(address).port or 0, app, threaded=True)
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
def serving_quart(app: quart.Quart, address: str) -> Iterator[None]:
    config = Config()
    config.bind = [urlsplit(address).netloc]
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
        yield
    finally:
        finished.set()
        thread.join()
