"""Certificates and proxies: which authorities are trusted, who we say we are, and the way we take."""

import base64
import ssl
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from oidc_async.errors import ConfigurationError, ProviderUnreachable
from oidc_async.http.settings import HttpSettings, tls_context
from tests.certificates import LOCK, Certificate, make_certificate
from tests.core.conftest import Serve
from tests.core.raw_server import Answer, Connection, always, get, response, unused_port
from tests.core.worlds import World


@pytest.fixture(scope="module")
def server_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("server"), "server")


@pytest.fixture(scope="module")
def client_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("client"), "client")


# --- authorities -------------------------------------------------------------------------------------------------


def test_an_authority_of_ones_own_is_trusted(own_world: World, serve: Serve, server_certificate: Certificate) -> None:
    server = serve(always(response()), server_certificate.server_context())
    runtime = own_world.runtime(HttpSettings(ca_bundle=server_certificate.certificate))
    assert [own_world.run(runtime.send(get(server.url))).status for _ in range(2)] == [200, 200]
    assert server.connections == 1


def test_so_is_one_in_a_context(own_world: World, serve: Serve, server_certificate: Certificate) -> None:
    server = serve(always(response()), server_certificate.server_context())
    context = ssl.create_default_context(cafile=server_certificate.certificate)
    assert own_world.run(own_world.runtime(HttpSettings(ca_bundle=context)).send(get(server.url))).status == 200


def test_http_2_is_not_spoken_although_the_context_offers_it(
    own_world: World, serve: Serve, server_certificate: Certificate
) -> None:
    def tell(connection: Connection) -> None:
        sock = connection.sock
        assert isinstance(sock, ssl.SSLSocket)
        always(response(str(sock.selected_alpn_protocol()).encode()))(connection)

    at_server, context = server_certificate.server_context(), ssl.create_default_context()
    context.load_verify_locations(server_certificate.certificate)
    for each in (at_server, context):
        each.set_alpn_protocols(["h2", "http/1.1"])
    server = serve(tell, at_server)
    runtime = own_world.runtime(HttpSettings(ca_bundle=context))
    assert own_world.run(runtime.send(get(server.url))).body == b"http/1.1"


def test_an_unknown_certificate_is_rejected_and_named(
    own_world: World, serve: Serve, server_certificate: Certificate
) -> None:
    server = serve(always(response()), server_certificate.server_context())
    runtime = own_world.runtime()
    with pytest.raises(ProviderUnreachable, match=r"CERTIFICATE_VERIFY_FAILED.*ca_bundle in HttpSettings"):
        own_world.run(runtime.send(get(server.url)))
    assert server.seen == []


def test_a_certificate_for_another_host_is_rejected(
    own_world: World, serve: Serve, server_certificate: Certificate
) -> None:
    server = serve(always(response()), server_certificate.server_context())
    runtime = own_world.runtime(HttpSettings(ca_bundle=server_certificate.certificate))
    with pytest.raises(ProviderUnreachable, match=r"CERTIFICATE_VERIFY_FAILED.*mismatch[^;]*$"):
        own_world.run(runtime.send(get(server.url.replace("127.0.0.1", "localhost"))))


def test_the_context_is_made_once(
    own_world: World, serve: Serve, server_certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = mock.Mock(side_effect=ssl.create_default_context)
    monkeypatch.setattr(ssl, "create_default_context", made)
    server = serve(always(response()), server_certificate.server_context())
    runtime = own_world.runtime(HttpSettings(ca_bundle=server_certificate.certificate))
    assert made.call_count == 0
    for _ in range(2):
        own_world.run(runtime.send(get(server.url)))
        own_world.close_runtime(runtime)
    assert made.call_count == 1


# --- who we say we are -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param(lambda own: own.both, id="one file"),
        pytest.param(lambda own: (own.certificate, own.key), id="two files"),
        pytest.param(lambda own: (own.certificate, own.locked_key, LOCK), id="locked key"),
    ],
)
def test_a_client_certificate_is_shown(
    own_world: World,
    serve: Serve,
    server_certificate: Certificate,
    client_certificate: Certificate,
    setting: Callable[[Certificate], str],
) -> None:
    server = serve(always(response()), server_certificate.server_context(client_certificate))
    settings = HttpSettings(ca_bundle=server_certificate.certificate, client_certificate=setting(client_certificate))
    assert own_world.run(own_world.runtime(settings).send(get(server.url))).status == 200


def test_without_it_the_provider_is_not_reached(
    own_world: World, serve: Serve, server_certificate: Certificate, client_certificate: Certificate
) -> None:
    server = serve(always(response()), server_certificate.server_context(client_certificate))
    runtime = own_world.runtime(HttpSettings(ca_bundle=server_certificate.certificate))
    with pytest.raises(ProviderUnreachable):
        own_world.run(runtime.send(get(server.url)))
    assert server.seen == []


