"""prompt=none at a real provider, which knows whether the user is still logged in there (OIDC Core 3.1.2.1)."""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from .apps import serving
from .configurations import configuration_of
from .node_provider import NodeProvider
from .visitor import Page, Visitor, left_for

INTERVAL = 1


@pytest.fixture(scope="module", params=["flask", "quart"])
def app(request: pytest.FixtureRequest, apps: list[str], node_provider: NodeProvider) -> Iterator[str]:
    """The address of an application that asks the provider after a second."""
    configuration = configuration_of(
        node_provider, node_provider.clients["basic"], session_refresh_interval_seconds=INTERVAL
    )
    address = apps[["flask", "quart"].index(request.param)]
    with serving(request.param, {"node": configuration}, address):
        yield address


def log_in(visitor: Visitor, app: str, node: NodeProvider) -> dict[str, Any]:
    to_login = left_for(visitor.open(f"{app}/node", within=app))
    return known(visitor.open(node.login(visitor, to_login, node.alice), within=app))


def known(page: Page) -> dict[str, Any]:
    assert page.status == 200, page.text
    what: dict[str, Any] = json.loads(page.text)
    return what


def grow_old() -> None:
    # whole seconds are kept of the time of a login
    time.sleep(INTERVAL + 1)


def leave(visitor: Visitor, app: str) -> str:
    """Where a page leads to when it is time."""
    url = left_for(visitor.open(f"{app}/node", within=app))
    assert parse_qs(urlsplit(url).query)["prompt"] == ["none"]
    return url


def sign_out(visitor: Visitor) -> None:
    """Lose what the provider knows this browser by."""
    for cookie in list(visitor.cookies.jar):
        if not cookie.name.startswith("oidc-"):
            visitor.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)


def test_who_is_still_logged_in_sees_no_page(app: str, node_provider: NodeProvider, visitor: Visitor) -> None:
    before = log_in(visitor, app, node_provider)
    grow_old()
    back = left_for(visitor.open(leave(visitor, app), within=node_provider.issuer))
    page = visitor.open(back, within=app)
    after = known(page)
    assert page.url == f"{app}/node"
    assert after["id_token"]["sub"] == before["id_token"]["sub"]
    assert after["id_token"]["nonce"] != before["id_token"]["nonce"]
    assert after["id_token"]["auth_time"] == before["id_token"]["auth_time"]


def test_who_is_logged_out_there_has_to_log_in(app: str, node_provider: NodeProvider, visitor: Visitor) -> None:
    before = log_in(visitor, app, node_provider)
    grow_old()
    sign_out(visitor)
    back = left_for(visitor.open(leave(visitor, app), within=node_provider.issuer))
    assert parse_qs(urlsplit(back).query)["error"] == ["login_required"]
    to_login = left_for(visitor.open(back, within=app))
    assert "prompt" not in parse_qs(urlsplit(to_login).query)
    page = visitor.open(node_provider.login(visitor, to_login, node_provider.alice), within=app)
    assert page.url == f"{app}/node"
    assert known(page)["id_token"]["auth_time"] > before["id_token"]["auth_time"]


def test_whom_the_provider_takes_for_another_is_not_taken_for_the_first(
    app: str, node_provider: NodeProvider, visitor: Visitor
) -> None:
    """The provider minds id_token_hint: somebody else is logged in, so nobody is."""
    log_in(visitor, app, node_provider)
    grow_old()
    sign_out(visitor)
    with Visitor() as other:
        node_provider.login(other, left_for(other.open(f"{app}/node", within=app)), node_provider.bob)
        for cookie in other.cookies.jar:
            if not cookie.name.startswith("oidc-"):
                visitor.cookies.jar.set_cookie(cookie)
    back = left_for(visitor.open(leave(visitor, app), within=node_provider.issuer))
    assert parse_qs(urlsplit(back).query)["error"] == ["login_required"]
    left_for(visitor.open(back, within=app))
