"""One application written for Flask and for Quart, and a browser that visits either in the same words."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import httpx
from flask_oidc_async import OIDCAuthentication as FlaskAuthentication
from quart_oidc_async import OIDCAuthentication as QuartAuthentication
from werkzeug.test import EnvironBuilder, run_wsgi_app

from oidc_async import ClientMetadata, ProviderConfiguration
from oidc_async.protocol.response_type import RESPONSE_TYPES
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.testing import Callback, SimulatedProvider
from oidc_async.web.application import WebApplication

ORIGIN = "https://rp.example"
REDIRECT_URI = f"{ORIGIN}/redirect_uri"
SECRET_KEY = "a secret of the tests, long enough"

T = TypeVar("T")
Page = httpx.Response
Views = Callable[[Any, Any], None]
"""Adds views to an app: called with the app and its OIDCAuthentication."""


class Framework(Protocol):
    """What differs between Flask and Quart, for those who write a site."""

    name: str

    def new_app(self) -> Any: ...

    def new_authentication(self, *args: Any, **kwargs: Any) -> Any: ...

    def runtime(self, provider: SimulatedProvider) -> Runtime: ...

    def client(self, app: Any, root_path: str) -> "Client": ...

    def add_standard_views(self, app: Any, auth: Any) -> None: ...

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """The result of a call of a store's face for this framework."""
        ...


class Client(Protocol):
    """An HTTP client inside of this process. `request` follows no redirect and keeps cookies."""

    cookies: httpx.Cookies

    def request(self, method: str, url: str, **kwargs: Any) -> Page: ...

    def close(self) -> None: ...


@dataclass
class Browser:
    """A browser with its own cookies, in front of one site."""

    site: "Site"
    client: Client

    @property
    def cookies(self) -> httpx.Cookies:
        return self.client.cookies

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Page:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, data: Mapping[str, str] | None = None, **kwargs: Any) -> Page:
        return self.request("POST", path, data=data or {}, **kwargs)

    def request(self, method: str, path: str, **kwargs: Any) -> Page:
        return self.client.request(method, urljoin(ORIGIN, path), **kwargs)

    def begin_login(self, path: str = "/private", **authorize: Any) -> Callback:
        """Open a protected page and log in at the provider: what the provider sends the browser back with."""
        page = self.get(path)
        assert page.status_code == 302, page.text
        return self.site.provider_of(page.headers["location"]).authorize(page.headers["location"], **authorize)

    def come_back(self, callback: Callback) -> Page:
        """Bring the provider's answer to the redirect URI, and do what the page there makes a browser do."""
        if callback.method == "POST":
            # of another site's form our cookies, all of them SameSite=Lax, know nothing
            page = self.site.browser().post(callback.url, data=callback.form)
        else:
            page = self.get(callback.url)
        fields = relayed_fields(page, callback.url)
        return self.post(callback.url.partition("#")[0], data=fields) if fields else page

    def log_in(self, path: str = "/private", **authorize: Any) -> Page:
        """A whole login; the page that the browser ends on."""
        page = self.come_back(self.begin_login(path, **authorize))
        assert page.status_code in (302, 303), (page.status_code, page.text)
        return self.get(page.headers["location"])

    def who(self) -> dict[str, Any]:
        """What `/who` tells: the session as the application sees it; empty when nobody is logged in."""
        shown: dict[str, Any] = self.get("/who").json()
        return shown


def relayed_fields(page: Page, url: str) -> dict[str, str]:
    """What the script of our page at `url` posts; nothing when it is another page."""
    fields = {name: unescape(value) for name, value in _HIDDEN_FIELD.findall(page.text)}
    if fields.get("response_mode") == "fragment":
        fields["authorization_response"] = urlsplit(url).fragment
    return fields


_HIDDEN_FIELD = re.compile('<input type="hidden" name="([^"]*)" value="([^"]*)">')


@dataclass
class Site:
    """An app behind ORIGIN, and the providers that its logins go to."""

    framework: Framework
    app: Any
    auth: Any
    providers: list[SimulatedProvider]
    root_path: str = ""
    browsers: list[Browser] = field(default_factory=list[Browser])

    @property
    def provider(self) -> SimulatedProvider:
        return self.providers[0]

    @property
    def web(self) -> WebApplication:
        application: WebApplication = self.app.extensions["oidc_async"].application
        return application

    def provider_of(self, url: str) -> SimulatedProvider:
        return next(provider for provider in self.providers if url.startswith(provider.issuer))

    def browser(self) -> Browser:
        browser = Browser(self, self.framework.client(self.app, self.root_path))
        self.browsers.append(browser)
        return browser

    def close(self) -> None:
        for browser in self.browsers:
            browser.client.close()
        if self.web.store is not None:
            self.framework.run(self.web.store.close())


def new_provider(issuer: str = "https://op.example", redirect_uri: str = REDIRECT_URI) -> SimulatedProvider:
    provider = SimulatedProvider(issuer=issuer)
    provider.register(
        "client1",
        "secret1",
        redirect_uris=[redirect_uri],
        response_types=RESPONSE_TYPES,
        post_logout_redirect_uris=[f"{ORIGIN}/logout", f"{ORIGIN}/app/logout"],
    )
    provider.add_user("alice", claims={"name": "Alice", "email": "alice@example.com"})
    provider.add_user("bob")
    return provider


