"""Logins in WebSockets: read before the socket is accepted, and looked at again while it is open.

A socket sets no cookies. What it reads of the session can be checked again, but not changed.
"""

import json
import logging
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import replace
from typing import Any, NoReturn

from oidc_async.errors import ConfigurationError

from .application import WebApplication
from .configured_uris import WEBSOCKET_ORIGINS
from .http.messages import WebRequest, WebResponse
from .http.navigation import login_required
from .request_context import RequestContext
from .sessions.user_session import UserSession

logger = logging.getLogger("oidc_async.sessions")

MAX_LOGGED = 200
"""Characters of an origin that is logged: anybody can send any."""
ORIGIN_MISSING = (
    "A WebSocket that uses the session must be opened by a browser, which sends an Origin header. "
    "Other clients bring a bearer token."
)
ORIGIN_NOT_ALLOWED = "Pages of this origin may not open this WebSocket with the session of the user."


def request_without_foreign_cookies(application: WebApplication, request: WebRequest) -> WebRequest:
    """Return the handshake of a WebSocket, without cookies if a page of another site opened it."""
    is_own = is_allowed_origin(request.headers, application.settings.websocket_origins)
    return request if is_own else replace(request, cookies={})


def refused_origin(context: RequestContext) -> WebResponse | None:
    """The refusal of a WebSocket that must not use the session, by whose page opens it; None for all other requests.

    A missing `Origin` is 401, as some other credential may do; that of another site is 403.
    """
    request = context.request
    if not request.is_socket or is_allowed_origin(request.headers, context.application.settings.websocket_origins):
        return None
    _log_rejected_origin(request.headers)
    if "origin" not in request.headers:
        return replace(login_required(), body=_body("login_required", ORIGIN_MISSING))
    return replace(login_required(), status=403, body=_body("origin_not_allowed", ORIGIN_NOT_ALLOWED))


def is_allowed_origin(headers: Mapping[str, str], allowed: frozenset[str]) -> bool:
    """Whether a page of an allowed origin opens the WebSocket; not so for `null` and where there is no `Origin`."""
    return headers.get("origin") in allowed


def _log_rejected_origin(headers: Mapping[str, str]) -> None:
    """Log which WebSocket was rejected, and which setting would allow it."""
    sent = headers.get("origin")
    if sent is None:
        logger.warning("the session of a WebSocket was rejected: it has no Origin header, which every browser sends")
    else:
        logger.warning(
            "the session of a WebSocket was rejected: Origin %r is neither that of OIDC_REDIRECT_URI nor in %s",
            sent[:MAX_LOGGED],
            WEBSOCKET_ORIGINS,
        )


def require_request(context: RequestContext, what: str) -> RequestContext:
    """The context of a request. Raises ConfigurationError in a WebSocket, which can neither redirect nor log out."""
    if context.request.is_socket:
        raise ConfigurationError(
            f"{what} does not work in a WebSocket, which can't send a browser anywhere: use it in a view of a route."
        )
    return context


async def is_session_active(context: RequestContext) -> bool:
    """Whether the login with which a WebSocket or a stream was opened still lasts. Raises StoreError if nobody knows.

    It is read once more: from the store, or, with sessions in cookies, from the cookies of the handshake, of which
    the lifetime and logouts by the provider are known.
    """
    opened = await context.require_session()
    if not opened.get("current_provider"):
        return False
    if context.sets_cookies:
        # a request that is not answered yet may have changed the session itself
        return UserSession(opened).is_authenticated()
    await context.reopen_session()
    present = context.session
    same = present.session_id == opened.session_id and present.get("current_provider") == opened["current_provider"]
    return same and UserSession(present).is_authenticated()


def shown_session(context: RequestContext) -> MutableMapping[str, Any]:
    """The session for the application to read, and, in a request, to change."""
    return SocketSession(context) if context.request.is_socket else context.session


class SocketSession(MutableMapping[str, Any]):
    """The session of a WebSocket as it was last read; writing raises ConfigurationError."""

    def __init__(self, context: RequestContext) -> None:
        self._exchange = context

    def __getitem__(self, name: str) -> Any:
        return self._exchange.session[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._exchange.session)

    def __len__(self) -> int:
        return len(self._exchange.session)

    def __setitem__(self, name: str, value: Any) -> NoReturn:
        _refuse_change()

    def __delitem__(self, name: str) -> NoReturn:
        _refuse_change()


def _refuse_change() -> NoReturn:
    raise ConfigurationError("A WebSocket can read the session of the user, but not change it: do that in a request.")


def _body(error: str, description: str) -> str:
    return json.dumps({"error": error, "error_description": description})
