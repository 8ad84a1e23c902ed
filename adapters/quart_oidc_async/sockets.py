"""WebSockets: access tokens among the subprotocols, and rejections before the handshake."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

from quart import Request, Websocket, has_request_context, has_websocket_context, request, websocket
from quart.typing import ResponseTypes

from oidc_async.protocol.bearer_token import SUBPROTOCOL, read_subprotocols
from oidc_async.web.request_context import RequestContext
from oidc_async.web.response_headers import keep_rejection_headers

NAME = "oidc_async.socket_tokens"


@dataclass(frozen=True, slots=True)
class SocketTokens:
    """The access tokens that were among the subprotocols of a WebSocket."""

    tokens: list[str] = field(repr=False)


def current_connection() -> Request | Websocket:
    """Return the request or the WebSocket that is served."""
    return websocket if is_socket() else request


def is_socket() -> bool:
    """Whether a WebSocket is served. False in a request that the view of a WebSocket makes to its own app."""
    # The same order as in quart.session.
    return has_websocket_context() and not has_request_context()


def read_socket_tokens() -> list[str]:
    """Remove the access tokens from the subprotocols of this WebSocket, and return them."""
    scope = cast("dict[str, Any]", websocket.scope)
    taken: SocketTokens | None = scope.get(NAME)
    if taken is None:
        tokens, names = read_subprotocols(websocket.requested_subprotocols)
        taken = scope[NAME] = SocketTokens(tokens)
        if tokens:
            _replace_subprotocols(scope, names)
    return taken.tokens


def _replace_subprotocols(scope: dict[str, Any], names: list[str]) -> None:
    """Set the subprotocols wherever the application, or a log of requests, reads them."""
    # In place, since Quart has no setter. The list belongs to this WebSocket.
    websocket.requested_subprotocols[:] = names
    header = ", ".join(names)
    websocket.headers["Sec-WebSocket-Protocol"] = header
    others = [(name, value) for name, value in scope["headers"] if name != b"sec-websocket-protocol"]
    scope["headers"] = [*others, (b"sec-websocket-protocol", header.encode("latin-1"))]
    scope["subprotocols"] = names
    _accept_as_bearer()


def _accept_as_bearer() -> None:
    """Select the subprotocol `bearer` unless the view selects another one: browsers close a WebSocket without one."""
    accept = cast("Callable[[Any, str | None], Awaitable[None]]", cast(Any, websocket).accept)

    async def accept_one(headers: Any = None, subprotocol: str | None = None) -> None:
        await accept(headers, subprotocol or SUBPROTOCOL)

    # Set on this WebSocket only, whose receive() and send() accept the handshake by this name, too.
    vars(cast("Any", websocket)._get_current_object())["accept"] = accept_one


def finish_rejection(response: ResponseTypes | None, context: RequestContext) -> ResponseTypes | None:
    """Add our headers to a rejection before the handshake, also if an error handler of the application made it."""
    if response is not None and context.rejection is not None and response.status_code >= 400:
        keep_rejection_headers(response, context.rejection)
    return response
