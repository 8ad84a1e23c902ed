"""Quart as the shared code sees it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from quart import Request, Response, Websocket, abort, current_app, request
from quart.typing import ResponseTypes

from oidc_async.web.application import WebApplication
from oidc_async.web.framework import AsyncFunction, Framework, always
from oidc_async.web.request_context import changes_response
from oidc_async.web.routes.callback import MAX_FORM_BYTES
from oidc_async.web.routes.view_registration import App, Hooks
from oidc_async.web.signals import Announcement
from oidc_async.web.views.token_required import may_be_in_body, require_one_length

from . import sockets
from .body_limit import limit_body
from .sockets import current_connection


class QuartFramework(Framework):
    """Awaits the coroutines of the shared code."""

    def native(self, function: AsyncFunction, condition: Callable[[], bool] = always) -> Callable[..., Any]:
        async def run(*args: Any, **kwargs: Any) -> Any:
            return await function(*args, **kwargs) if condition() else None

        return run

    async def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return await current_app.ensure_async(function)(*args, **kwargs)

    async def wait_for(self, awaitable: Awaitable[Any]) -> Any:
        return await awaitable

    async def send(self, announcement: Announcement, app: Any) -> None:
        await announcement.signal.send_async(app, _sync_wrapper=app.ensure_async, **announcement.fields)

    async def after_request(self, response: Response) -> Any:
        return await self.finish_response(response) if changes_response(self.environ()) else response

    async def after_websocket(self, response: ResponseTypes | None) -> ResponseTypes | None:
        """Complete the rejection of a WebSocket, also if an error handler of the application made it."""
        if not changes_response(self.environ()):
            return response
        return sockets.finish_rejection(response, self.bare_context())

    @property
    def connection(self) -> Request | Websocket:
        return current_connection()

    def environ(self) -> dict[str, Any]:
        return cast("dict[str, Any]", current_connection().scope)

    def authorizations(self) -> list[str]:
        return read_authorizations(self.environ())

    def raw_path(self) -> str:
        raw_path: bytes = self.environ().get("raw_path") or b""
        return raw_path.decode("latin-1")

    def is_socket(self) -> bool:
        return sockets.is_socket()

    def hooks_of(self, app: App) -> list[Hooks]:
        return [app.before_request_funcs, cast(Any, app).before_websocket_funcs]

    def early_hooks(self) -> list[AsyncFunction]:
        # Hooks of the application may read the body, which must be limited before.
        return [self._limit_own_bodies]

    async def _limit_own_bodies(self) -> None:
        if request.endpoint in self.application().own_endpoints:
            limit_body(MAX_FORM_BYTES)

    async def read_form_tokens(self, application: WebApplication) -> list[str]:
        if sockets.is_socket():
            return sockets.read_socket_tokens()
        if not may_be_in_body(application, request.method, request.mimetype):
            return []
        require_one_length(self.read_request().headers)
        limit = request.max_form_memory_size
        if limit is not None:
            if (request.content_length or 0) > limit:
                abort(413)
            limit_body(limit)
        form: Any = await cast(Any, request).form
        tokens: list[str] = form.getlist("access_token")
        return tokens

    async def read_body(self) -> bytes:
        return cast(bytes, await request.get_data())


def read_authorizations(scope: Mapping[str, Any]) -> list[str]:
    """Return each Authorization header."""
    # ASGI has the names in lower case. A search in the headers of Quart would take longer than all the rest.
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1") for name, value in headers if name == b"authorization"]


framework = QuartFramework(current_app, Response)
