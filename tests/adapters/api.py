"""An API written for Flask and for Quart, whose views are protected by tokens, and a client that calls it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

from oidc_async import Statistics
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.runtime.port import Runtime
from oidc_async.testing import SimulatedProvider
from tests.web.challenge import read_challenge

from .site import Browser, Framework, Page, Site, Views
from .toolbox import toolbox

Kind = Literal["sync", "async"]
View = Callable[..., Any]
MakeApi = Callable[..., "Api"]
BEARER = "Bearer"


def of_kind(kind: Kind, view: View) -> View:
    """The same view, for which the framework has to wait if it is async."""
    if kind == "sync":
        return view

    @wraps(view)
    async def waits(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return waits


@dataclass
class Api:
    """A site with views for tokens, and a client that calls it with no cookies except those it was given."""

    site: Site
    browser: Browser

    @property
    def provider(self) -> SimulatedProvider:
        return self.site.provider

    def token(self, scope: str = "read", provider: SimulatedProvider | None = None, **options: Any) -> str:
        """A valid token for alice."""
        issuing = provider or self.provider
        return issuing.issue_access_token("client1", **{"scope": scope, "username": "alice", **options})

    def call(self, path: str = "/api", token: str | None = None, method: str = "GET", **kwargs: Any) -> Page:
        given: Mapping[str, str] = kwargs.pop("headers", None) or {}
        bearer = {} if token is None else {"authorization": f"Bearer {token}"}
        return self.browser.request(method, path, headers={**bearer, **given}, **kwargs)

    def identity(self, path: str = "/api", token: str | None = None) -> dict[str, Any] | None:
        page = self.call(path, token)
        assert page.status_code == 200, page.text
        identity: dict[str, Any] | None = page.json()
        return identity

    def statistics(self, name: str = "default") -> Statistics:
        of_each: dict[str, Statistics] = self.site.auth.statistics()
        return of_each[name]

    def asked(self, provider: SimulatedProvider | None = None) -> int:
        """How often a token was introspected."""
        return (provider or self.provider).count("introspection")


def api_views(framework: Framework, kind: Kind = "sync") -> Views:
    """`/api` and `/read` want a token, `/both` a token or a login, `/open` nothing."""
    tools = toolbox(framework)

    def add_views(app: Any, auth: Any) -> None:
        def identity() -> Any:
            return tools.jsonify(auth.current_token_identity)

        def add(path: str, decorator: Callable[[View], View]) -> None:
            app.add_url_rule(path, path, decorator(of_kind(kind, identity)), methods=["GET", "POST", "PUT"])

        add("/api", auth.token_auth("default"))
        add("/read", auth.token_auth("default", ["read"]))
        add("/open", lambda view: view)
        add("/both", auth.access_control("default"))
        add("/private", auth.oidc_auth("default"))

    return add_views


def protected(framework: Framework, kind: Kind = "sync", *names: Any, **asked: Any) -> Callable[[Any, Any], None]:
    """The view `/api` behind `token_auth` with these arguments; it tells the subject."""
    tools = toolbox(framework)

    def add_views(app: Any, auth: Any) -> None:
        def subject() -> Any:
            return tools.jsonify(auth.current_token_identity["sub"])

        app.add_url_rule("/api", "api", auth.token_auth(*(names or ("default",)), **asked)(of_kind(kind, subject)))

    return add_views


def challenge_of(page: Page) -> dict[str, str]:
    """The parameters of the one Bearer challenge that the page has."""
    (header,) = page.headers.get_list("www-authenticate")
    scheme, parameters = read_challenge(header)
    assert scheme == "Bearer"
    return parameters


def require_rejection(page: Page, status: int, error: str, **challenge: str) -> None:
    """As RFC 6750 3 and 3.1 have it, and in JSON."""
    assert page.status_code == status
    seen = challenge_of(page)
    told = page.json()
    assert page.headers["content-type"] == "application/json"
    assert page.headers["cache-control"] == "no-store"
    assert told["error"] == error
    assert seen.pop("error") == error
    assert seen.pop("error_description") == told["error_description"]
    assert seen == challenge


class Detour:
    """A runtime like another one, except for what happens to the requests to one endpoint on their way."""

    def __init__(self, origin: Runtime, endpoint: str = "/introspect") -> None:
        self._origin, self._endpoint = origin, endpoint

    def __getattr__(self, name: str) -> Any:
        return getattr(self._origin, name)

    async def send(self, request: HttpRequest) -> HttpResponse:
        if request.url.endswith(self._endpoint):
            await self.on_the_way()
        return await self._origin.send(request)

    async def on_the_way(self) -> None:
        raise NotImplementedError
