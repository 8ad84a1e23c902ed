"""Quart's requests and responses from and to the values that the core works with."""

from collections.abc import Mapping
from typing import cast

from quart import Quart, Response, current_app, g, request

from oidc_async.web.application import Exchange, WebApplication
from oidc_async.web.messages import WebRequest, WebResponse

EXTENSION = "oidc_async"


def application_of(app: Quart) -> WebApplication:
    try:
        return cast(WebApplication, app.extensions[EXTENSION].application)
    except KeyError:
        raise RuntimeError("OIDCAuthentication is not set up for this app: call init_app(app).") from None


def current_exchange() -> Exchange:
    """The exchange of this request, and of no other: `g` may outlive a request in tests."""
    kept = current_exchange_if_any()
    if kept is None:
        kept = Exchange(application_of(current_app), read_request())
        g._oidc_async = (request.scope, kept)
    return kept


def current_exchange_if_any() -> Exchange | None:
    scope, kept = g.get("_oidc_async", (None, None))
    return kept if scope is request.scope else None


def read_request() -> WebRequest:
    return WebRequest(
        method=request.method,
        root_path=request.root_path.rstrip("/"),
        path=request.path,
        raw_path=request.scope.get("raw_path", b"").decode("latin-1"),
        query=request.query_string.decode("latin-1"),
        headers=cast(Mapping[str, str], request.headers),
        cookies=request.cookies,
        prefers_json=request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json",
        answers_get=answers_get,
    )


def answers_get() -> bool:
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and adapter.test(method="GET")


def write_response(answer: WebResponse) -> Response:
    return Response(answer.body, status=answer.status, headers=dict(answer.headers))


async def finish_response(response: Response) -> Response:
    """Set the cookies of this exchange, and keep what is meant for one user out of shared caches."""
    exchange = current_exchange_if_any()
    if exchange is None:
        return response
    cookies = exchange.finished_cookies()
    for cookie in cookies:
        response.set_cookie(
            cookie.name,
            cookie.value,
            max_age=cookie.max_age,
            path=cookie.path,
            secure=cookie.secure,
            httponly=cookie.httponly,
            samesite=cookie.samesite,
        )
    if cookies or exchange.guarded:
        response.vary.add("Cookie")
    if cookies or (exchange.guarded and "cache-control" not in response.headers):
        response.headers["Cache-Control"] = "no-store, private"
    return response
