"""Bodies whose size no header tells truly, sent byte by byte to a real server. threat model 372."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from oidc_async.stores import MemoryStore
from oidc_async.web.routes.callback import MAX_FORM_BYTES

from .served import SECONDS, served
from .site import ORIGIN, Framework, Page, Site, new_site
from .toolbox import toolbox

FORM = "content-type: application/x-www-form-urlencoded"
BOTH = ("content-length: 20", "transfer-encoding: chunked")
CHUNKED = ("transfer-encoding: chunked",)
PATHS = ("/redirect_uri", "/initiate_login", "/backchannel_logout")
LARGE = 3_000_000
ONE_MESSAGE = 300_000
"""What a server hands on at once."""


class Server:
    """A site behind a real server, and the bytes of bodies that it kept."""

    def __init__(self, site: Site, port: int) -> None:
        self.site, self._port = site, port
        self.bodies: list[Any] = []

    def post(self, path: str, headers: tuple[str, ...], body: bytes) -> Page:
        lines = (f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{self._port}", "connection: close", FORM, *headers)
        return answer_to(self._port, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def kept(self) -> int:
        """Bytes of the largest body that the framework has in memory. Flask keeps only the part that a view reads."""
        return max((len(getattr(body, "body", body)._data) for body in self.bodies), default=0)


def answer_to(port: int, request: bytes) -> Page:
    """The answer, which may come before all of the request is sent, and without the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        with suppress(OSError):
            connection.sendall(request)
        answer = connection.makefile("rb")
        status = answer.readline().split()[1]
        headers = [line.decode().strip().split(": ", 1) for line in iter(answer.readline, b"\r\n")]
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        return Page(int(status), headers=[(name, value) for name, value in headers], content=answer.read(length))


def chunks(size: int, start: bytes = b"") -> bytes:
    blocks = [start, *[b"a" * 50_000] * (size // 50_000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(block), block) for block in blocks if block) + b"0\r\n\r\n"


@pytest.fixture
def server(framework: Framework) -> Iterator[Server]:
    tools = toolbox(framework)
    made: list[Server] = []

    def add_views(app: Any, auth: Any) -> None:
        def note() -> None:
            if framework.name == "quart":
                made[0].bodies.append(tools.request.body)

        async def note_async() -> None:
            note()

        app.before_request(note if framework.name == "flask" else note_async)

        def raw() -> Any:
            return tools.request.get_data()

        async def raw_async() -> Any:
            return await tools.request.get_data()

        view = raw if framework.name == "flask" else raw_async
        app.add_url_rule("/api", "api", auth.token_auth("default")(view), methods=["POST"])

    config = {
        "OIDC_BEARER_IN_BODY": True,
        "OIDC_STORE": MemoryStore(),
        "OIDC_INITIATE_LOGIN_URI": f"{ORIGIN}/initiate_login",
        "OIDC_BACKCHANNEL_LOGOUT_URI": f"{ORIGIN}/backchannel_logout",
    }
    site = new_site(framework, views=add_views, config=config)
    with served(framework, site.app) as port:
        made.append(Server(site, port))
        yield made[0]
    site.close()


@pytest.mark.parametrize("path", PATHS)
def test_a_length_beside_chunks_is_rejected_unread(server: Server, path: str) -> None:
    page = server.post(path, BOTH, chunks(LARGE))
    assert (page.status_code, page.headers["cache-control"]) == (400, "no-store")
    assert server.kept() <= MAX_FORM_BYTES + ONE_MESSAGE


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("headers", "status"),
    [(CHUNKED, 411), ((f"content-length: {LARGE}",), 413), ((), 411)],
    ids=["chunks without end", "a long one", "no length"],
)
def test_other_bodies_are_rejected_unread(server: Server, path: str, headers: tuple[str, ...], status: int) -> None:
    page = server.post(path, headers, chunks(LARGE) if headers == CHUNKED else b"")
    assert page.status_code == status
    assert server.kept() <= MAX_FORM_BYTES + ONE_MESSAGE


def test_of_a_body_that_is_longer_than_it_says_the_rest_is_left(server: Server) -> None:
    page = server.post("/backchannel_logout", ("content-length: 12",), b"logout_token" + b"a" * LARGE)
    assert page.status_code == 400
    assert server.kept() <= 12


class TestATokenInTheBody:
    def test_is_not_looked_for_beside_both(self, server: Server) -> None:
        token = issue(server)
        page = server.post("/api", BOTH, chunks(0, f"access_token={token}".encode()))
        assert (page.status_code, 'error="invalid_request"' in page.headers["www-authenticate"]) == (400, True)

    def test_may_come_in_chunks_as_the_view_reads_them(self, server: Server) -> None:
        body = f"access_token={issue(server)}&a=b%20c".encode()
        page = server.post("/api", CHUNKED, chunks(0, body))
        assert (page.status_code, page.content) == (200, body)

    @pytest.mark.parametrize("headers", [CHUNKED, (f"content-length: {LARGE}",)], ids=["chunks", "length"])
    def test_is_rejected_above_the_limit_of_forms_in_memory(self, server: Server, headers: tuple[str, ...]) -> None:
        page = server.post("/api", headers, chunks(LARGE) if headers == CHUNKED else b"")
        assert page.status_code == 413
        assert server.kept() <= 500_000 + ONE_MESSAGE


def issue(server: Server) -> str:
    token: str = server.site.provider.issue_access_token("client1", username="alice")
    return token
