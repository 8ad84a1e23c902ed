# mypy: disable-error-code="untyped-decorator"
"""A decorator in the wrong place: the page would be open to everybody. threat model 386."""

import asyncio
import functools
import importlib
import inspect
import re
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from oidc_async import ClientMetadata, ConfigurationError, ProviderConfiguration

from .site import REDIRECT_URI, SECRET_KEY, Framework, Site
from .sockets import converse

MakeSite = Callable[..., Site]
PROVIDER = ProviderConfiguration("https://op.example", client_metadata=ClientMetadata("client1", "secret1"))


def logged(view: Any) -> Any:
    if inspect.iscoroutinefunction(view):

        @functools.wraps(view)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            return await view(*args, **kwargs)

        return async_wrapper

    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return wrapper


def decorated(app: Any, auth: Any) -> None:
    @auth.oidc_auth("default")
    @app.route("/page")
    def page() -> str:
        return "page"


def decorated_by_others_between(app: Any, auth: Any) -> None:
    @auth.oidc_auth("default")
    @logged
    @app.route("/page")
    def page() -> str:
        return "page"


def decorated_by_others_below(app: Any, auth: Any) -> None:
    @auth.oidc_auth("default")
    @app.route("/page")
    @logged
    def page() -> str:
        return "page"


def wrapped_again_by_an_extension(app: Any, auth: Any) -> None:
    decorated(app, auth)
    app.view_functions["page"] = logged(app.view_functions["page"])


def in_a_blueprint(app: Any, auth: Any) -> None:
    blueprint = importlib.import_module(type(app).__name__.lower()).Blueprint("inner", "inner")
    decorated(blueprint, auth)
    app.register_blueprint(blueprint)


def as_a_class(app: Any, auth: Any) -> None:
    class Page(importlib.import_module(f"{type(app).__name__.lower()}.views").MethodView):  # type: ignore[misc]
        def get(self) -> str:
            return "page"

    view = Page.as_view("page")
    app.add_url_rule("/page", view_func=view)
    auth.oidc_auth("default")(view)


def for_tokens(app: Any, auth: Any) -> None:
    @auth.token_auth("default")
    @app.route("/page")
    def page() -> str:
        return "page"


def for_either(app: Any, auth: Any) -> None:
    @auth.access_control("default")
    @app.route("/page")
    def page() -> str:
        return "page"


def at_logout(app: Any, auth: Any) -> None:
    @auth.oidc_logout
    @app.route("/page")
    def page() -> str:
        return "page"


def asynchronous(app: Any, auth: Any) -> None:
    @auth.oidc_auth("default")
    @app.route("/page")
    async def page() -> str:
        return "page"


def telling(make_site: MakeSite, views: Any) -> Site:
    """A site whose pages show what is wrong with its configuration."""
    site = make_site(views=views)
    site.app.register_error_handler(ConfigurationError, lambda error: (error.message, 500))
    return site


@pytest.mark.parametrize(
    "views",
    [
        decorated,
        decorated_by_others_between,
        decorated_by_others_below,
        wrapped_again_by_an_extension,
        in_a_blueprint,
        as_a_class,
        for_tokens,
        for_either,
        at_logout,
        asynchronous,
    ],
)
def test_a_decorator_above_the_route_is_an_error_of_every_request(make_site: MakeSite, views: Any) -> None:
    """threat model 386"""
    site = telling(make_site, views)
    endpoint = "inner.page" if views is in_a_blueprint else "page"
    for path in ("/page", "/nowhere", "/page"):
        page = site.browser().get(path)
        assert page.status_code == 500
        assert page.text.startswith(f"Not protected: endpoint {endpoint!r} (view {__name__}.")
        assert "Write @app.route(...) first" in page.text


def test_in_production_it_is_an_error_without_a_page(make_site: MakeSite) -> None:
    """threat model 386"""
    page = make_site({"TESTING": False}, views=decorated).browser().get("/page")
    assert page.status_code == 500
    assert "endpoint" not in page.text


