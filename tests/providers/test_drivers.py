"""The way through the pages of the real providers, tried with a client made by hand."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .canaille_provider import CanailleProvider
from .hand_made_client import HandMadeLogin, query_of
from .processes import ROOT, ServerFailed, ServerProcess, free_port, leashed
from .real_provider import RealProvider
from .visitor import Visitor

AUTHENTICATIONS = ["basic", "post", "public"]


@pytest.fixture(params=AUTHENTICATIONS)
def login(request: pytest.FixtureRequest, provider: RealProvider, apps: list[str]) -> HandMadeLogin:
    return HandMadeLogin.begin(provider, provider.clients[request.param], apps[0])


def test_a_login_ends_in_tokens_that_tell_who_it_is(login: HandMadeLogin, visitor: Visitor) -> None:
    callback = login.provider.login(visitor, login.authorization_url, login.provider.alice)
    assert callback.startswith(f"{login.app}/callback?")
    answer = query_of(callback)
    assert (answer["state"], answer["iss"]) == (login.state, login.provider.issuer)
    tokens = login.redeem(answer["code"])
    assert login.userinfo(tokens["access_token"])["email"] == "alice@example.com"
    assert login.refresh(tokens["refresh_token"])["refresh_token"] != tokens["refresh_token"]


def test_after_a_logout_the_provider_asks_again(login: HandMadeLogin, visitor: Visitor) -> None:
    provider = login.provider
    code = query_of(provider.login(visitor, login.authorization_url, provider.alice))["code"]
    back = provider.logout(visitor, login.end_session_url(login.redeem(code)["id_token"]))
    assert back == f"{login.app}/logged-out?state={login.state}"
    assert provider.requires_login(visitor.open(login.authorization_url, within=provider.issuer))


def test_a_second_login_at_the_provider_asks_nothing(provider: RealProvider, apps: list[str]) -> None:
    with Visitor() as visitor:
        first, second = (HandMadeLogin.begin(provider, provider.clients["basic"], app) for app in apps[:2])
        provider.login(visitor, first.authorization_url, provider.alice)
        page = visitor.open(second.authorization_url, within=provider.issuer)
        assert query_of(page.leads_to or "")["state"] == second.state


def test_a_rejected_consent_comes_back_as_access_denied(
    provider: RealProvider, visitor: Visitor, apps: list[str]
) -> None:
    login = HandMadeLogin.begin(provider, provider.clients["basic"], apps[0])
    answer = query_of(provider.deny(visitor, login.authorization_url, provider.carol))
    assert (answer["error"], answer["state"]) == ("access_denied", login.state)


def test_a_person_with_many_groups_has_them_in_userinfo(
    provider: RealProvider, visitor: Visitor, apps: list[str]
) -> None:
    login = HandMadeLogin.begin(provider, provider.clients["post"], apps[0])
    callback = provider.login(visitor, login.authorization_url, provider.bob)
    tokens = login.redeem(query_of(callback)["code"])
    assert len(login.userinfo(tokens["access_token"])["groups"]) == provider.bob.groups == 200


def test_a_wrong_password_stays_at_canaille(canaille: CanailleProvider, visitor: Visitor, apps: list[str]) -> None:
    login = HandMadeLogin.begin(canaille, canaille.clients["basic"], apps[0])
    page = canaille.enter_password(visitor, login.authorization_url, canaille.alice, "wrong")
    assert page.leads_to is None
    assert "password" in page.form("password").fields


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit('no port for me')")
    server = ServerProcess("test-broken", leashed(script), ready_url=f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(ServerFailed, match="no port for me"), server:
        pytest.fail("it must not come up")
    assert not server.is_running()


STARTER = """
import sys
from pathlib import Path
from tests.providers.processes import ServerProcess, leashed
script, port = sys.argv[1:]
url = f"http://127.0.0.1:{port}/"
with ServerProcess("test-left-alone", leashed(Path(script)), ready_url=url, environment={"PORT": port}):
    print("ready", flush=True)
    sys.stdin.read()
"""
SERVER = """
import os
from http.server import HTTPServer, SimpleHTTPRequestHandler
server = HTTPServer(("127.0.0.1", int(os.environ["PORT"])), SimpleHTTPRequestHandler)
os.fork()
server.serve_forever()
"""


def test_a_server_ends_with_its_workers_even_when_its_starter_is_killed(tmp_path: Path) -> None:
    script, port = tmp_path / "server.py", free_port()
    script.write_text(SERVER)
    command = [sys.executable, "-c", STARTER, str(script), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"ready\n"
        assert is_listening(port)
        starter.kill()
    deadline = time.monotonic() + 10
    while is_listening(port) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_listening(port)


def is_listening(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0
