"""A connection of an event loop: what arrives is read where it arrives, and wakes nobody before it is complete."""

import asyncio
import ssl
import time
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import Context
from functools import partial
from typing import Any, cast

import h11

from .http11 import Peer, Wire, peer_of, proxy_of, request_head, require_tunnel, tunnel_request
from .idle_connections import IdleConnections, is_readable
from .protocol.http_message import HttpRequest, HttpResponse
from .runtime import HttpSettings

_HEAD_START = 0.25


class AsyncConnection(asyncio.Protocol):
    """Belongs to its event loop; one exchange at a time."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.idle_since = 0.0
        self._wire = Wire()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[HttpResponse] | None = None

    async def exchange(self, request: HttpRequest, head: h11.Request) -> HttpResponse:
        """The response to `request`; whatever goes wrong, also by cancellation, closes the connection."""
        if self._transport is None:
            raise ConnectionResetError("closed at once")
        self._answer = asyncio.get_running_loop().create_future()
        try:
            self._transport.write(self._wire.ask(request, head))
            return await self._answer
        except BaseException:
            self.close()
            raise
        finally:
            self._answer = None

    async def secure(self, tls: ssl.SSLContext, host: str) -> None:
        """Go on in TLS."""
        if self._transport is None:
            raise ConnectionResetError("closed at once")
        secured = await asyncio.get_running_loop().start_tls(self._transport, self, tls, server_hostname=host)
        self._transport, self._wire = cast("asyncio.Transport", secured), Wire()

    def is_open(self) -> bool:
        # The loop may have had no time yet to tell us that it was closed.
        return self._transport is not None and not is_readable(self._transport.get_extra_info("socket").fileno())

    def is_reusable(self) -> bool:
        return self._transport is not None and self._wire.is_at_rest()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.close()
            return
        try:
            response = self._wire.feed(data)
        except Exception as error:
            self._answer.set_exception(error)
        else:
            if response is not None:
                self._answer.set_result(response)

    def eof_received(self) -> None:
        self.data_received(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed without an answer"))


class AsyncConnections:
    """The connections of an event loop: to providers, through the proxy of `settings` if there is one."""

    def __init__(self, settings: HttpSettings, tls: Callable[[], ssl.SSLContext]) -> None:
        self._settings = settings
        self._proxy = proxy_of(settings.proxy)
        self._tls = tls
        self._idle = IdleConnections[AsyncConnection](settings.max_concurrency, nullcontext())

    async def exchange(self, request: HttpRequest, provider: str) -> HttpResponse:
        """The response to `request` to the origin `provider`.

        Raises OSError, TimeoutError, ProxyError, what h11 raises, and what `Wire.feed` raises.
        """
        head = request_head(request, provider, self._settings.user_agent, self._proxy)
        connection = self._idle.take(provider, time.monotonic())
        if connection is None:
            connection = await self._connect(provider, peer_of(request.url))
        response = await connection.exchange(request, head)
        if connection.is_reusable():
            self._idle.put(connection, time.monotonic())
        else:
            connection.close()
        return response

    def close(self) -> None:
        """Those that are idle, and those under way as soon as they are."""
        self._idle.close()

    async def _connect(self, origin: str, provider: Peer) -> AsyncConnection:
        first = self._proxy or provider
        tls = self._tls() if first.is_tls or provider.is_tls else None
        async with asyncio.timeout(self._settings.connect_timeout):
            connection = await _open(origin, first, self._settings.connect_timeout)
            try:
                if tls is not None and first.is_tls:
                    await connection.secure(tls, first.host)
                if tls is not None and self._proxy is not None and provider.is_tls:
                    require_tunnel(await connection.exchange(*tunnel_request(provider, self._proxy)))
                    await connection.secure(tls, provider.host)
            except BaseException:
                connection.close()
                raise
            return connection


async def _open(origin: str, peer: Peer, seconds: float) -> AsyncConnection:
    # In a task of its own, which the caller's cancellation does not reach: asyncio loses sockets then.
    attempt = asyncio.get_running_loop().create_task(_race(origin, peer, seconds), context=Context())
    try:
        return await asyncio.shield(attempt)
    except asyncio.CancelledError:
        attempt.add_done_callback(_close_late)
        raise


async def _race(origin: str, peer: Peer, seconds: float) -> AsyncConnection:
    """Each address of `peer` begins a little after the one before, and the first that answers wins (RFC 8305)."""
    loop = asyncio.get_running_loop()
    # loops of others cannot
    racing: Any = {"happy_eyeballs_delay": _HEAD_START} if isinstance(loop, asyncio.BaseEventLoop) else {}
    async with asyncio.timeout(seconds):
        return (await loop.create_connection(partial(AsyncConnection, origin), peer.host, peer.port, **racing))[1]


def _close_late(attempt: "asyncio.Task[AsyncConnection]") -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()
