"""Popular extensions of Quart: how an application installs each, and what shows that it works beside ours."""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from quart import Quart, jsonify, session

from tests.adapters.api import Api
from tests.adapters.site import Browser

from .flask_neighbours import ORIGIN_OF_A_SCRIPT, shows_cors
from .site import Neighbour, quart_neighbour

REDIS_URL = "NEIGHBOURS_REDIS_URL"
"""The environment variable with the URL of the Redis that the tests have started."""


def _install_schema(app: Quart) -> Any:
    from quart_schema import QuartSchema

    return QuartSchema(app)


@dataclass
class Note:
    owner: str


def _add_documented_view(app: Quart, auth: Any, _installed: Any) -> None:
    from quart_schema import validate_response

    async def documented() -> Note:
        """A note."""
        return Note(owner=auth.current_token_identity["sub"])

    view = auth.token_auth("default", ["read"])(validate_response(Note)(documented))
    app.add_url_rule("/documented", "documented", view)


def _shows_a_view_with_a_schema(browser: Browser, api: Api) -> None:
    assert api.call("/documented", api.token()).json() == {"owner": "alice"}
    assert api.call("/documented").status_code == 401


def _install_auth(app: Quart) -> Any:
    from quart_auth import QuartAuth

    return QuartAuth(app)


def _add_members(app: Quart, auth: Any, _installed: Any) -> None:
    from quart_auth import AuthUser, current_user, login_required, login_user

    @auth.after_login
    async def log_in_there_too(login: Any) -> None:
        login_user(AuthUser(login.id_token["sub"]))

    async def members() -> str:
        return f"member {current_user.auth_id}"

    app.add_url_rule("/members", "members", login_required(members))


def _shows_members(browser: Browser, api: Api) -> None:
    assert browser.get("/members").text == "member alice"
    assert browser.site.browser().get("/members").status_code == 401


def _install_cors(app: Quart) -> Any:
    from quart_cors import cors

    return cors(app, allow_origin=[ORIGIN_OF_A_SCRIPT], allow_headers=["authorization"], allow_methods=["GET"])


def _install_rate_limiter(app: Quart) -> Any:
    from quart_rate_limiter import RateLimit, RateLimiter

    return RateLimiter(app, default_limits=[RateLimit(500, timedelta(minutes=1))])


def _add_limited_view(app: Quart, auth: Any, _limiter: Any) -> None:
    from quart_rate_limiter import rate_limit

    @auth.oidc_auth("default")
    async def limited() -> str:
        return "limited"

    app.add_url_rule("/limited", "limited", rate_limit(1, timedelta(minutes=1))(limited))


def _shows_limits(browser: Browser, api: Api) -> None:
    assert [browser.get("/limited").status_code for _ in range(2)] == [200, 429]


def _install_session(app: Quart) -> Any:
    from quart_session import Session

    app.config.update(SESSION_TYPE="redis", SESSION_URI=os.environ[REDIS_URL])
    return Session(app)


def _add_counter(app: Quart, auth: Any, _installed: Any) -> None:
    async def count() -> Any:
        session["visits"] = session.get("visits", 0) + 1
        return jsonify(session["visits"])

    app.add_url_rule("/count", "count", auth.oidc_auth("default")(count))


def _shows_the_session_of_the_app(browser: Browser, api: Api) -> None:
    assert [browser.get("/count").json() for _ in range(2)] == [1, 2]


NEIGHBOURS: list[Neighbour] = [
    quart_neighbour(
        "quart-schema",
        _install_schema,
        add_views=_add_documented_view,
        shows=_shows_a_view_with_a_schema,
        documents="/openapi.json",
        documented="/documented",
    ),
    quart_neighbour("quart-auth", _install_auth, add_views=_add_members, shows=_shows_members),
    quart_neighbour("quart-cors", _install_cors, shows=shows_cors),
    quart_neighbour("quart-rate-limiter", _install_rate_limiter, add_views=_add_limited_view, shows=_shows_limits),
    quart_neighbour("quart-session", _install_session, add_views=_add_counter, shows=_shows_the_session_of_the_app),
]
