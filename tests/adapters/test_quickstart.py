"""Apps as Flask-pyoidc's documentation shows them, with nothing changed but what a migration changes.

The sources are our own words around the same use of the API. For Flask the import root is replaced, for Quart that
and the framework's name; each is run with views that are `async` and with views that aren't. The provider is on the
network.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from oidc_async import BlockingRuntime
from oidc_async.testing import Callback, Fault, SimulatedProvider

from .site import ORIGIN, SECRET_KEY, Browser, FlaskFramework, Framework, QuartFramework, Site, new_provider

LOGIN = """
import flask
from flask import Flask, jsonify

from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration
from flask_pyoidc.user_session import UserSession

app = Flask("quickstart")
app.config.update(OIDC_REDIRECT_URI="https://rp.example/redirect_uri", SECRET_KEY=secret_key)
client_metadata = ClientMetadata(client_id="client1", client_secret="secret1")
config = ProviderConfiguration(issuer=issuer, client_metadata=client_metadata)
auth = OIDCAuthentication({"default": config}, app)

@app.route("/login")
@auth.oidc_auth("default")
def index():
    user_session = UserSession(flask.session)
    return jsonify(
        access_token=user_session.access_token, id_token=user_session.id_token, userinfo=user_session.userinfo
    )
"""

SEVERAL_PROVIDERS = """
import flask
from flask import Flask
from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration
from flask_pyoidc.user_session import UserSession

client = ClientMetadata("client1", "secret1")
app = Flask("several")
app.config.update({"OIDC_REDIRECT_URI": "https://rp.example/redirect_uri", "SECRET_KEY": secret_key})
auth = OIDCAuthentication(
    {
        "provider1": ProviderConfiguration(issuer, client_metadata=client),
        "provider2": ProviderConfiguration(other_issuer, client_metadata=client),
    },
    app,
)

@app.route("/login1")
@auth.oidc_auth("provider1")
def login1():
    return UserSession(flask.session).current_provider

@app.route("/login2")
@auth.oidc_auth("provider2")
def login2():
    return UserSession(flask.session, "provider2").current_provider
"""

LOGOUT = """
import flask
from flask import Flask
from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration
from flask_pyoidc.user_session import UninitialisedSession, UserSession

app = Flask("logout")
app.config.update(OIDC_REDIRECT_URI="https://rp.example/redirect_uri", SECRET_KEY=secret_key)
client = ClientMetadata(client_id="client1", client_secret="secret1", post_logout_redirect_uris=registered)
auth = OIDCAuthentication({"default": ProviderConfiguration(issuer=issuer, client_metadata=client)}, app)

@app.route("/login")
@auth.oidc_auth("default")
def login():
    return "logged in"

@app.route("/logout")
@auth.oidc_logout
def logout():
    try:
        return "still logged in at " + UserSession(flask.session).current_provider
    except UninitialisedSession:
        return "You are logged out."

@app.route("/bye")
def bye():
    return "bye"
"""

ERROR_VIEW = """
from flask import Flask, jsonify
from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration

app = Flask("errors")
app.config.update(OIDC_REDIRECT_URI="https://rp.example/redirect_uri", SECRET_KEY=secret_key)
config = ProviderConfiguration(issuer=issuer, client_metadata=ClientMetadata("client1", "secret1"))
auth = OIDCAuthentication({"default": config}, app)

@app.route("/login")
@auth.oidc_auth("default")
def login():
    return "logged in"

@auth.error_view
def error(error=None, error_description=None):
    return jsonify({"error": error, "message": error_description})
"""

APP_FACTORY = """
import datetime

import flask
from flask import Flask
from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration, ProviderMetadata
from flask_pyoidc.redirect_uri_config import RedirectUriConfig
from flask_pyoidc.user_session import UserSession

# a provider without discovery, and with parameters of the authentication request
config = ProviderConfiguration(
    provider_metadata=ProviderMetadata(**metadata),
    client_metadata=ClientMetadata(client_id="client1", client_secret="secret1"),
    auth_request_params={"scope": ["openid", "email"]},
)
redirect_uri = RedirectUriConfig("https://rp.example/redirect_uri", "redirect_uri")
auth = OIDCAuthentication({"default": config}, redirect_uri_config=redirect_uri)
pages = flask.Blueprint("pages", "pages")

@pages.route("/login")
@auth.oidc_auth("default")
def login():
    return UserSession(flask.session).userinfo["email"]

def create_app():
    app = Flask("factory")
    app.config.update(
        SECRET_KEY=secret_key,
        OIDC_SESSION_PERMANENT=False,
        PERMANENT_SESSION_LIFETIME=datetime.timedelta(hours=1).total_seconds(),
    )
    auth.init_app(app)
    app.register_blueprint(pages)
    return app

