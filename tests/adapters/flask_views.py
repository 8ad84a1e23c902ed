"""The views of the tests' site, for Flask."""

from typing import Any

import flask
from flask import Flask, jsonify
from flask_oidc_async import OIDCAuthentication, UninitialisedSession, UserSession

PROPERTIES = (
    "access_token",
    "access_token_expires_at",
    "current_provider",
    "id_token",
    "id_token_jwt",
    "last_authenticated",
    "refresh_token",
    "userinfo",
)


def add_views(app: Flask, auth: OIDCAuthentication) -> None:
    first, *others = app.extensions["oidc_async"].application.clients

    @app.route("/")
    def index() -> str:
        return "public"

    @app.route("/private")
    @auth.oidc_auth(first)
    def private() -> str:
        return "private"

    @app.route("/private-other-kind")
    @auth.oidc_auth(first)
    async def private_other_kind() -> str:
        return "private"

    @app.route("/deep/<path:rest>")
    @auth.oidc_auth(first)
    def deep(rest: str) -> str:
        return f"deep {rest} {flask.request.query_string.decode()}"

    @app.route("/form", methods=["GET", "POST"])
    @auth.oidc_auth(first)
    def form() -> str:
        return f"form {flask.request.method}"

    @app.route("/post-only", methods=["POST", "PUT", "DELETE"])
    @auth.oidc_auth(first)
    def post_only() -> str:
        return "posted"

    @app.route("/who")
    def who() -> Any:
        try:
            session = UserSession(flask.session)
        except UninitialisedSession:
            return {}
        return jsonify({name: getattr(session, name) for name in PROPERTIES})

    @app.route("/logout", methods=["GET", "POST"])
    @auth.oidc_logout
    def logout() -> str:
        return "logged out"

    def elsewhere() -> str:
        return "private elsewhere"

    for number, name in enumerate(others):
        path = f"/private-{name}"
        app.add_url_rule(path, f"other{number}", auth.oidc_auth(name)(elsewhere))
