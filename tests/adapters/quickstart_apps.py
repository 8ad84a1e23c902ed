"""Apps as Flask-pyoidc's documentation shows them, and what a migration makes of them."""

import re
from dataclasses import dataclass

from .site import (
    FlaskFramework,
    Framework,
    QuartFramework,
)

LOGIN = """
import flask
from flask import Flask, jsonify

from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration
from flask_pyoidc.user_session import UserSession

app = Flask("quickstart")
app.config.update(OIDC_REDIRECT_URI="https://rp.example/redirect_uri", SECRET_KEY=secret_key)
client_metadata = ClientMetadata(client_id="client1", client_secret="secret1")
config = ProviderConfiguration(issuer=issuer, client_metadata=client_metadata)
auth = OIDCAuthentication({"default": config}, app)

@app.route("/login")
@auth.oidc_auth("default")
def index():
    user_session = UserSession(flask.session)
    return jsonify(
        access_token=user_session.access_token, id_token=user_session.id_token, userinfo=user_session.userinfo
    )
"""

SEVERAL_PROVIDERS = """
import flask
from flask import Flask
from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration
from flask_pyoidc.user_session import UserSession

client = ClientMetadata("client1", "secret1")
app = Flask("several")
app.config.update({"OIDC_REDIRECT_URI": "https://rp.example/redirect_uri", "SECRET_KEY": secret_key})
auth = OIDCAuthentication(
    {
        "provider1": ProviderConfiguration(issuer, client_metadata=client),
        "provider2": ProviderConfiguration(other_issuer, client_metadata=client),
    },
    app,
)

@app.route("/login1")
@auth.oidc_auth("provider1")
def login1():
    return UserSession(flask.session).current_provider

@app.route("/login2")
@auth.oidc_auth("provider2")
def login2():
    return UserSession(flask.session, "provider2").current_provider
"""

LOGOUT = """
import flask
from flask import Flask
from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration
from flask_pyoidc.user_session import UninitialisedSession, UserSession

app = Flask("logout")
app.config.update(OIDC_REDIRECT_URI="https://rp.example/redirect_uri", SECRET_KEY=secret_key)
client = ClientMetadata(client_id="client1", client_secret="secret1", post_logout_redirect_uris=registered)
auth = OIDCAuthentication({"default": ProviderConfiguration(issuer=issuer, client_metadata=client)}, app)

@app.route("/login")
@auth.oidc_auth("default")
def login():
    return "logged in"

@app.route("/logout")
@auth.oidc_logout
def logout():
    try:
        return "still logged in at " + UserSession(flask.session).current_provider
    except UninitialisedSession:
        return "You are logged out."

@app.route("/bye")
def bye():
    return "bye"
"""

ERROR_VIEW = """
from flask import Flask, jsonify
from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration

app = Flask("errors")
app.config.update(OIDC_REDIRECT_URI="https://rp.example/redirect_uri", SECRET_KEY=secret_key)
config = ProviderConfiguration(issuer=issuer, client_metadata=ClientMetadata("client1", "secret1"))
auth = OIDCAuthentication({"default": config}, app)

@app.route("/login")
@auth.oidc_auth("default")
def login():
    return "logged in"

@auth.error_view
def error(error=None, error_description=None):
    return jsonify({"error": error, "message": error_description})
"""

APP_FACTORY = """
import datetime

import flask
from flask import Flask
from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration, ProviderMetadata
from flask_pyoidc.redirect_uri_config import RedirectUriConfig
from flask_pyoidc.user_session import UserSession

# a provider without discovery, and with parameters of the authentication request
config = ProviderConfiguration(
    provider_metadata=ProviderMetadata(**metadata),
    client_metadata=ClientMetadata(client_id="client1", client_secret="secret1"),
    auth_request_params={"scope": ["openid", "email"]},
)
redirect_uri = RedirectUriConfig("https://rp.example/redirect_uri", "redirect_uri")
auth = OIDCAuthentication({"default": config}, redirect_uri_config=redirect_uri)
pages = flask.Blueprint("pages", "pages")

@pages.route("/login")
@auth.oidc_auth("default")
def login():
    return UserSession(flask.session).userinfo["email"]

def create_app():
    app = Flask("factory")
    app.config.update(
        SECRET_KEY=secret_key,
        OIDC_SESSION_PERMANENT=False,
        PERMANENT_SESSION_LIFETIME=datetime.timedelta(hours=1).total_seconds(),
    )
    auth.init_app(app)
    app.register_blueprint(pages)
    return app

app = create_app()
"""