app = create_app()
"""


@dataclass(frozen=True)
class Dialect:
    """What a migration to one framework does to a source, and whether its views are `async`."""

    name: str
    framework: Framework
    has_async_views: bool

    def migrated(self, source: str) -> str:
        if self.framework.name == "quart":
            source = re.sub(r"\bflask\b", "quart", source).replace("Flask", "Quart")
        source = source.replace("flask_pyoidc", f"{self.framework.name}_oidc_async")
        return re.sub(r"^(@.*\n)def", r"\1async def", source, flags=re.MULTILINE) if self.has_async_views else source


DIALECTS = [
    Dialect("flask", FlaskFramework(), has_async_views=False),
    Dialect("flask-async", FlaskFramework(), has_async_views=True),
    Dialect("quart-async", QuartFramework(), has_async_views=True),
    Dialect("quart", QuartFramework(), has_async_views=False),
]


@pytest.fixture
def provider() -> Iterator[SimulatedProvider]:
    provider = new_provider()
    with provider.serve():
        yield provider


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def browse(request: pytest.FixtureRequest, provider: SimulatedProvider) -> Iterator[Callable[..., Browser]]:
    """Runs a source with the names that it leaves open, and opens a browser in front of its `app`."""
    dialect: Dialect = request.param
    sites: list[Site] = []

    def browse(source: str, *others: SimulatedProvider, **names: Any) -> Browser:
        names.update(issuer=provider.issuer, secret_key=SECRET_KEY)
        exec(compile(dialect.migrated(source), dialect.name, "exec"), names)
        sites.append(Site(dialect.framework, names["app"], names["auth"], [provider, *others]))
        return sites[-1].browser()

    yield browse
    for site in sites:
        site.close()
        for runtime in site.web.runtimes:
            # those for asyncio end with their event loop
            if isinstance(runtime, BlockingRuntime):
                runtime.close()


def test_a_login_shows_the_tokens_and_the_user(browse: Callable[..., Browser], provider: SimulatedProvider) -> None:
    browser = browse(LOGIN)
    shown = browser.log_in("/login").json()
    assert shown["id_token"]["sub"] == "alice"
    assert shown["id_token"]["iss"] == provider.issuer
    assert shown["userinfo"]["sub"] == "alice"
    assert shown["access_token"]
    assert browser.get("/login").json() == shown
    assert provider.count("token") == 1


def test_each_of_several_providers_has_its_own_pages(
    browse: Callable[..., Browser], provider: SimulatedProvider
) -> None:
    other = new_provider()
    with other.serve():
        browser = browse(SEVERAL_PROVIDERS, other, other_issuer=other.issuer)
        assert browser.log_in("/login1").text == "provider1"
        assert browser.log_in("/login2").text == "provider2"
    assert (provider.count("token"), other.count("token")) == (1, 1)


@pytest.mark.parametrize(
    ("registered", "last_page"),
    [
        pytest.param(None, "You are logged out.", id="none-registered"),
        pytest.param([f"{ORIGIN}/logout"], "You are logged out.", id="the-view-registered"),
        pytest.param([f"{ORIGIN}/bye"], "bye", id="another-page-registered"),
    ],
)
def test_a_logout_goes_by_the_provider_and_comes_back(
    browse: Callable[..., Browser], provider: SimulatedProvider, registered: list[str] | None, last_page: str
) -> None:
    provider.register(
        "client1",
        "secret1",
        redirect_uris=[f"{ORIGIN}/redirect_uri"],
        post_logout_redirect_uris=[f"{ORIGIN}/logout", f"{ORIGIN}/bye"],
    )
    browser = browse(LOGOUT, registered=registered)
    browser.log_in("/login")
    leaving = browser.get("/logout")
    assert leaving.status_code == 303
    back = provider.end_session(leaving.headers["location"])
    assert browser.get(back.url).text == last_page
    assert browser.get("/login").status_code == 302


def test_a_logout_without_a_login_shows_the_view(browse: Callable[..., Browser]) -> None:
    assert browse(LOGOUT, registered=None).get("/logout").text == "You are logged out."


def test_an_error_of_the_authentication_response_reaches_the_error_view(browse: Callable[..., Browser]) -> None:
    browser = browse(ERROR_VIEW)
    page = browser.come_back(browser.begin_login("/login", consent=False))
    assert page.json() == {"error": "access_denied", "message": "The user said no."}
    assert browser.log_in("/login").text == "logged in"


def test_an_error_of_the_token_response_reaches_the_error_view(
    browse: Callable[..., Browser], provider: SimulatedProvider
) -> None:
    browser = browse(ERROR_VIEW)
    with provider.misbehaving(Fault.TOKEN_INVALID_GRANT):
        page = browser.come_back(browser.begin_login("/login"))
    assert page.json()["error"] == "invalid_grant"
    assert page.status_code == 400


def test_an_app_of_a_factory_works_without_discovery(
    browse: Callable[..., Browser], provider: SimulatedProvider
) -> None:
    metadata = {
        "issuer": provider.issuer,
        "authorization_endpoint": f"{provider.issuer}/authorize",
        "token_endpoint": f"{provider.issuer}/token",
        "userinfo_endpoint": f"{provider.issuer}/userinfo",
        "jwks_uri": f"{provider.issuer}/jwks",
    }
    browser = browse(APP_FACTORY, metadata=metadata)
    assert browser.log_in("/login").text == "alice@example.com"
    assert provider.count("discovery") == 0


def test_the_legacy_settings_still_make_a_login(browse: Callable[..., Browser]) -> None:
    legacy = LOGIN.replace(
        'OIDC_REDIRECT_URI="https://rp.example/redirect_uri"',
        'OIDC_REDIRECT_DOMAIN="rp.example", PREFERRED_URL_SCHEME="https"',
    )
    with pytest.warns(DeprecationWarning, match="OIDC_REDIRECT_URI"):
        browser = browse(legacy)
    assert browser.log_in("/login").json()["id_token"]["sub"] == "alice"


def test_a_wrong_state_is_an_error_of_the_app(browse: Callable[..., Browser]) -> None:
    browser = browse(ERROR_VIEW)
    callback = browser.begin_login("/login")
    page = browser.come_back(Callback(url=re.sub("state=[^&]*", "state=other", callback.url)))
    assert (page.status_code, page.json()["error"]) == (400, "state_mismatch")
