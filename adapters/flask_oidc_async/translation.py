"""Flask as the shared code sees it."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO
from typing import Any, cast
from urllib.parse import urlencode

from flask import Response, abort, current_app, request

from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.web.application import WebApplication
from oidc_async.web.framework import AsyncFunction, Framework, always
from oidc_async.web.request_context import changes_response
from oidc_async.web.signals import Announcement
from oidc_async.web.views.token_required import may_be_in_body, require_one_length

BLOCK_BYTES = 64 * 1024


class FlaskFramework(Framework):
    """Runs the coroutines of the shared code without a loop: over a BlockingRuntime they never suspend."""

    def native(self, function: AsyncFunction, condition: Callable[[], bool] = always) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            return run_without_loop(function(*args, **kwargs)) if condition() else None

        return run

    async def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return current_app.ensure_sync(function)(*args, **kwargs)

    async def wait_for(self, awaitable: Awaitable[Any]) -> Any:
        return current_app.async_to_sync(_result)(awaitable)

    async def send(self, announcement: Announcement, app: Any) -> None:
        announcement.signal.send(app, _async_wrapper=app.ensure_sync, **announcement.fields)

    def after_request(self, response: Response) -> Any:
        return run_without_loop(self.finish_response(response)) if changes_response(request.environ) else response

    @property
    def connection(self) -> Any:
        # The request itself, since each access through the proxy costs more than all the rest.
        return cast(Any, request)._get_current_object()

    def environ(self) -> dict[str, Any]:
        return request.environ

    def authorizations(self) -> list[str]:
        return read_authorizations(request.environ)

    def raw_path(self) -> str:
        # No standard names it: it is REQUEST_URI in uWSGI, mod_wsgi and Werkzeug, and RAW_URI in Gunicorn.
        raw_path: str = request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI") or ""
        return raw_path

    async def read_form_tokens(self, application: WebApplication) -> list[str]:
        if not may_be_in_body(application, request.method, request.mimetype):
            return []
        require_one_length(self.read_request().headers)
        limit = request.max_form_memory_size or sys.maxsize - 1
        if (request.content_length or 0) > limit:
            abort(413)
        _read_chunks(limit)
        # Parsing the form alone would consume the body, which the view may read as bytes.
        request.get_data()
        return request.form.getlist("access_token")

    async def read_body(self) -> bytes:
        if not request.content_length:
            return b""
        # If a hook of the app has parsed the form, the bytes of the body are gone.
        return request.get_data() or urlencode(list(request.form.items(multi=True))).encode()


def read_authorizations(environ: Mapping[str, Any]) -> list[str]:
    """Return each Authorization header. Servers join several with a comma, which no token has."""
    value = environ.get("HTTP_AUTHORIZATION")
    return [] if value is None else [value]


def _read_chunks(limit: int) -> None:
    """Read a chunked body, which may be endless, up to `limit` bytes into memory. Aborts with 413."""
    environ = request.environ
    if "HTTP_TRANSFER_ENCODING" not in environ or not environ.get("wsgi.input_terminated"):
        return
    body = bytearray()
    while block := environ["wsgi.input"].read(min(limit + 1 - len(body), BLOCK_BYTES)):
        body += block
        if len(body) > limit:
            abort(413)
    del environ["HTTP_TRANSFER_ENCODING"]
    environ.update({"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))})


async def _result(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


framework = FlaskFramework(current_app, Response)
