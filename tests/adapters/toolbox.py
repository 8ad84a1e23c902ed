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


_TOOLBOXES = {
    "flask": Toolbox(flask.session, flask_oidc_async.UserSession, flask.Response),
    "quart": Toolbox(quart.session, quart_oidc_async.UserSession, quart.Response),
}


def toolbox(framework: Framework) -> Toolbox:
    return _TOOLBOXES[framework.name]
