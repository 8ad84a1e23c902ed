"""Tokens as they arrive over a connection, byte by byte, through a real server of each framework."""

from collections.abc import Callable, Iterator

import pytest

from .api import Api, MakeApi, challenge_of
from .served import exchange, served
from .site import Framework, Page

Send = Callable[..., Page]


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    return make_api()


@pytest.fixture
def send(api: Api, framework: Framework) -> Iterator[Send]:
    """Sends GET /api with these header lines."""
    with served(framework, api.site.app) as port:

        def send(*lines: bytes, path: bytes = b"/api") -> Page:
            head = [b"GET " + path + b" HTTP/1.1", b"Host: rp.example", b"Connection: close", *lines]
            return exchange(port, b"\r\n".join([*head, b"", b""]))

        yield send


def bearer(token: str) -> bytes:
    return b"Authorization: Bearer " + token.encode()


def test_a_valid_token_gets_in(api: Api, send: Send) -> None:
    token = api.token()
    for _ in ("unknown", "known"):
        assert send(bearer(token)).status_code == 200
        assert send(b"aUTHORIZATION:   bEARER " + token.encode()).status_code == 200


def test_no_token(send: Send) -> None:
    """threat model 138"""
    page = send()
    assert (page.status_code, page.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
@pytest.mark.parametrize("other", [None, b"Bearer other", b"Bearer", b"bearer \t"], ids=repr)
def test_two_headers(api: Api, send: Send, other: bytes | None, known: bool) -> None:
    """threat model 140"""
    token = api.token()
    if known:
        assert send(bearer(token)).status_code == 200
    second = bearer(token) if other is None else b"authorization: " + other
    asked = api.asked()
    for lines in ((bearer(token), second), (second, bearer(token))):
        page = send(*lines)
        assert page.status_code == 400
        assert challenge_of(page)["error"] == "invalid_request"
    assert api.asked() == asked


def test_two_headers_of_two_schemes_let_nobody_in(api: Api, send: Send) -> None:
    """threat model 140: WSGI joins them, so that nobody can tell what the second one is."""
    basic = b"Authorization: Basic YTpi"
    assert send(basic, bearer(api.token())).status_code in (400, 401)
    assert send(bearer(api.token()), basic).status_code == 400
    assert api.asked() == 0


@pytest.mark.parametrize(
    "value",
    [
        b"Bearer",
        b"Bearer x y",
        b"Bearer x,y",
        b"Bearer x, Bearer y",
        b"Bearer\tx",
        b"Bearer x\ty",
        b"Bearer \xe9",
        b"Bearer \xc3\xa9",
        b"Bearer x\xff",
        b"Bearer \xef\xbc\xa1",
        b"Bearer x\x00",
        b"Bearer x\x00y",
        b"Bearer x\x0b",
        b"Bearer x\x7f",
        b"Bearer x\xa0",
        b"Bearer x\xc2\x85y",
    ],
    ids=repr,
)
def test_a_malformed_token(api: Api, send: Send, value: bytes) -> None:
    """threat model 139, 143: whether the server finds it, or we do."""
    page = send(b"Authorization: " + value)
    assert page.status_code == 400
    assert b"\xe9" not in page.content
    assert api.asked() == 0


@pytest.mark.parametrize("ending", ["\x00", "\xa0", "\x85", "\x1c", "\u00e9", ",", ";", "\t\t."], ids=repr)
def test_a_cached_token_with_something_behind_it_is_another(api: Api, send: Send, ending: str) -> None:
    """threat model 143"""
    token = api.token()
    assert send(bearer(token)).status_code == 200
    page = send(b"Authorization: Bearer " + token.encode() + ending.encode("latin-1"))
    assert page.status_code == 400


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\n\r"], ids=repr)
def test_a_line_may_end_within_the_token_and_no_header_begins(api: Api, send: Send, end: bytes) -> None:
    """threat model 143: lenient servers end the header there."""
    page = send(b"Authorization: Bearer x" + end + b"y: " + api.token().encode())
    assert page.status_code in (400, 403)
    assert "y" not in page.headers


def test_a_folded_header_lets_nobody_in(api: Api, send: Send) -> None:
    """RFC 9112 5.2"""
    token = api.token()
    for fold in (b"\r\n ", b"\r\n\t"):
        folded = b"Authorization: Bearer" + fold + token.encode()
        assert send(folded).status_code in (200, 400)
        assert send(b"X-Other: x" + fold + b"Authorization: Bearer " + token.encode()).status_code in (400, 401)


@pytest.mark.parametrize("character", [b"x", b".", b"=", b"-"])
def test_a_megabyte(api: Api, send: Send, character: bytes) -> None:
    """threat model 144: the server may cut the connection, or say that it is too much."""
    try:
        page = send(b"Authorization: Bearer " + character * 1024 * 1024)
    except (ConnectionError, IndexError):
        return
    assert page.status_code in (400, 413, 431)
    assert api.asked() == 0


def test_a_token_in_the_query_is_ignored(api: Api, send: Send) -> None:
    """threat model 141"""
    token = api.token()
    assert send(bearer(token)).status_code == 200
    for path in (f"/api?access_token={token}", f"/api?authorization=Bearer+{token}"):
        assert send(path=path.encode()).status_code == 401


@pytest.mark.parametrize("name", [b"Authorization ", b"Authorization_", b"Proxy-Authorization", b"X-Authorization"])
def test_another_header_is_not_an_authorization(api: Api, send: Send, name: bytes) -> None:
    page = send(name + b": Bearer " + api.token().encode())
    assert page.status_code in (400, 401)
    assert api.asked() == 0


def test_underscores_do_not_forge_an_identity(api: Api, send: Send) -> None:
    """threat model 155"""
    for name in (b"oidc_async.visits", b"oidc_async_visits", b"HTTP_OIDC_ASYNC_VISITS", b"REMOTE_USER"):
        page = send(name + b': {"sub": "mallory"}', path=b"/open")
        assert page.status_code in (200, 400)
        if page.status_code == 200:
            assert page.json() is None
