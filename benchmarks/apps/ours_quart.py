"""Our library in Quart: a view for bearer tokens.

With the default settings, unless the environment has others.
"""

import json
import os

from quart import Quart
from quart_oidc_async import ClientMetadata, HttpSettings, OIDCAuthentication, ProviderConfiguration

from benchmarks.credentials import CLIENT_ID, CLIENT_SECRET

app = Quart(__name__)
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
async def view() -> dict[str, str]:
    return {"hello": "world"}
