"""How the head of a request is written, and which part of that of a response is kept."""

from collections.abc import Mapping

import pytest

from oidc_async.http.wire import Answer, address_of, credentials_of, headers_of
from oidc_async.protocol.http_message import HttpRequest, HttpResponse

GET = HttpRequest(method="GET", url="https://op.example/", max_body=100)


def written(request: HttpRequest) -> tuple[str, dict[str, str]]:
    """The target and the headers as they go out."""
    headers = [(name.decode(), value.decode()) for name, value in headers_of(request, "mine/1")]
    assert len({name.lower() for name, _ in headers}) == len(headers)
    return address_of(request.url).target.decode(), dict(headers)


@pytest.mark.parametrize(
    ("url", "start", "host"),
    [
        ("https://op.example", "/", "op.example"),
        ("https://op.example/a/b?c=d&e", "/a/b?c=d&e", "op.example"),
        ("https://OP.example:443/a#fragment", "/a", "op.example"),
        ("http://op.example:80?q", "/?q", "op.example"),
        ("https://op.example:8443/", "/", "op.example:8443"),
        ("http://[::1]:8080/x", "/x", "[::1]:8080"),
        ("https://user:s3cret@op.example/x", "/x", "op.example"),
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


@pytest.mark.parametrize(
    ("proxy", "credentials"),
    [
        ("http://proxy", None),
        ("http://us%40er:p%3Aw@proxy", (b"us@er", b"p:w")),
        ("http://user@proxy", (b"user", b"")),
    ],
)
def test_credentials_of_a_proxy_are_those_in_its_url(proxy: str, credentials: tuple[bytes, bytes] | None) -> None:
    assert credentials_of(proxy) == credentials


def test_of_an_answer_all_but_cookies_is_kept() -> None:
    answer = Answer(GET, 200, [("X", "1"), ("x", "2"), ("Set-Cookie", "a=b")])
    answer.body.feed(b"{}")
    assert answer.complete() == HttpResponse(status=200, headers={"x": "1, 2"}, body=b"{}")
