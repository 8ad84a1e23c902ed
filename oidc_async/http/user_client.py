"""Sends requests with the application's own HTTP client.

Its connections and headers are used, its cookies are not.

httpx and httpx2 have one API and different classes, blocking and async; they are treated as untyped objects here.
"""

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any, TypeVar, cast

from oidc_async.errors import ConfigurationError
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.uri import origin

from .settings import HttpSettings
from .wire import Answer, certificate_name, dialled_url

R = TypeVar("R")


def require_client(client: object | None, kind: str) -> Any:
    """Return `client` if it is None or of the class `kind` of httpx or httpx2.

    Raises ConfigurationError.
    """
    # An application with such a client has imported its library.
    families = [sys.modules[name] for name in ("httpx", "httpx2") if sys.modules.get(name) is not None]
    if client is None or isinstance(client, tuple(getattr(family, kind) for family in families)):
        return client
    raise ConfigurationError(
        f"http_client is {type(client).__module__}.{type(client).__name__}; "
        f"the {'async' if kind == 'AsyncClient' else 'blocking'} classes take an httpx.{kind} or httpx2.{kind}",
        setting="http_client",
    )


class AsyncGivenClient:
    """Sends requests with a client of one event loop, which is never closed."""

    def __init__(self, client: Any, settings: HttpSettings) -> None:
        self._client = client
        self._settings = settings

    async def exchange(self, request: HttpRequest) -> HttpResponse:
        settings = self._settings
        outgoing = _outgoing(self._client, request, settings.connect_timeout, request.deadline(settings.deadline))
        response = await self._client.send(outgoing, stream=True, auth=_as_it_is, follow_redirects=False)
        try:
            answer = _answer_of(self._client, request, response)
            with answer.reading():
                if not response.is_stream_consumed:
                    async with aclosing(cast("AsyncGenerator[bytes]", response.aiter_raw())) as chunks:
                        async for chunk in chunks:
                            answer.body.feed(chunk)
                return answer.complete()
        finally:
            await response.aclose()

    async def aclose(self) -> None: ...


class GivenClient:
    """Sends requests with a client for any number of threads, which is never closed.

    Args:
        left: returns the seconds that are left for the exchange, or raises TimeoutError.
    """

    def __init__(self, client: Any, settings: HttpSettings, left: Callable[[], float]) -> None:
        self._client = client
        self._settings = settings
        self._left = left

    def exchange(self, request: HttpRequest) -> HttpResponse:
        left = self._left()
        outgoing = _outgoing(self._client, request, min(self._settings.connect_timeout, left), left)
        response = self._client.send(outgoing, stream=True, auth=_as_it_is, follow_redirects=False)
        try:
            answer = _answer_of(self._client, request, response)
            with answer.reading():
                for chunk in () if response.is_stream_consumed else response.iter_raw():
                    answer.body.feed(chunk)
                    self._left()
                return answer.complete()
        finally:
            response.close()

    def close(self) -> None: ...


def _outgoing(client: Any, request: HttpRequest, connect_timeout: float, timeout: float) -> Any:
    """Build `request` with `client`.

    The timeouts are seconds for connecting and for each wait after it.
    """
    built = client.build_request(
        request.method,
        dialled_url(request),
        headers=dict(request.headers) | _pinned_headers(request),
        content=request.body,
        timeout=(connect_timeout, timeout, timeout, timeout),
        extensions=certificate_name(request),
    )
    built.headers["Accept-Encoding"] = "identity"
    built.headers.pop("Cookie", None)
    return built


def _pinned_headers(request: HttpRequest) -> dict[str, str]:
    """Return the headers of a pinned request, which gets a connection of its own.

    The next request to the same address may need the certificate of another name.
    """
    return {"Host": origin(request.url).partition("://")[2], "Connection": "close"} if request.address else {}


def _as_it_is(request: R) -> R:
    """Replaces the `auth` of the client and of the URL.

    The Authorization header belongs to the protocol.
    """
    return request


def _answer_of(client: Any, request: HttpRequest, response: Any) -> Answer:
    """Return the response, with its body if the client has read it already."""
    _clear_cookies(client, response)
    headers = dict(response.headers.items())
    if response.is_stream_consumed:  # Mock transports return bodies that are already read and decoded.
        headers.pop("content-encoding", None)
    answer = Answer(request, response.status_code, headers.items())
    if response.is_stream_consumed:
        answer.body.feed(response.content)
    return answer


def _clear_cookies(client: Any, response: Any) -> None:
    """Delete the cookies of `response`.

    One client serves all users, and a cookie must not reach another user.
    """
    if "Set-Cookie" in response.headers:
        for cookie in response.cookies.jar:
            with suppress(KeyError):
                client.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)
