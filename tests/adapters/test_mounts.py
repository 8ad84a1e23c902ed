"""Applications below a path and behind proxies: what the browser sees decides, and only where it is declared."""

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypercorn.middleware import DispatcherMiddleware as AsgiDispatcher
from hypercorn.middleware import ProxyFixMiddleware
from werkzeug.middleware.dispatcher import DispatcherMiddleware as WsgiDispatcher
from werkzeug.middleware.proxy_fix import ProxyFix

from oidc_async import RedirectUriConfig

from .site import ORIGIN, SECRET_KEY, Browser, FlaskFramework, Framework, Page, QuartFramework, Site, new_provider

BELOW = f"{ORIGIN}/app/redirect_uri"

App = Any
Front = Callable[[App], App]
"""Puts a server or a proxy in front of an app."""


def wsgi_dispatcher(app: App) -> App:
    return WsgiDispatcher(not_found, {"/app": app})


def wsgi_proxy(app: App) -> App:
    """A proxy that takes the prefix away and says so; the app believes it."""
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)

    def proxy(environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"].removeprefix("/app")
        return app({**environ, "PATH_INFO": path, "HTTP_X_FORWARDED_PREFIX": "/app"}, start_response)

    return proxy


def not_found(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [("Content-Length", "0")])
    return []


def wsgi_server(app: App) -> App:
    """A server whose prefix ends with a slash."""
    return lambda environ, start_response: app(
        {**environ, "SCRIPT_NAME": "/app/", "PATH_INFO": environ["PATH_INFO"].removeprefix("/app")}, start_response
    )


def asgi_dispatcher(app: App) -> App:
    return AsgiDispatcher({"/app": app})


def asgi_server(app: App) -> App:
    """A server that is started with a root path, as with `--root-path`."""

    async def server(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": "/app"}, receive, send)

    return server


FRONTS = [
    pytest.param(FlaskFramework(), wsgi_dispatcher, id="flask-dispatcher"),
    pytest.param(FlaskFramework(), wsgi_proxy, id="flask-proxy"),
    pytest.param(FlaskFramework(), wsgi_server, id="flask-server"),
    pytest.param(QuartFramework(), asgi_dispatcher, id="quart-dispatcher"),
    pytest.param(QuartFramework(), asgi_server, id="quart-server"),
]
below_a_path = pytest.mark.parametrize(("framework", "front"), FRONTS)
MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "sqlite")
Browse = Callable[..., Browser]


def browser_before(site: Site, front: Front) -> Browser:
    site.browsers.append(Browser(site, site.framework.client(front(site.app), "")))
    return site.browsers[-1]


@pytest.fixture
def browse(make_site: MakeSite) -> Browse:
    """Opens a browser in front of an app whose redirect URI is below a path."""

    def opened(front: Front, redirect_uri: str = BELOW, **options: Any) -> Browser:
        providers = {"default": new_provider(redirect_uri=redirect_uri)}
        return browser_before(
            make_site(providers=providers, config={"OIDC_REDIRECT_URI": redirect_uri}, **options), front
        )

    return opened


@below_a_path
@pytest.mark.parametrize("path", ["/app/private", "/app/deep/a/b?c=d&e=%2F", "/app/deep/%C3%BC%20x"])
def test_a_login_below_a_path_comes_back_to_the_page(browse: Browse, front: Front, path: str) -> None:
    browser = browse(front)
    back = browser.come_back(browser.begin_login(path))
    assert (back.status_code, back.headers["location"]) == (302, path)
    assert browser.get(path).status_code == 200


@below_a_path
def test_a_logout_below_a_path_comes_back_to_the_view(browse: Browse, front: Front) -> None:
    browser = browse(front)
    browser.log_in("/app/private")
    url = browser.get("/app/logout").headers["location"]
    assert parse_qs(urlsplit(url).query)["post_logout_redirect_uri"] == [f"{ORIGIN}/app/logout"]
    assert browser.get(browser.site.provider.end_session(url).url).text == "logged out"


@below_a_path
def test_a_page_that_takes_every_path_leaves_the_redirect_uri_to_us(browse: Browse, front: Front) -> None:
    def views(app: App, auth: Any) -> None:
        app.add_url_rule("/<path:anything>", "all", auth.oidc_auth("default")(lambda anything: anything))

    browser = browse(front, views=views)
    assert browser.log_in("/app/private").text == "private"


@below_a_path
def test_the_hooks_of_the_app_run_before_the_redirect_uri(browse: Browse, front: Front) -> None:
    seen: list[str] = []

    def views(app: App, auth: Any) -> None:
        app.before_request(lambda: seen.append("before"))
        auth.error_view(lambda **_: f"seen {seen}")

    assert browse(front, views=views).get("/app/redirect_uri").text == "seen ['before']"


@below_a_path
def test_other_methods_at_the_redirect_uri_are_rejected_below_a_path(browse: Browse, front: Front) -> None:
    browser = browse(front)
    assert browser.request("PUT", BELOW).status_code == 405


@below_a_path
def test_other_paths_below_it_are_not_ours(browse: Browse, front: Front) -> None:
    browser = browse(front)
    assert browser.get("/app/other?state=x&code=y").status_code == 404
    assert browser.get("/app/redirect_uri?state=x&code=y").status_code == 400


@pytest.mark.parametrize(
    ("framework", "front"),
    [
        pytest.param(FlaskFramework(), lambda app: WsgiDispatcher(app, {"/app": app}), id="flask"),
        pytest.param(QuartFramework(), lambda app: AsgiDispatcher({"/app": app, "": app}), id="quart"),
    ],
)
def test_an_app_at_two_paths_has_one_redirect_uri(browse: Browse, front: Front) -> None:
    browser = browse(front, redirect_uri=f"{ORIGIN}/redirect_uri")
    back = browser.come_back(browser.begin_login("/app/private"))
    assert back.headers["location"] == "/app/private"
    assert browser.get("/app/private").text == browser.get("/private").text == "private"


def test_the_application_root_is_not_a_mount(make_site: MakeSite) -> None:
    assert make_site(config={"APPLICATION_ROOT": "/app"}).browser().log_in("/private").text == "private"


@below_a_path
def test_the_application_root_may_name_the_mount(make_site: MakeSite, front: Front) -> None:
    providers = {"default": new_provider(redirect_uri=BELOW)}
    site = make_site(providers=providers, config={"APPLICATION_ROOT": "/app", "OIDC_REDIRECT_URI": BELOW})
    assert browser_before(site, front).log_in("/app/private").text == "private"


def test_a_proxy_may_take_the_prefix_away_without_a_word(make_site: MakeSite, framework: Framework) -> None:
    site = make_site(providers={"default": new_provider(redirect_uri=BELOW)})
    app = framework.new_app()
    app.config.update(SECRET_KEY=SECRET_KEY)
    configurations = {name: client.configuration for name, client in site.web.clients.items()}
    redirect_uri = RedirectUriConfig(BELOW, "redirect_uri")
    site.app, site.auth = app, framework.new_authentication(configurations, app, redirect_uri)
    framework.add_standard_views(app, site.auth)
    browser = site.browser()
    callback = browser.begin_login("/private")
    assert callback.url.startswith(BELOW)
    assert browser.get(callback.url.replace("/app/", "/")).status_code == 302
    assert browser.get("/private").text == "private"


# Proxies in front of the host: they end TLS and speak to the app under a name of its own.


class Proxy:
    """In front of a client: everything reaches the app as http://app:8000, with what proxies say of the browser."""

    def __init__(self, client: Any, headers: dict[str, str]) -> None:
        self._client, self._headers = client, headers
        self.cookies = client.cookies

    def request(self, method: str, url: str, **kwargs: Any) -> Page:
        # cookies are the browser's matter, and it sees https
        cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies.jar)
        headers = {**(kwargs.pop("headers", None) or {}), "host": "app:8000", "cookie": cookie, **self._headers}
        page: Page = self._client.request(method, url.replace(ORIGIN, "http://app:8000"), headers=headers, **kwargs)
        self.cookies.update({cookie.name: cookie.value or "" for cookie in page.cookies.jar})
        return page

    def close(self) -> None:
        self._client.close()


