"""Setting an app up: one instance and several apps, names of providers, clients."""

import asyncio
import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oidc_async import (
    AsyncRelyingParty,
    ClientMetadata,
    ClientRegistrationInfo,
    ConfigurationError,
    ProviderConfiguration,
    RelyingParty,
)
from oidc_async.testing import Callback, Fault, SimulatedProvider

from .site import ORIGIN, REDIRECT_URI, SECRET_KEY, Browser, Framework, Site, new_provider

MakeSite = Callable[..., Site]
Browse = Callable[..., Browser]
OTHER_REDIRECT_URI = f"{ORIGIN}/other/cb"


@pytest.fixture
def provider() -> SimulatedProvider:
    provider = new_provider()
    provider.register("client1", "secret1", redirect_uris=[REDIRECT_URI, OTHER_REDIRECT_URI])
    return provider


@pytest.fixture
def configuration(framework: Framework, provider: SimulatedProvider) -> ProviderConfiguration:
    client = ClientMetadata("client1", "secret1")
    return ProviderConfiguration(provider.issuer, client_metadata=client, runtime=framework.runtime(provider))


@pytest.fixture
def new_app(framework: Framework) -> Callable[..., Any]:
    """Makes an app with the required settings, and `settings`."""

    def new_app(**settings: Any) -> Any:
        app = framework.new_app()
        app.config.update({"OIDC_REDIRECT_URI": REDIRECT_URI, "SECRET_KEY": SECRET_KEY, **settings})
        return app

    return new_app


@pytest.fixture
def browse(framework: Framework, provider: SimulatedProvider) -> Iterator[Browse]:
    """Opens a browser in front of an app that a test has set up by itself."""
    browsers: list[Browser] = []

    def opened(app: Any, auth: Any) -> Browser:
        browsers.append(Site(framework, app, auth, [provider]).browser())
        return browsers[-1]

    yield opened
    for browser in browsers:
        browser.client.close()


def add_private(app: Any, auth: Any, name: str = "default") -> None:
    app.add_url_rule("/private", "private", auth.oidc_auth(name)(lambda: "private"))


def settled(value: Any) -> Any:
    """What Flask's clients give at once and Quart's when they are awaited."""
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def in_app_context(app: Any, work: Callable[[], Any]) -> Any:
    context = app.app_context()
    if hasattr(context, "__enter__"):
        with context:
            return work()

    async def run() -> Any:
        async with context:
            return work()

    return asyncio.run(run())


