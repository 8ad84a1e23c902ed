"""WebSockets over real servers, with a real client: what it gets of a rejection, and of a token as a subprotocol."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from .cookie_jar import logged_in
from .served import SECONDS, served
from .site import ORIGIN, Framework, QuartFramework, Site, new_site
from .sockets import Conversation, of_page, socket_views

Serve = Callable[[Any], Any]


@contextmanager
def by_hypercorn(app: Any) -> Iterator[int]:
    with served(QuartFramework(), app) as port:
        yield port


@contextmanager
def by_uvicorn(ws: Any, app: Any) -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(app, ws=ws, log_config=None, access_log=False))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    deadline = time.monotonic() + SECONDS
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        listener.close()
        assert not thread.is_alive()


SERVERS: list[Any] = [
    pytest.param(by_hypercorn, id="hypercorn"),
    pytest.param(lambda app: by_uvicorn("websockets-sansio", app), id="uvicorn with websockets"),
    pytest.param(lambda app: by_uvicorn("wsproto", app), id="uvicorn with wsproto"),
]


@pytest.fixture(params=[QuartFramework()], ids=["quart"])
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    site = new_site(QuartFramework(), views=socket_views())
    yield site
    site.close()


@pytest.fixture(scope="module", params=SERVERS)
def port(request: pytest.FixtureRequest, site: Site) -> Iterator[int]:
    with request.param(site.app) as port:
        yield port


def speak(
    port: int, path: str, *said: str, headers: dict[str, str] | None = None, subprotocols: tuple[str, ...] = ()
) -> Conversation:
    """What a client of a real server sees."""
    given = dict(headers or {})
    origin = given.pop("origin", None)
    seen = Conversation()
    try:
        with connect(
            f"ws://127.0.0.1:{port}{path}",
            origin=None if origin is None else Origin(origin),
            additional_headers=given,
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            proxy=None,
            open_timeout=SECONDS,
        ) as connection:
            seen.status, seen.subprotocol = 101, connection.subprotocol
            seen.answers = [ask(connection, words) for words in said]
    except InvalidStatus as rejection:
        response = rejection.response
        seen.status, seen.body = response.status_code, bytes(response.body or b"")
        seen.headers = {name.lower(): value for name, value in response.headers.raw_items()}
    return seen


def ask(connection: ClientConnection, words: str) -> str:
    connection.send(words)
    return str(connection.recv(timeout=SECONDS))


def test_a_login_opens_a_socket(site: Site, port: int) -> None:
    opened = speak(port, "/ws/private", "who", "authorized", headers=of_page(logged_in(site)))
    assert (opened.status, opened.subprotocol, opened.answers) == (101, None, ["alice", "yes"])


def test_a_token_in_the_header_opens_a_socket(site: Site, port: int) -> None:
    token = site.provider.issue_access_token("client1", scope="read", username="alice")
    opened = speak(port, "/ws/read", "identity", headers={"authorization": f"Bearer {token}"})
    assert (opened.status, opened.answers) == (101, ["alice"])


def test_a_token_as_a_subprotocol_opens_a_socket_and_is_not_sent_back(site: Site, port: int) -> None:
    """threat model 379"""
    token = site.provider.issue_access_token("client1", scope="read", username="alice")
    opened = speak(port, "/ws/api", "identity", "protocols", subprotocols=("chat", "bearer", token))
    assert (opened.status, opened.subprotocol) == (101, "bearer")
    assert opened.answers == ["alice", "['chat', 'bearer'] chat, bearer"]


@pytest.mark.parametrize(
    ("path", "headers", "subprotocols", "status", "error"),
    [
        ("/ws/private", {"origin": ORIGIN}, (), 401, "login_required"),
        ("/ws/private", {"origin": "https://elsewhere.example"}, (), 403, "origin_not_allowed"),
        ("/ws/private", {}, (), 401, "login_required"),
        ("/ws/api", {}, (), 401, "bearer_token_missing"),
        ("/ws/api", {"authorization": "Bearer unknown"}, (), 403, "invalid_token"),
        ("/ws/api", {}, ("bearer", "unknown"), 403, "invalid_token"),
        ("/ws/api", {"authorization": "Bearer unknown"}, ("bearer", "unknown"), 400, "invalid_request"),
    ],
)
def test_a_rejection_reaches_the_client(
    port: int, path: str, headers: dict[str, str], subprotocols: tuple[str, ...], status: int, error: str
) -> None:
    """threat model 381"""
    rejected = speak(port, path, headers=headers, subprotocols=subprotocols)
    assert (rejected.status, rejected.error) == (status, error)
    assert rejected.headers["content-type"] == "application/json"
    assert ("www-authenticate" in rejected.headers) == (path == "/ws/api")
    assert "sec-websocket-protocol" not in rejected.headers


def test_a_plain_request_to_a_socket_lets_nobody_in(site: Site, port: int) -> None:
    import httpx

    page = httpx.get(f"http://127.0.0.1:{port}/ws/private", headers=of_page(logged_in(site)), trust_env=False)
    assert page.status_code == 400
