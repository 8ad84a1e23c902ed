"""A stand-in for an OpenID Provider that costs as little as Python can: HTTP/1.1 read by hand, on uvloop.

    python -m benchmarks.provider PORT DELAY_MS

It introspects any token as active, except those that begin with "inactive", after the delay; it logs in every
user agent; and /stats counts its requests and its CPU time, so that a report can show that it was not the
bottleneck. It does not import the library.
"""

import asyncio
import json
import re
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import cast
from urllib.parse import parse_qs, urlencode, urlsplit

import uvloop  # type: ignore[import-not-found]

from benchmarks import provider_answers as answers

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TOKEN = re.compile(rb"(?:^|&)token=([^&]*)")
AUTHORIZATION = re.compile(rb"\r\nauthorization: *bearer +access-(\S+)", re.IGNORECASE)


class Provider:
    """The endpoints: a request's target, head and body in, a whole response out."""

    def __init__(self, issuer: str, delay: float) -> None:
        self.issuer = issuer
        self.delay = delay
        self.calls: Counter[str] = Counter()
        self._metadata = answers.metadata(issuer)
        self._introspection = answers.introspection_pieces(issuer)
        self._nonces: dict[str, str | None] = {}
        self._endpoints: dict[str, Callable[[str, bytes, bytes], bytes]] = {
            "/.well-known/openid-configuration": lambda *_: document(self._metadata),
            "/jwks": lambda *_: document(answers.jwks()),
            "/authorize": lambda target, _head, _body: self._authorize(target),
            "/token": lambda _target, _head, body: self._token(body),
            "/userinfo": lambda _target, head, _body: userinfo(head),
            "/stats": lambda *_: self._statistics(),
        }

    def introspect(self, body: bytes) -> bytes:
        self.calls["/introspect"] += 1
        found = TOKEN.search(body)
        return document(answers.introspection(self._introspection, found[1] if found else b"inactive"))

    def answer(self, target: str, head: bytes, body: bytes) -> bytes:
        path = target.partition("?")[0]
        self.calls[path] += 1
        endpoint = self._endpoints.get(path)
        return endpoint(target, head, body) if endpoint else document(b"{}", "404 Not Found")

    def _authorize(self, target: str) -> bytes:
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        code = secrets.token_urlsafe(16)
        self._nonces[code] = query.get("nonce")
        location = f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
        return b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % location.encode()

    def _token(self, body: bytes) -> bytes:
        code = parse_qs(body.decode())["code"][0]
        return document(answers.token_response(self.issuer, f"subject-{code}", self._nonces.pop(code)))

    def _statistics(self) -> bytes:
        return document(json.dumps({"calls": self.calls, "cpu_seconds": time.process_time()}).encode())


def userinfo(head: bytes) -> bytes:
    found = AUTHORIZATION.search(head)
    return document(answers.userinfo(found[1].decode())) if found else document(b"{}", "401 Unauthorized")


def document(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status.encode(),
        len(body),
        body,
    )


class Connection(asyncio.Protocol):
    """One kept-alive connection, one request at a time on it."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has no such ancestor

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = CONTENT_LENGTH.search(self._buffer, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            head, body = self._buffer[:end], self._buffer[end + 4 : whole]
            self._buffer = self._buffer[whole:]
            self._respond(head, body)

    def _respond(self, head: bytes, body: bytes) -> None:
        provider = self._provider
        if not head.startswith(b"POST /introspect "):
            self._transport.write(provider.answer(head.split(b" ", 2)[1].decode(), head, body))
        elif provider.delay:
            asyncio.get_running_loop().call_later(provider.delay, self._transport.write, provider.introspect(body))
        else:
            self._transport.write(provider.introspect(body))


async def serve(port: int, delay: float) -> None:
    provider = Provider(f"http://127.0.0.1:{port}", delay)
    answers.signing_key()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(provider), "127.0.0.1", port, backlog=4096)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
