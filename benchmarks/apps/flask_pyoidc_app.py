"""Flask-pyoidc: a view for bearer tokens, and one that needs a login."""

import os

from flask import Flask
from flask_pyoidc import OIDCAuthentication  # type: ignore[import-not-found]
from flask_pyoidc.provider_configuration import (  # type: ignore[import-not-found]
    ClientMetadata,
    ProviderConfiguration,
)

from benchmarks.credentials import CLIENT_ID, CLIENT_SECRET

app = Flask(__name__)
app.config["SECRET_KEY"] = "a secret of the benchmark 0123456789"
app.config["OIDC_REDIRECT_URI"] = f"{os.environ['ADDRESS']}/callback"
client = ClientMetadata(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
auth = OIDCAuthentication({"provider": ProviderConfiguration(os.environ["ISSUER"], client_metadata=client)}, app)


def view() -> dict[str, str]:
    return {"hello": "world"}


app.add_url_rule("/", "view", auth.token_auth("provider", scopes_required=["read"])(view))
app.add_url_rule("/private", "private", auth.oidc_auth("provider")(view))