def test_the_error_names_each_of_them(make_site: MakeSite) -> None:
    def views(app: Any, auth: Any) -> None:
        decorated(app, auth)

        def other() -> str:
            return "other"

        app.add_url_rule("/other", view_func=other)
        auth.oidc_logout(other)

    assert re.search("endpoint 'page' .*, endpoint 'other'", telling(make_site, views).browser().get("/").text)


MODULE = """
@{first}
@{second}
def page():
    return "page"
"""


@pytest.fixture
def run_module() -> Any:
    """Runs source as a module of its own."""
    names: list[str] = []

    def run(source: str, app: Any, auth: Any) -> Any:
        module = types.ModuleType(f"of_a_test_{len(names)}")
        names.append(module.__name__)
        sys.modules[module.__name__] = module
        vars(module).update(app=app, auth=auth)
        exec(source, vars(module))
        return module

    yield run
    for name in names:
        del sys.modules[name]


@pytest.mark.parametrize("is_open", [True, False])
def test_in_a_module_as_well(make_site: MakeSite, run_module: Any, is_open: bool) -> None:
    """threat model 386"""
    first, second = 'auth.oidc_auth("default")', 'app.route("/page")'
    source = MODULE.format(first=first, second=second) if is_open else MODULE.format(first=second, second=first)
    site = telling(make_site, lambda app, auth: run_module(source, app, auth))
    if is_open:
        assert "(view of_a_test_0.page)" in site.browser().get("/page").text
    else:
        assert site.browser().log_in("/page").text == "page"


def test_quart_says_so_when_it_starts(make_site: MakeSite, framework: Framework) -> None:
    if framework.name == "flask":
        # which does not announce that it starts
        assert not hasattr(framework.new_app(), "startup")
        return
    site = make_site(views=decorated)
    with pytest.raises(ConfigurationError, match="endpoint 'page'"):
        asyncio.run(site.app.startup())


def test_quart_says_so_to_a_web_socket_where_no_server_announces_a_start(
    make_site: MakeSite, framework: Framework
) -> None:
    """threat model 386: an app below another one never learns of the start"""
    if framework.name == "flask":
        # which has no WebSockets
        assert not hasattr(framework.new_app(), "websocket")
        return

    def views(app: Any, auth: Any) -> None:
        async def talk() -> None:
            raise AssertionError("it was opened")

        app.add_websocket("/talk", "talk", talk)
        auth.oidc_auth("default")(talk)

    site = telling(make_site, views)
    for _ in range(2):
        rejected = converse(site.app, "/talk")
        assert (rejected.status, rejected.body[:31]) == (500, b"Not protected: endpoint 'talk' ")


# What is not a mistake


def an_object_that_can_not_be_hashed(app: Any, auth: Any) -> None:
    @dataclass
    class View:
        text: str

        def __call__(self) -> str:
            return self.text

    app.add_url_rule("/page", "page", View("page"))
    app.add_url_rule("/private", "private", auth.oidc_auth("default")(View("private")))


def methods_of_an_object(app: Any, auth: Any) -> None:
    class Pages:
        def page(self) -> str:
            return "page"

    pages = Pages()
    app.add_url_rule("/page", "page", pages.page)
    app.add_url_rule("/private", "private", auth.oidc_auth("default")(pages.page))


def served_twice(app: Any, auth: Any) -> None:
    def page() -> str:
        return "page"

    app.add_url_rule("/page", "open", page)
    app.add_url_rule("/private", "private", auth.oidc_auth("default")(page))


def protected_below_other_decorators(app: Any, auth: Any) -> None:
    @app.route("/private")
    @logged
    @auth.oidc_auth("default")
    @logged
    def private() -> str:
        return "private"


def protected_twice(app: Any, auth: Any) -> None:
    @app.route("/private")
    @auth.oidc_auth("default")
    @auth.oidc_auth("default")
    def private() -> str:
        return "private"


def called_by_hand(app: Any, auth: Any) -> None:
    @auth.oidc_auth("default")
    def members() -> str:
        return "for members"

    app.add_url_rule("/page", "page", lambda: "page")
    app.add_url_rule("/choice", "choice", lambda: members())


