"""A provider with a public address for browsers, and another one inside of a private network. threat model 399."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_async import (
    AsyncRelyingParty,
    AsyncResourceServer,
    ClaimsProvider,
    ClientMetadata,
    ClientRegistrationInfo,
    ConfigurationError,
    HttpSettings,
    ProviderConfiguration,
    ProviderMetadata,
)
from oidc_async.configuration.access_token_settings import Verification
from oidc_async.errors import IssuerMismatch, MetadataInvalid, OAuthError, SignatureInvalid
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.runtime.port import Runtime
from oidc_async.testing import SimulatedProvider
from oidc_async.testing.faults.documents import changed, put
from oidc_async.testing.stages import DISCOVERY, harmless
from tests.core.conftest import Serve
from tests.core.raw_server import Connection, response
from tests.core.realm import REDIRECT_URI, SECRET, Realm, new_provider, new_realm, simulated
from tests.core.refreshing import SCOPE, Refreshing
from tests.core.worlds import World
from tests.protocol.signing import unb64

PUBLIC, INSIDE = "https://id.example", "http://keycloak:8080"
ISSUER = f"{PUBLIC}/realms/dev"


def inside(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, address: str = INSIDE) -> list[str]:
    """Let the provider be found at its address inside, and nowhere else. Tells the origins that are asked."""
    asked: list[str] = []
    send: Callable[[HttpRequest], Any] = runtime.send

    async def find(request: HttpRequest) -> HttpResponse:
        parts = urlsplit(request.url)
        asked.append(f"{parts.scheme}://{parts.netloc}")
        outside = replace(request, url=request.url.replace(address, PUBLIC, 1))
        answer: HttpResponse = await send(outside if request.url.startswith(address) else request)
        return answer

    monkeypatch.setattr(runtime, "send", find)
    return asked


def realm_inside(
    world: World, monkeypatch: pytest.MonkeyPatch, provider: SimulatedProvider | None = None, **settings: Any
) -> tuple[Realm, list[str]]:
    provider = provider or new_provider(ISSUER)
    runtime = simulated(world, provider)
    asked = inside(runtime, monkeypatch)
    return new_realm(world, provider, runtime=runtime, **{"backchannel_url": INSIDE, **settings}), asked


def run(realm: Realm, method: str, *args: Any, **kwargs: Any) -> Any:
    """A method of the relying party, whichever world it is of."""
    party = realm.party if isinstance(realm.party, AsyncRelyingParty) else realm.party._origin
    return realm.world.run(getattr(party, method)(*args, **kwargs))


def test_all_of_our_requests_go_inside_and_browsers_stay_outside(
    either_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    realm, asked = realm_inside(either_world, monkeypatch)
    begun = realm.begin(scope=SCOPE)
    assert begun.url.startswith(f"{ISSUER}/")
    login = realm.complete(begun.pending, realm.provider.authorize(begun.url))
    assert (login.id_token["iss"], login.id_token["sub"]) == (ISSUER, "alice")
    assert (login.userinfo or {})["email"] == "alice@example.com"
    Refreshing(realm, login).refresh()
    assert run(realm, "revoke", login.tokens.access_token)
    run(realm, "client_credentials_grant")
    assert run(realm, "end_session_url").startswith(f"{ISSUER}/")
    paths = {urlsplit(seen.request.url).path.removeprefix("/realms/dev/") for seen in realm.provider.requests}
    assert {".well-known/openid-configuration", "jwks", "token", "userinfo", "revoke"} <= paths
    assert set(asked) == {INSIDE}


def test_a_push_goes_inside(either_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    realm, asked = realm_inside(either_world, monkeypatch, pushed_authorization_requests=True)
    assert realm.log_in().id_token["sub"] == "alice"
    assert set(asked) == {INSIDE}


def test_a_registration_and_its_management_go_inside(either_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = new_provider(ISSUER)
    provider.open_registration()
    info = {"client_metadata": None, "client_registration_info": ClientRegistrationInfo()}
    realm, asked = realm_inside(either_world, monkeypatch, provider, **info)
    assert realm.log_in().id_token["sub"] == "alice"
    assert run(realm, "read_registration")["registration_client_uri"].startswith(f"{ISSUER}/")
    assert set(asked) == {INSIDE}


@pytest.mark.parametrize("verification", ["introspection", "jwt"])
def test_an_api_verifies_tokens_inside(
    either_world: World, monkeypatch: pytest.MonkeyPatch, verification: Verification
) -> None:
    provider = new_provider(ISSUER)
    runtime = simulated(either_world, provider)
    asked = inside(runtime, monkeypatch)
    configuration = ProviderConfiguration(
        ISSUER,
        client_metadata=ClientMetadata("client1", SECRET),
        audience="https://api.example",
        access_token_verification=verification,
        backchannel_url=INSIDE,
    )
    server = AsyncResourceServer(configuration, runtime=runtime)
    options: dict[str, Any] = {"audience": "https://api.example", "jwt": verification == "jwt"}
    token = provider.issue_access_token("client1", username="alice", **options)
    assert either_world.run(server.verify(token)).subject == "alice"
    assert set(asked) == {INSIDE}


@pytest.mark.parametrize(("audience", "named"), [("issuer", ISSUER), ("token_endpoint", f"{ISSUER}/token")])
def test_assertions_are_for_the_public_names(
    either_world: World, monkeypatch: pytest.MonkeyPatch, audience: str, named: str
) -> None:
    """The provider knows itself by them."""
    client = ClientMetadata("client1", SECRET, token_endpoint_auth_method="client_secret_jwt")
    settings: dict[str, Any] = {"client_metadata": client, "client_assertion_audience": audience}
    realm, asked = realm_inside(either_world, monkeypatch, **settings)
    # of a client that isn't registered so: what counts is what was sent
    with pytest.raises(OAuthError):
        run(realm, "client_credentials_grant")
    form = parse_qs(realm.provider.requests[-1].request.body.decode())
    claims = json.loads(unb64(form["client_assertion"][0].split(".")[1]))
    assert (claims["aud"], set(asked)) == (named, {INSIDE})


def test_distributed_claims_are_never_fetched_inside(either_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """threat model 399: a claim, which leads to the same public host, doesn't lead into the private network."""
    provider, source = new_provider(ISSUER), new_provider(f"{PUBLIC}/claims-provider")
    runtime = simulated(either_world, provider, source)
    asked = inside(runtime, monkeypatch)
    trusted = {source.issuer: ClaimsProvider()}
    realm = new_realm(either_world, provider, runtime=runtime, backchannel_url=INSIDE, claims_providers=trusted)
    told = {"_claim_names": {"age": "s"}, "_claim_sources": {"s": source.distribute_claims({"age": 30})}}
    provider.add_user("alice", claims=told)
    assert (realm.log_in().userinfo or {})["age"] == 30
    assert set(asked) == {INSIDE, PUBLIC}
    assert {seen.endpoint for seen in source.requests} >= {"claims", "jwks"}
    assert asked.count(PUBLIC) == len(source.requests)


