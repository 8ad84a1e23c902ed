"""An HTTP server for the provider on 127.0.0.1, for browsers and real sockets."""

import random
import select
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from oidc_async.protocol.http_message import HttpRequest

from .interfaces import Servable
from .login_page import LoginPages
from .reply import Reply

Answering = Callable[[HttpRequest], Reply]

PORTS = range(20_000, 32_000)
"""Ports below the range that systems use for outgoing connections."""

DRIP_INTERVAL = 0.2
"""Seconds between two bytes of a dripping response."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@contextmanager
def serving(
    provider: Servable, port: int = 0, *, login_page: bool = True, tls: ssl.SSLContext | None = None
) -> Generator[str]:
    """Serve the provider in a `with` block, whose value is its issuer.

    Args:
        provider: the provider to serve.
        port: 0 for a free one.
        login_page: whether browsers have to log in; if False, `provider.user` is logged in.
        tls: server context with a certificate for 127.0.0.1; serves HTTPS.
    """
    server = _listen(port, tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    try:
        with provider.moved_to(server.origin) as issuer:
            server.answering = LoginPages(provider).handle if login_page else provider.handle
            thread.start()
            yield issuer
    finally:
        server.stop()
        thread.join()


def _listen(port: int, tls: ssl.SSLContext | None) -> "_Server":
    candidates = [port] if port else random.sample(PORTS, 50)
    for candidate in candidates[:-1]:
        with suppress(OSError):
            return _Server(candidate, tls)
    return _Server(candidates[-1], tls)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    answering: Answering

    def __init__(self, port: int, tls: ssl.SSLContext | None) -> None:
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._tls = tls
        super().__init__(("127.0.0.1", port), _RequestHandler)

    @property
    def origin(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.server_port}"

    def stop(self) -> None:
        """Close all connections and end their threads."""
        self.stopping.set()
        self.shutdown()
        for connection in list(self._open):
            with suppress(OSError):
                # the plain socket below TLS, because the connection's thread may be reading from the TLS socket
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self.server_close()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls is not None:
            # the handshake happens at the first read, in the thread of the connection
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # clients may disconnect at any time
            super().handle_error(request, client_address)


class _RequestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _host(self) -> _Server:
        if not isinstance(self.server, _Server):
            raise TypeError("the handler needs a _Server")
        return self.server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        reply = self._host.answering(self._request())
        if reply.delay:
            self._wait(reply.delay)
        if reply.breaks_after == 0:
            self._reset()
        elif reply.never_ends:
            self._send_for_ever(reply)
        elif reply.drips:
            self._send_dripping(reply)
        elif reply.breaks_after is not None:
            self._send_head(reply, {"content-length": str(len(reply.body))})
            self.wfile.write(reply.body[: reply.breaks_after])
            self.close_connection = True
        else:
            self._send_head(reply, {"content-length": str(len(reply.body))})
            self.wfile.write(b"" if self.command == "HEAD" else reply.body)

    def _request(self) -> HttpRequest:
        length = int(self.headers.get("content-length") or 0)
        return HttpRequest(
            method=self.command,
            url=self._host.origin + self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )

    def _send_head(self, reply: Reply, framing: dict[str, str]) -> None:
        self.send_response(reply.status)
        for name, value in {**reply.headers, **framing}.items():
            # each line is a separate header, because cookies cannot share one
            for line in value.split("\n"):
                self.send_header(name, line)
        self.end_headers()

    def _send_for_ever(self, reply: Reply) -> None:
        self._send_head(reply, {"transfer-encoding": "chunked"})
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        while not self._host.stopping.is_set():
            self.wfile.write(chunk)

    def _send_dripping(self, reply: Reply) -> None:
        self._send_head(reply, {"content-length": str(len(reply.body))})
        for byte in reply.body:
            self.wfile.write(bytes([byte]))
            self._wait(DRIP_INTERVAL)

    def _wait(self, seconds: float) -> None:
        """Wait, or return early when the connection ends; the next write then fails."""
        select.select([self.connection], [], [], seconds)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.close_connection = True
