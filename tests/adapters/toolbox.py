"""What views need of their framework, by the same names: for views that are written once for both."""

from dataclasses import dataclass
from typing import Any

import flask
import flask_oidc_async
import quart
import quart_oidc_async

from .site import Framework


@dataclass(frozen=True)
class Toolbox:
    session: Any
    user_session: Any
    response: Any
    request: Any
    abort: Any
    jsonify: Any
    blueprint: Any
    url_for: Any


_TOOLBOXES = {
    "flask": Toolbox(
        flask.session,
        flask_oidc_async.UserSession,
        flask.Response,
        flask.request,
        flask.abort,
        flask.jsonify,
        flask.Blueprint,
        flask.url_for,
    ),
    "quart": Toolbox(
        quart.session,
        quart_oidc_async.UserSession,
        quart.Response,
        quart.request,
        quart.abort,
        quart.jsonify,
        quart.Blueprint,
        quart.url_for,
    ),
}


def toolbox(framework: Framework) -> Toolbox:
    return _TOOLBOXES[framework.name]
