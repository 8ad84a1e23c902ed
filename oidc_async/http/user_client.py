"""A client of the caller's own, as a way to the provider: with its connections and headers, but not its cookies.

httpx and httpx2 have one API and different classes, for blocking and for async; here they are just objects.
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


class AsyncGivenClient:
    """Belongs to one event loop, and is never closed."""

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
    """Serves any number of threads, and is never closed. `left` tells how many seconds an exchange still has."""

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
    """`request` as `client` builds it; the timeouts are seconds for connecting and for each wait after it."""
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
    """The next one to the same address may want another name's certificate: it gets a connection of its own."""
    return {"Host": origin(request.url).partition("://")[2], "Connection": "close"} if request.address else {}


def _as_it_is(request: R) -> R:
    """In place of an `auth` of the client or of the URL: the Authorization header belongs to the protocol."""
    return request


def _answer_of(client: Any, request: HttpRequest, response: Any) -> Answer:
    """With its body where there is no wire to read it from."""
    _forget_cookies(client, response)
    headers = dict(response.headers.items())
    if response.is_stream_consumed:  # mock transports give bodies that are read and decoded
        headers.pop("content-encoding", None)
    answer = Answer(request, response.status_code, headers.items())
    if response.is_stream_consumed:
        answer.body.feed(response.content)
    return answer


def _forget_cookies(client: Any, response: Any) -> None:
    """One client serves all users: a cookie that was set for one must not reach the next."""
    if "Set-Cookie" in response.headers:
        for cookie in response.cookies.jar:
            with suppress(KeyError):
                client.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)
