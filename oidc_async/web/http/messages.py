"""Requests, responses and cookies as plain values, between a framework's adapter and what all of them share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MAX_URL_LENGTH = 8000
"""Longer ones may be refused (RFC 9110 4.1): the ID token of a user in hundreds of groups is no hint then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """A request to the application.

    Parameters:
        root_path: where the application is mounted, decoded; empty at the root of the host.
        path: the decoded path below `root_path`.
        raw_path: the encoded path as the client sent it; empty when the server doesn't tell.
        query: the query string as it came, without the question mark.
        prefers_json: whether `Accept` ranks application/json above text/html; this and the next are asked only
            when it matters.
        answers_get: whether this path answers GET.
        debug: whether the application runs in debug mode: responses then say why something failed.
        is_socket: whether it is the handshake of a WebSocket (RFC 6455 4.1), which ends in no response with cookies.
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
    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """A cookie to set, for scripts unreadable, and not sent with what other sites post or embed.

    `max_age` in seconds: None until the browser closes, 0 deletes.
    """

    name: str
    value: str = field(repr=False)
    max_age: int | None
    secure: bool
    samesite: str = "Lax"
    path: str = "/"
    httponly: bool = True


def redirect(url: str, status: int) -> WebResponse:
    """A redirect that leaves no trace: not in caches, and not in the Referer of what follows."""
    headers = {"location": url, "cache-control": "no-store", "referrer-policy": "no-referrer"}
    return WebResponse(status=status, headers=headers)


def is_framed_twice(headers: Mapping[str, str]) -> bool:
    """Whether a body has both a length and chunks, of which only the chunks count (RFC 9112 6.3).

    The length says nothing of its size then, and what stands before us may see two requests in it.
    """
    return "transfer-encoding" in headers and "content-length" in headers