TOKENS = """
from flask import Flask, jsonify
from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration

app = Flask("api")
app.config.update(OIDC_REDIRECT_URI="https://rp.example/redirect_uri", SECRET_KEY=secret_key)
config = ProviderConfiguration(issuer=issuer, client_metadata=ClientMetadata("client1", "secret1"))
auth = OIDCAuthentication({"default": config}, app)

@app.route("/api")
@auth.token_auth("default", scopes_required=["read", "write"])
def api():
    current_token_identity = auth.current_token_identity
    return jsonify(current_token_identity)

@app.route("/me")
@auth.token_auth("default")
def me():
    return jsonify(sub=auth.current_token_identity["sub"])

@app.route("/open")
def for_everybody():
    return jsonify(identity=auth.current_token_identity)
"""

TOKEN_OR_SESSION = """
import flask
from flask import Flask, jsonify
from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration
from flask_pyoidc.user_session import UserSession

app = Flask("both")
app.config.update(OIDC_REDIRECT_URI="https://rp.example/redirect_uri", SECRET_KEY=secret_key)
config = ProviderConfiguration(issuer=issuer, client_metadata=ClientMetadata("client1", "secret1"))
auth = OIDCAuthentication({"default": config}, app)

@app.route("/notes")
@auth.access_control("default", scopes_required=["read", "write"])
def notes():
    if auth.current_token_identity:
        return jsonify(token_of=auth.current_token_identity["sub"])
    user_session = UserSession(flask.session)
    return jsonify(session_of=user_session.userinfo["sub"])
"""

CLIENT_CREDENTIALS = (
    TOKENS
    + """
@app.route("/identity")
@auth.token_auth("default")
def identity():
    return jsonify(auth.current_token_identity)

def credentials():
    with app.app_context():
        client_credentials_response = auth.clients["default"].client_credentials_grant()
        return client_credentials_response.get("access_token")

def scoped_credentials():
    with app.app_context():
        response = auth.clients["default"].client_credentials_grant(scope=["read", "write"])
        return response["access_token"]

def credentials_for_others():
    with app.app_context():
        response = auth.clients["default"].client_credentials_grant(
            scope=["read", "write"], audience=["client1", "client2"]
        )
        return response["access_token"]
"""
)


@dataclass(frozen=True)
class Dialect:
    """What a migration to one framework does to a source, and whether its views are `async`."""

    name: str
    framework: Framework
    has_async_views: bool

    def migrated(self, source: str) -> str:
        if self.framework.name == "quart":
            source = re.sub(r"\bflask\b", "quart", source).replace("Flask", "Quart")
            source = re.sub(
                r"^def(.*\n)    with (app\.)", r"async def\1    async with \2", source, flags=re.MULTILINE
            )
            source = source.replace("auth.clients", "await auth.clients")
        source = source.replace("flask_pyoidc", f"{self.framework.name}_oidc_async")
        source = re.sub(r"SECRET_KEY\W+secret_key", r"\g<0>, **sessions_in", source)
        return re.sub(r"^(@.*\n)def", r"\1async def", source, flags=re.MULTILINE) if self.has_async_views else source


DIALECTS = [
    Dialect("flask", FlaskFramework(), has_async_views=False),
    Dialect("flask-async", FlaskFramework(), has_async_views=True),
    Dialect("quart-async", QuartFramework(), has_async_views=True),
    Dialect("quart", QuartFramework(), has_async_views=False),
]
