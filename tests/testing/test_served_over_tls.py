"""The provider over TLS: its issuer, the accidents of connections, and its end."""

import socket
import threading
import time
from pathlib import Path

import httpx
import pytest

from oidc_async.errors import OIDCError
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest
from oidc_async.runtime.blocking_runtime import BlockingRuntime
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.testing import Fault, Misbehaviour, SimulatedProvider
from tests.certificates import LOOPBACK, Authority

from .test_server import ACCIDENTS, DEADLINE


class Https:
    """The provider, and how to serve it."""

    def __init__(self, provider: SimulatedProvider, authority: Authority) -> None:
        self.provider, self.trusted = provider, authority.trusted()
        tls = authority.issue("provider", LOOPBACK).server_context()
        self.served = provider.serve(tls=tls)

    def get(self, url: str) -> httpx.Response:
        return httpx.get(url, verify=self.trusted, timeout=30, trust_env=False)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def https(provider: SimulatedProvider, authority: Authority) -> Https:
    return Https(provider, authority)


def test_the_issuer_and_all_endpoints_are_https(https: Https) -> None:
    with https.served as issuer:
        assert issuer == https.provider.issuer
        assert issuer.startswith("https://127.0.0.1:")
        metadata = https.get(f"{issuer}/.well-known/openid-configuration").json()
        assert metadata["issuer"] == issuer
        endpoints = [value for name, value in metadata.items() if name.endswith(("_endpoint", "_uri"))]
        assert all(endpoint.startswith(f"{issuer}/") for endpoint in endpoints)
        (seen,) = https.provider.requests
        assert seen.request.url == f"{issuer}/.well-known/openid-configuration"


def test_who_does_not_trust_it_gets_no_answer(https: Https) -> None:
    with https.served as issuer:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(issuer, trust_env=False)
        with pytest.raises(httpx.TransportError):
            httpx.get(issuer.replace("https:", "http:"), trust_env=False)
        assert https.provider.requests == ()
        assert https.get(f"{issuer}/jwks").status_code == 200


@pytest.mark.parametrize(("fault", "error"), ACCIDENTS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_accidents_are_real(https: Https, fault: Misbehaviour, error: type[OIDCError]) -> None:
    path = "/jwks" if fault.name.startswith("JWKS") else "/.well-known/openid-configuration"
    runtime = BlockingRuntime(HttpSettings(deadline=DEADLINE, ca_bundle=https.trusted))
    with https.served as issuer, https.provider.misbehaving(fault), pytest.raises(error):
        run_without_loop(runtime.send(HttpRequest(method="GET", url=issuer + path)))
    runtime.close()


def test_a_slow_answer_ends_with_the_server(https: Https) -> None:
    failures: list[BaseException] = []

    def ask(url: str) -> None:
        try:
            https.get(url)
        except httpx.TransportError as error:
            failures.append(error)

    with https.provider.misbehaving(Fault.JWKS_SLOW), https.served as issuer:
        thread = threading.Thread(target=ask, args=(f"{issuer}/jwks",))
        thread.start()
        while not https.provider.count("jwks"):
            time.sleep(0.01)
    thread.join(timeout=10)
    assert len(failures) == 1


def test_a_client_that_never_shakes_hands_is_in_nobodys_way(https: Https) -> None:
    with https.served as issuer:
        port = httpx.URL(issuer).port or 0
        with socket.create_connection((LOOPBACK, port)):
            assert https.get(f"{issuer}/jwks").status_code == 200
