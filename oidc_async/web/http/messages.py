"""Requests, responses and cookies as plain values, which the adapters translate from and to their frameworks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

MAX_URL_LENGTH = 8000
"""Servers may reject longer URLs (RFC 9110 4.1). A large ID token is then not sent as a hint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """A request to the application.

    Attributes:
        root_path: Where the application is mounted, decoded; empty at the root of the host.
        path: The decoded path below `root_path`.
        raw_path: The encoded path as the client sent it; empty if the server does not provide it.
        query: The query string as the client sent it, without the question mark.
        prefers_json: Whether `Accept` ranks application/json above text/html. It is evaluated only when it is needed,
            as is `answers_get`.
        answers_get: Whether a view answers GET at this path.
        debug: Whether the application runs in debug mode, in which responses say why something failed.
        is_socket: Whether it is the handshake of a WebSocket (RFC 6455 4.1), whose response sets no cookies.
    """

    method: str
    root_path: str
    path: str
    raw_path: str = field(repr=False)
    query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)
    prefers_json: Callable[[], bool] = field(repr=False)
    answers_get: Callable[[], bool] = field(repr=False)
    debug: bool = False
    is_socket: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebResponse:
    """A response of the application."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """An HttpOnly, SameSite=Lax cookie to set.

    `max_age` is in seconds: None lets the cookie last until the browser closes, 0 deletes it.
    """

    name: str
    value: str = field(repr=False)
    max_age: int | None
    secure: bool
    samesite: Literal["Lax"] = "Lax"
    path: str = "/"
    httponly: bool = True


def redirect(url: str, status: int) -> WebResponse:
    """Return a redirect that caches do not store and that hides its URL from the Referer of the next request."""
    headers = {"location": url, "cache-control": "no-store", "referrer-policy": "no-referrer"}
    return WebResponse(status=status, headers=headers)


def is_framed_twice(headers: Mapping[str, str]) -> bool:
    """Whether a request has both Content-Length and Transfer-Encoding (RFC 9112 6.3).

    The length then does not limit the body, and a proxy before the application may see two requests in it.
    """
    return "transfer-encoding" in headers and "content-length" in headers
