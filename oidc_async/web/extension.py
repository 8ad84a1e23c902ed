"""What `OIDCAuthentication` is in every framework: names of providers, several apps, one error view."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any, TypeVar, cast
from weakref import WeakSet

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.configuration.redirect_uri import RedirectUriConfig
from oidc_async.errors import ConfigurationError
from oidc_async.protocol.access_grant import Access
from oidc_async.protocol.uri import uri_problem
from oidc_async.runtime.port import Runtime
from oidc_async.stores import Store, StoreChoice

from .application import WebApplication
from .build_application import build_application
from .http.login_errors import Failure
from .login_hook import NewLogin
from .routes.view_registration import App, exempt_from_csrf, require_free_endpoints, require_own_paths
from .settings import read_settings
from .startup_warnings import log_store_limits
from .views.protected_views import ProtectedViews
from .views.token_required import TokenPolicy, new_token_policy, require_issuers_apart

NAME = "oidc_async"
"""The key in `app.extensions`."""
ErrorView = TypeVar("ErrorView", bound=Callable[..., Any])
AfterLogin = TypeVar("AfterLogin", bound=Callable[[NewLogin], str | Awaitable[str | None] | None])


@dataclass(frozen=True, slots=True)
class Installed:
    """What stands in `app.extensions`."""

    extension: "Extension"
    application: WebApplication


class Extension:
    """One instance serves several apps: of an app it keeps nothing but in `app.extensions`."""

    def __init__(
        self,
        provider_configurations: Mapping[str, ProviderConfiguration] | None,
        redirect_uri_config: RedirectUriConfig | None,
    ) -> None:
        self._configurations = provider_configurations
        self._redirect_uri_config = redirect_uri_config
        self._named: set[str] = set()
        self._logins: set[str] = set()
        self._applications: WeakSet[WebApplication] = WeakSet()
        self._apps: WeakSet[App] = WeakSet()
        self.protected_views = ProtectedViews()
        self._error_view: Callable[..., Any] | None = None
        self._after_login: Callable[[NewLogin], Any] | None = None
        self._scopes: set[str] = set()
        self._token_providers: set[str] = set()
        self._token_views: set[tuple[str, ...]] = set()

    def error_view(self, view: ErrorView) -> ErrorView:
        """Register `view(error=None, error_description=None)` to answer failed logins. A decorator.

        A view with a parameter `code` is given the stable code of our error, whatever the provider called it.
        """
        _require_error_view(view)
        self._require_unprotected("The error view", view)
        self._error_view = view
        return view

    def after_login(self, hook: AfterLogin) -> AfterLogin:
        """Register `hook(login)`, called with each verified login before its session begins. A decorator.

        It returns None, or the path to go to in place of the page at which the login began. LoginRefused, raised by
        it, is answered by the error view with 403; whatever it raises, no session begins and the present one stays.
        """
        _require_hook(hook)
        self._require_unprotected("The hook after a login", hook)
        self._after_login = hook
        return hook

    def require_kind(self, function: Callable[..., Any]) -> None:
        """Raise ConfigurationError for a view or hook that the framework can't call."""

    def _require_unprotected(self, what: str, function: Callable[..., Any]) -> None:
        self.require_kind(function)
        if function in self.protected_views:
            raise ConfigurationError(f"{what} is called while nobody is logged in: take its decorator away.")

    def error_arguments(self, failure: Failure) -> dict[str, str]:
        """What the error view is called with."""
        takes_code = self._error_view is not None and _takes_code(self._error_view)
        return {**failure.arguments(), **({"code": failure.code} if takes_code else {})}

    def install(
        self,
        app: App,
        configurations: Mapping[str, ProviderConfiguration] | None,
        new_runtime: Callable[[ProviderConfiguration], Runtime],
        open_store: Callable[[StoreChoice], Store],
    ) -> WebApplication | None:
        """Set an app up; None when this was done before. Raises ConfigurationError."""
        installed = app.extensions.get(NAME)
        if installed is not None:
            if installed.extension is self:
                return None
            raise ConfigurationError(
                "This app has another OIDCAuthentication already. Use one for all providers: "
                "OIDCAuthentication({'first': ..., 'second': ...}, app)."
            )
        providers = configurations or self._configurations or {}
        settings = read_settings(app.config, self._redirect_uri_config)
        # The set of token providers grows as views are decorated later on.
        application = build_application(settings, providers, new_runtime, open_store, self._token_providers)
        for name in sorted(self._named):
            _require_provider(name, providers)
        for name in sorted(self._logins):
            _require_client(name, providers)
        for names in sorted(self._token_views):
            require_issuers_apart(names, providers)
        require_free_endpoints(app, application.own_endpoints)
        if application.clients:
            log_store_limits(settings)
        app.extensions[NAME] = Installed(self, application)
        self._applications.add(application)
        # `current_app` can't be referred to weakly
        self._apps.add(getattr(app, "_get_current_object", lambda: app)())
        return application

    def before_first_request(self, app: App) -> None:
        """Do once what needs the whole app, with all its views and extensions. Raises ConfigurationError."""
        served = [view for each in self._apps for view in each.view_functions.values()]
        self.protected_views.require_served(app.view_functions, served)
        endpoints = installed_application(app.extensions).own_endpoints
        require_own_paths(app, endpoints)
        exempt_from_csrf(app, endpoints)

    def require_provider_name(self, name: str) -> None:
        """Raise ValueError for a provider that isn't configured, now or, when none is yet, in `install`."""
        self._named.add(name)
        for configurations in self._known_configurations():
            _require_provider(name, configurations)

    def require_login_provider(self, name: str) -> None:
        """The same, and for one that nobody can log in at."""
        if not isinstance(cast(object, name), str):
            raise ConfigurationError("oidc_auth needs the name of a provider: @auth.oidc_auth('name').")
        self.require_provider_name(name)
        self._logins.add(name)
        for configurations in self._known_configurations():
            _require_client(name, configurations)

    def token_guard(
        self,
        provider_names: str | Sequence[str],
        scopes_required: str | Collection[str] | None,
        scopes_any: str | Collection[str] | None,
        requires: Callable[[Access], Any] | None,
        acr_values: str | Sequence[str] | None,
        max_age: float | None,
    ) -> TokenPolicy:
        """What the arguments of `token_auth` come to. Raises ValueError for a provider that isn't configured."""
        guard = new_token_policy(provider_names, scopes_required, scopes_any, requires, acr_values, max_age)
        for name in guard.providers:
            self.require_provider_name(name)
        for configurations in self._known_configurations():
            require_issuers_apart(guard.providers, configurations)
        self._token_views.add(guard.providers)
        self._token_providers.update(guard.providers)
        self._scopes |= guard.requirements.scopes | guard.requirements.any_scopes
        return guard

    def _known_configurations(self) -> list[Mapping[str, ProviderConfiguration]]:
        if self._applications:
            return [application.configurations for application in self._applications]
        return [] if self._configurations is None else [self._configurations]

    def application(self, extensions: Mapping[str, Any] | None) -> WebApplication:
        """The application of these `app.extensions`; the only one that there is, when None.

        Raises ConfigurationError when this instance is not set up for that app, or serves several.
        """
        if extensions is not None:
            return installed_application(extensions)
        if len(self._applications) != 1:
            raise ConfigurationError(
                f"OIDCAuthentication serves {len(self._applications)} apps: use it inside `with app.app_context()`."
            )
        return next(iter(self._applications))


