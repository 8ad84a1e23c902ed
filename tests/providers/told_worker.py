"""An application whose sessions end when the provider says so, for servers that run it in several processes.

ISSUER, REDIRECT_URI, BACKCHANNEL_LOGOUT_URI, STORE, and as JSON the secrets of CLIENTS: settings.
"""

import json
import os
from typing import Any

import flask
import flask_oidc_async
import quart
import quart_oidc_async

from oidc_async import ClientMetadata, ProviderConfiguration
from tests.providers.apps import SECRET_KEY

ANSWERED_BY = "X-Process"
"""The header that says which process an answer is from."""


def settings() -> dict[str, Any]:
    return {
        "SECRET_KEY": SECRET_KEY,
        "OIDC_REDIRECT_URI": os.environ["REDIRECT_URI"],
        "OIDC_BACKCHANNEL_LOGOUT_URI": os.environ["BACKCHANNEL_LOGOUT_URI"],
        "OIDC_STORE": os.environ["STORE"],
    }


def configurations() -> dict[str, ProviderConfiguration]:
    secrets: dict[str, str] = json.loads(os.environ["CLIENTS"])
    return {client_id: configuration(ClientMetadata(client_id, secret)) for client_id, secret in secrets.items()}


def configuration(client: ClientMetadata) -> ProviderConfiguration:
    # this provider says in `typ` what its logout tokens are, so nothing less is taken
    return ProviderConfiguration(os.environ["ISSUER"], client_metadata=client, accept_untyped_logout_tokens=False)


def flask_app() -> flask.Flask:
    """For each client a page at `/CLIENT_ID`, which wants a login and shows the ID token."""
    app = flask.Flask("told_worker")
    app.config.update(settings())
    clients = configurations()
    auth = flask_oidc_async.OIDCAuthentication(clients, app)

    def page() -> dict[str, Any]:
        return {"id_token": flask_oidc_async.UserSession(flask.session).id_token}

    for name in clients:
        app.add_url_rule(f"/{name}", name, auth.oidc_auth(name)(page))

    @app.after_request
    def sign(response: flask.Response) -> flask.Response:
        response.headers[ANSWERED_BY] = str(os.getpid())
        return response

    return app


def quart_app() -> quart.Quart:
    """As flask_app."""
    app = quart.Quart("told_worker")
    app.config.update(settings())
    clients = configurations()
    auth = quart_oidc_async.OIDCAuthentication(clients, app)

    async def page() -> dict[str, Any]:
        return {"id_token": quart_oidc_async.UserSession(quart.session).id_token}

    for name in clients:
        app.add_url_rule(f"/{name}", name, auth.oidc_auth(name)(page))

    @app.after_request
    async def sign(response: quart.Response) -> quart.Response:
        response.headers[ANSWERED_BY] = str(os.getpid())
        return response

    return app
