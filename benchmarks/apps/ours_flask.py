"""Our library in Flask: a view for bearer tokens, and one that needs a login.

With the default settings, unless the environment has others.
"""

import json
import os

from flask import Flask
from flask_oidc_async import ClientMetadata, HttpSettings, OIDCAuthentication, ProviderConfiguration

from benchmarks.credentials import CLIENT_ID, CLIENT_SECRET

app = Flask(__name__)
app.config["SECRET_KEY"] = "a secret of the benchmark 0123456789"
app.config["OIDC_REDIRECT_URI"] = f"{os.environ['ADDRESS']}/callback"
configuration = ProviderConfiguration(
    os.environ["ISSUER"],
    client_metadata=ClientMetadata(client_id=CLIENT_ID, client_secret=CLIENT_SECRET),
    http_settings=HttpSettings(**json.loads(os.environ.get("OURS_HTTP_SETTINGS", "{}"))),
)
auth = OIDCAuthentication({"provider": configuration}, app)


@app.get("/")
@auth.token_auth("provider", scopes_required=["read"])
def view() -> dict[str, str]:
    return {"hello": "world"}


@app.get("/private")
@auth.oidc_auth("provider")
def private() -> dict[str, str]:
    return {"hello": "world"}