def installed_application(extensions: Mapping[str, Any]) -> WebApplication:
    """The application of these `app.extensions`. Raises ConfigurationError when there is none."""
    installed = extensions.get(NAME)
    if not isinstance(installed, Installed):
        raise ConfigurationError("OIDCAuthentication is not set up for this app: call init_app(app).")
    return installed.application


def require_login_at(application: WebApplication, name: str) -> None:
    """Raise ConfigurationError for a provider that isn't configured, or that nobody can log in at."""
    _require_provider(name, application.configurations)
    _require_client(name, application.configurations)


def require_return_uri(uri: str | None) -> None:
    """Raise ConfigurationError for what can't be a post_logout_redirect_uri (OIDC RP-Initiated Logout 3)."""
    if uri is not None and (problem := uri_problem(uri)):
        raise ConfigurationError(f"post_logout_redirect_uri {problem}.")


def _require_error_view(view: Callable[..., Any]) -> None:
    # found out now, not when the first login fails
    try:
        signature(view).bind(error="", error_description="", **({"code": ""} if _takes_code(view) else {}))
    except TypeError:
        raise ConfigurationError(
            "The error view must take both parameters: def view(error=None, error_description=None)."
        ) from None


def _takes_code(view: Callable[..., Any]) -> bool:
    # by its name alone: views that were written for Flask-pyoidc may take anything
    return "code" in signature(view).parameters


def _require_hook(hook: Callable[..., Any]) -> None:
    try:
        signature(hook).bind("a login")
    except TypeError:
        raise ConfigurationError("The hook after a login must take it: def hook(login).") from None


def _require_client(name: str, configurations: Mapping[str, ProviderConfiguration]) -> None:
    configuration = configurations[name]
    if configuration.client_metadata is None and configuration.client_registration_info is None:
        raise ConfigurationError(f"Nobody can log in at {name!r}: its ProviderConfiguration has no client_metadata.")


def _require_provider(name: str, providers: Iterable[str]) -> None:
    if name not in providers:
        known = ", ".join(repr(known) for known in providers)
        raise ConfigurationError(f"There is no provider named {name!r}; configured are {known or 'none'}.")
