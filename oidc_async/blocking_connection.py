"""A connection of threads: every wait on it ends with the deadline of the exchange."""

import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

import h11
import httpcore

from .http11 import Peer, Wire, require_tunnel, tunnel_request
from .protocol.http_message import HttpRequest, HttpResponse

_CHUNK = 65536


class Deadline:
    """When an exchange has to be over, whatever part of it is under way."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, most: float = float("inf")) -> float:
        """Seconds until then, and no more than `most`. Raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return min(left, most)


class BlockingConnection:
    """Serves one thread at a time."""

    def __init__(self, origin: str, stream: httpcore.NetworkStream) -> None:
        self.origin = origin
        self.idle_since = 0.0
        self._stream = stream
        self._wire = Wire()

    def exchange(self, request: HttpRequest, head: h11.Request, deadline: Deadline) -> HttpResponse:
        """The response to `request`; whatever goes wrong closes the connection."""
        try:
            # who does not want to read it all may have answered all the same
            with suppress(httpcore.WriteError):
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


class Connector:
    """Makes connections to providers, through the proxy if there is one."""

    def __init__(self, proxy: Peer | None, connect_timeout: float, tls: Callable[[], ssl.SSLContext]) -> None:
        self._proxy = proxy
        self._timeout = connect_timeout
        self._tls = tls

    def connect(self, origin: str, provider: Peer, deadline: Deadline) -> BlockingConnection:
        """Raises OSError, TimeoutError, ProxyError, and what httpcore has in place of them."""
        first = self._proxy or provider
        tls = self._tls() if first.is_tls or provider.is_tls else None
        timeout = Deadline(deadline.left(self._timeout))
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


def _open_stream(peer: Peer, seconds: float) -> httpcore.NetworkStream:
    # In a thread of its own: the look-up of a name knows no timeout, and every address gets all of it.
    connected: Future[httpcore.NetworkStream] = Future()

    def connect() -> None:
        try:
            connected.set_result(httpcore.SyncBackend().connect_tcp(peer.host, peer.port, seconds))
        except BaseException as error:
            connected.set_exception(error)

    threading.Thread(target=connect, name="oidc-async-connect", daemon=True).start()
    try:
        return connected.result(seconds)
    except TimeoutError:
        connected.add_done_callback(_close_late)
        raise


def _close_late(connected: "Future[httpcore.NetworkStream]") -> None:
    if connected.exception() is None:
        connected.result().close()
