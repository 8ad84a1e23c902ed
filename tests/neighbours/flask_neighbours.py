"""Popular extensions of Flask: how an application installs each, and what shows that it works beside ours."""

from typing import Any

from flask import Flask, jsonify, session

from tests.adapters.api import Api
from tests.adapters.site import Browser

from .site import Neighbour, flask_neighbour

ORIGIN_OF_A_SCRIPT = "https://spa.example"


# --- forms ------------------------------------------------------------------------------------------------------


def _install_csrf_protect(app: Flask) -> Any:
    from flask_wtf import CSRFProtect

    return CSRFProtect(app)


def _shows_csrf_protection(browser: Browser, api: Api) -> None:
    rejected = browser.post("/form")
    assert (rejected.status_code, "CSRF" in rejected.text) == (400, True)


# --- limits -----------------------------------------------------------------------------------------------------


def _install_limiter(app: Flask) -> Any:
    from flask_limiter import Limiter
    from flask_limiter.util import get_remote_address

    return Limiter(get_remote_address, app=app, default_limits=["500 per minute"], storage_uri="memory://")


def _add_limited_view(app: Flask, auth: Any, limiter: Any) -> None:
    @auth.oidc_auth("default")
    def limited_below() -> str:
        return "limited"

    def limited_above() -> str:
        return "limited"

    protected = auth.oidc_auth("default")(limiter.limit("1 per minute")(limited_above))
    app.add_url_rule("/limited-above", "limited_above", protected)
    app.add_url_rule("/limited-below", "limited_below", limiter.limit("1 per minute")(limited_below))


def _shows_limits(browser: Browser, api: Api) -> None:
    for path in ("/limited-above", "/limited-below"):
        assert [browser.get(path).status_code for _ in range(2)] == [200, 429]


# --- users and sessions -----------------------------------------------------------------------------------------


def _install_login_manager(app: Flask) -> Any:
    from flask_login import LoginManager, UserMixin

    class User(UserMixin):
        def __init__(self, name: str) -> None:
            self.id = name

    login_manager = LoginManager(app)
    login_manager.user_loader(User)
    return User


def _add_members(app: Flask, auth: Any, make_user: Any) -> None:
    from flask_login import current_user, login_required, login_user

    @auth.after_login
    def log_in_there_too(login: Any) -> None:
        login_user(make_user(login.id_token["sub"]))

    def members() -> str:
        return f"member {current_user.get_id()}"

    app.add_url_rule("/members", "members", login_required(members))


def _shows_members(browser: Browser, api: Api) -> None:
    assert browser.get("/members").text == "member alice"
    assert browser.site.browser().get("/members").status_code == 401


def _install_session(app: Flask) -> Any:
    from cachelib import SimpleCache
    from flask_session import Session

    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=SimpleCache())
    return Session(app)


def _add_counter(app: Flask, auth: Any, _installed: Any) -> None:
    def count() -> Any:
        session["visits"] = session.get("visits", 0) + 1
        return jsonify(session["visits"])

    app.add_url_rule("/count", "count", auth.oidc_auth("default")(count))


def _shows_the_session_of_the_app(browser: Browser, api: Api) -> None:
    assert [browser.get("/count").json() for _ in range(2)] == [1, 2]


# --- headers ----------------------------------------------------------------------------------------------------


def _install_talisman(app: Flask) -> Any:
    from flask_talisman import Talisman

    return Talisman(app)


def _shows_headers_of_talisman(browser: Browser, api: Api) -> None:
    page = browser.get("/private")
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert "max-age" in page.headers["strict-transport-security"]


def _install_cors(app: Flask) -> Any:
    from flask_cors import CORS

    return CORS(app, origins=[ORIGIN_OF_A_SCRIPT], allow_headers=["authorization"])


