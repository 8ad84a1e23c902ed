"""What every response gets at its end: the cookies of its context, and what keeps it out of shared caches."""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from .application import WebApplication
from .request_context import RequestContext
from .sessions.lifecycle import SessionLifecycle

logger = logging.getLogger("oidc_async.sessions")

PROTECTING = ("cache-control", "content-security-policy", "referrer-policy", "x-content-type-options")
"""Headers of our own responses that another extension may not replace."""
PROXY_BUFFER_BYTES = 4096
"""What nginx takes for the headers of a response (proxy_buffer_size: one page of memory)."""
OF_SERVERS = 128
"""The status line, Date, Server and the like, which come on top."""


class FrameworkResponse(Protocol):
    """What the responses of Flask and Quart have from Werkzeug."""

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
    if context.refusal is not None and response.status_code >= 400:
        finish_refusal(response, context.refusal)


def _restore_headers(response: FrameworkResponse, headers: Mapping[str, str]) -> None:
    # an extension that gives each response one policy would stop the script of the response relay, and let the
    # address of a callback leak by the Referer header
    for name in PROTECTING:
        if name in headers:
            response.headers[name] = headers[name]


def finish_refusal(response: FrameworkResponse, headers: Mapping[str, str]) -> None:
    """Add the `headers` of a refusal that tell a client how to go on, where an error handler left them out."""
    for name in ("www-authenticate", "retry-after", "cache-control"):
        if name in headers and name not in response.headers:
            response.headers[name] = headers[name]


async def _set_cookies(response: FrameworkResponse, context: RequestContext) -> None:
    """Set the cookies of `context`, and mark what is meant for one user only (RFC 9111 5.2.2)."""
    cookies = await SessionLifecycle(context).finish()
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
    """Say once that a proxy may drop this response: the login in it would be lost, and nothing logged."""
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in headers.items()) + OF_SERVERS
    if size > PROXY_BUFFER_BYTES and not application.warned_of_size:
        application.warned_of_size = True
        logger.warning(
            "a response has about %d bytes of headers, most of them cookies of the session: nginx answers 502 above "
            "%d bytes unless proxy_buffer_size is raised, for instance to 16k. Or set OIDC_STORE: the cookie then "
            "holds an id only.",
            size,
            PROXY_BUFFER_BYTES,
        )
