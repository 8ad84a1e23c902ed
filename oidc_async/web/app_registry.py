"""The apps that one extension serves, and the providers that its views name."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakSet

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.configuration.redirect_uri import RedirectUriConfig
from oidc_async.errors import ConfigurationError
from oidc_async.protocol.access_grant import Access
from oidc_async.runtime.port import Runtime
from oidc_async.stores import Store, StoreChoice

from .application import WebApplication
from .build_application import build_application
from .routes.view_registration import App, exempt_from_csrf, require_free_endpoints, require_own_paths
from .settings import read_settings
from .startup_warnings import log_store_limits
from .views.protected_views import ProtectedViews
from .views.token_required import TokenPolicy, new_token_policy, require_issuers_apart

NAME = "oidc_async"
"""The key in `app.extensions`."""


@dataclass(frozen=True, slots=True)
class Installed:
    """The value in `app.extensions`."""

    extension: "AppRegistry"
    application: WebApplication


def installed_application(extensions: Mapping[str, Any]) -> WebApplication:
    """Return the application of these `app.extensions`. Raises ConfigurationError if there is none."""
    installed = extensions.get(NAME)
    if not isinstance(installed, Installed):
        raise ConfigurationError("OIDCAuthentication is not set up for this app: call init_app(app).")
    return installed.application


class AppRegistry:
    """One extension may serve several apps, so the state of an app is kept in its `app.extensions` only.

    Views are decorated before and after `init_app`. So the providers that they name are checked twice: by the
    decorator if the providers are known already, and by `install`.
    """

    def __init__(
        self,
        provider_configurations: Mapping[str, ProviderConfiguration] | None,
        redirect_uri_config: RedirectUriConfig | None,
    ) -> None:
        self.protected_views = ProtectedViews()
        self._configurations = provider_configurations
        self._redirect_uri_config = redirect_uri_config
        self._applications: WeakSet[WebApplication] = WeakSet()
        self._apps: WeakSet[App] = WeakSet()
        self._named: set[str] = set()
        self._logins: set[str] = set()
        self._scopes: set[str] = set()
        self._token_providers: set[str] = set()
        self._token_views: set[tuple[str, ...]] = set()

    def install(
        self,
        app: App,
        configurations: Mapping[str, ProviderConfiguration] | None,
        new_runtime: Callable[[ProviderConfiguration], Runtime],
        open_store: Callable[[StoreChoice], Store],
    ) -> WebApplication | None:
        """Build the application of an app; None if this was done before. Raises ConfigurationError."""
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
        # The proxy `current_app` does not support weak references.
        self._apps.add(getattr(app, "_get_current_object", lambda: app)())
        return application

    def before_first_request(self, app: App) -> None:
        """Do once what needs the whole app, with all its views and extensions. Raises ConfigurationError."""
        served = [view for each in self._apps for view in each.view_functions.values()]
        self.protected_views.require_served(app.view_functions, served)
        endpoints = installed_application(app.extensions).own_endpoints
        require_own_paths(app, endpoints)
        exempt_from_csrf(app, endpoints)

    def application(self, extensions: Mapping[str, Any] | None) -> WebApplication:
        """Return the application of these `app.extensions`; the only one that there is, if None.

        Raises:
            ConfigurationError: This instance is not set up for that app, or serves several.
        """
        if extensions is not None:
            return installed_application(extensions)
        if len(self._applications) != 1:
            raise ConfigurationError(
                f"OIDCAuthentication serves {len(self._applications)} apps: use it inside `with app.app_context()`."
            )
        return next(iter(self._applications))

    def require_provider_name(self, name: str) -> None:
        """Raise ValueError for a provider that is not configured; if none is yet, `install` raises it."""
        self._named.add(name)
        for configurations in self._known_configurations():
            _require_provider(name, configurations)

    def require_login_provider(self, name: str) -> None:
        """The same, also for a provider that has no client to log in with."""
        if not isinstance(cast(object, name), str):
            raise ConfigurationError("oidc_auth needs the name of a provider: @auth.oidc_auth('name').")
        self.require_provider_name(name)
        self._logins.add(name)
        for configurations in self._known_configurations():
            _require_client(name, configurations)

    def token_policy(
        self,
        provider_names: str | Sequence[str],
        scopes_required: str | Collection[str] | None,
        scopes_any: str | Collection[str] | None,
        requires: Callable[[Access], Any] | None,
        acr_values: str | Sequence[str] | None,
        max_age: float | None,
    ) -> TokenPolicy:
        """Create a policy from the arguments of `token_auth`. Raises ValueError for an unknown provider."""
        policy = new_token_policy(provider_names, scopes_required, scopes_any, requires, acr_values, max_age)
        for name in policy.providers:
            self.require_provider_name(name)
        for configurations in self._known_configurations():
            require_issuers_apart(policy.providers, configurations)
        self._token_views.add(policy.providers)
        self._token_providers.update(policy.providers)
        self._scopes |= policy.requirements.scopes | policy.requirements.any_scopes
        return policy

    def _known_configurations(self) -> list[Mapping[str, ProviderConfiguration]]:
        if self._applications:
            return [application.configurations for application in self._applications]
        return [] if self._configurations is None else [self._configurations]


def require_login_at(application: WebApplication, name: str) -> None:
    """Raise ConfigurationError for a provider that is not configured, or that has no client to log in with."""
    _require_provider(name, application.configurations)
    _require_client(name, application.configurations)


def _require_client(name: str, configurations: Mapping[str, ProviderConfiguration]) -> None:
    configuration = configurations[name]
    if configuration.client_metadata is None and configuration.client_registration_info is None:
        raise ConfigurationError(f"Nobody can log in at {name!r}: its ProviderConfiguration has no client_metadata.")


def _require_provider(name: str, providers: Iterable[str]) -> None:
    if name not in providers:
        known = ", ".join(repr(known) for known in providers)
        raise ConfigurationError(f"There is no provider named {name!r}; configured are {known or 'none'}.")
