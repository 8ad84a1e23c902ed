"""A site of the adapters' tests with one popular extension beside ours, installed before or after it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from oidc_async.runtime.port import Runtime
from oidc_async.testing import SimulatedProvider
from tests.adapters.api import Api
from tests.adapters.site import (
    ORIGIN,
    AsgiClient,
    Browser,
    Client,
    FlaskFramework,
    Framework,
    QuartFramework,
    Site,
    new_site,
)

Order = Literal["first", "last"]
"""Whether the extension is installed before ours, or after it and its views."""


def nothing_more(*_: Any) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A popular extension.

    Parameters:
        name: its name on the package index.
        framework: what it extends.
        install: puts it on an app, and returns what `add_views` needs of it.
        new_app: makes the app, where the extension brings a class of its own.
        add_views: adds views that use it; called with the app, our extension and what `install` returned.
        shows: asserts that it does its work, given a browser that is logged in and a client of the API.
        documents: the path of the OpenAPI document that it makes.
        documented: a path that has to be in there.
    """

    name: str
    framework: Framework
    install: Callable[[Any], Any]
    new_app: Callable[[], Any] | None = None
    add_views: Callable[[Any, Any, Any], None] = nothing_more
    shows: Callable[[Browser, Api], None] = nothing_more
    documents: str | None = None
    documented: str | None = None


@dataclass
class Beside:
    """A framework whose apps have a neighbour's extension, too."""

    neighbour: Neighbour
    order: Order
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def name(self) -> str:
        return self.neighbour.framework.name

    def __getattr__(self, name: str) -> Any:
        return getattr(self.neighbour.framework, name)

    def runtime(self, provider: SimulatedProvider) -> Runtime:
        return self.neighbour.framework.runtime(provider)

    def new_app(self) -> Any:
        make = self.neighbour.new_app or self.neighbour.framework.new_app
        app = make()
        app.config.update(self.config)
        return app

    def new_authentication(self, configurations: Any, app: Any) -> Any:
        if self.order == "first":
            installed = self.neighbour.install(app)
            auth = self.neighbour.framework.new_authentication(configurations, app)
        else:
            auth = self.neighbour.framework.new_authentication(configurations, app)
            installed = self.neighbour.install(app)
        self.neighbour.add_views(app, auth, installed)
        return auth

    def client(self, app: Any, root_path: str) -> Client:
        client = self.neighbour.framework.client(app, root_path)
        if isinstance(client, AsgiClient):
            # as a server does: some extensions open their connections then
            client.run(app.startup())
        return client


def flask_neighbour(name: str, install: Callable[[Any], Any], **options: Any) -> Neighbour:
    return Neighbour(name=name, framework=FlaskFramework(), install=install, **options)


def quart_neighbour(name: str, install: Callable[[Any], Any], **options: Any) -> Neighbour:
    return Neighbour(name=name, framework=QuartFramework(), install=install, **options)


def site_beside(neighbour: Neighbour, order: Order, mode: str, config: Mapping[str, Any]) -> Site:
    """A site whose provider answers logins by this response mode, and which has all of our routes."""
    beside = Beside(neighbour, order, config)
    return new_site(
        beside,  # type: ignore[arg-type]
        views=_all_views(beside),
        config={
            "OIDC_BACKCHANNEL_LOGOUT_URI": f"{ORIGIN}/backchannel_logout",
            "OIDC_STORE": "memory:",
        },
        auth_request_params={"scope": ["openid"], "response_mode": mode},
    )


def _all_views(beside: Beside) -> Callable[[Any, Any], None]:
    def add(app: Any, auth: Any) -> None:
        beside.neighbour.framework.add_standard_views(app, auth)
        _add_api(app, auth)

    return add


def _add_api(app: Any, auth: Any) -> None:
    def api() -> Any:
        """A view for tokens."""
        return auth.current_token_identity["sub"]

    app.add_url_rule("/api", "api", auth.token_auth("default", ["read"])(api), methods=["GET", "POST"])
