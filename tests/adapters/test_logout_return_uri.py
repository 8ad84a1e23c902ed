"""Where the provider sends the browser back to after a logout: a place that somebody of this application named."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from oidc_async import ClientMetadata
from oidc_async.testing import SimulatedProvider

from .cookie_jar import logged_in
from .end_session import is_at_provider, parameters
from .site import ORIGIN, Framework, Site, new_provider

MakeSite = Callable[..., Site]
RETURN_URI = f"{ORIGIN}/logout"


def registered(*uris: str) -> ClientMetadata:
    return ClientMetadata("client1", "secret1", post_logout_redirect_uris=list(uris))


@pytest.mark.parametrize(
    ("uris", "expected"),
    [
        ([RETURN_URI], RETURN_URI),
        ([f"{ORIGIN}/goodbye", RETURN_URI], RETURN_URI),
        ([f"{ORIGIN}/goodbye", f"{ORIGIN}/later"], f"{ORIGIN}/goodbye"),
        (["https://elsewhere.example/goodbye"], "https://elsewhere.example/goodbye"),
        ([], RETURN_URI),
    ],
    ids=["this view", "this view among others", "the first", "another host", "none"],
)
def test_the_provider_sends_the_browser_back_to_what_is_registered(
    make_site: MakeSite, uris: list[str], expected: str
) -> None:
    """contract.md 1; threat model 199"""
    site = make_site(client_metadata=registered(*uris))
    assert parameters(logged_in(site).get("/logout"))["post_logout_redirect_uri"] == expected


@pytest.mark.parametrize(
    "path",
    [
        "/logout?post_logout_redirect_uri=https://evil.example",
        "/logout?next=https://evil.example",
        "/logout?redirect_uri=https://evil.example&client_id=other&id_token_hint=a",
    ],
)
def test_nothing_that_a_user_sends_decides_where_a_logout_goes(site: Site, path: str) -> None:
    """threat model 169, 199"""
    forged = {"host": "evil.example", "x-forwarded-host": "evil.example", "referer": "https://evil.example"}
    page = logged_in(site).get(path, headers=forged)
    assert is_at_provider(page, site.provider)
    sent = parameters(page)
    assert (sent["post_logout_redirect_uri"], sent["client_id"]) == (RETURN_URI, "client1")


def test_below_a_mount_the_return_uri_is_below_it_too(make_site: MakeSite) -> None:
    """contract.md 2: SCRIPT_NAME"""
    uri = f"{ORIGIN}/app/redirect_uri"
    providers = {"default": new_provider(redirect_uri=uri)}
    site = make_site(providers=providers, config={"OIDC_REDIRECT_URI": uri}, root_path="/app")
    browser = site.browser()
    browser.log_in("/app/private")
    page = browser.get("/app/logout")
    assert parameters(page)["post_logout_redirect_uri"] == f"{ORIGIN}/app/logout"
    assert browser.get(site.provider.end_session(page.headers["location"]).url).text == "logged out"


def views_with(framework: Framework, *rules: tuple[str, list[str]], **options: Any) -> Callable[[Any, Any], None]:
    """The standard views, and one that logs out at each of these paths and methods."""

    def goodbye() -> str:
        return "goodbye"

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        protected = auth.oidc_logout(**options)(goodbye) if options else auth.oidc_logout(goodbye)
        for path, methods in rules:
            app.add_url_rule(path, path, protected, methods=methods)

    return views


def test_a_view_that_can_only_be_posted_to_is_not_a_place_to_come_back_to(
    make_site: MakeSite, framework: Framework
) -> None:
    """contract.md 1; threat model 196"""
    site = make_site(views=views_with(framework, ("/leave", ["POST"])))
    assert parameters(logged_in(site).post("/leave"))["post_logout_redirect_uri"] == f"{ORIGIN}/"
    site = make_site(views=views_with(framework, ("/leave", ["GET", "POST"])))
    assert parameters(logged_in(site).post("/leave"))["post_logout_redirect_uri"] == f"{ORIGIN}/leave"


def test_the_return_uri_may_be_named_where_the_view_is(make_site: MakeSite, framework: Framework) -> None:
    """contract.md 1: oidc_logout(...)"""
    uri = f"{ORIGIN}/app/logout"
    site = make_site(
        views=views_with(framework, ("/leave", ["GET"]), post_logout_redirect_uri=uri),
        client_metadata=registered(RETURN_URI),
    )
    assert parameters(logged_in(site).get("/leave"))["post_logout_redirect_uri"] == uri


def test_a_view_of_a_blueprint_logs_out(make_site: MakeSite, framework: Framework) -> None:
    """contract.md 5: logout with blueprints"""

    def goodbye() -> str:
        return "goodbye"

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        blueprint = import_module(framework.name).Blueprint("account", __name__, url_prefix="/account")
        blueprint.add_url_rule("/leave", "leave", auth.oidc_logout(goodbye))
        app.register_blueprint(blueprint)

    provider = registered_provider(f"{ORIGIN}/account/leave")
    browser = logged_in(make_site(providers={"default": provider}, views=views))
    page = browser.get("/account/leave")
    assert parameters(page)["post_logout_redirect_uri"] == f"{ORIGIN}/account/leave"
    assert browser.get(provider.end_session(page.headers["location"]).url).text == "goodbye"
    assert browser.who() == {}


def registered_provider(return_uri: str, redirect_uri: str = f"{ORIGIN}/redirect_uri") -> SimulatedProvider:
    provider = new_provider()
    provider.register("client1", "secret1", redirect_uris=[redirect_uri], post_logout_redirect_uris=[return_uri])
    return provider


@pytest.mark.parametrize("by", ["GET", "POST"])
@pytest.mark.parametrize("mount", ["", "/app"])
@pytest.mark.parametrize(
    ("rule", "path", "uri"),
    [
        ("/leave", "/leave", "/leave"),
        ("/leave/", "/leave/", "/leave/"),
        ("/<tenant>/leave", "/acme/leave", "/acme/leave"),
        ("/<tenant>/leave", "/%C3%BC%20b/leave", "/%C3%BC%20b/leave"),
        ("/konto/abmelden", "/konto/abmelden?from=page", "/konto/abmelden"),
    ],
)
def test_the_view_is_the_return_url_wherever_it_is(
    make_site: MakeSite, framework: Framework, rule: str, path: str, uri: str, mount: str, by: str
) -> None:
    """contract.md 2, 5: a view of a blueprint, under an endpoint of its own, below a mount"""

    def goodbye(**_: str) -> str:
        return "goodbye"

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        blueprint = import_module(framework.name).Blueprint("inner", __name__)
        blueprint.add_url_rule(rule, "an-endpoint", auth.oidc_logout(goodbye), methods=["GET", "POST"])
        outer = import_module(framework.name).Blueprint("outer", __name__, url_prefix="/account")
        outer.register_blueprint(blueprint)
        app.register_blueprint(outer)

    redirect_uri = f"{ORIGIN}{mount}/redirect_uri"
    provider = registered_provider(f"{ORIGIN}{mount}/account{uri}", redirect_uri)
    config = {"OIDC_REDIRECT_URI": redirect_uri}
    site = make_site(providers={"default": provider}, views=views, config=config, root_path=mount)
    browser = site.browser()
    browser.log_in(f"{mount}/private")
    page = browser.request(by, f"{mount}/account{path}")
    assert parameters(page)["post_logout_redirect_uri"] == f"{ORIGIN}{mount}/account{uri}"
    assert browser.get(provider.end_session(page.headers["location"]).url).text == "goodbye"
    assert browser.get(f"{mount}/who").json() == {}


def test_below_a_mount_a_view_that_is_posted_to_comes_back_to_the_root_of_the_app(
    make_site: MakeSite, framework: Framework
) -> None:
    """contract.md 2: SCRIPT_NAME"""
    redirect_uri = f"{ORIGIN}/app/redirect_uri"
    provider = registered_provider(f"{ORIGIN}/app/", redirect_uri)
    views, config = views_with(framework, ("/leave", ["POST"])), {"OIDC_REDIRECT_URI": redirect_uri}
    site = make_site(providers={"default": provider}, views=views, config=config, root_path="/app")
    browser = site.browser()
    browser.log_in("/app/private")
    page = browser.post("/app/leave")
    back = provider.end_session(page.headers["location"])
    assert back.url.startswith(f"{ORIGIN}/app/?state=")
    assert browser.get(back.url).text == "public"
