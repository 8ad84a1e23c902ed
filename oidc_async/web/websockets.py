"""Sessions in WebSockets, and protection against cross-site WebSocket hijacking.

Browsers send cookies with the handshake of a WebSocket, whichever page opens it, and the same-origin policy does not
restrict the messages that follow. So the `Origin` header decides whether a WebSocket may use the session; scripts
cannot forge it (RFC 6455 10.2).

A WebSocket sets no cookies. It can read the session and check later whether it still exists, but not change it.
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
"""Characters of an origin that are logged, since clients can send any."""
ORIGIN_MISSING = (
    "A WebSocket that uses the session must be opened by a browser, which sends an Origin header. "
    "Other clients must use a bearer token."
)
ORIGIN_NOT_ALLOWED = "Pages of this origin may not open this WebSocket with the session of the user."


def request_without_foreign_cookies(application: WebApplication, request: WebRequest) -> WebRequest:
    """Return the handshake of a WebSocket, without cookies if a page of another site opened it."""
    is_own = is_allowed_origin(request.headers, application.settings.websocket_origins)
    return request if is_own else replace(request, cookies={})


def origin_rejection(context: RequestContext) -> WebResponse | None:
    """Return the rejection of a WebSocket whose origin must not use the session; None for all other requests.

    A missing `Origin` is 401, since another credential may be accepted; that of another site is 403.
    """
    request = context.request
    if not request.is_socket or is_allowed_origin(request.headers, context.application.settings.websocket_origins):
        return None
    _log_rejected_origin(request.headers)
    if "origin" not in request.headers:
        return replace(login_required(), body=_body("login_required", ORIGIN_MISSING))
    return replace(login_required(), status=403, body=_body("origin_not_allowed", ORIGIN_NOT_ALLOWED))


def is_allowed_origin(headers: Mapping[str, str], allowed: frozenset[str]) -> bool:
    """Whether a page of an allowed origin opens the WebSocket. `null` and a missing `Origin` are not allowed."""
    return headers.get("origin") in allowed


def _log_rejected_origin(headers: Mapping[str, str]) -> None:
    """Log the origin of a rejected WebSocket, and the setting that would allow it."""
    sent = headers.get("origin")
    if sent is None:
        logger.warning(
            "rejected a WebSocket that needs the session: it has no Origin header, which every browser sends"
        )
    else:
        logger.warning(
            "rejected a WebSocket that needs the session: Origin %r is neither that of OIDC_REDIRECT_URI nor in %s",
            sent[:MAX_LOGGED],
            WEBSOCKET_ORIGINS,
        )


def require_request(context: RequestContext, what: str) -> RequestContext:
    """Return the context of a request. Raises ConfigurationError in a WebSocket, which cannot redirect."""
    if context.request.is_socket:
        raise ConfigurationError(
            f"{what} does not work in a WebSocket, which cannot redirect the browser: use it in the view of a route."
        )
    return context


async def is_session_active(context: RequestContext) -> bool:
    """Whether the session with which a WebSocket or a stream was opened is still active. Raises StoreError.

    The session is read again from the store. If cookies keep it, those of the handshake are checked again, for their
    lifetime and for revocations by the provider.
    """
    opened = await context.require_session()
    if not opened.get("current_provider"):
        return False
    if context.sets_cookies:
        # The response is not sent yet, so the view may have changed the session itself.
        return UserSession(opened).is_authenticated()
    # A new login in the same browser gives the session another id. The WebSocket belongs to the former login.
    await context.reopen_session()
    present = context.session
    same = present.session_id == opened.session_id and present.get("current_provider") == opened["current_provider"]
    return same and UserSession(present).is_authenticated()


def shown_session(context: RequestContext) -> MutableMapping[str, Any]:
    """Return the session for the application, which cannot change it in a WebSocket."""
    return SocketSession(context) if context.request.is_socket else context.session


class SocketSession(MutableMapping[str, Any]):
    """The session of a WebSocket as it was last read; writing raises ConfigurationError."""

    def __init__(self, context: RequestContext) -> None:
        self._context = context

    def __getitem__(self, name: str) -> Any:
        return self._context.session[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._context.session)

    def __len__(self) -> int:
        return len(self._context.session)

    def __setitem__(self, name: str, value: Any) -> NoReturn:
        _reject_change()

    def __delitem__(self, name: str) -> NoReturn:
        _reject_change()


def _reject_change() -> NoReturn:
    raise ConfigurationError("A WebSocket can read the session, but not change it. Change it in a request.")


def _body(error: str, description: str) -> str:
    return json.dumps({"error": error, "error_description": description})
