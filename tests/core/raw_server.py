"""An HTTP server without any library: each connection gets exactly the bytes that a test wants it to get."""

import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field

from oidc_async.protocol.http_message import HttpRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, server: "RawServer") -> None:
        self.sock = sock
        self._server = server
        server.sockets.append(sock)
        self._buffer = b""

    def requests(self) -> Iterator[Seen]:
        """The requests on this connection, as long as it is kept alive."""
        while (request := self.read_request()) is not None:
            yield request

    def read_request(self) -> Seen | None:
        while b"\r\n\r\n" not in self._buffer:
            if not self._receive():
                return None
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._buffer = rest
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            if not self._receive():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        method, target, _ = start.split(" ")
        self._server.seen.append(Seen(method=method, target=target, headers=headers, body=body))
        return self._server.seen[-1]

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: bytes, pause: float) -> None:
        """One byte at a time."""
        for position in range(len(data)):
            self.send(data[position : position + 1])
            time.sleep(pause)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    @contextmanager
    def secured(self, context: ssl.SSLContext) -> Generator["Connection"]:
        with context.wrap_socket(self.sock, server_side=True) as inner:
            yield Connection(inner, self._server)

    def _receive(self) -> bool:
        data = self.sock.recv(65536)
        self._buffer += data
        return bool(data)


Answer = Callable[[Connection], None]


def response(body: bytes = b"{}", status: str = "200 OK", **headers: str) -> bytes:
    """The bytes of a whole response; `Content_Type="..."` gives the header Content-Type."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def always(data: bytes, after: float = 0.0) -> Answer:
    """Give `data` to each request, `after` so many seconds."""

    def answer(connection: Connection) -> None:
        for _ in connection.requests():
            time.sleep(after)
            connection.send(data)

    return answer


def once(data: bytes) -> Answer:
    """Give `data` to the first request and hang up."""

    def answer(connection: Connection) -> None:
        connection.read_request()
        connection.send(data)

    return answer


def get(url: str, *, headers: Mapping[str, str] | None = None, max_body: int = 100_000) -> HttpRequest:
    return HttpRequest(method="GET", url=url, headers=headers or {}, max_body=max_body)


@dataclass
class RawServer:
    """Listens on the loopback interface and hands every connection to `answer` in a thread of its own."""

    answer: Answer
    tls: ssl.SSLContext | None = None
    seen: list[Seen] = field(default_factory=list[Seen])
    connections: int = 0

    def __post_init__(self) -> None:
        self._listener = _listener()
        self.port: int = self._listener.getsockname()[1]
        self.sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(10)
        for sock in self.sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            connection = Connection(sock, self)
            with nullcontext(connection) if self.tls is None else connection.secured(self.tls) as spoken:
                self.answer(spoken)


def _listener() -> socket.socket:
    """Below the ephemeral ports, so that no outgoing connection can hold the port."""
    while True:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", random.randrange(20000, 32000)))
        except OSError:
            sock.close()
        else:
            sock.listen(256)
            return sock


def unused_port() -> int:
    """A port on which nobody listens."""
    with _listener() as sock:
        return int(sock.getsockname()[1])
