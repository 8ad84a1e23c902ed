"""Our library in Quart: a view for bearer tokens.

By its defaults; with a client of httpx or httpx2, or with so many requests to the provider at once, when told so.
"""

import importlib
import os

from quart import Quart
from quart_oidc_async import ClientMetadata, HttpSettings, OIDCAuthentication, ProviderConfiguration

from benchmarks.credentials import CLIENT_ID, CLIENT_SECRET

app = Quart(__name__)
app.config["SECRET_KEY"] = "a secret of the benchmark 0123456789"
app.config["OIDC_REDIRECT_URI"] = f"{os.environ['ADDRESS']}/callback"
family, at_once = os.environ.get("OURS_CLIENT"), int(os.environ.get("OURS_AT_ONCE", "0"))
configuration = ProviderConfiguration(
    os.environ["ISSUER"],
    client_metadata=ClientMetadata(client_id=CLIENT_ID, client_secret=CLIENT_SECRET),
    http_client=importlib.import_module(family).AsyncClient() if family else None,
    http_settings=HttpSettings(max_concurrency=at_once) if at_once else HttpSettings(),
)
auth = OIDCAuthentication({"provider": configuration}, app)


@app.get("/")
@auth.token_auth("provider", scopes_required=["read"])
async def view() -> dict[str, str]:
    return {"hello": "world"}