class TestInitApp:
    def test_twice_is_harmless(self, make_site: MakeSite) -> None:
        site = make_site()
        before = site.web
        site.auth.init_app(site.app)
        assert site.web is before
        assert [rule.endpoint for rule in site.app.url_map.iter_rules() if rule.rule == "/redirect_uri"] == [
            "redirect_uri"
        ]
        assert site.browser().log_in().text == "private"

    def test_takes_the_providers_of_one_app(
        self, framework: Framework, configuration: Any, new_app: Any, browse: Browse
    ) -> None:
        app, auth = new_app(), framework.new_authentication()
        auth.init_app(app, provider_configurations={"default": configuration})
        add_private(app, auth)
        assert browse(app, auth).log_in().text == "private"

    def test_rejects_a_second_instance(self, framework: Framework, configuration: Any, new_app: Any) -> None:
        app = new_app()
        framework.new_authentication({"first": configuration}, app)
        with pytest.raises(ConfigurationError, match="Use one for all providers"):
            framework.new_authentication({"second": configuration}, app)

    @pytest.mark.parametrize("configurations", [None, {}], ids=str)
    def test_needs_a_provider(self, framework: Framework, configurations: Any, new_app: Any) -> None:
        with pytest.raises(ValueError, match="at least one ProviderConfiguration"):
            framework.new_authentication(configurations, new_app())

    def test_rejects_invalid_settings_and_leaves_the_app_as_it_was(
        self, framework: Framework, configuration: Any, new_app: Any
    ) -> None:
        app = new_app(OIDC_SESSION_PERMANENT="yes")
        auth = framework.new_authentication({"default": configuration})
        with pytest.raises(ConfigurationError, match="OIDC_SESSION_PERMANENT"):
            auth.init_app(app)
        app.config["OIDC_SESSION_PERMANENT"] = True
        auth.init_app(app)
        assert list(auth.clients) == ["default"]

    def test_rejects_a_client_that_could_not_be_registered(self, framework: Framework, new_app: Any) -> None:
        to_register = ProviderConfiguration(
            "https://op.example", client_registration_info=ClientRegistrationInfo(redirect_uris=[])
        )
        with pytest.raises(ConfigurationError, match="redirect_uris in ClientRegistrationInfo"):
            framework.new_authentication({"default": to_register}, new_app())

    def test_reads_the_legacy_settings_with_a_warning(
        self, framework: Framework, configuration: Any, new_app: Any
    ) -> None:
        app = new_app(OIDC_REDIRECT_URI=None, OIDC_REDIRECT_DOMAIN="rp.example", PREFERRED_URL_SCHEME="https")
        with pytest.warns(DeprecationWarning, match="set OIDC_REDIRECT_URI"):
            framework.new_authentication({"default": configuration}, app)
        assert app.extensions["oidc_async"].application.settings.redirect_uri.full_uri == REDIRECT_URI

    def test_contacts_no_provider(self, make_site: MakeSite) -> None:
        site = make_site()
        with site.provider.misbehaving(Fault.DISCOVERY_RESET):
            browser = site.browser()
            assert browser.get("/").text == "public"
            assert site.provider.requests == ()
            assert browser.get("/private").status_code == 502
            assert browser.get("/").text == "public"
        site.provider.clock.advance(60)
        assert browser.log_in().text == "private"


class TestOneInstanceForTwoApps:
    @pytest.fixture
    def apps(self, framework: Framework, configuration: Any, new_app: Any) -> tuple[Any, Any]:
        self.auth = framework.new_authentication({"default": configuration})
        apps = (new_app(), new_app(OIDC_REDIRECT_URI=OTHER_REDIRECT_URI, OIDC_LOGIN_SECONDS=60))
        for app in apps:
            self.auth.init_app(app)
            add_private(app, self.auth)
            app.add_url_rule("/logout", "logout", self.auth.oidc_logout(lambda: "logged out"))
        return apps

    @pytest.fixture
    def browsers(self, apps: tuple[Any, Any], browse: Browse) -> tuple[Browser, Browser]:
        first, second = apps
        return browse(first, self.auth), browse(second, self.auth)

    def test_each_has_its_settings(self, apps: tuple[Any, Any]) -> None:
        settings = [app.extensions["oidc_async"].application.settings for app in apps]
        assert [setting.login_seconds for setting in settings] == [600, 60]
        assert [setting.redirect_uri.full_uri for setting in settings] == [REDIRECT_URI, OTHER_REDIRECT_URI]

    def test_each_has_its_clients(self, apps: tuple[Any, Any]) -> None:
        clients = [in_app_context(app, lambda: self.auth.clients["default"]) for app in apps]
        pending = [settled(client.begin_login()).pending for client in clients]
        assert [login.redirect_uri for login in pending] == [REDIRECT_URI, OTHER_REDIRECT_URI]

    def test_each_has_its_logins(self, browsers: tuple[Browser, Browser]) -> None:
        assert [browser.log_in().text for browser in browsers] == ["private", "private"]
        browsers[0].get("/logout")
        assert [browser.get("/private").status_code for browser in browsers] == [302, 200]

    def test_a_session_of_one_is_none_of_the_other(self, browsers: tuple[Browser, Browser]) -> None:
        one, other = browsers
        one.log_in()
        other.cookies.update(one.cookies)
        # nor under the name that the other one uses
        names = [browser.site.web.cookies.name("session") for browser in browsers]
        other.cookies.set(names[1], one.cookies[names[0]], domain="rp.example")
        assert other.get("/private").status_code == 302

    def test_a_login_of_one_is_not_finished_at_the_other(self, browsers: tuple[Browser, Browser]) -> None:
        one, other = browsers
        callback = one.begin_login()
        other.cookies.update(one.cookies)
        page = other.come_back(Callback(url=callback.url.replace(REDIRECT_URI, OTHER_REDIRECT_URI)))
        assert page.status_code == 400

    def test_outside_of_an_app_context_nobody_knows_which_is_meant(self, apps: tuple[Any, Any]) -> None:
        assert len(apps) == 2
        with pytest.raises(ConfigurationError, match=r"serves 2 apps: use it inside `with app.app_context\(\)`"):
            list(self.auth.clients)


