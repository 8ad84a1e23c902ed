"""Applications over https and a certified provider over TLS, with certificates of an authority of one's own."""

import asyncio
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flask
import flask_oidc_async
import httpx
import pytest
import quart
import quart_oidc_async

from oidc_async import ClientMetadata, HttpSettings, ProviderConfiguration
from tests.certificates import Authority

from .apps import serving, settings
from .client_keys import CLIENT_KEYS
from .configurations import configuration_of
from .node_provider import NodeProvider
from .processes import free_port
from .test_response_types import come_back
from .tls import Tls
from .tokens import service_token
from .visitor import Visitor, left_for

OPAQUE = "https://opaque.example"
FRAMEWORKS = ["flask", "quart"]


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to log in: as `client`, by this response. `options` are of the configuration."""

    client: str
    response_type: str = "code"
    mode: str = "query"
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def page(self) -> str:
        return f"{self.client}-{self.response_type.replace(' ', '-')}-by-{self.mode}"

    @property
    def has_refresh_token(self) -> bool:
        return "code" in self.response_type.split()


TLS_CLIENTS = ("tls", "tls-self-signed", "tls-bound")
BY_BROWSER = ("id_token", "id_token token", "code id_token", "code token", "code id_token token")
WAYS = (
    *(Way(client=client) for client in ("basic", "post", "public")),
    *(Way(client=client) for client in ("secret-jwt", "key-jwt-RS256", "key-jwt-PS256", "key-jwt-ES256")),
    Way(client="key-jwt-EdDSA"),
    *(Way(client=client) for client in TLS_CLIENTS),
    *(
        Way(client=client, options={"client_keys": CLIENT_KEYS})
        for client in ("userinfo-signed", "userinfo-signed-encrypted", "encrypted-rsa", "encrypted-ecdh")
    ),
    *(Way(client="hybrid", mode=mode) for mode in ("form_post", "fragment")),
    *(
        Way(client="hybrid", response_type=each, mode=mode)
        for each in BY_BROWSER
        for mode in ("form_post", "fragment")
    ),
)


def configuration(provider: NodeProvider, way: Way) -> ProviderConfiguration:
    return configuration_of(
        provider,
        provider.clients[way.client],
        parameters={"response_type": way.response_type, "response_mode": way.mode},
        audience=OPAQUE,
        **way.options,
    )


@pytest.fixture(scope="module", params=FRAMEWORKS)
def app(
    request: pytest.FixtureRequest, https_apps: list[str], https_provider: NodeProvider, tls: Tls
) -> Iterator[str]:
    """The address of an application with a page for each way."""
    configurations = {way.page: configuration(https_provider, way) for way in WAYS}
    address = https_apps[FRAMEWORKS.index(request.param)]
    with serving(request.param, configurations, address, tls.provider):
        yield address


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.page)
def test_a_login_a_refresh_and_a_logout(
    app: str, https_provider: NodeProvider, https_visitor: Visitor, way: Way
) -> None:
    page = f"{app}/{way.page}"
    begun = left_for(https_visitor.open(page, within=app))
    reached = come_back(
        https_visitor, https_provider.answer(https_visitor, begun, https_provider.alice), way.mode, app
    )
    assert (reached.status, reached.url) == (200, page), reached.text
    known = json.loads(reached.text)
    assert (known["id_token"]["iss"], known["id_token"]["sub"]) == (https_provider.issuer, "alice")
    assert (known["userinfo"] or known["id_token"])["name"] == "Alice Liddell"
    assert known["has_refresh_token"] == way.has_refresh_token
    ours = [cookie for cookie in https_visitor.cookies.jar if cookie.domain == "127.0.0.1" and "oidc" in cookie.name]
    assert ours
    assert all(cookie.secure and cookie.name.startswith("__Host-") for cookie in ours)
    assert json.loads(https_visitor.open(f"{app}/refresh").text) == {"refreshed": way.has_refresh_token}
    to_the_provider = left_for(https_visitor.open(f"{app}/logout", within=app))
    page_after = https_visitor.open(https_provider.logout(https_visitor, to_the_provider), within=app)
    assert (page_after.status, page_after.text) == (200, "logged out")
    again = left_for(https_visitor.open(page, within=app))
    assert https_provider.requires_login(https_visitor.open(again, within=https_provider.issuer))


@pytest.mark.parametrize("client", ["basic", "secret-jwt", "key-jwt-ES256", "tls"])
def test_an_api_asks_about_a_token(app: str, https_provider: NodeProvider, tls: Tls, client: str) -> None:
    token = service_token(https_provider, client, scope="api:read", resource=OPAQUE)
    answer = call(f"{app}/api/{Way(client=client).page}", token, tls.ca)
    assert (answer.status_code, answer.json()["identity"]["client_id"]) == (200, client)
    assert call(f"{app}/api/{Way(client=client).page}", "another-token", tls.ca).status_code == 403


def call(url: str, token: str, ca: str) -> httpx.Response:
    trusted = ssl.create_default_context(cafile=ca)
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"}, verify=trusted, trust_env=False)


@dataclass(frozen=True, kw_only=True)
class Distrust:
    """Why the provider isn't trusted, in the words of OpenSSL."""

    reason: str
    host: str = "127.0.0.1"
    authority: str = "provider's"

    def configuration(self, provider: NodeProvider, another: str) -> ProviderConfiguration:
        """Of a client that meets the provider at another name, or trusts another authority."""
        ca = {"provider's": provider.ca, "another": another, "usual": None}[self.authority]
        moved = replace_host(provider.issuer, self.host)
        return ProviderConfiguration(
            issuer=moved,
            client_metadata=ClientMetadata("basic", provider.clients["basic"].client_secret),
            http_settings=HttpSettings(ca_bundle=ca, connect_timeout=2, deadline=4),
        )


