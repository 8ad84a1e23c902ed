"""HTTP/1.1 connections of httpcore on asyncio, over streams of our own.

httpcore parses the messages. Its pool, its way to connect and its streams are replaced, because they take a large
part of the time of a request.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import aclosing, nullcontext
from contextvars import Context
from typing import Any, cast

from oidc_async.protocol.http_message import HttpRequest, HttpResponse

from .connection_pool import KEEP_ALIVE, IdleConnections, is_readable
from .httpx_compat import core
from .incoming import Incoming
from .settings import HttpSettings
from .wire import address_of, credentials_of, dialled_url, headers_of, raw_answer

_HEAD_START = 0.25


class AsyncConnections:
    """The connections of one event loop.

    The gate in front of them limits their number.
    """

    def __init__(self, settings: HttpSettings, tls: Callable[[], ssl.SSLContext]) -> None:
        self._settings = settings
        self._tls = tls
        self._backend = _Backend()
        self._extensions = {"timeout": {"connect": settings.connect_timeout}}
        self._idle = IdleConnections[core.AsyncConnectionInterface](settings.max_concurrency, nullcontext())

    async def exchange(self, request: HttpRequest) -> HttpResponse:
        outgoing = core.Request(
            request.method,
            _url(dialled_url(request)),
            headers=headers_of(request, self._settings.user_agent),
            content=request.body,
            extensions=self._extensions,
        )
        if request.address:
            connection = await self._connected(outgoing.url.origin, address_of(request.url).host.decode())
        else:
            connection = await self._take(outgoing.url.origin)
        response = await connection.handle_async_request(outgoing)
        incoming = _incoming_of(response)
        try:
            answer = raw_answer(request, response.status, response.headers)
            incoming.expect_body(answer.content_length)
            stream = cast("AsyncIterable[bytes]", response.stream)
            with answer.reading():
                async with aclosing(cast("AsyncGenerator[bytes]", aiter(stream))) as chunks:
                    async for chunk in chunks:
                        answer.body.feed(chunk)
                return answer.complete()
        finally:
            await response.aclose()
            await self._give_back(connection, is_reusable=not request.address and incoming.is_in_step())

    async def aclose(self) -> None:
        for connection in self._idle.clear():
            await connection.aclose()

    async def _take(self, origin: core.Origin) -> core.AsyncConnectionInterface:
        # has_expired() also asks our stream whether it is readable. An idle connection with data to read is closed:
        # the provider has closed it, or has sent something that would be taken for the response.
        while (connection := self._idle.pop(origin)) is not None:
            if not connection.has_expired():
                return connection
            await connection.aclose()
        if self._settings.proxy is not None:
            return self._proxied(origin)
        return await self._connected(origin, origin.host.decode())

    async def _give_back(self, connection: core.AsyncConnectionInterface, *, is_reusable: bool) -> None:
        # A pinned request is not reusable: the next one to its address may need the certificate of another name.
        if not is_reusable:
            await connection.aclose()
        # A connection is idle if the response was read to its end. Otherwise httpcore has closed it already.
        elif connection.is_idle():
            surplus = self._idle.push(connection, time.monotonic())
            if surplus is not None:
                await surplus.aclose()

    async def _connected(self, origin: core.Origin, name: str) -> core.AsyncConnectionInterface:
        # AsyncHTTPConnection does the same, but adds a layer to every request.
        host, seconds = origin.host.decode(), self._settings.connect_timeout
        tls = self._tls() if origin.scheme == b"https" else None
        async with asyncio.timeout(seconds):
            stream = await self._backend.connect_tcp(host, origin.port, seconds)
            if tls is not None:
                stream = await stream.start_tls(tls, name)
        return core.AsyncHTTP11Connection(origin, stream, KEEP_ALIVE)

    def _proxied(self, origin: core.Origin) -> core.AsyncConnectionInterface:
        proxy = _url(self._settings.proxy or "")
        tls = self._tls() if b"https" in (origin.scheme, proxy.scheme) else None
        # Used only to connect: nothing is kept in its pool.
        return core.AsyncHTTPProxy(
            proxy,
            credentials_of(self._settings.proxy or ""),
            ssl_context=tls,
            proxy_ssl_context=tls if proxy.scheme == b"https" else None,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=self._backend,
        ).create_connection(origin)


def _url(url: str) -> core.URL:
    address = address_of(url)
    return core.URL(scheme=address.scheme, host=address.host, port=address.port, target=address.target)


class _Backend(core.AsyncNetworkBackend):
    """Connects with asyncio itself.

    The backend of httpcore uses anyio, which takes twice the time.
    """

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[core.SOCKET_OPTION] | None = None,
    ) -> core.AsyncNetworkStream:
        # In a task of its own, because asyncio leaks the socket if create_connection is cancelled. The task continues
        # after a cancellation of the caller, and then closes what it has connected.
        attempt = asyncio.get_running_loop().create_task(_race(host, port, timeout), context=Context())
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            attempt.add_done_callback(_close_late)
            raise


class _Stream(asyncio.Protocol, core.AsyncNetworkStream):
    """A stream that buffers received data, and sends written data before a read.

    Data that arrives while httpcore does not wait for any pauses the transport, so that a provider cannot fill the
    memory. The timeouts of reading and writing are not used: an exchange has one deadline.
    """

    def __init__(self) -> None:
        self._transport = cast("asyncio.Transport", None)
        self._unsent = bytearray()
        self.incoming = Incoming()
        self._reader: asyncio.Future[None] | None = None
        self._is_paused = True  # Until it has a transport.
        self._is_over = False
        self._failure: Exception | None = None

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.incoming.begin_response()
        self._unsent += buffer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._flush()
        if not self.incoming.buffer and not self._is_over:
            await self._arrival()
        if self._failure is not None and not self.incoming.buffer:
            raise self._failure
        return self.incoming.take(max_bytes)

    async def aclose(self) -> None:
        self.abort()

    def abort(self) -> None:
        self._transport.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> core.AsyncNetworkStream:
        loop, plain, secured = asyncio.get_running_loop(), self._transport, _Stream()
        try:
            async with asyncio.timeout(timeout):
                transport = await loop.start_tls(plain, secured, ssl_context, server_hostname=server_hostname)
        except BaseException:
            plain.abort()
            raise
        secured.connection_made(cast("asyncio.Transport", transport))
        return secured

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            # The event loop may not have run since the data arrived, so the socket is checked as well.
            return self._is_over or bool(self.incoming.buffer) or is_readable(self._transport)
        return self._transport.get_extra_info(info)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._is_paused = cast("asyncio.Transport", transport), False

    def data_received(self, data: bytes) -> None:
        self.incoming.buffer += data
        if self._reader is None and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over, self._failure = True, exc
        self._wake()

    def _flush(self) -> None:
        # A provider that closed the connection may have answered before, so this is not an error.
        if self._unsent and not self._is_over:
            self._transport.write(bytes(self._unsent))
        self._unsent.clear()

    async def _arrival(self) -> None:
        self._reader = asyncio.get_running_loop().create_future()
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
        try:
            await self._reader
        finally:
            self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def _incoming_of(response: core.Response) -> Incoming:
    # Our own backend made the stream, also below a proxy. Only a protocol upgrade would wrap it.
    stream = cast(Any, response).extensions["network_stream"]
    return stream.incoming if isinstance(stream, _Stream) else Incoming()


async def _race(host: str, port: int, seconds: float | None) -> _Stream:
    """Connect to the addresses of `host`, each a little after the one before.

    The first to answer wins (RFC 8305).
    """
    loop = asyncio.get_running_loop()
    # Other event loops, such as uvloop, do not support it.
    racing: Any = {"happy_eyeballs_delay": _HEAD_START} if isinstance(loop, asyncio.BaseEventLoop) else {}
    async with asyncio.timeout(seconds):
        return (await loop.create_connection(_Stream, host, port, **racing))[1]


def _close_late(attempt: "asyncio.Task[_Stream]") -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().abort()
