"""Other extensions of the same app: what they read from our views, and what they require of our requests."""

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from oidc_async import ClientKeys
from oidc_async.stores import MemoryStore
from tests.protocol.signing import private_rsa_jwk, rsa_key

from .site import ORIGIN, Framework, Site, new_site
from .toolbox import toolbox

MakeSite = Callable[..., Site]
ALL_ROUTES = {
    "OIDC_STORE": MemoryStore(),
    "OIDC_JWKS_URI": f"{ORIGIN}/jwks",
    "OIDC_REQUEST_URI": f"{ORIGIN}/request_objects",
    "OIDC_INITIATE_LOGIN_URI": f"{ORIGIN}/initiate_login",
    "OIDC_BACKCHANNEL_LOGOUT_URI": f"{ORIGIN}/backchannel_logout",
    "OIDC_FRONTCHANNEL_LOGOUT_URI": f"{ORIGIN}/frontchannel_logout",
    "OIDC_SESSION_IFRAME_URI": f"{ORIGIN}/session_iframe",
    "OIDC_RESOURCE": ORIGIN,
}
BY_REFERENCE: dict[str, Any] = {
    "client_keys": ClientKeys.from_jwk(private_rsa_jwk(rsa_key(), kid="mine")),
    "request_object": "reference",
}
NAMES = {
    "backchannel_logout",
    "client_jwks",
    "frontchannel_logout",
    "initiate_login",
    "redirect_uri",
    "request_object",
    "resource_metadata",
    "session_iframe",
}


class WithPolicy:
    """A framework whose apps have a hook, older than ours, that gives every response the same headers."""

    def __init__(self, framework: Framework) -> None:
        self._framework = framework

    def __getattr__(self, name: str) -> Any:
        return getattr(self._framework, name)

    def new_app(self) -> Any:
        app = self._framework.new_app()

        def set_policy(response: Any) -> Any:
            response.headers["Content-Security-Policy"] = "default-src 'self'"
            response.headers["Referrer-Policy"] = "unsafe-url"
            return response

        app.after_request(set_policy)
        return app


@pytest.fixture
def own_views(make_site: MakeSite) -> dict[str, Any]:
    site = make_site(ALL_ROUTES, views=lambda app, auth: None, **BY_REFERENCE)
    return {view.__name__: view for endpoint, view in site.app.view_functions.items() if endpoint != "static"}


def test_each_of_our_views_is_a_function_with_a_name_and_a_docstring(own_views: dict[str, Any]) -> None:
    assert set(own_views) == NAMES
    for name, view in own_views.items():
        assert inspect.isfunction(view)
        assert (view.__qualname__, view.__module__.rpartition(".")[2]) == (name, "translation")
        assert (view.__doc__ or "").endswith(").")
        assert "def run" in inspect.getsource(view)
    assert len({view.__doc__ for view in own_views.values()}) == len(NAMES)


def test_openapi_documents_leave_our_views_out(own_views: dict[str, Any]) -> None:
    """by the conventions of APIFlask, quart-schema, spectree and flasgger"""
    for view in own_views.values():
        assert view._spec == {"hide": True}
        assert view._quart_schema_hidden is True
        assert view._decorator
        assert "---" not in view.__doc__


@pytest.mark.parametrize("mode", ["query", "fragment"])
def test_our_pages_keep_the_headers_that_protect_them(framework: Framework, mode: str) -> None:
    """threat model 403: one policy for all pages would stop the script of the response relay."""
    beside: Any = WithPolicy(framework)
    site = new_site(beside, auth_request_params={"scope": "openid", "response_mode": mode})
    browser = site.browser()
    page = browser.get(browser.begin_login().url if mode == "fragment" else "/redirect_uri?error=access_denied")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.headers["referrer-policy"] == "no-referrer"
    assert browser.get("/").headers["content-security-policy"] == "default-src 'self'"
    site.close()


def test_each_of_our_hooks_is_a_function_or_a_method(make_site: MakeSite) -> None:
    site = make_site({"OIDC_STORE": MemoryStore(), "OIDC_BACKCHANNEL_LOGOUT_URI": f"{ORIGIN}/backchannel_logout"})
    app = site.app
    hooks = [*app.before_request_funcs[None], *app.after_request_funcs[None]]
    assert len(hooks) >= 4
    assert all(inspect.isfunction(hook) or inspect.ismethod(hook) for hook in hooks)


# Checks of CSRF tokens


class CSRFProtect:
    """Recognises exempt views as Flask-WTF, quart-wtforms and quart-csrf do."""

    def __init__(self, app: Any, request: Any) -> None:
        self.exempt_views: set[str] = set()
        self.app, self.request = app, request
        self.add_to(app)

    def add_to(self, app: Any) -> None:
        app.extensions["csrf"] = self

        def csrf_protect() -> Any:
            return self.protect()

        app.before_request(csrf_protect)

    def protect(self) -> Any:
        view = self.app.view_functions.get(self.request.endpoint)
        exempt = f"{view.__module__}.{view.__name__}" in self.exempt_views
        return None if exempt or self.request.method != "POST" else ("The CSRF token is missing.", 400)

    def exempt(self, view: Any) -> Any:
        self.exempt_views.add(f"{view.__module__}.{view.__name__}")
        return view


