"""Quart's requests and responses from and to the values that the core works with."""

from collections.abc import Mapping
from typing import Any, cast

from quart import Response, current_app, request

from oidc_async.web import finishing
from oidc_async.web.application import Exchange, WebApplication
from oidc_async.web.extension import installed_application
from oidc_async.web.messages import WebRequest, WebResponse
from oidc_async.web.token_guard import may_be_in_body
from oidc_async.web.visit import Visit, is_visited, visit_of


def current_visit() -> Visit:
    """What is kept of this request, in this app."""
    return visit_of(_carrier(), installed_application(current_app.extensions))


def current_exchange() -> Exchange:
    """The exchange of this request."""
    visit = current_visit()
    if visit.exchange is None:
        visit.exchange = Exchange(installed_application(current_app.extensions), read_request())
    return visit.exchange


def _carrier() -> dict[str, Any]:
    return cast("dict[str, Any]", request.scope)


def read_authorizations() -> list[str]:
    return request.headers.getlist("authorization")


async def read_form_tokens(application: WebApplication) -> list[str]:
    """Each `access_token` in a form in the body, where that is allowed (RFC 6750 2.2)."""
    if not may_be_in_body(application, request.method, request.mimetype):
        return []
    form: Any = await cast(Any, request).form
    tokens: list[str] = form.getlist("access_token")
    return tokens


def read_request() -> WebRequest:
    return WebRequest(
        method=request.method,
        root_path=request.root_path,
        path=request.path,
        raw_path=_raw_path(),
        query=request.query_string.decode("latin-1"),
        headers=cast(Mapping[str, str], request.headers),
        cookies=request.cookies,
        prefers_json=request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json",
        answers_get=_answers_get,
    )


async def read_body() -> bytes:
    return cast(bytes, await request.get_data())


def _raw_path() -> str:
    scope = cast(Mapping[str, Any], request.scope)
    raw_path: bytes = scope.get("raw_path") or b""
    return raw_path.decode("latin-1")


def _answers_get() -> bool:
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and adapter.test(method="GET")


def write_response(answer: WebResponse) -> Response:
    return Response(answer.body, status=answer.status, headers=dict(answer.headers))


async def finish_response(response: Response) -> Response:
    if is_visited(_carrier()):
        finishing.finish_response(response, current_visit())
    return response
