"""A Quart application with a login, a refresh, an API, and a page that calls APIs; configured by the environment."""

import logging
from asyncio import gather
from datetime import UTC, datetime
from os import environ
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from quart import Quart, Response, flash, jsonify, redirect, render_template, session, url_for
from quart_oidc_async import ClientMetadata, OIDCAuthentication, ProviderConfiguration, UserSession
from werkzeug import Response as BaseResponse

logging.basicConfig()  # the log says why a login or a refresh failed
app = Quart(__name__)
app.config["FRAMEWORK"] = "Quart"
app.config["SECRET_KEY"] = environ["SECRET_KEY"]
app.config["OIDC_REDIRECT_URI"] = environ["OIDC_REDIRECT_URI"]
app.config["OIDC_STORE"] = environ.get("OIDC_STORE")  # without it, sessions are encrypted cookies

provider = ProviderConfiguration(
    issuer=environ["OIDC_ISSUER"],
    client_metadata=ClientMetadata(client_id=environ["OIDC_CLIENT_ID"], client_secret=environ["OIDC_CLIENT_SECRET"]),
    auth_request_params={"scope": environ.get("OIDC_SCOPE", "openid profile email")},
    session_refresh_interval_seconds=float(environ.get("OIDC_RENEWAL_SECONDS", "600")),
)
auth = OIDCAuthentication({"provider": provider}, app)
apis = environ.get("APIS", urljoin(environ["OIDC_REDIRECT_URI"], "/api")).split()
http = httpx.AsyncClient()


@app.template_filter("moment")
def moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%d %B %Y, %H:%M:%S} UTC"


@app.get("/")
async def home() -> str:
    return await render_template("home.html", user=UserSession(session, "provider"))


@app.get("/profile")
@auth.oidc_auth("provider")
async def profile() -> str:
    return await render_template("profile.html", user=UserSession(session))


@app.post("/refresh")  # safe from forms of other sites: the session's cookies are SameSite=Lax
@auth.oidc_auth("provider")
async def refresh() -> BaseResponse:
    user = UserSession(session)
    refresh_token = user.refresh_token
    if await auth.valid_access_token(force_refresh=True) is None:
        await flash("The provider issued no new tokens. The log says why.")
    elif user.refresh_token == refresh_token:
        await flash("The tokens are refreshed. The refresh token is the same as before.")
    else:
        await flash("The tokens are refreshed, and the provider has replaced the refresh token.")
    return redirect(url_for("profile"), 303)


@app.get("/claims")
@auth.oidc_auth("provider")
async def claims() -> Response:
    user = UserSession(session)
    return jsonify(id_token=user.id_token, userinfo=user.userinfo)


@app.get("/api")
@auth.token_auth("provider")
async def api() -> Response:
    identity, counters = auth.current_token_identity, auth.statistics()["provider"]
    return jsonify(framework="Quart", identity=identity, counters=counters.to_dict())


@app.get("/call-apis")
@auth.oidc_auth("provider")
async def call_apis() -> str:
    token = await auth.valid_access_token()  # stays on the server: the browser sees the responses only
    return await render_template("call_apis.html", responses=await gather(*(call(url, token) for url in apis)))


async def call(url: str, token: str | None) -> dict[str, Any]:
    response = await http.get(url, headers={"Authorization": f"Bearer {token}", "Accept": "application/json"})
    return {
        "url": url,
        "status": response.status_code,
        "seconds": response.elapsed.total_seconds(),
        **response.json(),
    }


@app.get("/logout")
@auth.oidc_logout
async def logout() -> str:
    return await render_template("logged_out.html")


@auth.error_view
async def login_failed(error: str | None = None, error_description: str | None = None) -> str:
    return await render_template("problem.html", error=error, description=error_description)


if __name__ == "__main__":
    app.run(port=urlsplit(app.config["OIDC_REDIRECT_URI"]).port, use_reloader=False)
