"""What a runtime does with providers that answer, and with those that answer badly."""

import gzip
import threading
import time
import tracemalloc
import zlib

import pytest

from oidc_async.errors import ProviderTimeout, ProviderUnreachable, ResponseTooLarge
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from tests.core.conftest import Serve
from tests.core.raw_server import Answer, Connection, RawServer, always, get, once, response, unused_port
from tests.core.worlds import World

HASTY = HttpSettings(deadline=0.2)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_response_comes_back_whole(own_world: World, serve: Serve) -> None:
    server = serve(always(response(b'{"a": 1}', "201 Created", Content_Type="application/json", X_One="1")))
    request = HttpRequest(
        method="POST", url=f"{server.url}/token?x=1", headers={"Authorization": "Basic eA=="}, body=b"a=b"
    )

    answer = own_world.run(own_world.runtime(HttpSettings(user_agent="mine/1")).send(request))

    assert (answer.status, answer.body, answer.media_type) == (201, b'{"a": 1}', "application/json")
    assert answer.headers["x-one"] == "1"
    [seen] = server.seen
    assert (seen.method, seen.target, seen.body) == ("POST", "/token?x=1", b"a=b")
    assert seen.headers["authorization"] == "Basic eA=="
    assert seen.headers["user-agent"] == "mine/1"
    assert seen.headers["accept-encoding"] == "identity"
    assert "cookie" not in seen.headers


def test_a_connection_is_kept_for_the_next_request(world: World, serve: Serve) -> None:
    server = serve(always(response()))
    runtime = world.runtime()
    for _ in range(5):
        world.run(runtime.send(get(server.url)))
    assert (len(server.seen), server.connections) == (5, 1)


def test_a_request_is_not_sent_into_a_connection_that_the_provider_closed(world: World, serve: Serve) -> None:
    """Not even one that must not be repeated, in a loop that had no time to notice."""

    def hang_up_later(connection: Connection) -> None:
        once(response())(connection)
        time.sleep(0.05)

    server = serve(hang_up_later)
    runtime = world.runtime()
    for _ in range(3):
        assert world.run(runtime.send(HttpRequest(method="POST", url=server.url, body=b"x"))).status == 200
        time.sleep(0.2)
    assert (server.connections, len(server.seen)) == (3, 3)


def hear_two_answers(world: World, server: RawServer) -> list[bytes]:
    """Those to two requests, one after the other."""
    runtime = world.runtime()

    async def twice() -> list[bytes]:
        first = await runtime.send(get(server.url))
        await runtime.sleep(0.15)
        return [first.body, (await runtime.send(get(server.url))).body]

    return world.run(twice())


def test_what_a_provider_says_unasked_is_the_answer_to_nothing(world: World, serve: Serve) -> None:
    """Not while the connection is idle: it could be another user's."""

    def say_too_much(connection: Connection) -> None:
        connection.read_request()
        connection.send(response(b"asked"))
        time.sleep(0.05)
        connection.send(response(b"unasked"))
        connection.read_request()

    server = serve(say_too_much)
    assert hear_two_answers(world, server) == [b"asked", b"asked"]
    assert server.connections == 2


def test_bytes_behind_a_response_answer_no_request(own_world: World, serve: Serve) -> None:
    """Over our own connections; those of a caller's client are kept by its library, which doesn't see to it."""

    def say_too_much(connection: Connection) -> None:
        connection.read_request()
        connection.send(response(b"asked") + response(b"unasked"))
        connection.read_request()

    server = serve(say_too_much)
    assert hear_two_answers(own_world, server) == [b"asked", b"asked"]
    assert server.connections == 2


def test_an_exchange_tells_how_long_it_took_without_its_wait_for_the_gate(world: World, serve: Serve) -> None:
    server = serve(always(response(), after=0.1))
    runtime = world.runtime(HttpSettings(max_concurrency=1))
    begin = time.monotonic()
    answers = world.run_together([lambda: runtime.send(get(server.url))] * 3)
    elapsed = time.monotonic() - begin
    seconds = [answer.seconds for answer in answers if isinstance(answer, HttpResponse)]
    assert len(seconds) == 3
    assert min(seconds) > 0.09
    assert sum(seconds) <= elapsed


# --- deadlines ---------------------------------------------------------------------------------------------------


def drip_head(connection: Connection) -> None:
    connection.read_request()
    connection.drip(response(X_Long="x" * 1000), 0.02)


def drip_body(connection: Connection) -> None:
    connection.read_request()
    connection.send(response(b"")[:-4].replace(b"Content-Length: 0", b"Content-Length: 1000") + b"\r\n\r\n")
    connection.drip(b"x" * 1000, 0.02)


def drip_chunks(connection: Connection) -> None:
    connection.read_request()
    connection.send(CHUNKED)
    connection.drip(b"1\r\nx\r\n" * 1000, 0.02)


def say_nothing(connection: Connection) -> None:
    connection.read_request()
    connection.read_request()


