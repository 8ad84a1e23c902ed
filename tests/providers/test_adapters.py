"""Login and logout at real providers, in Flask and in Quart applications that are served over HTTP."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from .apps import serving
from .canaille_provider import CanailleProvider
from .configurations import configuration_of
from .node_provider import NodeProvider
from .real_provider import Person, RealProvider
from .visitor import Page, Visitor, left_for

CLIENTS = ["basic", "post", "public"]


@pytest.fixture(scope="module", params=["flask", "quart"])
def app(
    request: pytest.FixtureRequest, apps: list[str], canaille: CanailleProvider, node_provider: NodeProvider
) -> Iterator[str]:
    """The address of an application that knows each client of each provider by a name of its own."""
    providers: list[RealProvider] = [canaille, node_provider]
    configurations = {
        page_of(provider, client): configuration_of(provider, provider.clients[client])
        for provider in providers
        for client in CLIENTS
    }
    address = apps[["flask", "quart"].index(request.param)]
    with serving(request.param, configurations, address):
        yield address


def page_of(provider: RealProvider, client: str) -> str:
    return f"{provider.name}-{client}"


def open_page(visitor: Visitor, app: str, provider: RealProvider, client: str) -> Page:
    return visitor.open(f"{app}/{page_of(provider, client)}", within=app)


def log_in(visitor: Visitor, app: str, provider: RealProvider, client: str, person: Person) -> dict[str, Any]:
    """What the page knows that the login was for."""
    page = open_page(visitor, app, provider, client)
    page = visitor.open(provider.login(visitor, left_for(page), person), within=app)
    assert page.status == 200, page.text
    assert page.url == f"{app}/{page_of(provider, client)}"
    known: dict[str, Any] = json.loads(page.text)
    return known


@pytest.mark.parametrize("client", CLIENTS)
def test_a_login_tells_who_it_is(app: str, provider: RealProvider, client: str, visitor: Visitor) -> None:
    known = log_in(visitor, app, provider, client, provider.alice)
    assert known["provider"] == page_of(provider, client)
    assert known["id_token"]["iss"] == provider.issuer
    assert known["id_token"]["sub"] == known["userinfo"]["sub"]
    assert known["userinfo"]["email"] == "alice@example.com"
    assert known["access_token_expires_at"] > time.time()
    assert known["has_refresh_token"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_logout_ends_both_sessions(app: str, provider: RealProvider, client: str, visitor: Visitor) -> None:
    log_in(visitor, app, provider, client, provider.alice)
    to_the_provider = left_for(visitor.open(f"{app}/logout", within=app))
    page = visitor.open(provider.logout(visitor, to_the_provider), within=app)
    assert (page.status, page.text) == (200, "logged out")
    again = left_for(open_page(visitor, app, provider, client))
    assert provider.requires_login(visitor.open(again, within=provider.issuer))


def test_a_rejected_consent_is_reported_and_leaves_no_login(app: str, provider: RealProvider) -> None:
    with Visitor() as visitor:
        authorization_url = left_for(open_page(visitor, app, provider, "basic"))
        page = visitor.open(provider.deny(visitor, authorization_url, provider.carol), within=app)
        assert (page.status, json.loads(page.text)["error"]) == (403, "access_denied")
        assert open_page(visitor, app, provider, "basic").leads_to is not None


def test_many_groups_fit_into_the_session(app: str, provider: RealProvider, visitor: Visitor) -> None:
    known = log_in(visitor, app, provider, "post", provider.bob)
    assert len(known["userinfo"]["groups"]) == provider.bob.groups
    sizes = [len(cookie.value or "") for cookie in visitor.cookies.jar if cookie.name.startswith("oidc-")]
    assert sum(sizes) > 4096
    assert max(sizes) < 4096


def test_one_application_serves_several_providers(
    app: str, canaille: CanailleProvider, node_provider: NodeProvider, visitor: Visitor
) -> None:
    log_in(visitor, app, canaille, "basic", canaille.alice)
    known = log_in(visitor, app, node_provider, "basic", node_provider.alice)
    assert known["id_token"]["iss"] == node_provider.issuer


def test_a_code_is_good_for_one_login(app: str, provider: RealProvider, visitor: Visitor) -> None:
    authorization_url = left_for(open_page(visitor, app, provider, "basic"))
    callback = provider.login(visitor, authorization_url, provider.alice)
    assert visitor.open(callback, within=app).status == 200
    # a browser that it has logged in is sent on, and every other one gains nothing
    assert visitor.open(callback, within=app).status == 200
    with Visitor() as other:
        assert other.open(callback, within=app).status == 400
    assert open_page(visitor, app, provider, "basic").status == 200
