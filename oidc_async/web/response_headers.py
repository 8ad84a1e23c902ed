"""Completes every response: the cookies of its request, and headers that keep it out of shared caches."""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from .application import WebApplication
from .request_context import RequestContext
from .sessions.lifecycle import SessionLifecycle

logger = logging.getLogger("oidc_async.sessions")

PROTECTING = ("cache-control", "content-security-policy", "referrer-policy", "x-content-type-options")
"""Headers of our own responses that other extensions must not replace."""
PROXY_BUFFER_BYTES = 4096
"""The default of nginx for the headers of a response (proxy_buffer_size: one page of memory)."""
SERVER_HEADER_BYTES = 128
"""An estimate for the status line, Date, Server and other headers that the server adds."""


class FrameworkResponse(Protocol):
    """The part of Werkzeug's responses that Flask and Quart have in common."""

    status_code: int
    headers: Any
    vary: Any

    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: int | None = None,
        *,
        path: str | None = "/",
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
    ) -> None: ...


async def finish_response(response: FrameworkResponse, context: RequestContext) -> None:
    """Set the cookies and headers that a request leaves on its response. Raises StoreError."""
    if context.own_response is not None and context.own_response[0] is response:
        _restore_headers(response, context.own_response[1])
    if context.has_request:
        await _set_cookies(response, context)
    # A view may have called another one and handled its rejection, so only error responses keep the headers.
    if context.rejection is not None and response.status_code >= 400:
        keep_rejection_headers(response, context.rejection)


def _restore_headers(response: FrameworkResponse, headers: Mapping[str, str]) -> None:
    # An extension that sets one policy on each response would block the script of the response relay, and would leak
    # the URL of a callback in the Referer header.
    for name in PROTECTING:
        if name in headers:
            response.headers[name] = headers[name]


def keep_rejection_headers(response: FrameworkResponse, headers: Mapping[str, str]) -> None:
    """Add the headers of a rejection that a client needs, such as the challenge, if an error handler omits them."""
    for name in ("www-authenticate", "retry-after", "cache-control"):
        if name in headers and name not in response.headers:
            response.headers[name] = headers[name]


async def _set_cookies(response: FrameworkResponse, context: RequestContext) -> None:
    """Set the cookies of the response, and keep personal responses out of shared caches (RFC 9111 5.2.2)."""
    cookies = await SessionLifecycle(context).response_cookies()
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
    if cookies:
        _warn_of_size(context.application, response.headers)
    if cookies or context.is_personal:
        response.vary.add("Cookie")
    if cookies or (context.is_personal and "cache-control" not in response.headers):
        response.headers["Cache-Control"] = "no-store, private"


def _warn_of_size(application: WebApplication, headers: Any) -> None:
    """Warn once of response headers that a proxy may reject: it would drop the login, and we would log nothing."""
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in headers.items()) + SERVER_HEADER_BYTES
    if size > PROXY_BUFFER_BYTES and not application.warned_of_size:
        application.warned_of_size = True
        logger.warning(
            "a response has about %d bytes of headers, most of them session cookies: nginx responds with 502 above "
            "%d bytes unless proxy_buffer_size is raised, for instance to 16k. Or set OIDC_STORE: the cookie then "
            "holds only an id.",
            size,
            PROXY_BUFFER_BYTES,
        )
