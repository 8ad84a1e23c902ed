"""Quart's requests and responses from and to the values that the core works with."""

from collections.abc import Mapping, MutableMapping
from typing import Any, cast

from quart import Quart, Response, abort, current_app, request
from quart.typing import ResponseTypes

from oidc_async.errors import StoreError
from oidc_async.web import response_headers as finishing
from oidc_async.web.application import WebApplication
from oidc_async.web.extension import installed_application
from oidc_async.web.http.login_errors import failure_response, read_failure
from oidc_async.web.http.messages import WebRequest, WebResponse
from oidc_async.web.request_context import RequestContext, changes_response, context_of
from oidc_async.web.routes.callback import MAX_FORM_BYTES
from oidc_async.web.routes.view_registration import is_static_file
from oidc_async.web.views.token_required import may_be_in_body, require_one_length
from oidc_async.web.websockets import request_without_foreign_cookies, shown_session

from . import sockets
from .sockets import connection


def bare_context() -> RequestContext:
    """The context of this request in this app, which may not have read the request."""
    return context_of(current_environ(), installed_application(current_app.extensions))


def current_context() -> RequestContext:
    """The context of this request, with the request."""
    context = bare_context()
    context.read_once(_read_trusted_request)
    return context


def current_session() -> MutableMapping[str, Any]:
    """The session that is kept beside the framework's own."""
    return shown_session(current_context())


def current_environ() -> dict[str, Any]:
    """The ASGI scope of this request."""
    return cast("dict[str, Any]", connection().scope)


def read_authorizations(scope: Mapping[str, Any]) -> list[str]:
    # in lower case by ASGI; to look through Quart's headers would take longer than all else
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1") for name, value in headers if name == b"authorization"]


async def read_form_tokens(application: WebApplication) -> list[str]:
    """Each `access_token` in a form in the body, where that is allowed (RFC 6750 2.2); those of a WebSocket."""
    if sockets.is_socket():
        return sockets.read_socket_tokens()
    if not may_be_in_body(application, request.method, request.mimetype):
        return []
    require_one_length(read_request().headers)
    limit = request.max_form_memory_size
    if limit is not None and (request.content_length or 0) > limit:
        abort(413)
    limit_body(limit)
    form: Any = await cast(Any, request).form
    tokens: list[str] = form.getlist("access_token")
    return tokens


def limit_body(limit: int | None) -> None:
    """Let no more than `limit` bytes of this request be kept, however many come.

    Quart takes a body in while the request is answered, up to MAX_CONTENT_LENGTH (16 MB); above the limit whoever
    awaits it is answered with 413.
    """
    body = cast(Any, request.body)
    most = body._max_content_length
    if limit is not None and (most is None or limit < most):
        body._max_content_length = limit


async def limit_own_bodies() -> None:
    """Limit the body of a request to one of our routes."""
    if request.endpoint in installed_application(current_app.extensions).own_endpoints:
        limit_body(MAX_FORM_BYTES)


def read_request() -> WebRequest:
    present = connection()
    return WebRequest(
        method=present.method,
        root_path=present.root_path,
        path=present.path,
        raw_path=_raw_path(),
        query=present.query_string.decode("latin-1"),
        headers=cast(Mapping[str, str], present.headers),
        cookies=present.cookies,
        prefers_json=_prefers_json,
        answers_get=_answers_get,
        debug=current_app.debug,
        is_socket=sockets.is_socket(),
    )


def _read_trusted_request() -> WebRequest:
    """Read the request; a WebSocket that another site opened comes without cookies."""
    given = read_request()
    if not given.is_socket:
        return given
    return request_without_foreign_cookies(installed_application(current_app.extensions), given)


async def read_body() -> bytes:
    """The body of a POST to one of our routes. Aborts with 413."""
    body = cast(bytes, await request.get_data())
    if len(body) > MAX_FORM_BYTES:
        # it was here before anybody could limit it
        abort(413)
    return body


def _raw_path() -> str:
    raw_path: bytes = current_environ().get("raw_path") or b""
    return raw_path.decode("latin-1")


def _prefers_json() -> bool:
    # what a WebSocket is refused with is for a program
    best = connection().accept_mimetypes.best_match(("text/html", "application/json"))
    return sockets.is_socket() or best == "application/json"


def _answers_get() -> bool:
    adapter = current_app.create_url_adapter(connection())
    return adapter is not None and adapter.test(method="GET")


def write_response(answer: WebResponse) -> Response:
    response = Response(answer.body, status=answer.status, headers=dict(answer.headers))
    bare_context().own_response = (response, answer.headers)
    return response


def is_exempt() -> bool:
    """Whether a hook that requires a login or a token lets the request pass.

    Our own routes are what a login is made of, and verify their requests themselves. A CORS preflight request has
    neither cookie nor token, and the framework answers it without a view.
    """
    endpoints, present = installed_application(current_app.extensions).own_endpoints, connection()
    if present.endpoint in endpoints:
        return True
    return present.method == "OPTIONS" and getattr(present.url_rule, "provide_automatic_options", False)


async def open_session() -> None:
    present = connection()
    if is_static_file(present.endpoint, present.view_args):
        return
    if installed_application(current_app.extensions).has_stored_session(present.cookies):
        await current_context().open_session()


async def finish_response(app: Quart, response: Response) -> Response:
    if not changes_response(current_environ()):
        return response
    context = bare_context()
    try:
        await finishing.finish_response(response, context)
    except StoreError as error:
        response = write_response(failure_response(read_failure(error), read_request()))
    if context.has_request:
        await _send_signals(app, context)
    return response


async def finish_socket(response: ResponseTypes | None) -> ResponseTypes | None:
    return sockets.finish_socket(response, bare_context()) if changes_response(current_environ()) else response


async def send_late_signals(context: RequestContext) -> None:
    """Send what no response will any more."""
    if not context.sets_cookies:
        await _send_signals(cast(Any, current_app)._get_current_object(), context)


async def _send_signals(app: Quart, context: RequestContext) -> None:
    while context.announcements:
        # first: a receiver that raises makes for another response, which comes by here, too
        announcement = context.announcements.pop(0)
        # it asks for coroutines, where anything awaitable will do
        wrapper: Any = app.ensure_async
        await announcement.signal.send_async(app, _sync_wrapper=wrapper, **announcement.fields)
