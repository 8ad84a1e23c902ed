"""Flask's requests and responses from and to the values that the core works with."""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlencode

from flask import Response, current_app, request

from oidc_async.protocol.access import Access
from oidc_async.web import finishing
from oidc_async.web.application import Exchange, WebApplication
from oidc_async.web.extension import installed_application
from oidc_async.web.messages import WebRequest, WebResponse
from oidc_async.web.token_guard import may_be_in_body

ACCESS = "oidc_async.access"
CHALLENGE = "oidc_async.challenge"


def current_exchange() -> Exchange:
    """The exchange of this request. Not on `g`, which a request made within another one shares with it."""
    kept = current_exchange_if_any()
    if kept is None:
        kept = Exchange(installed_application(current_app.extensions), read_request())
        _slot()[_slot_name()] = kept
    return kept


def current_exchange_if_any() -> Exchange | None:
    return _slot().get(_slot_name())


def _slot() -> dict[str, Any]:
    return request.environ


def _slot_name() -> str:
    # one app may hand its request on to another
    return f"oidc_async.exchange.{id(current_app.extensions)}"


def keep_access(application: WebApplication, access: Access) -> None:
    _slot()[ACCESS] = (application, access)


def current_access() -> Access | None:
    """What this request's token grants in this app."""
    application, access = _slot().get(ACCESS) or (None, None)
    return access if application is installed_application(current_app.extensions) else None


def keep_challenge(headers: Mapping[str, str]) -> None:
    """Let the response have these headers, whatever an error handler makes of it."""
    _slot()[CHALLENGE] = headers


def read_authorizations() -> list[str]:
    # WSGI has room for one: servers join several with a comma, which is in no token
    value = request.environ.get("HTTP_AUTHORIZATION")
    return [] if value is None else [value]


def read_form_tokens(application: WebApplication) -> list[str]:
    """Each `access_token` in a form in the body, where that is allowed (RFC 6750 2.2)."""
    if not may_be_in_body(application, request.method, request.mimetype):
        return []
    return request.form.getlist("access_token")


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


def read_body() -> bytes:
    # when something looked at the form before, the body is spent
    return request.get_data() or urlencode(list(request.form.items(multi=True))).encode()


def _raw_path() -> str:
    # no standard names it: uWSGI, mod_wsgi and Werkzeug say REQUEST_URI, Gunicorn says RAW_URI
    environ: Mapping[str, Any] = request.environ
    raw_path: str = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    return raw_path


def _answers_get() -> bool:
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and adapter.test(method="GET")


def write_response(answer: WebResponse) -> Response:
    return Response(answer.body, status=answer.status, headers=dict(answer.headers))


def finish_response(response: Response) -> Response:
    if (headers := _slot().pop(CHALLENGE, None)) is not None:
        finishing.finish_challenge(response, headers)
    exchange = current_exchange_if_any()
    if exchange is not None:
        finishing.finish_response(response, exchange)
    return response
