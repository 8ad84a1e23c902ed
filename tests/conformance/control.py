"""The routes under /ct/ that concern no client: which one there is, and what happened to it."""

from collections.abc import Callable
from typing import Any

from oidc_async import ConfigurationError
from oidc_async.errors import IdentifierInvalid

from .addresses import BACKCHANNEL_LOGOUT, CALLBACK, FRONTCHANNEL_LOGOUT, INITIATE_LOGIN, LOGOUT
from .log import Log
from .order import OrderRejected, read_order
from .trial import Trial

CONTROLLED = ("/ct/configure", "/ct/result", "/ct/log")
FLOWS = {
    ("GET", "/ct/login"): "login",
    ("GET", INITIATE_LOGIN): "login",
    ("POST", INITIATE_LOGIN): "login",
    ("POST", "/ct/refresh"): "refresh",
    ("GET", "/ct/discover"): "discover",
    ("GET", "/ct/userinfo"): "userinfo",
    ("GET", "/ct/resource"): "resource",
    ("POST", LOGOUT): "logout",
    ("POST", BACKCHANNEL_LOGOUT): "backchannel_logout",
    ("GET", FRONTCHANNEL_LOGOUT): "frontchannel_logout",
}
"""The requests with which another flow begins."""
NOT_CONFIGURED = {"error": {"code": "not_configured", "message": "POST /ct/configure first."}}
NOT_LOGGED_IN = {"error": {"code": "not_logged_in", "message": "GET /ct/login first."}}, 409

Answer = tuple[dict[str, Any], int]


class Control:
    """The client that there is at the moment, and the log of all. Pages are found at `base_url`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.trial: Trial | None = None
        self.log = Log()

    def prepare(self, body: str | bytes, start: Callable[[Trial], object]) -> Answer:
        """Read the order, and let `start` make its application; the trial counts when that is done."""
        try:
            order = read_order(body)
            self.log.module = order.module
            trial = Trial(order, self.base_url)
            start(trial)
        except (OrderRejected, ConfigurationError, IdentifierInvalid) as error:
            return {"error": {"code": error.code, "message": str(error)}}, 400
        self.trial = trial
        return trial.to_dict(), 200

    def result(self) -> Answer:
        return (NOT_CONFIGURED, 409) if self.trial is None else (self.trial.record.to_dict(), 200)

    def lines(self) -> Answer:
        return dict(self.log.lines), 200

    def note(self, method: str, path: str) -> None:
        """A request for the client's own application comes in."""
        if self.trial is None:
            return
        if (method, path) in FLOWS:
            self.trial.record.begin(FLOWS[method, path])
        elif path == CALLBACK:
            self.trial.record.enter("callback")


def is_controlled(path: str) -> bool:
    return path in CONTROLLED
