"""An app behind a real server of its framework, and requests to it byte by byte: no client hides anything."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from werkzeug.serving import make_server

from .site import Framework, Page

SECONDS = 20


@contextmanager
def served(framework: Framework, app: Any, port: int = 0) -> Iterator[int]:
    """The port of 127.0.0.1 on which `app` is served within the `with` block; a free one unless given."""
    serving = _by_werkzeug if framework.name == "flask" else _by_hypercorn
    listener = socket.create_server(("127.0.0.1", port))
    port = listener.getsockname()[1]
    with listener, serving(app, listener):
        yield port


@contextmanager
def _by_werkzeug(app: Any, listener: socket.socket) -> Iterator[None]:
    server = make_server("127.0.0.1", 0, app, threaded=True, fd=listener.fileno())
    with _running(server.serve_forever):
        try:
            yield
        finally:
            server.shutdown()
    server.server_close()


@contextmanager
def _by_hypercorn(app: Any, listener: socket.socket) -> Iterator[None]:
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = config.accesslog = None
    ended = threading.Event()

    async def until_ended() -> None:
        await asyncio.to_thread(ended.wait)

    def run() -> None:
        asyncio.run(serve(app, config, shutdown_trigger=until_ended))

    with _running(run):
        try:
            yield
        finally:
            ended.set()


@contextmanager
def _running(run: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(SECONDS)
        assert not thread.is_alive()


def exchange(port: int, request: bytes) -> Page:
    """What the server answers to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.decode("latin-1").split("\r\n")
    pairs = [(name, value.strip()) for name, _, value in (header.partition(":") for header in headers)]
    known = [(name, value) for name, value in pairs if name.lower() not in ("transfer-encoding", "content-length")]
    return Page(int(status.split(" ")[1]), headers=known, content=body)