@pytest.mark.parametrize(
    ("answer", "status"), [(drip_head, None), (drip_body, 200), (drip_chunks, 200), (say_nothing, None)]
)
def test_the_deadline_holds_for_the_whole_exchange(
    own_world: World, serve: Serve, answer: Answer, status: int | None
) -> None:
    """threat model 223; the error tells whether the provider had sent a status"""
    server = serve(answer)
    runtime = own_world.runtime(HASTY)
    begin = time.monotonic()
    with pytest.raises(ProviderTimeout) as caught:
        own_world.run(runtime.send(get(server.url)))
    assert 0.15 < time.monotonic() - begin < 3
    assert caught.value.evidence.get("answered") == status


def test_the_deadline_holds_while_a_name_is_looked_up(
    own_world: World, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threat model 223"""

    found, was_still_looking = threading.Event(), list[bool]()

    def look_up(*_: object, **__: object) -> list[object]:
        found.wait(10)
        return []

    async def send() -> None:
        with pytest.raises(ProviderTimeout):
            await runtime.send(get("http://slow.invalid/"))
        was_still_looking.append(not found.is_set())
        found.set()

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    runtime = own_world.runtime(HASTY)
    own_world.run(send())
    assert was_still_looking == [True]


def test_the_deadline_holds_in_a_tls_handshake(own_world: World, serve: Serve) -> None:
    """threat model 223"""
    server = serve(lambda connection: time.sleep(0.5))
    begin = time.monotonic()
    with pytest.raises(ProviderTimeout):
        own_world.run(own_world.runtime(HASTY).send(get(server.url.replace("http:", "https:"))))
    assert time.monotonic() - begin < 3


def test_a_slow_exchange_leaves_the_next_one_all_its_time(own_world: World, serve: Serve) -> None:
    server = serve(always(response(), after=0.4))
    runtime = own_world.runtime(HttpSettings(deadline=1.0))
    for _ in range(3):
        assert own_world.run(runtime.send(get(server.url))).status == 200


# --- sizes -------------------------------------------------------------------------------------------------------


def endless(connection: Connection) -> None:
    connection.read_request()
    connection.send(CHUNKED)
    while True:
        connection.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


def gzip_bomb() -> bytes:
    return gzip.compress(bytes(30_000_000))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(once(response(b"x" * 1001)), id="one byte too many"),
        pytest.param(once(response(b"x" * 5_000_000)), id="megabytes"),
        pytest.param(endless, id="without an end"),
        pytest.param(once(response(gzip_bomb(), Content_Encoding="gzip")), id="gzip bomb"),
        pytest.param(once(response(gzip_bomb(), Content_Encoding="X-GZIP")), id="gzip bomb by its old name"),
    ],
)
def test_a_body_is_read_to_its_cap_and_no_further(world: World, serve: Serve, answer: Answer) -> None:
    """threat model 221, 222"""
    server = serve(answer)
    runtime = world.runtime()
    with pytest.raises(ResponseTooLarge, match="larger than 1000 bytes"):
        world.run(runtime.send(get(server.url, max_body=1000)))


def test_a_gzip_bomb_is_never_inflated(world: World, serve: Serve) -> None:
    """threat model 222"""
    server = serve(always(response(gzip_bomb(), Content_Encoding="gzip")))
    runtime = world.runtime()
    request = get(server.url, max_body=1000)
    with pytest.raises(ResponseTooLarge):
        world.run(runtime.send(request))
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLarge):
            world.run(runtime.send(request))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("encoding", ["", "identity", "gzip", "x-gzip"])
def test_a_body_may_fill_its_cap(world: World, serve: Serve, encoding: str) -> None:
    body = b"x" * 1000
    wire = gzip.compress(body) if "gzip" in encoding else body
    server = serve(always(response(wire, Content_Encoding=encoding)))
    assert world.run(world.runtime().send(get(server.url, max_body=1000))).body == body


# --- broken answers ----------------------------------------------------------------------------------------------


def reset_at_once(connection: Connection) -> None:
    connection.read_request()
    connection.reset()


def reset_in_the_body(connection: Connection) -> None:
    connection.read_request()
    connection.send(response(b"x" * 1000)[:-500])
    connection.reset()


@pytest.mark.parametrize(
    ("answer", "statuses"),
    [
        (reset_at_once, {None}),
        (reset_in_the_body, {200, None}),  # a reset may overtake what was sent before it
        pytest.param(once(b""), {None}, id="no answer"),
        pytest.param(once(b"HTTP/1.1 200"), {None}, id="half a head"),
        pytest.param(once(b"SSH-2.0-OpenSSH_9.0\r\n\r\n"), {None}, id="another protocol"),
        pytest.param(once(response(b"x" * 1000)[:-500]), {200}, id="half a body"),
        pytest.param(once(CHUNKED + b"zz\r\n"), {200, None}, id="broken chunk"),  # aiohttp reads both at once
        pytest.param(once(response(b"{}", Content_Encoding="br")), {200}, id="encoding not asked for"),
        pytest.param(once(response(b"{}", Content_Encoding="gzip, gzip")), {200}, id="encoded twice"),
        pytest.param(once(response(b"{}", Content_Encoding="gzip")), {200}, id="gzip that is none"),
        pytest.param(once(response(gzip.compress(b"{}")[:-4], Content_Encoding="gzip")), {200}, id="half of gzip"),
        pytest.param(once(response(zlib.compress(b"{}"), Content_Encoding="gzip")), {200}, id="zlib as gzip"),
        pytest.param(once(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 500_000 + b"\r\n\r\n"), {None}, id="endless head"),
        pytest.param(once(response(b"x" * 1000, status="503 Busy")[:-500]), {503}, id="half a body of 503"),
    ],
)
def test_a_broken_answer_is_a_provider_that_cannot_be_reached(
    world: World, serve: Serve, answer: Answer, statuses: set[int | None]
) -> None:
    """The error tells which status the provider had sent before."""
    server = serve(answer)
    runtime = world.runtime()
    with pytest.raises(ProviderUnreachable) as caught:
        world.run(runtime.send(get(server.url)))
    assert caught.value.evidence.get("answered") in statuses


def test_a_refused_connection_is_named(world: World) -> None:
    runtime = world.runtime()
    with pytest.raises(ProviderUnreachable, match=r"^GET http://127.0.0.1:\d+/x: failed \((Client)?Connect"):
        world.run(runtime.send(get(f"http://127.0.0.1:{unused_port()}/x?secret=1")))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/relative",
        "no-scheme.example/x",
        "ftp://host.example/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "https://:443/",
        "http://[::1/",
        "http://host.example:99999/",
        "http://host.example:0/",
    ],
)
def test_a_url_without_a_host_over_http_is_rejected(world: World, url: str) -> None:
    """Also where a client of the caller's own has a `base_url`; and an empty host would be this machine."""
    for runtime in (world.runtime(), world.runtime(http_client=world.client(base_url="http://127.0.0.1:9/"))):
        with pytest.raises(ProviderUnreachable, match=r"not an http or https URL$"):
            world.run(runtime.send(get(url)))


@pytest.mark.parametrize(
    "url",
    [
        "http://ho st.example/",
        "http://-\u200b-/",
        "http://" + "a" * 300 + ".example/",
        "http://host.example/\x00",
    ],
)
def test_a_url_that_cannot_be_asked(world: World, url: str) -> None:
    runtime = world.runtime()
    with pytest.raises(ProviderUnreachable):
        world.run(runtime.send(get(url)))


@pytest.mark.parametrize("name", ["Authorization", "authorization"])
@pytest.mark.parametrize("value", ["Basic s3cret\r\nX: 1", "Basic s3cret\u20ac", "Basic s3cret\x00"])
def test_a_header_that_cannot_be_sent_is_not_quoted(world: World, serve: Serve, name: str, value: str) -> None:
    server = serve(always(response()))
    runtime = world.runtime()
    with pytest.raises(ProviderUnreachable) as caught:
        world.run(runtime.send(get(server.url, headers={name: value})))
    assert "s3cret" not in f"{caught.value} {caught.value.evidence}"
    assert caught.value.__context__ is None
    assert server.seen == []


def test_messages_hold_neither_query_nor_credentials(world: World) -> None:
    """threat model 254: they are left out as a whole, whatever is in them and however often"""
    runtime = world.runtime()
    port = unused_port()
    with pytest.raises(ProviderUnreachable) as caught:
        world.run(
            runtime.send(get(f"http://user:s3cret@127.0.0.1:{port}/path?code=s3cret&xcode=s3cret&code=s3cret#s3cret"))
        )
    assert f"GET http://127.0.0.1:{port}/path" in str(caught.value)
    assert "s3cret" not in f"{caught.value} {caught.value.evidence}"


# --- redirects and cookies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(world: World, serve: Serve, status: str) -> None:
    """threat model 70, 118, 217"""
    inner = serve(always(response()))
    server = serve(always(response(b"", status, Location=inner.url)))
    request = HttpRequest(method="POST", url=server.url, body=b"client_secret=s3cret")
    for runtime in (world.runtime(), world.runtime(http_client=world.client(follow_redirects=True))):
        assert world.run(runtime.send(request)).status == int(status[:3])
    assert inner.seen == []


def test_a_cookie_of_the_provider_reaches_nobody(world: World, serve: Serve) -> None:
    """threat model 122"""
    server = serve(always(response(Set_Cookie="user=a; Path=/")))
    client = world.client(cookies={"callers": "own"})
    for runtime in (world.runtime(), world.runtime(http_client=client)):
        for _ in range(2):
            assert "set-cookie" not in world.run(runtime.send(get(server.url))).headers
    assert [seen.headers.get("cookie") for seen in server.seen] == [None] * 4
    assert dict(client.cookies) == {"callers": "own"}
