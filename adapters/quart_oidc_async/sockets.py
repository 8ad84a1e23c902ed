"""What Quart's WebSockets have of their own: access tokens among the subprotocols, and no redirects."""

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
    """What was taken out of the subprotocols of a WebSocket."""

    tokens: list[str] = field(repr=False)


def connection() -> Request | Websocket:
    """The request or the WebSocket that is served."""
    return websocket if is_socket() else request


def is_socket() -> bool:
    """Whether a WebSocket is served: not so in a request that its view makes to its own app."""
    # as quart.session has it
    return has_websocket_context() and not has_request_context()


def read_socket_tokens() -> list[str]:
    """The access tokens among the subprotocols of this WebSocket, from which they are taken out."""
    scope = cast("dict[str, Any]", websocket.scope)
    taken: SocketTokens | None = scope.get(NAME)
    if taken is None:
        tokens, names = read_subprotocols(websocket.requested_subprotocols)
        taken = scope[NAME] = SocketTokens(tokens)
        if tokens:
            _take_out(scope, names)
    return taken.tokens


def _take_out(scope: dict[str, Any], names: list[str]) -> None:
    """Leave nothing but `names` wherever the application, or what logs requests, sees the subprotocols."""
    # in place, as Quart has no other way; the list is the WebSocket's own copy
    websocket.requested_subprotocols[:] = names
    header = ", ".join(names)
    websocket.headers["Sec-WebSocket-Protocol"] = header
    others = [(name, value) for name, value in scope["headers"] if name != b"sec-websocket-protocol"]
    scope["headers"] = [*others, (b"sec-websocket-protocol", header.encode("latin-1"))]
    scope["subprotocols"] = names
    _accept_as_bearer()


def _accept_as_bearer() -> None:
    """Select the subprotocol `bearer` unless the view selects another one: browsers close a socket without any."""
    accept = cast("Callable[[Any, str | None], Awaitable[None]]", cast(Any, websocket).accept)

    async def accept_one(headers: Any = None, subprotocol: str | None = None) -> None:
        await accept(headers, subprotocol or SUBPROTOCOL)

    # of this one WebSocket: also receive() and send() accept it by this name
    vars(cast("Any", websocket)._get_current_object())["accept"] = accept_one


def finish_socket(response: ResponseTypes | None, context: RequestContext) -> ResponseTypes | None:
    """What a refusal before the handshake is answered with, also when a handler of the application wrote it."""
    if response is not None and context.rejection is not None and response.status_code >= 400:
        keep_rejection_headers(response, context.rejection)
    return response
