"""A connection of threads: every wait on it ends with the deadline of the exchange."""

import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

import h11
from httpcore import NetworkStream, SyncBackend, WriteError

from .deadline import Deadline
from .http11 import Peer, Wire, peer_of, proxy_of, request_head, require_tunnel, tunnel_request
from .idle_connections import IdleConnections
from .protocol.http_message import HttpRequest, HttpResponse
from .runtime import HttpSettings

_CHUNK = 65536


class BlockingConnection:
    """Serves one thread at a time."""

    def __init__(self, origin: str, stream: NetworkStream) -> None:
        self.origin = origin
        self.idle_since = 0.0
        self._stream = stream
        self._wire = Wire()

    def exchange(self, request: HttpRequest, head: h11.Request, deadline: Deadline) -> HttpResponse:
        """The response to `request`; whatever goes wrong closes the connection."""
        try:
            # who does not want to read it all may have answered all the same
            with suppress(WriteError):
                self._stream.write(self._wire.ask(request, head), deadline.left())
            while (response := self._wire.feed(self._stream.read(_CHUNK, deadline.left()))) is None:
                pass
        except BaseException:
            self.close()
            raise
        return response

    def secure(self, tls: ssl.SSLContext, host: str, seconds: float) -> None:
        """Go on in TLS."""
        self._stream, self._wire = self._stream.start_tls(tls, host, seconds), Wire()

    def is_open(self) -> bool:
        return not self._stream.get_extra_info("is_readable")

    def is_reusable(self) -> bool:
        return self._wire.is_at_rest()

    def close(self) -> None:
        self._stream.close()


class BlockingConnections:
    """The connections of a process: to providers, through the proxy of `settings` if there is one."""

    def __init__(self, settings: HttpSettings, tls: Callable[[], ssl.SSLContext]) -> None:
        self._settings = settings
        self._proxy = proxy_of(settings.proxy)
        self._tls = tls
        self._idle = IdleConnections[BlockingConnection](settings.max_concurrency, threading.Lock())

    def exchange(self, request: HttpRequest, provider: str, deadline: Deadline) -> HttpResponse:
        """The response to `request` to the origin `provider`.

        Raises OSError, TimeoutError, ProxyError, what httpcore and h11 raise, and what `Wire.feed` raises.
        """
        head = request_head(request, provider, self._settings.user_agent, self._proxy)
        connection = self._idle.take(provider, time.monotonic())
        if connection is None:
            connection = self._connect(provider, peer_of(request.url), deadline)
        response = connection.exchange(request, head, deadline)
        if connection.is_reusable():
            self._idle.put(connection, time.monotonic())
        else:
            connection.close()
        return response

    def close(self) -> None:
        """Those that are idle, and those under way as soon as they are."""
        self._idle.close()

    def _connect(self, origin: str, provider: Peer, deadline: Deadline) -> BlockingConnection:
        first = self._proxy or provider
        tls = self._tls() if first.is_tls or provider.is_tls else None
        timeout = Deadline(deadline.left(self._settings.connect_timeout))
        connection = BlockingConnection(origin, _open_stream(first, timeout.left()))
        try:
            if tls is not None and first.is_tls:
                connection.secure(tls, first.host, timeout.left())
            if tls is not None and self._proxy is not None and provider.is_tls:
                require_tunnel(connection.exchange(*tunnel_request(provider, self._proxy), timeout))
                connection.secure(tls, provider.host, timeout.left())
        except BaseException:
            connection.close()
            raise
        return connection


def _open_stream(peer: Peer, seconds: float) -> NetworkStream:
    # In a thread of its own: the look-up of a name knows no timeout, and every address gets all of it.
    connected: Future[NetworkStream] = Future()

    def connect() -> None:
        try:
            connected.set_result(SyncBackend().connect_tcp(peer.host, peer.port, seconds))
        except BaseException as error:
            connected.set_exception(error)

    threading.Thread(target=connect, name="oidc-async-connect", daemon=True).start()
    try:
        return connected.result(seconds)
    except TimeoutError:
        connected.add_done_callback(_close_late)
        raise


def _close_late(connected: Future[NetworkStream]) -> None:
    if connected.exception() is None:
        connected.result().close()
