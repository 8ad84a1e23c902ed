"""A client that proves who it is by its certificate, at a provider with endpoints of its own for that (RFC 8705)."""

import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from oidc_async import (
    AsyncRelyingParty,
    AsyncResourceServer,
    ClientMetadata,
    HttpSettings,
    ProviderConfiguration,
    ProviderMetadata,
)
from oidc_async.errors import MetadataInvalid, ProviderUnreachable
from tests.certificates import Certificate, make_certificate
from tests.core.conftest import Serve
from tests.core.raw_server import Connection, RawServer, response
from tests.core.worlds import World

ENDPOINTS = ("token", "userinfo", "introspection", "revocation")
ANSWERS: dict[str, Any] = {
    "/token": {"access_token": "a1", "token_type": "Bearer", "expires_in": 60},
    "/userinfo": {"sub": "alice"},
    "/introspection": {"active": True, "sub": "alice", "aud": "c1"},
    "/revocation": {},
}
METHODS = ["tls_client_auth", "self_signed_tls_client_auth"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Certificate, Certificate, Certificate]:
    """Of the provider, of the client, and of somebody else."""
    folder: Path = tmp_path_factory.mktemp("certificates")
    return (
        make_certificate(folder, "provider"),
        make_certificate(folder, "client"),
        make_certificate(folder, "somebody"),
    )


class Pair:
    """A provider's public address, which asks for no certificate, and the one that does."""

    def __init__(self, serve: Serve, certificates: tuple[Certificate, Certificate, Certificate]) -> None:
        self.provider, self.client, self.somebody = certificates
        self.documents: dict[str, Any] = dict(ANSWERS)
        self.public: RawServer = serve(self.answer, self.provider.server_context())
        self.mutual: RawServer = serve(self.answer, self.provider.server_context(self.client))
        self.metadata: dict[str, Any] = {
            "issuer": self.public.url,
            "authorization_endpoint": f"{self.public.url}/authorization",
            "jwks_uri": f"{self.public.url}/jwks",
            **{f"{name}_endpoint": f"{self.public.url}/{name}" for name in ENDPOINTS},
            "end_session_endpoint": f"{self.public.url}/end_session",
            "mtls_endpoint_aliases": {
                **{f"{name}_endpoint": f"{self.mutual.url}/{name}" for name in ENDPOINTS},
                "authorization_endpoint": f"{self.mutual.url}/authorization",
                "end_session_endpoint": f"{self.mutual.url}/end_session",
                "jwks_uri": "nonsense that nobody asks for",
            },
        }
        self.documents["/.well-known/openid-configuration"] = self.metadata

    def answer(self, connection: Connection) -> None:
        for request in connection.requests():
            connection.send(response(json.dumps(self.documents[request.target]).encode()))

    def targets(self, server: RawServer) -> set[str]:
        return {request.target for request in server.seen}


@pytest.fixture
def pair(serve: Serve, certificates: tuple[Certificate, Certificate, Certificate]) -> Pair:
    return Pair(serve, certificates)


def showing(pair: Pair, certificate: Certificate | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=pair.provider.certificate)
    if certificate is not None:
        context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def configuration(
    pair: Pair, world: World, certificate: Certificate | None, metadata: ProviderMetadata | None = None, **client: Any
) -> tuple[ProviderConfiguration, Any]:
    """With a runtime that shows this certificate, by our own connections or by the caller's client."""
    context = showing(pair, certificate)
    is_given = vars(world)["_has_client"]
    options = {"http_client": world.client(verify=context, trust_env=False)} if is_given else {}
    runtime = world.runtime(HttpSettings(ca_bundle=None if is_given else context), **options)
    settings = ProviderConfiguration(
        pair.public.url, metadata, client_metadata=ClientMetadata("c1", **client), runtime=runtime
    )
    return settings, runtime


def ask_everywhere(world: World, settings: ProviderConfiguration, runtime: Any) -> None:
    party = AsyncRelyingParty(settings, redirect_uri="https://rp.example/callback", runtime=runtime)
    assert world.run(party.client_credentials_grant()).access_token == "a1"
    assert world.run(party.userinfo("a1", sub="alice")) == {"sub": "alice"}
    assert world.run(party.revoke("r1")) is True
    server = AsyncResourceServer(settings, runtime=runtime, provider=party.provider)
    assert world.run(server.verify("a1")).subject == "alice"


@pytest.mark.parametrize("method", METHODS)
def test_the_certificate_is_shown_at_the_endpoints_that_ask_for_it(world: World, pair: Pair, method: str) -> None:
    ask_everywhere(world, *configuration(pair, world, pair.client, token_endpoint_auth_method=method))
    assert pair.targets(pair.mutual) == {f"/{name}" for name in ENDPOINTS}
    assert pair.targets(pair.public) == {"/.well-known/openid-configuration"}
    for request in pair.mutual.seen:
        form = parse_qs(request.body.decode())
        assert "client_secret" not in form
        assert form.get("client_id") == (None if request.target == "/userinfo" else ["c1"])
        assert "basic" not in request.headers.get("authorization", "").lower()


@pytest.mark.parametrize("shown", ["somebody", "nobody"])
def test_no_other_certificate_will_do(world: World, pair: Pair, shown: str) -> None:
    certificate = pair.somebody if shown == "somebody" else None
    settings, runtime = configuration(pair, world, certificate, token_endpoint_auth_method="tls_client_auth")
    party = AsyncRelyingParty(settings, redirect_uri="https://rp.example/callback", runtime=runtime)
    with pytest.raises(ProviderUnreachable):
        world.run(party.client_credentials_grant())
    assert pair.mutual.seen == []


