"""A login, or a token, that a whole app or blueprint requires: decorators over `before_request` hooks."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from oidc_async import ClientKeys
from oidc_async.stores import MemoryStore
from tests.protocol.signing import private_rsa_jwk, rsa_key

from .site import ORIGIN, Framework, Site, new_provider
from .toolbox import toolbox

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "memory")
TOKEN = {"Authorization": "Bearer nonsense"}


def new_hook(auth: Any, kind: str = "oidc_auth", is_async: bool = False) -> Any:
    def require() -> None:
        return None

    async def require_async() -> None:
        return None

    return getattr(auth, kind)("default")(require_async if is_async else require)


def whole_app(kind: str = "oidc_auth", is_async: bool = False) -> Any:
    def views(app: Any, auth: Any) -> None:
        app.before_request(new_hook(auth, kind, is_async))
        app.add_url_rule("/page", "page", lambda: "page")

    return views


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_whole_app_requires_a_login(make_site: MakeSite, is_async: bool) -> None:
    """threat model 387"""
    browser = make_site(views=whole_app(is_async=is_async)).browser()
    for path in ("/page", "/nowhere", "/static/style.css"):
        assert browser.get(path).status_code == 302
    assert browser.request("PUT", "/page").status_code == 401
    assert browser.log_in("/page").text == "page"
    assert [browser.get(path).status_code for path in ("/page", "/nowhere", "/static/style.css")] == [200, 404, 404]


@pytest.mark.parametrize("response_mode", ["fragment", "form_post"])
def test_a_login_comes_back_in_each_way(make_site: MakeSite, response_mode: str) -> None:
    site = make_site(views=whole_app(), auth_request_params={"response_mode": response_mode})
    assert site.browser().log_in("/page").text == "page"


@pytest.mark.parametrize("root_path", ["", "/app"])
def test_below_a_path_as_well(make_site: MakeSite, root_path: str) -> None:
    redirect_uri = f"{ORIGIN}{root_path}/redirect_uri"
    providers = {"default": new_provider(redirect_uri=redirect_uri)}
    config = {"OIDC_REDIRECT_URI": redirect_uri}
    browser = make_site(config, views=whole_app(), providers=providers, root_path=root_path).browser()
    assert browser.log_in(f"{root_path}/page").text == "page"


@pytest.mark.parametrize("sessions_in", ["memory"], indirect=True)
@pytest.mark.parametrize("kind", ["oidc_auth", "token_auth", "access_control"])
def test_our_own_routes_answer_as_ever(make_site: MakeSite, kind: str) -> None:
    """threat model 387: they prove their requests themselves"""
    config = {
        "OIDC_STORE": MemoryStore(),
        "OIDC_JWKS_URI": f"{ORIGIN}/jwks",
        "OIDC_INITIATE_LOGIN_URI": f"{ORIGIN}/initiate_login",
        "OIDC_BACKCHANNEL_LOGOUT_URI": f"{ORIGIN}/backchannel_logout",
        "OIDC_FRONTCHANNEL_LOGOUT_URI": f"{ORIGIN}/frontchannel_logout",
        "OIDC_SESSION_IFRAME_URI": f"{ORIGIN}/session_iframe",
        "OIDC_RESOURCE": ORIGIN,
    }
    keys = ClientKeys.from_jwk(private_rsa_jwk(rsa_key(), kid="mine"))
    site = make_site(config, views=whole_app(kind), client_keys=keys)
    browser = site.browser()
    login = urlencode({"iss": site.provider.issuer})
    expected = {
        "/redirect_uri?code=1&state=2": 400,
        "/jwks": 200,
        f"/initiate_login?{login}": 302,
        "/frontchannel_logout": 200,
        "/session_iframe": 200,
        "/.well-known/oauth-protected-resource": 200,
    }
    assert {path: browser.get(path).status_code for path in expected} == expected
    page = browser.post("/backchannel_logout", {"logout_token": "forged"})
    assert (page.status_code, page.json()["error"]) == (400, "invalid_request")
    assert browser.get("/page").status_code in (302, 401)


def test_the_hook_itself_runs_for_a_user_who_is_logged_in_and_its_answer_counts(
    make_site: MakeSite, framework: Framework
) -> None:
    tools, seen = toolbox(framework), list[str]()

    def views(app: Any, auth: Any) -> None:
        def require() -> Any:
            seen.append(tools.user_session(tools.session).id_token["sub"])
            return ("closed", 503) if tools.request.path == "/closed" else None

        app.before_request(auth.oidc_auth("default")(require))
        app.add_url_rule("/page", "page", lambda: "page")
        app.add_url_rule("/closed", "closed", lambda: "open")

    browser = make_site(views=views).browser()
    assert browser.log_in("/page").text == "page"
    assert browser.get("/closed").text == "closed"
    assert seen == ["alice", "alice"]


@pytest.mark.parametrize("kind", ["token_auth", "access_control"])
def test_a_whole_app_requires_a_token(make_site: MakeSite, kind: str) -> None:
    """threat model 387"""
    site = make_site(views=whole_app(kind))
    browser = site.browser()
    token = site.provider.issue_access_token("client1", username="alice")
    assert browser.get("/page", {"Authorization": f"Bearer {token}"}).text == "page"
    assert browser.get("/page", TOKEN).status_code == 403
    without = browser.get("/page", {"Accept": "application/json"})
    assert without.status_code == 401
    assert without.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("kind", ["oidc_auth", "token_auth", "access_control"])
def test_a_blueprint_alone(make_site: MakeSite, framework: Framework, kind: str) -> None:
    """threat model 387"""

    def views(app: Any, auth: Any) -> None:
        inner = toolbox(framework).blueprint("inner", "inner", url_prefix="/inner")
        inner.before_request(new_hook(auth, kind))
        inner.add_url_rule("/page", "page", lambda: "inner page")
        app.register_blueprint(inner)
        app.add_url_rule("/page", "page", lambda: "page")

    browser = make_site(views=views).browser()
    assert browser.get("/page").text == "page"
    assert browser.request("PUT", "/inner/page").status_code == 405
    rejected = browser.get("/inner/page", {"Accept": "application/json"})
    assert rejected.status_code == 401
    if kind != "token_auth":
        assert browser.log_in("/inner/page").text == "inner page"


@pytest.mark.parametrize("kind", ["oidc_auth", "token_auth", "access_control"])
def test_a_preflight_request_has_nothing_to_show(make_site: MakeSite, kind: str) -> None:
    """As of a view that is decorated itself: the framework answers OPTIONS, unless a view does."""

    def views(app: Any, auth: Any) -> None:
        whole_app(kind)(app, auth)
        app.add_url_rule("/own", "own", lambda: "options", methods=["OPTIONS"], provide_automatic_options=False)

    browser = make_site(views=views).browser()
    answer = browser.request("OPTIONS", "/page")
    assert (answer.status_code, answer.text) == (200, "")
    assert browser.request("OPTIONS", "/own").status_code == 401


def test_a_hook_may_leave_out_what_everybody_may_see(make_site: MakeSite, framework: Framework) -> None:
    """As docs/guides/integrations.md says."""
    tools = toolbox(framework)

    def views(app: Any, auth: Any) -> None:
        require_login = auth.oidc_auth("default")(lambda: None)

        def protect() -> Any:
            return None if tools.request.endpoint in ("static", "health") else require_login()

        async def protect_async() -> Any:
            return None if tools.request.endpoint in ("static", "health") else await require_login()

        app.before_request(protect if framework.name == "flask" else protect_async)
        app.add_url_rule("/health", "health", lambda: "well")
        app.add_url_rule("/page", "page", lambda: "page")

    browser = make_site(views=views).browser()
    assert browser.get("/health").text == "well"
    assert browser.get("/static/style.css").status_code == 404
    assert browser.log_in("/page").text == "page"


def test_the_extension_may_be_set_up_after_the_hook(framework: Framework, make_site: MakeSite) -> None:
    site = make_site()
    auth = framework.new_authentication()
    app = framework.new_app()
    app.config.update(site.app.config)
    whole_app()(app, auth)
    auth.init_app(app, provider_configurations=site.web.configurations)
    other = Site(framework, app, auth, site.providers)
    assert other.browser().log_in("/page").text == "page"
    other.close()