def as_a_hook(app: Any, auth: Any) -> None:
    app.add_url_rule("/page", "page", lambda: "page")
    blueprint = importlib.import_module(type(app).__name__.lower()).Blueprint("inner", "inner")
    blueprint.before_request(auth.oidc_auth("default")(lambda: None))
    app.register_blueprint(blueprint)


def by_the_decorators_of_a_class(app: Any, auth: Any) -> None:
    class Page(importlib.import_module(f"{type(app).__name__.lower()}.views").MethodView):  # type: ignore[misc]
        decorators = (auth.oidc_auth("default"),)

        def get(self) -> str:
            return "page"

    app.add_url_rule("/private", view_func=Page.as_view("private"))


def on_the_method_of_a_class(app: Any, auth: Any) -> None:
    class Page(importlib.import_module(f"{type(app).__name__.lower()}.views").MethodView):  # type: ignore[misc]
        def get(self) -> str:
            return "page"

        post = auth.oidc_auth("default")(get)

    app.add_url_rule("/page", view_func=Page.as_view("page"))


@pytest.mark.parametrize(
    "views",
    [
        an_object_that_can_not_be_hashed,
        methods_of_an_object,
        served_twice,
        protected_below_other_decorators,
        protected_twice,
        called_by_hand,
        as_a_hook,
        by_the_decorators_of_a_class,
        on_the_method_of_a_class,
    ],
)
def test_intended_views_are_not_an_error(make_site: MakeSite, views: Any) -> None:
    site = make_site(views=views)
    browser = site.browser()
    paths = {rule.rule for rule in site.app.url_map.iter_rules()}
    assert paths & {"/page", "/private"}
    if "/page" in paths:
        assert browser.get("/page").text == "page"
    if "/private" in paths:
        assert browser.get("/private").status_code == 302


def test_a_function_that_a_module_passes_to_a_decorator_stays_what_it_is(
    make_site: MakeSite, run_module: Any
) -> None:
    """It is served openly, and what was made of it is called by hand, or served by another app."""
    source = """
@app.route("/page")
def page():
    return "page"


protected = auth.oidc_auth("default")(page)
"""
    site = make_site(views=lambda app, auth: run_module(source, app, auth))
    assert site.browser().get("/page").text == "page"


def test_a_view_that_is_open_in_one_app_may_be_protected_in_another(framework: Framework) -> None:
    auth = framework.new_authentication({"default": PROVIDER})

    def page() -> str:
        return "page"

    def new_app(view: Any) -> Any:
        app = framework.new_app()
        app.config.update(OIDC_REDIRECT_URI=REDIRECT_URI, SECRET_KEY=SECRET_KEY)
        auth.init_app(app)
        app.add_url_rule("/page", "page", view)
        return app

    apps = [new_app(page), new_app(auth.oidc_auth("default")(page))]
    browser = Site(framework, apps[0], auth, []).browser()
    assert browser.get("/page").text == "page"
    browser.client.close()


def test_an_app_that_the_extension_does_not_serve_is_not_looked_at(make_site: MakeSite, framework: Framework) -> None:
    site, other = make_site(), framework.new_app()
    decorated(other, site.auth)
    assert site.browser().get("/").text == "public"


def test_functions_that_are_protected_with_each_request_are_not_kept(site: Site) -> None:
    for _ in range(50):
        site.auth.oidc_auth("default")(lambda: "made for one request")
    assert len(site.auth.protected_views) < 50


def test_the_error_view_and_the_hook_after_a_login_are_called_without_a_login(site: Site) -> None:
    protect = site.auth.oidc_auth("default")

    def sorry(error: str = "", error_description: str = "") -> str:
        return error

    with pytest.raises(ConfigurationError, match="The error view is called while nobody is logged in"):
        site.auth.error_view(protect(sorry))
    with pytest.raises(ConfigurationError, match="The hook after a login is called while nobody is logged in"):
        site.auth.after_login(protect(lambda login: None))