def shows_cors(browser: Browser, api: Api) -> None:
    origin = {"origin": ORIGIN_OF_A_SCRIPT}
    asks = {**origin, "access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    preflight = api.call(method="OPTIONS", headers=asks)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN_OF_A_SCRIPT
    for token, status in ((api.token(), 200), (None, 401), ("not-a-token", 403)):
        page = api.call(token=token, headers=origin)
        assert (page.status_code, page.headers["access-control-allow-origin"]) == (status, ORIGIN_OF_A_SCRIPT)


# --- OpenAPI ----------------------------------------------------------------------------------------------------


def _install_flasgger(app: Flask) -> Any:
    from flasgger import Swagger

    return Swagger(app)


def _add_documented_view(app: Flask, auth: Any, _installed: Any) -> None:
    @auth.token_auth("default")
    def documented() -> str:
        """A documented view.
        ---
        responses:
          200:
            description: It worked.
        """
        return "documented"

    app.add_url_rule("/documented", "documented", documented)


def _install_smorest(app: Flask) -> Any:
    from flask_smorest import Api as Smorest

    app.config.update(
        API_TITLE="notes",
        API_VERSION="1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="doc.json",
    )
    return Smorest(app)


def _add_smorest_view(app: Flask, auth: Any, smorest: Any) -> None:
    from flask.views import MethodView
    from flask_smorest import Blueprint
    from marshmallow import Schema, fields

    class Note(Schema):
        owner = fields.String()

    blueprint: Any = Blueprint("notes", "notes")

    class Notes(MethodView):
        decorators = [auth.token_auth("default", ["read"])]  # noqa: RUF012

        @blueprint.response(200, Note)
        def get(self) -> Any:
            """A note."""
            return {"owner": auth.current_token_identity["sub"]}

    blueprint.route("/documented")(Notes)
    smorest.register_blueprint(blueprint)


def _shows_a_view_with_a_schema(browser: Browser, api: Api) -> None:
    assert api.call("/documented", api.token()).json() == {"owner": "alice"}
    assert api.call("/documented").status_code == 401


def _new_apiflask() -> Any:
    from apiflask import APIFlask

    app = APIFlask("site")
    app.config.update(TESTING=True)
    return app


def _add_apiflask_view(app: Any, auth: Any, _installed: Any) -> None:
    from apiflask import Schema
    from apiflask.fields import String

    class Note(Schema):
        owner = String()

    def documented() -> Any:
        """A note."""
        return {"owner": auth.current_token_identity["sub"]}

    view = auth.token_auth("default", ["read"])(app.output(Note)(documented))
    app.add_url_rule("/documented", "documented", view)


# --- resources --------------------------------------------------------------------------------------------------


def _install_restful(app: Flask) -> Any:
    from flask_restful import Api as Restful

    return Restful(app)


def _add_restful_resource(app: Flask, auth: Any, restful: Any) -> None:
    from flask_restful import Resource

    class Note(Resource):
        method_decorators = [auth.token_auth("default", ["read"])]  # noqa: RUF012

        def get(self) -> Any:
            return {"owner": auth.current_token_identity["sub"]}

    restful.add_resource(Note, "/note")


def _shows_a_resource(browser: Browser, api: Api) -> None:
    assert api.call("/note", api.token()).json() == {"owner": "alice"}
    for token, status in ((None, 401), ("not-a-token", 403)):
        page = api.call("/note", token)
        assert page.status_code == status
        assert page.headers["www-authenticate"].startswith("Bearer")


# --- measurements -----------------------------------------------------------------------------------------------


def _install_prometheus(app: Flask) -> Any:
    from prometheus_client import CollectorRegistry
    from prometheus_flask_exporter import PrometheusMetrics

    return PrometheusMetrics(app, registry=CollectorRegistry(), group_by="url_rule")


def _shows_metrics(browser: Browser, api: Api) -> None:
    measured = browser.get("/metrics").text
    assert 'url_rule="/private"' in measured
    assert 'url_rule="/redirect_uri"' in measured


def _install_opentelemetry(app: Flask) -> Any:
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
    app.extensions["spans of the test"] = exporter
    return exporter


def _shows_spans(browser: Browser, api: Api) -> None:
    spans = browser.site.app.extensions["spans of the test"].get_finished_spans()
    assert {"GET /private", "GET /redirect_uri"} <= {span.name for span in spans}


NEIGHBOURS: list[Neighbour] = [
    flask_neighbour("Flask-WTF", _install_csrf_protect, shows=_shows_csrf_protection),
    flask_neighbour("Flask-Limiter", _install_limiter, add_views=_add_limited_view, shows=_shows_limits),
    flask_neighbour("Flask-Login", _install_login_manager, add_views=_add_members, shows=_shows_members),
    flask_neighbour("Flask-Session", _install_session, add_views=_add_counter, shows=_shows_the_session_of_the_app),
    flask_neighbour("Flask-Talisman", _install_talisman, shows=_shows_headers_of_talisman),
    flask_neighbour("Flask-CORS", _install_cors, shows=shows_cors),
    flask_neighbour(
        "flasgger",
        _install_flasgger,
        add_views=_add_documented_view,
        documents="/apispec_1.json",
        documented="/documented",
    ),
    flask_neighbour(
        "flask-smorest",
        _install_smorest,
        add_views=_add_smorest_view,
        shows=_shows_a_view_with_a_schema,
        documents="/doc.json",
        documented="/documented",
    ),
    flask_neighbour(
        "APIFlask",
        lambda app: app,
        new_app=_new_apiflask,
        add_views=_add_apiflask_view,
        shows=_shows_a_view_with_a_schema,
        documents="/openapi.json",
        documented="/documented",
    ),
    flask_neighbour("Flask-RESTful", _install_restful, add_views=_add_restful_resource, shows=_shows_a_resource),
    flask_neighbour("prometheus-flask-exporter", _install_prometheus, shows=_shows_metrics),
    flask_neighbour("opentelemetry-instrumentation-flask", _install_opentelemetry, shows=_shows_spans),
]