DECLARED: dict[str, Front] = {
    "flask": lambda app: ProxyFix(app, x_for=1, x_proto=1, x_host=1),
    "quart": lambda app: ProxyFixMiddleware(app, mode="legacy", trusted_hops=1),
}
SAID = {"x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https", "x-forwarded-host": "rp.example"}


@pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "undeclared"])
def test_a_login_behind_a_proxy(make_site: MakeSite, is_declared: bool, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 169"""
    site = make_site()
    front = DECLARED[site.framework.name](site.app) if is_declared else site.app
    browser = Browser(site, Proxy(site.framework.client(front, ""), SAID))
    site.browsers.append(browser)
    with caplog.at_level(logging.WARNING, "oidc_async"):
        assert browser.log_in("/private").text == "private"
    # it works either way; a warning says that the proxy was not declared
    warned = ["a login starts on the host 'app:8000'" in record.message for record in caplog.records]
    assert warned == ([] if is_declared else [True])


@pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "undeclared"])
def test_what_a_browser_says_of_proxies_decides_nothing(make_site: MakeSite, is_declared: bool) -> None:
    """threat model 169"""
    forged = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "http",
        "x-forwarded-prefix": "/evil",
        "forwarded": "host=evil.example;proto=http",
    }
    site = make_site()
    browser = browser_before(site, DECLARED[site.framework.name] if is_declared else lambda app: app)
    page = browser.get("/private", headers=forged)
    sent = parse_qs(urlsplit(page.headers["location"]).query)
    assert sent["redirect_uri"] == [f"{ORIGIN}/redirect_uri"]
    assert "Secure" in page.headers["set-cookie"]
    back = browser.get(site.provider.authorize(page.headers["location"]).url, headers=forged)
    assert back.headers["location"] == "/private"
    leaving = browser.get("/logout", headers=forged)
    assert parse_qs(urlsplit(leaving.headers["location"]).query)["post_logout_redirect_uri"] == [f"{ORIGIN}/logout"]
