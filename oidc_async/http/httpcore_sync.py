"""HTTP/1.1 connections of httpcore for threads.

Every wait ends with the deadline of the exchange.
"""

import ssl
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, cast

from oidc_async.protocol.http_message import HttpRequest, HttpResponse

from .connection_pool import KEEP_ALIVE, IdleConnections
from .deadline import Deadline, run_in_thread
from .httpx_compat import core
from .incoming import Incoming
from .settings import HttpSettings
from .wire import address_of, certificate_name, credentials_of, dialled_url, headers_of, raw_answer


class BlockingConnections:
    """The connections of one process, for any number of threads.

    The gate in front of them limits their number.
    """

    def __init__(self, settings: HttpSettings, tls: Callable[[], ssl.SSLContext], deadline: Deadline) -> None:
        self._settings = settings
        self._tls = tls
        self._deadline = deadline
        self._backend = _Backend(deadline)
        self._extensions = {"timeout": {"connect": settings.connect_timeout}}
        self._idle = IdleConnections[core.ConnectionInterface](settings.max_concurrency, threading.Lock())

    def exchange(self, request: HttpRequest) -> HttpResponse:
        outgoing = core.Request(
            request.method,
            _url(dialled_url(request)),
            headers=headers_of(request, self._settings.user_agent),
            content=request.body,
            extensions=self._extensions | certificate_name(request),
        )
        connection = (self._new_connection if request.address else self._take)(outgoing.url.origin)
        response = connection.handle_request(outgoing)
        incoming = _incoming_of(response)
        try:
            answer = raw_answer(request, response.status, response.headers)
            incoming.expect_body(answer.content_length)
            with answer.reading():
                for chunk in response.iter_stream():
                    answer.body.feed(chunk)
                    # Each read has a timeout of its own, so the deadline is checked after each chunk as well.
                    self._deadline.left()
                return answer.complete()
        finally:
            response.close()
            self._give_back(connection, is_reusable=not request.address and incoming.is_in_step())

    def close(self) -> None:
        for connection in self._idle.clear():
            connection.close()

    def _take(self, origin: core.Origin) -> core.ConnectionInterface:
        # has_expired() also asks our stream whether it is readable. An idle connection with data to read is closed:
        # the provider has closed it, or has sent something that would be taken for the response.
        while (connection := self._idle.pop(origin)) is not None:
            if not connection.has_expired():
                return connection
            connection.close()
        return self._new_connection(origin)

    def _give_back(self, connection: core.ConnectionInterface, *, is_reusable: bool) -> None:
        # A pinned request is not reusable: the next one to its address may need the certificate of another name.
        if not is_reusable:
            connection.close()
        # A connection is idle if the response was read to its end. Otherwise httpcore has closed it already.
        elif connection.is_idle():
            surplus = self._idle.push(connection, time.monotonic())
            if surplus is not None:
                surplus.close()

    def _new_connection(self, origin: core.Origin) -> core.ConnectionInterface:
        proxy = None if self._settings.proxy is None else _url(self._settings.proxy)
        tls = self._tls() if b"https" in (origin.scheme, proxy and proxy.scheme) else None
        if proxy is None:
            return core.HTTPConnection(origin, tls, KEEP_ALIVE, network_backend=self._backend)
        # Used only to connect: nothing is kept in its pool.
        return core.HTTPProxy(
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


class _Backend(core.NetworkBackend):
    """Sockets that never wait beyond the deadline of the exchange."""

    def __init__(self, deadline: Deadline) -> None:
        self._plain = core.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[core.SOCKET_OPTION] | None = None,
    ) -> core.NetworkStream:
        # In a thread of its own: a name lookup has no timeout, and each address would get the whole timeout.
        seconds = self._deadline.clamp(timeout)
        connected = run_in_thread(lambda: self._plain.connect_tcp(host, port, seconds, local_address, socket_options))
        try:
            return _Stream(connected.result(seconds), self._deadline)
        except TimeoutError:
            connected.add_done_callback(_close_late)
            raise


class _Stream(core.NetworkStream):
    """A stream that sends what was written in one piece before the next read."""

    def __init__(self, plain: core.NetworkStream, deadline: Deadline) -> None:
        self._plain = plain
        self._deadline = deadline
        self._unsent = bytearray()
        self.incoming = Incoming()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._unsent:
            # A provider that closed the connection may have answered before, so this is not an error.
            with suppress(core.WriteError):
                self._plain.write(bytes(self._unsent), self._deadline.clamp(timeout))
            self._unsent.clear()
        if not self.incoming.buffer:
            self.incoming.buffer += self._plain.read(max_bytes, self._deadline.clamp(timeout))
        return self.incoming.take(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.incoming.begin_response()
        self._unsent += buffer

    def close(self) -> None:
        self._plain.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> core.NetworkStream:
        secured = self._plain.start_tls(ssl_context, server_hostname, self._deadline.clamp(timeout))
        return _Stream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self.incoming.buffer:
            return True
        return self._plain.get_extra_info(info)


def _incoming_of(response: core.Response) -> Incoming:
    # Our own backend made the stream, also below a proxy. Only a protocol upgrade would wrap it.
    stream = cast(Any, response).extensions["network_stream"]
    return stream.incoming if isinstance(stream, _Stream) else Incoming()


def _close_late(connected: "Future[core.NetworkStream]") -> None:
    if connected.exception() is None:
        connected.result().close()