def no_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def test_files_that_cannot_be_used_are_named(tmp_path: Path, client_certificate: Certificate) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    own = client_certificate
    for settings, message in [
        (HttpSettings(ca_bundle=str(tmp_path / "missing.pem")), "^ca_bundle .*No such file"),
        (HttpSettings(ca_bundle=str(empty)), "^ca_bundle "),
        (HttpSettings(client_certificate=str(tmp_path / "missing.pem")), "^client_certificate "),
        (HttpSettings(client_certificate=str(empty)), "^client_certificate "),
        (HttpSettings(client_certificate=(own.certificate, own.locked_key)), "^client_certificate "),
        (HttpSettings(client_certificate=(own.certificate, own.locked_key, "wrong")), "^client_certificate "),
    ]:
        with pytest.raises(ConfigurationError, match=message):
            tls_context(settings)


@pytest.mark.parametrize("setting", ["both.pem", ("own.crt", "own.key")])
def test_openssl_never_asks_for_a_password_at_the_terminal(setting: str | tuple[str, str]) -> None:
    context = mock.create_autospec(ssl.SSLContext, instance=True)
    tls_context(HttpSettings(ca_bundle=context, client_certificate=setting))
    ((_, _, password), _) = context.load_cert_chain.call_args
    assert password == ""


def test_the_usual_authorities_are_the_default() -> None:
    assert len(tls_context(HttpSettings()).get_ca_certs()) > 50


def test_unusable_files_are_reported_at_the_first_request(own_world: World, tmp_path: Path) -> None:
    runtime = own_world.runtime(HttpSettings(ca_bundle=str(tmp_path / "missing.pem")))
    with pytest.raises(ConfigurationError, match=r"^ca_bundle "):
        own_world.run(runtime.send(get("https://127.0.0.1:1/")))


def test_a_client_certificate_beside_a_context_is_rejected(own_world: World) -> None:
    with pytest.raises(ConfigurationError, match=r"^client_certificate: load it into the SSLContext"):
        own_world.runtime(HttpSettings(ca_bundle=no_context(), client_certificate="x.pem"))


# --- the way we take ---------------------------------------------------------------------------------------------


def test_a_proxy_is_used_and_told_who_we_are(own_world: World, serve: Serve) -> None:
    proxy = serve(always(response(b"by proxy")))
    runtime = own_world.runtime(HttpSettings(proxy=f"http://user:s3cret@127.0.0.1:{proxy.port}"))
    for _ in range(2):
        assert own_world.run(runtime.send(get("http://op.example:8080/x?y"))).body == b"by proxy"
    assert {seen.target for seen in proxy.seen} == {"http://op.example:8080/x?y"}
    assert proxy.seen[0].headers["proxy-authorization"] == "Basic " + base64.b64encode(b"user:s3cret").decode()
    assert proxy.connections == 1


def tunnel(certificate: Certificate) -> Answer:
    """A proxy that plays the provider at the end of its own tunnel."""

    def answer(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with connection.secured(certificate.server_context()) as inner:
            always(response(b"through the tunnel"))(inner)

    return answer


def test_https_goes_through_a_tunnel(own_world: World, serve: Serve, server_certificate: Certificate) -> None:
    proxy = serve(tunnel(server_certificate))
    settings = HttpSettings(proxy=proxy.url, ca_bundle=server_certificate.certificate)
    answer = own_world.run(own_world.runtime(settings).send(get("https://127.0.0.1:9/x")))
    assert answer.body == b"through the tunnel"
    assert [(seen.method, seen.target) for seen in proxy.seen] == [("CONNECT", "127.0.0.1:9"), ("GET", "/x")]


def test_the_proxy_itself_may_speak_tls(own_world: World, serve: Serve, server_certificate: Certificate) -> None:
    proxy = serve(always(response(b"by proxy")), server_certificate.server_context())
    settings = HttpSettings(proxy=proxy.url, ca_bundle=server_certificate.certificate)
    assert own_world.run(own_world.runtime(settings).send(get("http://op.example/x"))).body == b"by proxy"


def test_a_proxy_that_rejects_is_named_without_its_password(own_world: World, serve: Serve) -> None:
    proxy = serve(always(response(b"", "407 Proxy Authentication Required")))
    runtime = own_world.runtime(HttpSettings(proxy=f"http://user:s3cret@127.0.0.1:{proxy.port}"))
    with pytest.raises(ProviderUnreachable, match="ProxyError: 407") as caught:
        own_world.run(runtime.send(get("https://op.example/x")))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_proxies_of_the_environment_are_not_used(
    own_world: World, serve: Serve, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """threat model 218"""
    monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    server = serve(always(response()))
    assert own_world.run(own_world.runtime().send(get(server.url))).status == 200
