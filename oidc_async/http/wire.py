"""Requests as they are sent, and responses as they are kept, without cookies."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.uri import origin

from .error_mapping import note_status
from .response_body import ResponseBody

_OURS = frozenset(
    {"Accept-Encoding", "Connection", "Content-Length", "Cookie", "Host", "Proxy-Authorization", "Transfer-Encoding"}
)
_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})
_WITHOUT_BODY = frozenset({204, 304})


class Address(NamedTuple):
    """The parts of a URL, encoded for a request."""

    origin: str
    scheme: bytes
    host: bytes
    port: int | None
    target: bytes


@lru_cache(maxsize=256)
def address_of(url: str) -> Address:
    """Split `url` into its parts. Raises UnicodeError for a URL that cannot be sent."""
    parts = urlsplit(url)
    host, query = parts.hostname or "", f"?{parts.query}" if parts.query else ""
    target = (parts.path or "/") + query
    return Address(
        origin(url), parts.scheme.encode("ascii"), host.encode("ascii"), parts.port, target.encode("ascii")
    )


def certificate_name(request: HttpRequest) -> dict[str, str]:
    """Return the certificate name of a pinned request, as an extension of httpcore."""
    return {"sni_hostname": address_of(request.url).host.decode()} if request.address else {}


def dialled_url(request: HttpRequest) -> str:
    """Return the URL to connect to, with the address of a pinned request as its host."""
    if not request.address:
        return request.url
    parts = urlsplit(request.url)
    host = f"[{request.address}]" if ":" in request.address else request.address
    return parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}").geturl()


def credentials_of(proxy: str) -> tuple[bytes, bytes] | None:
    """Return user name and password in the URL of a proxy, if there are any."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return None
    return unquote(parts.username).encode(), unquote(parts.password or "").encode()


def headers_of(request: HttpRequest, user_agent: str) -> list[tuple[bytes, bytes]]:
    """Return the headers to send.

    Those that frame the message are never taken from `request`.

    Raises:
        UnicodeError: a header cannot be sent.
    """
    given = {name.title(): value for name, value in request.headers.items()}
    headers = {
        "Host": address_of(request.url).origin.partition("://")[2],
        "User-Agent": user_agent,
        "Accept": "*/*",
        **{name: value for name, value in given.items() if name not in _OURS},
        "Accept-Encoding": "identity",
    }
    if request.body or request.method in _WITH_BODY:
        headers["Content-Length"] = str(len(request.body))
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


class Answer:
    """A response that is being received."""

    def __init__(self, request: HttpRequest, status: int, headers: Iterable[tuple[str, str]]) -> None:
        self._status = status
        self._headers: dict[str, str] = {}
        for name, value in headers:
            key = name.lower()
            before = self._headers.get(key)
            self._headers[key] = value if before is None else f"{before}, {value}"
        self._headers.pop("set-cookie", None)
        with self.reading():
            self.body = ResponseBody(request, self._headers.get("content-encoding", ""))

    @property
    def content_length(self) -> int | None:
        """The number of bytes in the body, as they are sent.

        None means that the response states none, or has no body.
        """
        length = self._headers.get("content-length")
        if length is None or "transfer-encoding" in self._headers or self._status in _WITHOUT_BODY:
            return None
        return int(length)

    @contextmanager
    def reading(self) -> Generator[None]:
        """Note the status of the response on exceptions that are raised inside."""
        try:
            yield
        except BaseException as error:
            note_status(error, self._status)
            raise

    def complete(self) -> HttpResponse:
        return HttpResponse(status=self._status, headers=self._headers, body=self.body.complete())


def raw_answer(request: HttpRequest, status: int, headers: Iterable[tuple[bytes, bytes]]) -> Answer:
    """Return the response with headers as httpcore has them."""
    return Answer(request, status, [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])