class TestTheNameOfAProvider:
    """A name that isn't configured is a ValueError as early as that can be known."""

    def test_at_decoration(self, make_site: MakeSite) -> None:
        with pytest.raises(ValueError, match=r"no provider named 'nobody'; configured are 'default'"):
            make_site().auth.oidc_auth("nobody")

    def test_at_decoration_before_init_app(self, framework: Framework, configuration: Any) -> None:
        auth = framework.new_authentication({"one": configuration, "two": configuration})
        with pytest.raises(ValueError, match="configured are 'one', 'two'"):
            auth.oidc_auth("nobody")

    def test_at_decoration_after_init_app_with_providers(
        self, framework: Framework, configuration: Any, new_app: Any
    ) -> None:
        auth = framework.new_authentication()
        auth.init_app(app := new_app(), provider_configurations={"default": configuration})
        with pytest.raises(ValueError, match="no provider named 'nobody'"):
            auth.oidc_auth("nobody")
        add_private(app, auth)

    def test_at_init_app_when_no_provider_was_known_before(
        self, framework: Framework, configuration: Any, new_app: Any
    ) -> None:
        auth = framework.new_authentication()
        auth.oidc_auth("nobody")
        with pytest.raises(ValueError, match="no provider named 'nobody'"):
            auth.init_app(new_app(), provider_configurations={"default": configuration})

    def test_at_init_app_of_another_app_with_other_providers(
        self, make_site: MakeSite, configuration: Any, new_app: Any
    ) -> None:
        auth = make_site().auth
        with pytest.raises(ValueError, match="no provider named 'default'; configured are 'other'"):
            auth.init_app(new_app(), provider_configurations={"other": configuration})

    def test_a_provider_of_the_app_replaces_those_of_the_instance(
        self, framework: Framework, configuration: Any, new_app: Any
    ) -> None:
        auth = framework.new_authentication({"usual": configuration})
        auth.init_app(app := new_app(), provider_configurations={"special": configuration})
        add_private(app, auth, "special")
        assert list(auth.clients) == ["special"]


class TestClients:
    def test_are_relying_parties_of_the_world_of_their_framework(self, site: Site) -> None:
        kind = {"flask": RelyingParty, "quart": AsyncRelyingParty}[site.framework.name]
        assert {name: type(client) for name, client in site.auth.clients.items()} == {"default": kind}

    def test_work_outside_of_an_app_context(self, site: Site) -> None:
        request = settled(site.auth.clients["default"].begin_login())
        assert request.url.startswith(site.provider.issuer)

    def test_work_inside_of_an_app_context(self, site: Site) -> None:
        client = in_app_context(site.app, lambda: site.auth.clients["default"])
        assert settled(client.begin_login(login_hint="alice")).pending.redirect_uri == REDIRECT_URI

    def test_before_any_app_there_are_none(self, framework: Framework, configuration: Any) -> None:
        with pytest.raises(ConfigurationError, match="serves 0 apps"):
            list(framework.new_authentication({"default": configuration}).clients)

    def test_of_an_app_that_was_not_set_up_there_are_none(self, site: Site, new_app: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"call init_app\(app\)"):
            in_app_context(new_app(), lambda: site.auth.clients)


