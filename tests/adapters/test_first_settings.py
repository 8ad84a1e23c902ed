"""The first day of an app: settings from the environment, host names, and views in place of the built-in ones."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.routing import Rule

from oidc_async import ClientMetadata, ConfigurationError, ProviderConfiguration

from .site import ORIGIN, REDIRECT_URI, SECRET_KEY, Framework, Site, new_provider
from .test_unprotected_views import telling

MakeSite = Callable[..., Site]
PROVIDER = ProviderConfiguration("https://op.example", client_metadata=ClientMetadata("client1", "secret1"))


# Settings from the environment


def from_environment(framework: Framework, monkeypatch: pytest.MonkeyPatch, **variables: str) -> Any:
    for name in list(os.environ):
        if name.startswith("FLASK_"):
            monkeypatch.delenv(name)
    for name, value in {"SECRET_KEY": SECRET_KEY, "OIDC_REDIRECT_URI": REDIRECT_URI, **variables}.items():
        monkeypatch.setenv(f"FLASK_{name}", value)
    app = framework.new_app()
    app.config.from_prefixed_env("FLASK")
    framework.new_authentication({"default": PROVIDER}, app)
    return app.extensions["oidc_async"].application.settings


@pytest.mark.parametrize(
    ("name", "value", "member", "expected"),
    [
        ("OIDC_RFC6750_STATUS", "true", "rfc6750_status", True),
        ("OIDC_SESSION_PERMANENT", "false", "session_permanent", False),
        ("OIDC_SESSION_SECONDS", "3600", "session_seconds", 3600),
        ("OIDC_CLOCK_SKEW", "0", "clock_skew", 0),
        ("OIDC_SESSION_IDLE_SECONDS", "null", "session_idle_seconds", None),
        ("SECRET_KEY_FALLBACKS", f'["{SECRET_KEY}"]', "secret_keys", (SECRET_KEY.encode(),) * 2),
        ("OIDC_RESOURCE", ORIGIN, "resource", ORIGIN),
    ],
)
def test_a_setting_comes_from_the_environment(
    framework: Framework, monkeypatch: pytest.MonkeyPatch, name: str, value: str, member: str, expected: object
) -> None:
    assert getattr(from_environment(framework, monkeypatch, **{name: value}), member) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_STORE", ""),
        ("OIDC_REDIRECT_URI", ""),
        ("OIDC_REDIRECT_URI", "/redirect_uri"),
        ("OIDC_REDIRECT_URI", "rp.example/redirect_uri"),
        ("OIDC_RFC6750_STATUS", "True"),
        ("OIDC_RFC6750_STATUS", "0"),
        ("OIDC_CLOCK_SKEW", "30s"),
        ("OIDC_SESSION_SECONDS", "0"),
        ("SECRET_KEY", "1234567890123456"),
        ("SECRET_KEY_FALLBACKS", SECRET_KEY),
        ("OIDC_REDIRECT_URL", REDIRECT_URI),
    ],
)
def test_a_setting_that_can_not_be_is_an_error_that_names_it(
    framework: Framework, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """threat model 388"""
    with pytest.raises(ConfigurationError, match=f"^{name} "):
        from_environment(framework, monkeypatch, **{name: value})


# Host names and paths


@pytest.mark.parametrize(
    "config",
    [
        {"SERVER_NAME": "rp.example"},
        {"APPLICATION_ROOT": "/app"},
        {"PREFERRED_URL_SCHEME": "http"},
        {"SESSION_COOKIE_DOMAIN": "rp.example"},
        {"SESSION_COOKIE_PATH": "/app"},
    ],
    ids=str,
)
def test_settings_of_the_framework_do_not_stand_in_the_way_of_a_login(
    make_site: MakeSite, config: dict[str, Any]
) -> None:
    browser = make_site(config).browser()
    assert browser.log_in().text == "private"
    assert browser.who()["id_token"]["sub"] == "alice"


def test_a_login_that_began_on_another_host_name_says_so(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    redirect_uri = "http://localhost:5000/redirect_uri"
    provider = new_provider(redirect_uri=redirect_uri)
    site = make_site({"OIDC_REDIRECT_URI": redirect_uri}, providers={"default": provider})
    browser = site.browser()
    begun = browser.get("http://127.0.0.1:5000/private")
    assert browser.get(provider.authorize(begun.headers["location"]).url).status_code == 400
    assert "started on another host name than that of OIDC_REDIRECT_URI" in caplog.text


@pytest.mark.parametrize("issuer", ["https://op.example/", "https://op.example"])
def test_an_issuer_with_another_slash_says_what_it_should_be(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, issuer: str
) -> None:
    published = {"https://op.example/": "https://op.example", "https://op.example": "https://op.example/"}[issuer]
    site = make_site(providers={"default": new_provider(issuer=published)}, issuer=issuer)
    assert site.browser().get("/private").status_code == 502
    assert "They differ in the trailing slash." in caplog.text
    assert f"issuer is '{published}', but issuer is configured as '{issuer}'" in caplog.text


# Views in the place of the built-in ones


def mine() -> str:
    return "mine"


def new_app(framework: Framework, rule: str, endpoint: str, is_first: bool, **options: Any) -> Any:
    """An app with a view of its own, which is there before, or comes after, OIDCAuthentication."""
    app = framework.new_app()
    app.config.update(OIDC_REDIRECT_URI=REDIRECT_URI, SECRET_KEY=SECRET_KEY)
    if is_first:
        app.add_url_rule(rule, endpoint, mine, **options)
    auth = framework.new_authentication({"default": PROVIDER}, app)
    if not is_first:
        app.add_url_rule(rule, endpoint, mine, **options)
    app.register_error_handler(ConfigurationError, lambda error: (error.message, 500))
    return Site(framework, app, auth, [])


@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_view_at_the_path_of_the_redirect_uri_is_an_error(
    framework: Framework, is_first: bool, method: str
) -> None:
    """threat model 389"""
    site = new_app(framework, "/redirect_uri", "mine", is_first, methods=[method])
    for _ in range(2):
        page = site.browser().get("/")
        assert page.status_code == 500
        assert page.text.startswith("Endpoint 'mine' has the path /redirect_uri, at which OIDCAuthentication")
    site.close()


@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    ("rule", "options"),
    [("/<path:rest>", {}), ("/redirect_uri/", {}), ("/redirect_uri", {"methods": ["PUT"]})],
    ids=["any path", "a slash more", "another method"],
)
def test_a_view_that_leaves_our_requests_to_us_is_none(
    framework: Framework, is_first: bool, rule: str, options: dict[str, Any]
) -> None:
    site = new_app(framework, rule, "mine", is_first, **options)
    page = site.browser().get("/redirect_uri?code=1&state=forged")
    assert (page.status_code, "Login" in page.text or "login" in page.text) == (400, True)
    site.close()


@pytest.mark.parametrize(
    ("options", "status"),
    [({}, 500), ({"methods": ["GET"]}, 500), ({"build_only": True}, 400), ({"websocket": True}, 400)],
    ids=["of any method", "of one method", "that is for building URLs", "of a WebSocket"],
)
def test_a_rule_that_an_app_adds_itself_at_our_path(framework: Framework, options: Any, status: int) -> None:
    """threat model 389: only one that could take our requests is an error"""
    site = new_app(framework, "/", "mine", is_first=True)
    site.app.url_map.add(Rule("/redirect_uri", endpoint="mine", **options))
    page = site.browser().get("/redirect_uri?code=1&state=forged")
    assert page.status_code == status
    assert ("Endpoint 'mine' has the path /redirect_uri" in page.text) == (status == 500)
    site.close()


def test_a_view_with_our_endpoint_is_an_error_of_the_set_up(framework: Framework) -> None:
    """threat model 389"""
    with pytest.raises(ConfigurationError, match="The app has an endpoint 'redirect_uri' already"):
        new_app(framework, "/elsewhere", "redirect_uri", is_first=True)


def test_an_app_that_could_not_be_set_up_can_be_set_up_afterwards(framework: Framework) -> None:
    app = framework.new_app()
    app.config.update(OIDC_REDIRECT_URI=REDIRECT_URI, SECRET_KEY=SECRET_KEY)
    app.view_functions["redirect_uri"] = mine
    auth = framework.new_authentication({"default": PROVIDER})
    with pytest.raises(ConfigurationError):
        auth.init_app(app)
    del app.view_functions["redirect_uri"]
    auth.init_app(app)
    assert app.view_functions["redirect_uri"].__doc__ == "Receive the authorization response (OIDC Core 3.1.2.5)."


def test_each_of_our_routes_has_its_path_for_itself(make_site: MakeSite) -> None:
    """threat model 389"""

    def views(app: Any, auth: Any) -> None:
        app.add_url_rule("/.well-known/oauth-protected-resource", "mine", mine)

    site = telling(lambda **options: make_site({"OIDC_RESOURCE": ORIGIN}, **options), views)
    page = site.browser().get("/")
    assert "(endpoint 'oidc_async.resource_metadata')" in page.text
