"""Received bytes beyond the response: the parser never gets them, in whatever pieces they arrive."""

from collections.abc import Iterator
from itertools import pairwise

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oidc_async.http.incoming import Incoming
from oidc_async.http.wire import raw_answer
from oidc_async.protocol.http_message import HttpRequest

REQUEST = HttpRequest(method="GET", url="https://op.example/")

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
RESPONSES = {
    "a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nab\r\n\r\ncd\n\ne", b"ab\r\n\r\ncd\n\ne"),
    "an empty body": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"ok"),
    "chunks": (CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
    "blank lines in chunks": (CHUNKED + b"6\r\n\r\n\r\n\n\n\r\n0\r\n\r\n", b"\r\n\r\n\n\n"),
    "trailers": (CHUNKED + b"3\r\nabc\r\n0\r\nX: 1\r\nY: 2\r\n\r\n", b"abc"),
    "no chunk": (CHUNKED + b"0\r\n\r\n", b""),
    "an informational response before it": (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"ok",
    ),
}
BEYOND = [b"", b"x", b"\r\n", b"\n", b"\r\n\r\n", b"0\r\n\r\n", RESPONSES["a length"][0], RESPONSES["chunks"][0]]


def body_read(incoming: Incoming, pieces: Iterator[bytes], most: int) -> tuple[bytes, bytes]:
    """The body, and the bytes that the parser has beyond it. It takes more bytes whenever it needs some."""
    parser, body = h11.Connection(h11.CLIENT), b""
    parser.send(h11.Request(method="GET", target="/", headers=[("Host", "op.example")]))
    parser.send(h11.EndOfMessage())
    incoming.begin_response()
    while not isinstance(event := parser.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            answer = raw_answer(REQUEST, event.status_code, event.headers)
            incoming.expect_body(answer.content_length)
        elif isinstance(event, h11.Data):
            body += event.data
        elif event is h11.NEED_DATA:
            if not incoming.buffer:
                incoming.buffer += next(pieces)
            parser.receive_data(incoming.take(most))
    return body, parser.trailing_data[0]


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    edges = sorted({0, len(data), *(place % len(data) for place in places)})
    return (data[start:end] for start, end in pairwise(edges))


@settings(deadline=None)
@pytest.mark.parametrize("kind", RESPONSES)
@pytest.mark.parametrize("beyond", BEYOND, ids=ascii)
@given(places=st.lists(st.integers(0, 300), max_size=6), most=st.sampled_from([1, 2, 3, 64, 65536]))
def test_the_parser_gets_the_response_and_nothing_beyond(
    kind: str, beyond: bytes, places: list[int], most: int
) -> None:
    response, body = RESPONSES[kind]
    incoming, pieces = Incoming(), cut(response + beyond, places)
    assert body_read(incoming, pieces, most) == (body, b"")
    assert bytes(incoming.buffer) + b"".join(pieces) == beyond
    assert incoming.is_in_step() is (not incoming.buffer)


def test_one_connection_serves_responses_of_every_kind() -> None:
    incoming = Incoming()
    for response, body in RESPONSES.values():
        assert body_read(incoming, iter([response]), 65536) == (body, b"")
        assert incoming.is_in_step()


def test_a_body_of_blank_lines_is_read_in_few_pieces_and_not_trusted() -> None:
    """It would else cost a turn of the parser for every two bytes."""
    lines = b"\n" * 100_000
    incoming, pieces = Incoming(), 0
    incoming.buffer += lines
    while incoming.buffer:
        incoming.take(65536)
        pieces += 1
    assert pieces < 200
    assert not incoming.is_in_step()


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 8\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nabc",
        b"HTTP/1.1 103 Early Hints\r\nContent-Length: 54\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"
        b"abcdefghijklmno",
    ],
    ids=["no content", "not modified", "chunked all the same", "informational"],
)
def test_a_length_that_the_parser_ignores_is_not_trusted(response: bytes) -> None:
    incoming = Incoming()
    _, beyond = body_read(incoming, iter([response]), 65536)
    assert beyond
    assert not incoming.is_in_step()