def test_a_protected_view_in_an_app_that_was_not_set_up_says_so(site: Site, new_app: Any, browse: Browse) -> None:
    app = new_app()
    app.register_error_handler(ConfigurationError, lambda error: (str(error), 500))
    add_private(app, site.auth)
    page = browse(app, site.auth).get("/private")
    assert page.text == "OIDCAuthentication is not set up for this app: call init_app(app)."


BLOCKED = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
import oidc_async
try:
    __import__(sys.argv[2])
except ImportError as error:
    print(error)
"""


class TestWithoutTheExtra:
    @staticmethod
    def said(blocked: str, imported: str) -> str:
        command = [sys.executable, "-c", BLOCKED, blocked, imported]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    @pytest.mark.parametrize("module", ["", ".provider_configuration", ".user_session", ".signals"])
    @pytest.mark.parametrize("missing", ["the framework", "blinker"])
    def test_the_message_names_it(self, framework: Framework, module: str, missing: str) -> None:
        name = framework.name
        said = self.said(name if missing == "the framework" else missing, f"{name}_oidc_async{module}")
        assert said == f'{name}_oidc_async needs {name.title()} and blinker: pip install "oidc-async[{name}]"'

    def test_another_missing_module_is_named_as_it_is(self, framework: Framework) -> None:
        name = framework.name
        said = self.said("werkzeug", f"{name}_oidc_async")
        assert said == f'{name}_oidc_async needs werkzeug: pip install "oidc-async[{name}]"'


@pytest.mark.parametrize("decorate", ["oidc_auth", "error_view", "after_login"])
def test_flask_needs_asgiref_for_what_is_async(
    make_site: MakeSite, framework: Framework, monkeypatch: pytest.MonkeyPatch, decorate: str
) -> None:
    async def function(error: str = "", error_description: str = "") -> None:
        return None

    auth = make_site().auth
    decorator = auth.oidc_auth("default") if decorate == "oidc_auth" else getattr(auth, decorate)
    monkeypatch.setattr("flask_oidc_async.authentication.find_spec", lambda name: None)
    if framework.name == "flask":
        with pytest.raises(ConfigurationError, match=r'^function is async: pip install "oidc-async\[flask\]"$'):
            decorator(function)
    else:
        assert decorator(function).__name__ == "function"


class TestTheAppIsOfThisFramework:
    """An extension of one framework can't serve an app of the other one."""

    @pytest.fixture
    def auth(self, framework: Framework, configuration: Any) -> Any:
        return framework.new_authentication({"default": configuration})

    def test_the_error_says_what_to_import(self, framework: Framework, auth: Any) -> None:
        theirs, ours = ("quart", "flask") if framework.name == "flask" else ("flask", "quart")
        app = getattr(importlib.import_module(theirs), theirs.title())("app")
        with pytest.raises(ConfigurationError) as caught:
            auth.init_app(app)
        assert caught.value.message == (
            f"This is a {theirs.title()} app: import OIDCAuthentication from {theirs}_oidc_async, "
            f"not from {ours}_oidc_async."
        )

    @pytest.mark.parametrize(
        "app",
        [object(), {}, "app", lambda environ, start_response: []],
        ids=["an object", "a dict", "a name", "a WSGI function"],
    )
    def test_anything_but_an_app(self, framework: Framework, auth: Any, app: Any) -> None:
        kind = type(app).__name__
        with pytest.raises(ConfigurationError, match=f"needs a {framework.name.title()} app, not {kind}"):
            auth.init_app(app)

    def test_a_subclass_is_one(self, framework: Framework, auth: Any, new_app: Any) -> None:
        app = new_app()
        app.__class__ = type("Subclass", (type(app),), {})
        auth.init_app(app)
        assert list(auth.clients) == ["default"]

    def test_the_proxy_of_an_app_is_one(self, framework: Framework, auth: Any, new_app: Any) -> None:
        app = new_app()
        in_app_context(app, lambda: auth.init_app(importlib.import_module(framework.name).current_app))
        assert app.extensions["oidc_async"].extension is auth
