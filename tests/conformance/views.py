"""The views of the client's own application: one text for Flask and Quart, as both take plain functions."""

from collections.abc import Callable
from typing import Any

from flask_oidc_async import NewLogin
from flask_oidc_async.signals import (
    logged_in,
    logged_out,
    login_failed,
    logout_failed,
    refresh_failed,
    token_refreshed,
)

from .addresses import LOGOUT, SESSION_IFRAME, WATCHING
from .trial import PROVIDER, Trial

ReadSession = Callable[[], Any]
"""Gives the UserSession of the request."""
WATCHING_PAGE = f"""<!doctype html>
<title>Watching</title>
<iframe src="{SESSION_IFRAME}"></iframe>
<script>
addEventListener("message", (event) => {{
  if (event.origin === location.origin && event.data === "oidc_async:session_changed") location.reload();
}});
</script>
"""


def add_views(app: Any, auth: Any, trial: Trial, read_session: ReadSession) -> None:
    _add_pages(app, auth, read_session)
    if trial.order.session_management:
        app.add_url_rule(WATCHING, WATCHING, auth.oidc_auth(PROVIDER)(lambda: WATCHING_PAGE))
    _add_hooks(auth, trial)
    _connect_signals(app, trial)


def _add_pages(app: Any, auth: Any, read_session: ReadSession) -> None:
    def show_session() -> dict[str, Any]:
        claims = read_session().id_token
        told = claims or {}
        return {"logged_in": claims is not None, "sid": told.get("sid"), "sub": told.get("sub")}

    def route(path: str, view: Any, *methods: str) -> None:
        app.add_url_rule(path, path, view, methods=methods or ["GET"])

    route("/ct/session", show_session)
    # by GET the browser comes back
    route(LOGOUT, auth.oidc_logout(show_session), "GET", "POST")


def _add_hooks(auth: Any, trial: Trial) -> None:
    record = trial.record

    def keep(login: NewLogin) -> str:
        record.id_token_claims, record.userinfo = login.id_token, login.userinfo
        # third-party-initiated logins lead here, too
        return "/ct/session"

    def explain(error: str = "", error_description: str = "", code: str = "") -> dict[str, Any]:
        return {"error": error, "error_description": error_description, "code": code}

    auth.after_login(keep)
    auth.error_view(explain)


def _connect_signals(app: Any, trial: Trial) -> None:
    record = trial.record

    def succeed(app: Any, **told: Any) -> None:
        record.succeed()

    def fail(app: Any, code: str, message: str, **told: Any) -> None:
        record.fail(code, message)

    for signal in (logged_in, logged_out):
        signal.connect(succeed, app, weak=False)
    for signal in (login_failed, logout_failed, refresh_failed):
        signal.connect(fail, app, weak=False)

    @token_refreshed.connect_via(app)
    def keep(app: Any, claims: Any, **told: Any) -> None:
        record.id_token_claims = claims
        record.succeed()
