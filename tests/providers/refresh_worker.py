"""One of several processes of an application whose views need an access token, as a server of its own.

SERVER: werkzeug or hypercorn. ADDRESS: where to listen.
REDIRECT_URI, STORE, ISSUER, CLIENT_ID, CLIENT_SECRET: settings.
"""

import os
import threading
from typing import Any

import flask
import flask_oidc_async
import quart
import quart_oidc_async

from oidc_async import ClientMetadata, ProviderConfiguration
from tests.providers.apps import SECRET_KEY, serving_flask, serving_quart


def settings() -> dict[str, Any]:
    return {
        "SECRET_KEY": SECRET_KEY,
        "OIDC_REDIRECT_URI": os.environ["REDIRECT_URI"],
        "OIDC_STORE": os.environ["STORE"],
    }


def configuration() -> ProviderConfiguration:
    client = ClientMetadata(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])
    return ProviderConfiguration(os.environ["ISSUER"], client_metadata=client)


def flask_app() -> flask.Flask:
    """`/token` shows the access token of the user who is logged in, `/token/new` another one; `/` wants a login.

    The answers say which process they are from.
    """
    app = flask.Flask("refresh_worker")
    app.config.update(settings())
    auth = flask_oidc_async.OIDCAuthentication({"node": configuration()}, app)

    @app.get("/")
    @auth.oidc_auth("node")
    def page() -> str:
        return "logged in"

    @app.get("/token")
    def token() -> dict[str, Any]:
        return {"token": auth.valid_access_token(), "process": os.getpid()}

    @app.get("/token/new")
    def new_token() -> dict[str, Any]:
        return {"token": auth.valid_access_token(force_refresh=True)}

    return app


def quart_app() -> quart.Quart:
    """As flask_app."""
    app = quart.Quart("refresh_worker")
    app.config.update(settings())
    auth = quart_oidc_async.OIDCAuthentication({"node": configuration()}, app)

    @app.get("/")
    @auth.oidc_auth("node")
    async def page() -> str:
        return "logged in"

    @app.get("/token")
    async def token() -> dict[str, Any]:
        return {"token": await auth.valid_access_token(), "process": os.getpid()}

    @app.get("/token/new")
    async def new_token() -> dict[str, Any]:
        return {"token": await auth.valid_access_token(force_refresh=True)}

    return app


if __name__ == "__main__":
    address = os.environ["ADDRESS"]
    is_flask = os.environ["SERVER"] == "werkzeug"
    with serving_flask(flask_app(), address) if is_flask else serving_quart(quart_app(), address):
        threading.Event().wait()
