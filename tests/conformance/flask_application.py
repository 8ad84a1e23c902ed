"""The application of the conformance tests on Flask."""

from typing import Any

import httpx
from flask import Flask, request, session
from flask_oidc_async import OIDCAuthentication, UserSession

from oidc_async import BlockingRuntime, OIDCError, WebFinger

from .control import NOT_LOGGED_IN, Control, is_controlled
from .trial import PROVIDER, Trial
from .views import add_views


class FlaskApplication:
    """A WSGI application: the control routes, and before each client of them an application of its own."""

    def __init__(self, base_url: str) -> None:
        self.control = Control(base_url)
        self._outer = Flask("conformance")
        self._inner: Flask | None = None
        self._http: httpx.Client | None = None
        self._outer.add_url_rule("/ct/configure", "configure", self._configure, methods=["POST"])
        self._outer.add_url_rule("/ct/result", "result", self.control.result)
        self._outer.add_url_rule("/ct/log", "log", self.control.lines)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        if self._inner is None or is_controlled(path):
            return self._outer(environ, start_response)
        self.control.note(environ["REQUEST_METHOD"], path)
        return self._inner(environ, start_response)

    def close(self) -> None:
        self._close_client()
        self.control.log.close()

    def _configure(self) -> Any:
        return self.control.prepare(request.get_data(), self._start)

    def _start(self, trial: Trial) -> None:
        record = trial.record
        hooks: dict[str, list[Any]] = {"request": [record.ask], "response": [record.answer]}
        http = httpx.Client(verify=trial.tls(), trust_env=False, event_hooks=hooks)
        try:
            self._inner = new_app(trial, http)
        except Exception:
            http.close()
            raise
        self._close_client()
        self._http = http

    def _close_client(self) -> None:
        if self._http is not None:
            self._http.close()


def new_app(trial: Trial, http_client: httpx.Client) -> Flask:
    app = Flask("client")
    app.config.update(trial.settings())
    auth = OIDCAuthentication({PROVIDER: trial.provider_configuration(http_client)}, app)
    add_views(app, auth, trial, lambda: UserSession(session, PROVIDER))

    web_finger = trial.web_finger(WebFinger, BlockingRuntime(http_client=http_client))

    @app.get("/ct/login")
    def login() -> Any:
        try:
            if web_finger is not None:
                web_finger.discover_issuer(trial.order.webfinger or "")
        except OIDCError as error:
            return trial.record.reject(error), 400
        return auth.login(PROVIDER, return_to="/ct/session")

    @app.post("/ct/refresh")
    def refresh() -> dict[str, Any]:
        return {"refreshed": auth.valid_access_token(force_refresh=True) is not None}

    _add_steps(app, auth, trial, http_client)
    return app


def _add_steps(app: Flask, auth: OIDCAuthentication, trial: Trial, http_client: httpx.Client) -> None:
    """Steps apart from logins, and what a login is good for."""
    record = trial.record

    @app.errorhandler(OIDCError)
    def reject(error: OIDCError) -> Any:
        return record.reject(error), 400

    @app.get("/ct/discover")
    def discover() -> dict[str, Any]:
        metadata = auth.clients[PROVIDER].provider_metadata()
        record.succeed()
        return metadata.to_dict()

    @app.get("/ct/userinfo")
    def userinfo() -> Any:
        token, claims = auth.valid_access_token(), UserSession(session, PROVIDER).id_token
        if token is None or claims is None:
            return NOT_LOGGED_IN
        record.userinfo = auth.clients[PROVIDER].userinfo(token, sub=claims["sub"])
        record.succeed()
        return {"userinfo": record.userinfo}

    @app.get("/ct/resource")
    def resource() -> Any:
        token = auth.valid_access_token()
        if token is None:
            return NOT_LOGGED_IN
        answer = http_client.get(request.args["url"], headers={"authorization": f"Bearer {token}"})
        return record.resource(answer.status_code, answer.text)
