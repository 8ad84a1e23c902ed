"""A view that calls its own app: what the inner request does must not touch what the outer one is about."""

from collections.abc import Callable
from typing import Any

import pytest

from oidc_async import ProviderMetadata

from .site import Site, new_provider

SESSIONS_IN = ("cookies", "sqlite")


def views_that_call(path: str) -> Callable[[Any, Any], None]:
    def add_views(app: Any, auth: Any) -> None:
        app.add_url_rule("/inner", "inner", auth.oidc_auth("default")(lambda: "inner"))

        def outer() -> str:
            assert app.test_client().get(path, base_url="https://rp.example").status_code == 302
            return "outer"

        async def outer_async() -> str:
            assert (await app.test_client().get(path, scheme="https")).status_code == 302
            return "outer"

        outer_view = outer if "flask" in type(app).__module__ else outer_async
        app.add_url_rule("/private", "private", auth.oidc_auth("default")(outer_view))
        app.add_url_rule("/logout", "logout", auth.oidc_logout(outer_view))

    return add_views


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site(views=views_that_call("/inner"))


def test_a_protected_page_stays_out_of_shared_caches_when_its_view_calls_the_app(site: Site) -> None:
    """threat model 166"""
    page = site.browser().log_in()
    assert page.text == "outer"
    assert page.headers["cache-control"] == "no-store, private"
    assert page.headers["vary"] == "Cookie"


def test_a_logout_ends_the_session_when_its_view_calls_the_app(make_site: Callable[..., Site]) -> None:
    """threat model 197"""
    provider = new_provider()
    metadata = ProviderMetadata(
        issuer=provider.issuer,
        authorization_endpoint=f"{provider.issuer}/authorize",
        token_endpoint=f"{provider.issuer}/token",
        jwks_uri=f"{provider.issuer}/jwks",
    )
    site = make_site(
        providers={"default": provider}, views=views_that_call("/inner"), issuer=None, provider_metadata=metadata
    )
    browser = site.browser()
    browser.log_in()
    assert browser.get("/logout").text == "outer"
    assert browser.get("/private").status_code == 302
