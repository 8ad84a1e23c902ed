"""Flask's requests and responses from and to the values that the core works with."""

import sys
from collections.abc import Mapping, MutableMapping
from io import BytesIO
from typing import Any, cast
from urllib.parse import urlencode

from flask import Flask, Response, abort, current_app, request

from oidc_async.errors import StoreError
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.web import response_headers as finishing
from oidc_async.web.application import WebApplication
from oidc_async.web.extension import installed_application
from oidc_async.web.http.login_errors import failure_response, read_failure
from oidc_async.web.http.messages import WebRequest, WebResponse
from oidc_async.web.request_context import RequestContext, changes_response, context_of
from oidc_async.web.routes.view_registration import is_static_file
from oidc_async.web.views.token_required import may_be_in_body, require_one_length
from oidc_async.web.websockets import shown_session

BLOCK_BYTES = 64 * 1024


def bare_context() -> RequestContext:
    """The context of this request in this app, which may not have read the request."""
    return context_of(current_environ(), installed_application(current_app.extensions))


def current_context() -> RequestContext:
    """The context of this request, with the request."""
    context = bare_context()
    context.read_once(read_request)
    return context


def current_session() -> MutableMapping[str, Any]:
    """The session that is kept beside the framework's own."""
    return shown_session(current_context())


def current_environ() -> dict[str, Any]:
    """The WSGI environ of this request."""
    return request.environ


def read_authorizations(environ: Mapping[str, Any]) -> list[str]:
    # WSGI has room for one: servers join several with a comma, which is in no token
    value = environ.get("HTTP_AUTHORIZATION")
    return [] if value is None else [value]


def read_form_tokens(application: WebApplication) -> list[str]:
    """Each `access_token` in a form in the body, where that is allowed (RFC 6750 2.2)."""
    if not may_be_in_body(application, request.method, request.mimetype):
        return []
    require_one_length(read_request().headers)
    limit = request.max_form_memory_size or sys.maxsize - 1
    if (request.content_length or 0) > limit:
        abort(413)
    _take_chunks_in(limit)
    # to parse a form would use the body up, which the view may want as it came
    request.get_data()
    return request.form.getlist("access_token")


def _take_chunks_in(limit: int) -> None:
    """Replace a body in chunks, which may have no end, by its bytes. Aborts with 413 above `limit` of them."""
    environ = request.environ
    if "HTTP_TRANSFER_ENCODING" not in environ or not environ.get("wsgi.input_terminated"):
        return
    taken = bytearray()
    while block := environ["wsgi.input"].read(min(limit + 1 - len(taken), BLOCK_BYTES)):
        taken += block
        if len(taken) > limit:
            abort(413)
    del environ["HTTP_TRANSFER_ENCODING"]
    environ.update({"wsgi.input": BytesIO(taken), "CONTENT_LENGTH": str(len(taken))})


def read_request() -> WebRequest:
    return WebRequest(
        method=request.method,
        root_path=request.root_path,
        path=request.path,
        raw_path=_raw_path(),
        query=request.query_string.decode("latin-1"),
        headers=cast(Mapping[str, str], request.headers),
        cookies=request.cookies,
        prefers_json=_prefers_json,
        answers_get=_answers_get,
        debug=current_app.debug,
    )


def read_body() -> bytes:
    if not request.content_length:
        return b""
    # when something looked at the form before, the body is spent
    return request.get_data() or urlencode(list(request.form.items(multi=True))).encode()


def _raw_path() -> str:
    # no standard names it: uWSGI, mod_wsgi and Werkzeug say REQUEST_URI, Gunicorn says RAW_URI
    environ: Mapping[str, Any] = request.environ
    raw_path: str = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    return raw_path


def _prefers_json() -> bool:
    return request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json"


def _answers_get() -> bool:
    adapter = current_app.create_url_adapter(request)
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
    endpoints = installed_application(current_app.extensions).own_endpoints
    if request.endpoint in endpoints:
        return True
    return request.method == "OPTIONS" and getattr(request.url_rule, "provide_automatic_options", False)


def open_session() -> None:
    if is_static_file(request.endpoint, request.view_args):
        return
    if installed_application(current_app.extensions).has_stored_session(request.cookies):
        run_without_loop(current_context().open_session())


def finish_response(app: Flask, response: Response) -> Response:
    if not changes_response(current_environ()):
        return response
    context = bare_context()
    try:
        run_without_loop(finishing.finish_response(response, context))
    except StoreError as error:
        response = write_response(failure_response(read_failure(error), read_request()))
    if context.has_request:
        _send_signals(app, context)
    return response


def send_late_signals(context: RequestContext) -> None:
    """Send what no response will any more."""
    if not context.sets_cookies:
        _send_signals(cast(Any, current_app)._get_current_object(), context)


def _send_signals(app: Flask, context: RequestContext) -> None:
    while context.announcements:
        # first: a receiver that raises makes for another response, which comes by here, too
        announcement = context.announcements.pop(0)
        announcement.signal.send(app, _async_wrapper=app.ensure_sync, **announcement.fields)
