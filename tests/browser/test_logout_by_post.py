"""A logout that a page posts to the provider, in a real browser. threat model 253."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from oidc_async.testing import SimulatedProvider
from tests.adapters.served import served
from tests.adapters.site import FlaskFramework, Framework, QuartFramework, new_provider, new_site
from tests.providers.processes import free_port


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An application whose logouts are posted, and its provider, both up."""

    origin: str
    provider: SimulatedProvider


@pytest.fixture(params=[FlaskFramework(), QuartFramework()], ids=lambda framework: framework.name)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    framework: Framework = request.param
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    provider = new_provider(redirect_uri=f"{origin}/redirect_uri")
    provider.register(
        "client1",
        "secret1",
        redirect_uris=[f"{origin}/redirect_uri"],
        post_logout_redirect_uris=[f"{origin}/logout"],
    )
    with provider.serve():
        site = new_site(
            framework,
            providers={"default": provider},
            config={"OIDC_REDIRECT_URI": f"{origin}/redirect_uri"},
            end_session_http_method="POST",
        )
        with served(framework, site.app, port):
            yield Place(origin=origin, provider=provider)
        site.close()


def log_in(tab: Page, place: Place) -> str:
    """A login; the ID token."""
    tab.goto(f"{place.origin}/private")
    tab.fill("input[name=username]", "alice")
    tab.fill("input[name=password]", "password")
    tab.click("button[value=allow]")
    expect(tab.locator("body")).to_have_text("private")
    id_token: str = tab.request.get(f"{place.origin}/who").json()["id_token_jwt"]
    return id_token


@pytest.mark.parametrize("has_scripts", [True, False], ids=["by itself", "by its button"])
def test_the_page_is_posted_and_the_id_token_is_in_no_url(chromium: Browser, place: Place, has_scripts: bool) -> None:
    context = chromium.new_context(java_script_enabled=has_scripts)
    tab = context.new_page()
    id_token = log_in(tab, place)
    urls = list[str]()
    complaints = list[str]()
    tab.on("request", lambda request: urls.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.goto(f"{place.origin}/logout", wait_until="commit")
    if not has_scripts:
        tab.click("button")
    expect(tab.locator("body")).to_have_text("logged out")
    assert tab.url.startswith(f"{place.origin}/logout?state=")
    (posted,) = [seen for seen in place.provider.requests if seen.endpoint == "end_session"]
    assert (posted.method, posted.status, posted.request.url) == ("POST", 302, f"{place.provider.issuer}/end_session")
    assert id_token.encode() in posted.request.body
    assert [url for url in urls if id_token in url] == []
    assert [text for text in complaints if "Content Security Policy" in text] == []
    assert tab.request.get(f"{place.origin}/who").json() == {}
    tab.goto(f"{place.origin}/private")
    expect(tab.locator("input[name=password]")).to_be_visible()
    context.close()
