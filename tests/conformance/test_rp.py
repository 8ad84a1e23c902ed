"""The application as it is started for a suite: `python -m tests.conformance.rp`."""

import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.certificates import make_certificate
from tests.providers.processes import free_port

from .driver import CLIENT_ID, SECRET

ROOT = Path(__file__).resolve().parents[2]
ORDER = {"issuer": "https://op.example/", "client": {"client_id": CLIENT_ID, "client_secret": SECRET}}
SECONDS = 60


@contextmanager
def started(framework: str, port: int, *options: str) -> Iterator[None]:
    """The application in a process of its own."""
    command = [sys.executable, "-m", "tests.conformance.rp", framework, "--port", str(port), *options]
    output = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    try:
        yield
    finally:
        # Not terminated: Hypercorn would wait 30 s for the client to answer the end of TLS.
        process.kill()
        process.wait(SECONDS)


def first_answer(http: httpx.Client, path: str) -> httpx.Response:
    """The answer of a server that is about to come up."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return http.get(path)
        except httpx.ConnectError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.parametrize("framework", ["flask", "quart"])
def test_it_is_started(framework: str, tmp_path: Path) -> None:
    certificate, port = make_certificate(tmp_path, "rp"), free_port()
    trusted = ssl.create_default_context(cafile=certificate.certificate)
    options = ["--tls-cert", certificate.certificate, "--tls-key", certificate.key]
    with (
        started(framework, port, *options, "--base-url", "https://rp.example/"),
        httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trusted, trust_env=False) as http,
    ):
        nothing = first_answer(http, "/ct/result")
        assert (nothing.status_code, nothing.json()["error"]["code"]) == (409, "not_configured")
        assert http.get("/ct/login").status_code == 404
        told = http.post("/ct/configure", json=ORDER).json()
        assert told["redirect_uri"] == "https://rp.example/callback"
        assert http.get("/ct/session").json()["logged_in"] is False
        # of TLS servers there is only itself
        assert discovery_status(http, None) is None
        assert discovery_status(http, certificate.certificate) == 404


def discovery_status(http: httpx.Client, ca: str | None) -> int | None:
    """What the application is answered by a provider whose certificate `ca` signed; None for no answer."""
    issuer = f"{http.base_url}/"
    assert http.post("/ct/configure", json={**ORDER, "issuer": issuer, "ca": ca}).status_code == 200
    http.get("/ct/login")
    [_, url, status] = http.get("/ct/result").json()["calls"][-1]
    assert url == f"{issuer}.well-known/openid-configuration"
    answered: int | None = status
    return answered