def new_site(
    framework: Framework,
    *,
    providers: Mapping[str, SimulatedProvider] | None = None,
    views: Views | None = None,
    config: Mapping[str, Any] | None = None,
    root_path: str = "",
    **configuration: Any,
) -> Site:
    """A site with the standard views (or `views`), whose providers are simulated.

    `config` is merged into the app's settings, `configuration` goes to each ProviderConfiguration.
    """
    simulated = dict(providers or {"default": new_provider()})
    app = framework.new_app()
    app.config.update(OIDC_REDIRECT_URI=REDIRECT_URI, SECRET_KEY=SECRET_KEY)
    app.config.update(config or {})
    configurations = {
        name: ProviderConfiguration(
            **{
                "issuer": provider.issuer,
                "client_metadata": ClientMetadata("client1", "secret1"),
                "runtime": framework.runtime(provider),
                **configuration,
            }
        )
        for name, provider in simulated.items()
    }
    auth = framework.new_authentication(configurations, app)
    (views or framework.add_standard_views)(app, auth)
    return Site(framework, app, auth, list(simulated.values()), root_path)


class FlaskFramework:
    name = "flask"

    def new_app(self) -> Any:
        from flask import Flask

        app = Flask("site")
        app.config.update(TESTING=True)
        return app

    def new_authentication(self, *args: Any, **kwargs: Any) -> Any:
        return FlaskAuthentication(*args, **kwargs)

    def runtime(self, provider: SimulatedProvider) -> Runtime:
        return provider.blocking_runtime()

    def client(self, app: Any, root_path: str) -> Client:
        return cast(Client, httpx.Client(transport=WsgiTransport(app, root_path)))

    def add_standard_views(self, app: Any, auth: Any) -> None:
        from .flask_views import add_views

        add_views(app, auth)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return run_without_loop(call)


class QuartFramework:
    name = "quart"

    def new_app(self) -> Any:
        from quart import Quart

        app = Quart("site")
        app.config.update(TESTING=True)
        return app

    def new_authentication(self, *args: Any, **kwargs: Any) -> Any:
        return QuartAuthentication(*args, **kwargs)

    def runtime(self, provider: SimulatedProvider) -> Runtime:
        return provider.async_runtime()

    def client(self, app: Any, root_path: str) -> Client:
        return AsgiClient(app, root_path)

    def add_standard_views(self, app: Any, auth: Any) -> None:
        from .quart_views import add_views

        add_views(app, auth)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(call)


class AsgiClient:
    """httpx's async client over an ASGI app, on an event loop of its own, without `await`."""

    def __init__(self, app: Any, root_path: str) -> None:
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app, root_path=root_path))
        self.cookies = self._client.cookies

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """The result of `call` on the event loop that the app is served on."""
        return self._runner.run(call)

    def request(self, method: str, url: str, **kwargs: Any) -> Page:
        return self.run(self._client.request(method, url, **kwargs))

    def close(self) -> None:
        self.run(self._client.aclose())
        self._runner.close()


class WsgiTransport(httpx.BaseTransport):
    """Calls a WSGI app as servers do, who tell it the path as it was sent and, apart from it, where it is mounted."""

    def __init__(self, app: Any, root_path: str) -> None:
        self._app, self._root_path = app, root_path

    def handle_request(self, request: httpx.Request) -> Page:
        raw_path, _, query = request.url.raw_path.partition(b"?")
        environ = EnvironBuilder(
            method=request.method,
            base_url=f"{request.url.scheme}://{request.headers['host']}/",
            headers=[(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw],
            data=request.read(),
        ).get_environ()
        environ["SCRIPT_NAME"] = self._root_path
        environ["PATH_INFO"] = unquote_to_bytes(raw_path).decode("latin-1").removeprefix(self._root_path)
        environ["QUERY_STRING"] = query.decode("latin-1")
        environ["REQUEST_URI"] = request.url.raw_path.decode("latin-1")
        body, status, headers = run_wsgi_app(self._app, environ, buffered=True)
        return Page(int(status.split()[0]), headers=list(headers), content=b"".join(body))


@dataclass(frozen=True, kw_only=True)
class SetCookie:
    """One Set-Cookie header, as a browser reads it."""

    name: str
    value: str = field(repr=False)
    attributes: Mapping[str, str]

    @property
    def is_deletion(self) -> bool:
        return self.attributes.get("max-age") == "0"


def cookies_of(page: Page) -> dict[str, SetCookie]:
    """The cookies that a page sets or deletes, by name. Each is there once."""
    cookies: dict[str, SetCookie] = {}
    for header in page.headers.get_list("set-cookie"):
        first, *rest = header.split("; ")
        name, _, value = first.partition("=")
        assert name not in cookies, f"{name} is set twice"
        attributes = {key.lower(): text for key, _, text in (part.partition("=") for part in rest)}
        cookies[name] = SetCookie(name=name, value=value, attributes=attributes)
    return cookies