def test_a_client_without_one_goes_to_the_public_endpoints(either_world: World, pair: Pair) -> None:
    settings, runtime = configuration(pair, either_world, None, client_secret="s1")
    ask_everywhere(either_world, settings, runtime)
    assert pair.mutual.seen == []


def test_tokens_are_bound_to_the_certificate_however_the_client_authenticates(
    either_world: World, pair: Pair
) -> None:
    """RFC 8705 3.4, 5"""
    client: dict[str, Any] = {"client_secret": "s1", "tls_client_certificate_bound_access_tokens": True}
    ask_everywhere(either_world, *configuration(pair, either_world, pair.client, **client))
    assert pair.targets(pair.mutual) == {f"/{name}" for name in ENDPOINTS}


@pytest.mark.parametrize(("value", "is_used"), [(True, True), (False, False), ("true", False), (None, False)])
def test_a_client_may_be_registered_to_use_the_aliases_whatever_it_proves(
    either_world: World, pair: Pair, value: Any, is_used: bool
) -> None:
    """`use_mtls_endpoint_aliases` (FAPI 2.0 Security Profile 5.2.2.1)."""
    client: dict[str, Any] = {"client_secret": "s1", "use_mtls_endpoint_aliases": value}
    ask_everywhere(either_world, *configuration(pair, either_world, pair.client, **client))
    assert pair.targets(pair.mutual) == ({f"/{name}" for name in ENDPOINTS} if is_used else set())


def test_browsers_are_sent_where_they_always_were(either_world: World, pair: Pair) -> None:
    settings, runtime = configuration(pair, either_world, pair.client, token_endpoint_auth_method="tls_client_auth")
    party = AsyncRelyingParty(settings, redirect_uri="https://rp.example/callback", runtime=runtime)
    assert either_world.run(party.begin_login()).url.startswith(f"{pair.public.url}/authorization?")
    metadata = either_world.run(party.provider.metadata())
    assert metadata["end_session_endpoint"] == f"{pair.public.url}/end_session"
    assert metadata["jwks_uri"] == f"{pair.public.url}/jwks"


def test_an_endpoint_without_an_alias_is_the_usual_one(either_world: World, pair: Pair) -> None:
    del pair.metadata["mtls_endpoint_aliases"]["revocation_endpoint"]
    ask_everywhere(
        either_world, *configuration(pair, either_world, pair.client, token_endpoint_auth_method="tls_client_auth")
    )
    assert pair.targets(pair.public) == {"/.well-known/openid-configuration", "/revocation"}


@pytest.mark.parametrize("is_alias", [False, True])
def test_what_the_application_says_goes_before_what_is_discovered(
    either_world: World, pair: Pair, is_alias: bool
) -> None:
    url = f"{pair.mutual.url}/mine"
    pair.documents["/mine"] = ANSWERS["/token"]
    given = (
        ProviderMetadata(mtls_endpoint_aliases={"token_endpoint": url})
        if is_alias
        else ProviderMetadata(token_endpoint=url)
    )
    settings, runtime = configuration(
        pair, either_world, pair.client, given, token_endpoint_auth_method="tls_client_auth"
    )
    ask_everywhere(either_world, settings, runtime)
    assert pair.targets(pair.mutual) == {"/mine", "/userinfo", "/introspection", "/revocation"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda aliases: {**aliases, "token_endpoint": "http://op.example/token"}, "token_endpoint"),
        (lambda aliases: {**aliases, "introspection_endpoint": 5}, "introspection_endpoint"),
        (lambda aliases: {**aliases, "userinfo_endpoint": "/userinfo"}, "userinfo_endpoint"),
        (lambda aliases: {**aliases, "revocation_endpoint": None}, "revocation_endpoint"),
        (lambda aliases: list(aliases), "mtls_endpoint_aliases"),
        (lambda _: "https://op.example", "mtls_endpoint_aliases"),
    ],
    ids=["without TLS", "a number", "a path", "null", "a list", "a URL for the aliases"],
)
@pytest.mark.parametrize("uses_mtls", [True, False])
def test_an_alias_that_no_token_may_be_sent_to_is_rejected(
    either_world: World, pair: Pair, change: Callable[[Any], Any], field: str, uses_mtls: bool
) -> None:
    """threat model 15: and nothing falls back to the endpoint without a certificate."""
    pair.metadata["mtls_endpoint_aliases"] = change(pair.metadata["mtls_endpoint_aliases"])
    client: dict[str, Any] = {"token_endpoint_auth_method": "tls_client_auth"} if uses_mtls else {}
    settings, runtime = configuration(pair, either_world, pair.client, **client)
    party = AsyncRelyingParty(settings, redirect_uri="https://rp.example/callback", runtime=runtime)
    with pytest.raises(MetadataInvalid, match=field):
        either_world.run(party.client_credentials_grant())
    assert pair.targets(pair.public) == {"/.well-known/openid-configuration"}
    assert pair.mutual.seen == []


def test_the_certificate_may_be_in_files(own_world: World, pair: Pair) -> None:
    settings = HttpSettings(
        ca_bundle=pair.provider.certificate, client_certificate=(pair.client.certificate, pair.client.key)
    )
    config = ProviderConfiguration(
        pair.public.url,
        client_metadata=ClientMetadata("c1", token_endpoint_auth_method="tls_client_auth"),
        http_settings=settings,
    )
    ask_everywhere(own_world, config, own_world.runtime(settings))
    assert len(pair.mutual.seen) == len(ENDPOINTS)
    assert pair.client.key not in repr(config)
