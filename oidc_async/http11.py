"""HTTP/1.1 as bytes: how a request is written and how its response is read. The grammar is h11's; no I/O here."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import h11

from .protocol.http_message import HttpRequest, HttpResponse
from .response_body import ResponseBody

_LONGEST_HEAD = 100 * 1024
_OURS = frozenset(
    {"Accept-Encoding", "Connection", "Content-Length", "Cookie", "Host", "Proxy-Authorization", "Transfer-Encoding"}
)
_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})


class ProxyError(Exception):
    """The proxy does not let us through; with its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Where a connection goes: a provider, or a proxy with the headers that it wants."""

    host: str
    port: int
    is_tls: bool
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


def peer_of(url: str) -> Peer:
    """Who answers at `url`, which names a host over http or https."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    return Peer(host=parts.hostname or "", port=parts.port or (443 if is_tls else 80), is_tls=is_tls)


def proxy_of(url: str | None) -> Peer | None:
    """The proxy at `url`; credentials in it become its Proxy-Authorization (RFC 9110 11.7.2)."""
    if url is None:
        return None
    parts, peer = urlsplit(url), peer_of(url)
    headers: dict[str, str] = {}
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {b64encode(credentials.encode()).decode()}"
    return Peer(host=peer.host, port=peer.port, is_tls=peer.is_tls, headers=headers)


def request_head(request: HttpRequest, provider: str, user_agent: str, proxy: Peer | None) -> h11.Request:
    """The head of `request` to the origin `provider`; over plain HTTP it is for `proxy` (RFC 9112 3.2.2)."""
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    is_forwarded = proxy is not None and parts.scheme == "http"
    given = {name.title(): value for name, value in request.headers.items()}
    headers = {
        "Host": provider.partition("://")[2],
        "User-Agent": user_agent,
        "Accept": "*/*",
        **{name: value for name, value in given.items() if name not in _OURS},
        **(proxy.headers if proxy is not None and is_forwarded else {}),
        "Accept-Encoding": "identity",
    }
    if request.body or request.method in _WITH_BODY:
        headers["Content-Length"] = str(len(request.body))
    return h11.Request(
        method=request.method, target=provider + target if is_forwarded else target, headers=list(headers.items())
    )


def tunnel_request(provider: Peer, proxy: Peer) -> tuple[HttpRequest, h11.Request]:
    """What asks `proxy` for a way through to `provider` (RFC 9110 9.3.6)."""
    host = f"[{provider.host}]" if ":" in provider.host else provider.host
    target = f"{host}:{provider.port}"
    request = HttpRequest(method="CONNECT", url=f"https://{target}/")
    return request, h11.Request(method="CONNECT", target=target, headers=[("Host", target), *proxy.headers.items()])


def require_tunnel(answer: HttpResponse) -> None:
    """Raise ProxyError unless the proxy has made one."""
    if not 200 <= answer.status < 300:
        raise ProxyError(answer.status)


class Wire:
    """One connection's conversation: a request becomes bytes, and bytes a response, in turns."""

    _request: HttpRequest
    _status: int
    _headers: dict[str, str]
    _body: ResponseBody

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)

    def ask(self, request: HttpRequest, head: h11.Request) -> bytes:
        self._request = request
        parts = [head, h11.Data(data=request.body), h11.EndOfMessage()]
        return b"".join(self._http.send(part) or b"" for part in parts)

    def feed(self, data: bytes) -> HttpResponse | None:
        """Take the next bytes, none at the end of the connection; the response once it is whole.

        Raises ResponseTooLarge, ProviderUnreachable for an encoding that is not understood, ConnectionError and
        h11's RemoteProtocolError for what is no response.
        """
        if not data and self._http.their_state is h11.SEND_RESPONSE:
            raise ConnectionError("closed without an answer")
        self._http.receive_data(data)
        while (event := self._http.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Data):
                self._body.feed(bytes(event.data))
            elif isinstance(event, h11.Response):
                self._begin(event)
            elif not isinstance(event, h11.InformationalResponse):
                return self._end()
        return None

    def is_at_rest(self) -> bool:
        """Whether another request may follow."""
        return self._http.our_state is h11.IDLE

    def _begin(self, response: h11.Response) -> None:
        self._status, self._headers = response.status_code, {}
        for name, value in response.headers:
            text, before = value.decode("latin-1"), self._headers.get(name.decode())
            self._headers[name.decode()] = text if before is None else f"{before}, {text}"
        self._headers.pop("set-cookie", None)
        self._body = ResponseBody(self._request, self._headers.get("content-encoding", ""))

    def _end(self) -> HttpResponse:
        http, nothing_more = self._http, (b"", False)
        if http.our_state is h11.DONE and http.their_state is h11.DONE and http.trailing_data == nothing_more:
            http.start_next_cycle()
        return HttpResponse(status=self._status, headers=self._headers, body=self._body.complete())