def test_endpoints_that_the_provider_publishes_inside_are_asked_there(
    either_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Keycloak does with KC_HOSTNAME_BACKCHANNEL_DYNAMIC."""
    realm, asked = realm_inside(either_world, monkeypatch)
    names = ("token_endpoint", "userinfo_endpoint", "jwks_uri")
    moved = {
        name: f"{INSIDE}/realms/dev/{path}" for name, path in zip(names, ("token", "userinfo", "jwks"), strict=True)
    }
    with realm.provider.misbehaving(harmless("it publishes them inside", DISCOVERY(put(**moved)))):
        assert realm.log_in().id_token["sub"] == "alice"
    assert set(asked) == {INSIDE}


def test_endpoints_of_other_hosts_are_asked_where_they_are(
    either_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, other = new_provider(ISSUER), new_provider("https://keys.example")
    runtime = simulated(either_world, provider, other)
    asked = inside(runtime, monkeypatch)
    realm = new_realm(either_world, provider, runtime=runtime, backchannel_url=INSIDE)
    elsewhere = harmless("keys elsewhere", DISCOVERY(put(jwks_uri="https://keys.example/jwks")))
    with provider.misbehaving(elsewhere), pytest.raises(SignatureInvalid):
        realm.log_in()
    assert set(asked) == {INSIDE, "https://keys.example"}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (put(issuer=f"{INSIDE}/realms/dev"), IssuerMismatch),
        (put(issuer="https://evil.example"), IssuerMismatch),
        (put(authorization_endpoint=f"{INSIDE}/realms/dev/authorize"), MetadataInvalid),
        (put(end_session_endpoint=f"{INSIDE}/realms/dev/logout"), MetadataInvalid),
        (put(token_endpoint="http://keycloak:8081/token"), MetadataInvalid),
        (put(token_endpoint="http://id.example/token"), MetadataInvalid),
        (changed("token_endpoint", lambda url: url.replace("https", "http")), MetadataInvalid),
    ],
    ids=["issuer inside", "another issuer", "login inside", "logout inside", "another port", "public http", "http"],
)
def test_what_makes_metadata_believable_stays(
    either_world: World, monkeypatch: pytest.MonkeyPatch, fault: Any, error: type[Exception]
) -> None:
    """threat model 399: the issuer is the public one, browsers stay outside, and http is for the named address."""
    realm, _ = realm_inside(either_world, monkeypatch)
    with realm.provider.misbehaving(harmless("odd metadata", DISCOVERY(fault))), pytest.raises(error):
        realm.begin()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (
            {"backchannel_url": "keycloak:8080"},
            "backchannel_url must be an absolute URL, such as http://keycloak:8080",
        ),
        ({"issuer": "http://keycloak:8080/realms/dev"}, "https.* set backchannel_url or insecure_hosts"),
        ({"backchannel_url": f"{PUBLIC}/inside"}, "backchannel_url"),
        ({"backchannel_url": INSIDE, "discovery_url": "http://elsewhere/metadata"}, "discovery_url"),
        ({"backchannel_url": INSIDE, "issuer": f"{INSIDE}/realms/dev"}, "issuer"),
        ({"insecure_hosts": "keycloak"}, "insecure_hosts"),
        ({"insecure_hosts": {"keycloak"}, "issuer": "http://elsewhere"}, "issuer"),
        ({"insecure_hosts": {"keycloak"}, "discovery_url": "http://elsewhere/metadata"}, "discovery_url"),
        (
            {
                "backchannel_url": INSIDE,
                "client_metadata": ClientMetadata("c1", token_endpoint_auth_method="tls_client_auth"),
                "http_settings": HttpSettings(client_certificate="c.pem"),
            },
            "certificate",
        ),
    ],
    ids=str,
)
def test_what_could_not_work_or_is_not_named_is_rejected(settings: dict[str, Any], word: str) -> None:
    """threat model 399, 402."""
    with pytest.raises(ConfigurationError, match=word):
        ProviderConfiguration(**{"issuer": ISSUER, "client_metadata": ClientMetadata("c1", SECRET), **settings})


@pytest.mark.parametrize(
    "settings",
    [
        {"issuer": f"{INSIDE}/realms/dev"},
        {"issuer": ISSUER, "discovery_url": f"{INSIDE}/realms/dev/metadata"},
        {"provider_metadata": ProviderMetadata(ISSUER, f"{ISSUER}/auth", f"{INSIDE}/certs", f"{INSIDE}/token")},
    ],
    ids=["issuer", "discovery_url", "endpoints"],
)
def test_a_host_that_is_named_may_use_http_and_each_start_warns_of_it(
    settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 402."""
    client = ClientMetadata("c1", SECRET)
    with pytest.raises(ConfigurationError):
        ProviderConfiguration(client_metadata=client, **settings)
    configuration = ProviderConfiguration(client_metadata=client, insecure_hosts={"keycloak"}, **settings)
    with caplog.at_level(logging.WARNING):
        AsyncRelyingParty(configuration, redirect_uri=REDIRECT_URI)
    assert "unencrypted to http://keycloak" in caplog.text


def test_a_login_at_a_named_host(either_world: World) -> None:
    realm = new_realm(either_world, new_provider(f"{INSIDE}/realms/dev"), insecure_hosts={"keycloak"})
    assert realm.log_in().id_token["sub"] == "alice"


@pytest.mark.parametrize(("address", "is_open"), [(INSIDE, True), ("https://keycloak", False)])
def test_a_backchannel_without_tls_is_warned_of(
    address: str, is_open: bool, caplog: pytest.LogCaptureFixture
) -> None:
    client = ClientMetadata("c1", SECRET)
    with caplog.at_level(logging.WARNING):
        AsyncRelyingParty(
            ProviderConfiguration(ISSUER, client_metadata=client, backchannel_url=address), redirect_uri=REDIRECT_URI
        )
    assert (address in caplog.text) == is_open


def test_the_host_header_is_that_of_the_address(own_world: World, serve: Serve) -> None:
    """Over a socket, with the path of the address in front of that of the endpoint."""

    def answer(connection: Connection) -> None:
        for _ in connection.requests():
            document = {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/auth",
                "jwks_uri": f"{ISSUER}/certs",
                "token_endpoint": f"{ISSUER}/token",
            }
            connection.send(response(json.dumps(document).encode()))

    server = serve(answer)
    client = ClientMetadata("c1", SECRET)
    configuration = ProviderConfiguration(ISSUER, client_metadata=client, backchannel_url=f"{server.url}/below")
    runtime = own_world.runtime()
    party = AsyncRelyingParty(configuration, redirect_uri=REDIRECT_URI, runtime=runtime)
    assert own_world.run(party.begin_login()).url.startswith(f"{ISSUER}/auth?")
    (seen,) = server.seen
    assert seen.target == "/below/realms/dev/.well-known/openid-configuration"
    assert f"http://{seen.headers['host']}" == server.url
    own_world.close_runtime(runtime)
