"""What a caller's own HTTP client is asked for, and what is kept of its answers: no cookies, no encodings.

httpx and httpx2 have one API and different classes, for blocking and for async; here they are just objects.
"""

import sys
from contextlib import suppress
from typing import Any, TypeVar

from .errors import ConfigurationError
from .protocol.http_message import HttpRequest, HttpResponse
from .response_body import ResponseBody

R = TypeVar("R")


def require_client(client: object | None, kind: str) -> Any:
    """`client`, when it is None or of this class of httpx or httpx2. Raises ConfigurationError."""
    # whoever has such a client has imported its library
    families = [sys.modules[name] for name in ("httpx", "httpx2") if sys.modules.get(name) is not None]
    if client is None or isinstance(client, tuple(getattr(family, kind) for family in families)):
        return client
    raise ConfigurationError(
        f"http_client is {type(client).__module__}.{type(client).__name__}; "
        f"the {'async' if kind == 'AsyncClient' else 'blocking'} classes take an httpx.{kind} or httpx2.{kind}",
        setting="http_client",
    )


def client_request(client: Any, request: HttpRequest, connect_timeout: float, timeout: float) -> Any:
    """`request` as `client` builds it; the timeouts are seconds for connecting and for each wait after it."""
    built = client.build_request(
        request.method,
        request.url,
        headers=dict(request.headers),
        content=request.body,
        timeout=(connect_timeout, timeout, timeout, timeout),
    )
    built.headers["Accept-Encoding"] = "identity"
    built.headers.pop("Cookie", None)
    return built


def as_it_is(request: R) -> R:
    """In place of an `auth` of the client or of the URL: the Authorization header belongs to the protocol."""
    return request


def forget_cookies(client: Any, response: Any) -> None:
    """One client serves all users: a cookie that was set for one must not reach the next."""
    if "Set-Cookie" in response.headers:
        for cookie in response.cookies.jar:
            with suppress(KeyError):
                client.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)


def body_of(request: HttpRequest, response: Any) -> tuple[ResponseBody, bool]:
    """An empty body to feed from the wire; True beside it when there is no wire and it is filled already."""
    if response.is_stream_consumed:  # mock transports give bodies that are read and decoded
        body = ResponseBody(request, "identity")
        body.feed(response.content)
        return body, True
    return ResponseBody(request, response.headers.get("Content-Encoding", "")), False


def read_response(response: Any, body: ResponseBody) -> HttpResponse:
    headers = {name.lower(): value for name, value in response.headers.items() if name.lower() != "set-cookie"}
    return HttpResponse(status=response.status_code, headers=headers, body=body.complete())
