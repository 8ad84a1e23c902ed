"""Where nobody configured anything, the terminal tells why a login failed, and in debug mode the page does.

Each case is a process of its own: what is printed depends on who has set up `logging` in it. threat model 392.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.providers.processes import free_port

from .site import Framework

PROGRAM = """
import logging, sys
from {name} import {kind} as App
from {name}_oidc_async import ClientMetadata, OIDCAuthentication, ProviderConfiguration

{configured}
app = App("site")
app.config.update(SECRET_KEY="short", OIDC_REDIRECT_URI="http://localhost/callback")
client = ClientMetadata("client1", "secret1")
OIDCAuthentication({{"default": ProviderConfiguration(issuer="https://op.example", client_metadata=client)}}, app)
"""
COMMANDS = {
    "flask": {
        "flask run": "flask --app site_of_tests run --port {port}",
        "flask run --debug": "flask --app site_of_tests --debug run --no-reload --port {port}",
        "gunicorn": "gunicorn --bind 127.0.0.1:{port} site_of_tests:app",
    },
    "quart": {
        "quart run": "quart --app site_of_tests run --port {port}",
        "quart run --debug": "quart --app site_of_tests --debug run --no-reload --port {port}",
        "hypercorn": "hypercorn --bind 127.0.0.1:{port} site_of_tests:app",
    },
}
KINDS = ("run", "run --debug", "server")
FAILED = "a login failed: No login with this state is pending in this browser"
SECONDS = 60


@contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[httpx.Client]:
    """The server, once it answers; its terminal is the file `terminal` in the folder."""
    with (
        (folder / "terminal").open("w") as terminal,
        subprocess.Popen(
            [sys.executable, "-m", *command], cwd=folder, stdout=terminal, stderr=terminal, stdin=subprocess.DEVNULL
        ) as process,
    ):
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                await_answer(client, process)
                yield client
        finally:
            process.terminate()


def await_answer(client: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + SECONDS
    while True:
        try:
            client.get("/")
            return
        except httpx.TransportError:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)


def failed_login(framework: Framework, kind: str, configured: str, folder: Path) -> tuple[httpx.Response, list[str]]:
    """The page after a login that failed, and what the terminal shows of it and of a short SECRET_KEY."""
    program = PROGRAM.format(name=framework.name, kind=framework.name.capitalize(), configured=configured)
    (folder / "site_of_tests.py").write_text(program)
    port = free_port()
    command = list(COMMANDS[framework.name].values())[KINDS.index(kind)].format(port=port).split()
    with running(command, port, folder) as client:
        page = client.get("/callback?state=unknown&code=code")
    lines = (folder / "terminal").read_text().splitlines()
    return page, [line for line in lines if "a login failed" in line or line.startswith(("SECRET_KEY", "WARNING:"))]


@pytest.mark.parametrize("kind", KINDS)
def test_the_terminal_tells_why_a_login_failed(framework: Framework, kind: str, tmp_path: Path) -> None:
    page, lines = failed_login(framework, kind, "", tmp_path)
    assert page.status_code == 400
    assert [line.startswith(start) for line, start in zip(lines, ("SECRET_KEY", FAILED), strict=True)] == [True, True]
    assert (FAILED.partition(": ")[2] in page.text) is ("debug" in kind)
    assert ("state_mismatch" in page.text) is ("debug" in kind)


def test_what_is_configured_shows_each_line_once(framework: Framework, tmp_path: Path) -> None:
    page, lines = failed_login(framework, "run", "logging.basicConfig()", tmp_path)
    assert page.status_code == 400
    starts = ("WARNING:oidc_async.settings:SECRET_KEY", f"WARNING:oidc_async.login:{FAILED}")
    assert [line.startswith(start) for line, start in zip(lines, starts, strict=True)] == [True, True]