def replace_host(url: str, host: str) -> str:
    return url.replace("127.0.0.1", host)


DISTRUST = {
    "another-authority": Distrust(reason="unable to get local issuer certificate", authority="another"),
    "usual-authorities": Distrust(reason="unable to get local issuer certificate", authority="usual"),
    "another-name": Distrust(reason="Hostname mismatch", host="localhost"),
}


@pytest.fixture(scope="module", params=FRAMEWORKS)
def distrusting_app(
    request: pytest.FixtureRequest,
    https_apps: list[str],
    https_provider: NodeProvider,
    tls: Tls,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    another = Authority(tmp_path_factory.mktemp("another")).certificate
    configurations = {name: each.configuration(https_provider, another) for name, each in DISTRUST.items()}
    address = f"https://127.0.0.1:{free_port()}"
    with serving(request.param, configurations, address, tls.provider):
        yield address


@pytest.mark.parametrize("name", DISTRUST)
def test_a_provider_that_is_not_trusted_is_not_used(
    distrusting_app: str, https_provider: NodeProvider, https_visitor: Visitor, tls: Tls, name: str
) -> None:
    log = len(https_provider.server.log())
    page = https_visitor.open(f"{distrusting_app}/{name}", within=distrusting_app)
    told = json.loads(page.text)
    assert (page.status, told["error"]) == (502, "provider_unreachable")
    assert "CERTIFICATE_VERIFY_FAILED" in told["error_description"]
    assert DISTRUST[name].reason in told["error_description"]
    answer = call(f"{distrusting_app}/api/{name}", "a-token", tls.ca)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert https_provider.server.log(log) == ""


@pytest.mark.parametrize("name", DISTRUST)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_people_learn_nothing_of_the_inside(
    https_provider: NodeProvider, tmp_path: Path, framework: str, name: str
) -> None:
    """In applications without an error view."""
    configuration = DISTRUST[name].configuration(https_provider, Authority(tmp_path).certificate)
    status, page = (page_of_flask if framework == "flask" else page_of_quart)(configuration)
    assert (status, "The login service is not available." in page) == (502, True)
    assert [word for word in ("CERTIFICATE", "Traceback", "Error", "127.0.0.1", "localhost") if word in page] == []


def a_page() -> str:
    return "a page"


def page_of_flask(configuration: ProviderConfiguration) -> tuple[int, str]:
    app = flask.Flask("bare")
    app.config.update(settings("https://rp.example", {"op": configuration}))
    auth = flask_oidc_async.OIDCAuthentication({"op": configuration}, app)
    app.add_url_rule("/page", "page", auth.oidc_auth("op")(a_page))
    answer = app.test_client().get("/page")
    for runtime in app.extensions["oidc_async"].application.runtimes:
        runtime.close()
    return answer.status_code, answer.text


def page_of_quart(configuration: ProviderConfiguration) -> tuple[int, str]:
    app = quart.Quart("bare")
    app.config.update(settings("https://rp.example", {"op": configuration}))
    auth = quart_oidc_async.OIDCAuthentication({"op": configuration}, app)
    app.add_url_rule("/page", "page", auth.oidc_auth("op")(a_page))

    async def ask() -> tuple[int, str]:
        async with app.test_app():
            answer = await app.test_client().get("/page")
            return answer.status_code, await answer.get_data(as_text=True)

    return asyncio.run(ask())
