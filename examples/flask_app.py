"""A Flask application with a login, a refresh, an API, and a page that calls APIs; configured by the environment."""

import logging
from datetime import UTC, datetime
from os import environ
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from flask import Flask, Response, flash, jsonify, redirect, render_template, session, url_for
from flask_oidc_async import ClientMetadata, OIDCAuthentication, ProviderConfiguration, UserSession
from werkzeug import Response as BaseResponse

logging.basicConfig()  # the log says why a login or a refresh failed
app = Flask(__name__)
app.config["FRAMEWORK"] = "Flask"
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
http = httpx.Client()


@app.template_filter("moment")
def moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%d %B %Y, %H:%M:%S} UTC"


@app.get("/")
def home() -> str:
    return render_template("home.html", user=UserSession(session, "provider"))


@app.get("/profile")
@auth.oidc_auth("provider")
def profile() -> str:
    return render_template("profile.html", user=UserSession(session))


@app.post("/refresh")  # safe from forms of other sites: the session's cookies are SameSite=Lax
@auth.oidc_auth("provider")
def refresh() -> BaseResponse:
    user = UserSession(session)
    refresh_token = user.refresh_token
    if auth.valid_access_token(force_refresh=True) is None:
        flash("The provider issued no new tokens. The log says why.")
    elif user.refresh_token == refresh_token:
        flash("The tokens are refreshed. The refresh token is the same as before.")
    else:
        flash("The tokens are refreshed, and the provider has replaced the refresh token.")
    return redirect(url_for("profile"), 303)


@app.get("/claims")
@auth.oidc_auth("provider")
def claims() -> Response:
    user = UserSession(session)
    return jsonify(id_token=user.id_token, userinfo=user.userinfo)


@app.get("/api")
@auth.token_auth("provider")
def api() -> Response:
    identity, counters = auth.current_token_identity, auth.statistics()["provider"]
    return jsonify(framework="Flask", identity=identity, counters=counters.to_dict())


@app.get("/call-apis")
@auth.oidc_auth("provider")
def call_apis() -> str:
    token = auth.valid_access_token()  # stays on the server: the browser sees the responses only
    return render_template("call_apis.html", responses=[call(url, token) for url in apis])


def call(url: str, token: str | None) -> dict[str, Any]:
    response = http.get(url, headers={"Authorization": f"Bearer {token}", "Accept": "application/json"})
    return {
        "url": url,
        "status": response.status_code,
        "seconds": response.elapsed.total_seconds(),
        **response.json(),
    }


@app.get("/logout")
@auth.oidc_logout
def logout() -> str:
    return render_template("logged_out.html")


@auth.error_view
def login_failed(error: str | None = None, error_description: str | None = None) -> str:
    return render_template("problem.html", error=error, description=error_description)


if __name__ == "__main__":
    app.run(port=urlsplit(app.config["OIDC_REDIRECT_URI"]).port)
