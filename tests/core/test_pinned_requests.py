"""Requests to an address that was looked at before: threat model L 216, against names that change their minds."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from oidc_async.errors import ConfigurationError, ProviderTimeout, ProviderUnreachable
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest
from tests.certificates import Authority
from tests.core.conftest import Serve
from tests.core.raw_server import RawServer, always, get, response
from tests.core.worlds import World


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(serve: Serve, authority: Authority) -> RawServer:
    certificate = authority.issue("server", "server.example", "127.0.0.1")
    return serve(always(response(b"hello")), certificate.server_context())


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look-up of a name fails from now on."""
    look_up = socket.getaddrinfo

    def reject(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in ("127.0.0.1", b"127.0.0.1"):
            raise AssertionError(f"{host} was looked up")
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", reject)


def pinned(server: RawServer, host: str = "server.example") -> HttpRequest:
    return replace(get(f"https://{host}:{server.port}/path?a=b"), address="127.0.0.1")


def trusting(world: World, authority: Authority) -> Any:
    """A runtime of this world, with its own connections or a caller's client, that trusts the server."""
    if not getattr(world, "_has_client", False):
        return world.runtime(HttpSettings(ca_bundle=authority.certificate))
    return world.runtime(http_client=world.client(verify=authority.trusted(), trust_env=False))


@pytest.mark.usefixtures("no_names")
def test_it_goes_there_and_nobody_looks_its_name_up(world: World, server: RawServer, authority: Authority) -> None:
    answer = world.run(trusting(world, authority).send(pinned(server)))
    assert answer.body == b"hello"
    assert server.seen[0].target == "/path?a=b"
    assert server.seen[0].headers["host"] == f"server.example:{server.port}"


def test_the_certificate_must_be_of_the_name_and_not_of_the_address(
    world: World, server: RawServer, authority: Authority
) -> None:
    with pytest.raises(ProviderUnreachable):
        world.run(trusting(world, authority).send(pinned(server, "other.example")))
    assert server.seen == []


def test_its_connection_serves_no_other_request(world: World, server: RawServer, authority: Authority) -> None:
    """One to the same address may be meant for another name, whose certificate nobody has seen."""
    runtime = trusting(world, authority)
    assert world.run(runtime.send(pinned(server))).status == 200
    with pytest.raises(ProviderUnreachable):
        world.run(runtime.send(pinned(server, "other.example")))
    assert world.run(runtime.send(pinned(server))).status == 200
    assert len(server.seen) == 2


def test_a_name_with_a_connection_is_pinned_all_the_same(
    world: World, server: RawServer, authority: Authority
) -> None:
    """What is idle at the name's origin may have gone to another address."""
    runtime = trusting(world, authority)
    world.run(runtime.send(get(server.url)))
    nobody_listens = replace(get(server.url), address="127.0.0.2")
    with pytest.raises(ProviderUnreachable):
        world.run(runtime.send(nobody_listens))
    assert len(server.seen) == 1


def test_its_connection_does_not_serve_the_address_itself(world: World, serve: Serve, authority: Authority) -> None:
    """Whose certificate nobody has seen either."""
    server = serve(always(response()), authority.issue("named", "server.example").server_context())
    runtime = trusting(world, authority)
    assert world.run(runtime.send(pinned(server))).status == 200
    with pytest.raises(ProviderUnreachable):
        world.run(runtime.send(get(server.url)))


def test_nor_does_one_to_the_address_serve_a_name(own_world: World, serve: Serve, authority: Authority) -> None:
    """The pool of a caller's client knows addresses alone."""
    server = serve(always(response()), authority.issue("numbered", "127.0.0.1").server_context())
    runtime = trusting(own_world, authority)
    assert own_world.run(runtime.send(get(server.url))).status == 200
    with pytest.raises(ProviderUnreachable):
        own_world.run(runtime.send(pinned(server)))


def test_it_never_goes_by_a_proxy(own_world: World, serve: Serve) -> None:
    proxy = serve(always(response()))
    runtime = own_world.runtime(HttpSettings(proxy=proxy.url))
    with pytest.raises(ConfigurationError, match="proxy"):
        own_world.run(runtime.send(replace(get("http://server.example/"), address="127.0.0.1")))
    assert proxy.seen == []


# Names


def test_a_name_has_addresses(world: World) -> None:
    assert "127.0.0.1" in world.run(world.runtime().addresses(get("https://localhost/")))
    assert world.run(world.runtime().addresses(get("https://127.0.0.1/"))) == ["127.0.0.1"]
    assert world.run(world.runtime().addresses(get("https://[::1]/"))) == ["::1"]


def test_each_address_is_listed_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1%eth0", 443, 0, 2)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
    assert world.run(world.runtime().addresses(get("https://server.example/"))) == ["fe80::1%eth0", "10.0.0.1"]


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_a_name_without_addresses_is_unreachable(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*arguments: Any, **options: Any) -> Any:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ProviderUnreachable, match=r"GET https://server\.example/"):
        world.run(world.runtime().addresses(get("https://server.example/?secret")))


@pytest.fixture
def slow_names(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Over before the world is, which waits for its threads."""
    end = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: end.wait(60))
    yield
    end.set()


@pytest.mark.usefixtures("slow_names")
def test_a_look_up_ends_with_the_time_to_connect(world: World) -> None:
    runtime = world.runtime(HttpSettings(connect_timeout=0.05))
    with pytest.raises(ProviderTimeout):
        world.run(runtime.addresses(get("https://server.example/")))


def test_behind_a_proxy_no_name_is_looked_up(own_world: World) -> None:
    with pytest.raises(ConfigurationError, match="allowed_hosts"):
        own_world.run(
            own_world.runtime(HttpSettings(proxy="http://127.0.0.1:1")).addresses(get("https://localhost/"))
        )