class SubclassOfProtect(CSRFProtect):
    """An application's own."""


class SeaSurf(CSRFProtect):
    """As Flask-SeaSurf: its hook is a method, and it is in no `app.extensions`."""

    def add_to(self, app: Any) -> None:
        app.before_request(self.protect)


@pytest.mark.parametrize("protection", [CSRFProtect, SubclassOfProtect, SeaSurf])
@pytest.mark.parametrize("is_first", [True, False], ids=["set up before us", "set up after us"])
@pytest.mark.parametrize("response_mode", ["fragment", "form_post"])
def test_an_authorization_response_needs_no_csrf_token(
    make_site: MakeSite,
    framework: Framework,
    monkeypatch: pytest.MonkeyPatch,
    protection: Any,
    is_first: bool,
    response_mode: str,
) -> None:
    """threat model 385: `state` binds it to this browser; a form of the application needs its token"""
    request = toolbox(framework).request

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        if not is_first:
            protection(app, request)

    new_app = framework.new_app
    if is_first:
        monkeypatch.setattr(framework, "new_app", lambda: protected(new_app()), raising=True)

    def protected(app: Any) -> Any:
        protection(app, request)
        return app

    site = make_site(views=views, auth_request_params={"response_mode": response_mode})
    browser = site.browser()
    assert browser.log_in().text == "private"
    assert browser.post("/form").text == "The CSRF token is missing."
    forged = {"response_mode": response_mode, "authorization_response": "code=1&state=forged"}
    assert browser.post("/redirect_uri", forged).status_code == 400


@pytest.mark.parametrize("name", ["oidc_async.initiate_login", "oidc_async.backchannel_logout"])
def test_requests_of_other_parties_need_no_csrf_token(make_site: MakeSite, framework: Framework, name: str) -> None:
    """threat model 385"""
    request, found = toolbox(framework).request, list[CSRFProtect]()

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        found.append(CSRFProtect(app, request))

    site = make_site(ALL_ROUTES, views=views, **BY_REFERENCE)
    site.browser().get("/")
    view = site.app.view_functions[name]
    assert f"{view.__module__}.{view.__name__}" in found[0].exempt_views


def test_what_has_to_be_done_once_is_done_once(make_site: MakeSite, framework: Framework) -> None:
    """The hook of the first request is gone afterwards, and it has cost no other hook its turn."""
    calls: list[str] = []

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def count() -> None:
            calls.append("hook")

        app.before_request(count)

    site = make_site(views=views)
    before = len(site.app.before_request_funcs[None])
    browser = site.browser()
    for _ in range(3):
        assert browser.get("/").text == "public"
    assert calls == ["hook"] * 3
    assert len(site.app.before_request_funcs[None]) == before - 1


# What others read from the views of an application


@pytest.mark.parametrize("kind", ["oidc_auth", "token_auth", "access_control", "oidc_logout"])
def test_a_protected_view_keeps_what_others_read_from_it(site: Site, kind: str) -> None:
    def page(number: int, name: str = "nobody") -> dict[str, int]:
        """Shows a number."""
        return {name: number}

    page.methods = ["GET", "PATCH"]  # type: ignore[attr-defined]
    page._spec = {"summary": "A number"}  # type: ignore[attr-defined]
    protect = site.auth.oidc_logout if kind == "oidc_logout" else getattr(site.auth, kind)("default")
    protected = protect(page)
    assert inspect.isfunction(protected)
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__", "methods", "_spec"):
        assert getattr(protected, name) == getattr(page, name)
    assert inspect.unwrap(protected) is page
    assert inspect.signature(protected) == inspect.signature(page)
    assert "Shows a number." in inspect.getsource(protected)


def test_a_view_class_is_protected_by_its_decorators(make_site: MakeSite, framework: Framework) -> None:
    views_module = importlib.import_module(f"{framework.name}.views")

    def views(app: Any, auth: Any) -> None:
        class Page(views_module.MethodView):  # type: ignore[misc, name-defined]
            decorators = (auth.oidc_auth("default"),)
            provide_automatic_options = False

            def get(self) -> str:
                return "private"

            def put(self) -> str:
                return "put"

        app.add_url_rule("/private", view_func=Page.as_view("page"))

    site = make_site(views=views)
    view = site.app.view_functions["page"]
    assert (view.__name__, view.view_class.__name__, view.methods) == ("page", "Page", {"GET", "PUT"})
    browser = site.browser()
    assert browser.request("PUT", "/private").status_code == 401
    assert browser.request("OPTIONS", "/private").status_code == 405
    assert browser.log_in().text == "private"
    assert browser.request("PUT", "/private").text == "put"
