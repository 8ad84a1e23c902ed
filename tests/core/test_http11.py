"""How a request is written, and what is read of a response, byte for byte."""

from collections.abc import Mapping

import h11
import pytest

from oidc_async.errors import ResponseTooLarge
from oidc_async.http11 import Wire, peer_of, proxy_of, request_head, tunnel_request
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.uri import origin

GET = HttpRequest(method="GET", url="https://op.example/", max_body=100)


def written(request: HttpRequest, proxy: str | None = None) -> tuple[str, dict[str, str]]:
    """The first line and the headers as they go out."""
    head = request_head(request, origin(request.url), "mine/1", proxy_of(proxy))
    start, *lines = Wire().ask(request, head).partition(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = [line.split(": ", 1) for line in lines]
    assert len({name.lower() for name, _ in headers}) == len(headers)
    return start, dict(headers)


@pytest.mark.parametrize(
    ("url", "start", "host"),
    [
        ("https://op.example", "GET / HTTP/1.1", "op.example"),
        ("https://op.example/a/b?c=d&e", "GET /a/b?c=d&e HTTP/1.1", "op.example"),
        ("https://OP.example:443/a#fragment", "GET /a HTTP/1.1", "op.example"),
        ("http://op.example:80?q", "GET /?q HTTP/1.1", "op.example"),
        ("https://op.example:8443/", "GET / HTTP/1.1", "op.example:8443"),
        ("http://[::1]:8080/x", "GET /x HTTP/1.1", "[::1]:8080"),
        ("https://user:s3cret@op.example/x", "GET /x HTTP/1.1", "op.example"),
    ],
)
def test_a_url_becomes_a_target_and_a_host(url: str, start: str, host: str) -> None:
    got, headers = written(HttpRequest(method="GET", url=url))
    assert (got, headers["Host"]) == (start, host)
    assert "s3cret" not in str(headers)


def test_what_the_protocol_does_not_say_is_ours() -> None:
    assert written(GET)[1] == {
        "Host": "op.example",
        "User-Agent": "mine/1",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }


@pytest.mark.parametrize(
    "given",
    [
        {"Cookie": "x"},
        {"ACCEPT-ENCODING": "gzip"},
        {"host": "evil.example"},
        {"content-length": "99"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "close"},
        {"Proxy-Authorization": "x"},
    ],
    ids=str,
)
def test_what_frames_a_message_is_never_taken_over(given: Mapping[str, str]) -> None:
    assert written(HttpRequest(method="GET", url=GET.url, headers=given)) == written(GET)


def test_what_the_protocol_says_goes_before_ours() -> None:
    given = {"accept": "application/json", "user-agent": "theirs", "authorization": "Bearer x"}
    headers = written(HttpRequest(method="GET", url=GET.url, headers=given))[1]
    assert (headers["Accept"], headers["User-Agent"]) == ("application/json", "theirs")
    assert headers["Authorization"] == "Bearer x"


@pytest.mark.parametrize(
    ("method", "body", "length"), [("GET", b"", None), ("POST", b"", "0"), ("POST", b"a=b", "3"), ("GET", b"x", "1")]
)
def test_a_body_is_announced(method: str, body: bytes, length: str | None) -> None:
    assert written(HttpRequest(method=method, url=GET.url, body=body))[1].get("Content-Length") == length


def test_a_proxy_gets_the_whole_url_and_its_password() -> None:
    start, headers = written(HttpRequest(method="GET", url="http://op.example/a?b"), "http://us%40er:p%3Aw@proxy")
    assert start == "GET http://op.example/a?b HTTP/1.1"
    assert headers["Proxy-Authorization"] == "Basic dXNAZXI6cDp3"


def test_inside_a_tunnel_the_password_of_the_proxy_is_not_told() -> None:
    assert written(GET, "http://user:password@proxy") == written(GET)


def test_a_tunnel_is_asked_for_by_host_and_port() -> None:
    proxy = proxy_of("http://user:password@proxy")
    assert proxy is not None
    request, head = tunnel_request(peer_of("https://[::1]/x"), proxy)
    lines = Wire().ask(request, head).decode().split("\r\n")
    assert lines[0] == "CONNECT [::1]:443 HTTP/1.1"
    assert "Proxy-Authorization: Basic dXNlcjpwYXNzd29yZA==" in lines
    assert "password" not in repr(proxy)


# --- responses ---------------------------------------------------------------------------------------------------


def asked() -> Wire:
    wire = Wire()
    wire.ask(GET, request_head(GET, origin(GET.url), "mine/1", None))
    return wire


def answer(wire: Wire, data: bytes) -> HttpResponse | None:
    """One byte at a time, as the network may give them."""
    for position in range(len(data)):
        response = wire.feed(data[position : position + 1])
        if response is not None:
            return response
    return None


WHOLE = b"HTTP/1.1 200 OK\r\nX: 1\r\nx: 2\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\n{}"


def test_a_response_is_read_however_it_is_cut() -> None:
    for read in (Wire.feed, answer):
        wire = asked()
        response = read(wire, WHOLE)
        assert response == HttpResponse(status=200, headers={"x": "1, 2", "content-length": "2"}, body=b"{}")
        assert wire.is_at_rest()


@pytest.mark.parametrize(
    ("data", "is_kept"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", False),
        (WHOLE + WHOLE, False),
        (WHOLE + b"x", False),
    ],
    ids=["after a 1xx", "chunked", "told to close", "of HTTP/1.0", "two for one", "and a rest"],
)
def test_a_connection_is_kept_when_both_sides_have_said_all(data: bytes, is_kept: bool) -> None:
    wire = asked()
    response = wire.feed(data)
    assert response is not None
    assert (response.status, response.body, wire.is_at_rest()) == (200, b"{}", is_kept)


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    wire = asked()
    assert wire.feed(b"HTTP/1.1 200 OK\r\n\r\n{}") is None
    response = wire.feed(b"")
    assert response is not None
    assert response.body == b"{}"
    assert not wire.is_at_rest()


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX\r\n\r\n",
    ],
    ids=["two lengths", "unknown coding", "switched", "header without a colon"],
)
def test_what_could_be_read_in_two_ways_is_refused(data: bytes) -> None:
    with pytest.raises(h11.RemoteProtocolError):
        asked().feed(data)


def test_a_connection_that_ends_without_an_answer_says_so() -> None:
    with pytest.raises(ConnectionError, match="closed without an answer"):
        asked().feed(b"")


def test_a_body_beyond_its_cap_is_refused_before_it_has_ended() -> None:
    with pytest.raises(ResponseTooLarge):
        asked().feed(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 101)
