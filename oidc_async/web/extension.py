"""The part of `OIDCAuthentication` that Flask and Quart share."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from inspect import isawaitable, signature
from typing import Any, ClassVar, Generic, TypeVar

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.errors import BearerError, ConfigurationError, OIDCError, StoreError, TokenError
from oidc_async.protocol.access_grant import Access
from oidc_async.protocol.uri import uri_problem
from oidc_async.resource_server.statistics import Statistics
from oidc_async.runtime.port import Runtime
from oidc_async.stores import Store, StoreChoice

from .app_registry import AppRegistry, require_login_at
from .application import WebApplication
from .framework import Framework
from .http.bearer_errors import read_token_failure
from .http.login_errors import Failure, failure_response, read_failure
from .http.messages import WebResponse
from .login_hook import NewLogin
from .routes.route_table import Route, own_routes
from .routes.view_registration import App, describe, remove_hook, run_first, run_last
from .views.access_token import valid_access_token
from .views.begin_login import log_in
from .views.login_required import require_login, require_login_or_token
from .views.logout import log_out
from .views.token_required import TokenPolicy, require_other_way
from .websockets import is_session_active, require_request

ErrorView = TypeVar("ErrorView", bound=Callable[..., Any])
AfterLogin = TypeVar("AfterLogin", bound=Callable[[NewLogin], str | Awaitable[str | None] | None])
Decorator = TypeVar("Decorator")
"""The type of the decorators: it tells type checkers which kind of view they return."""
Check = Callable[[], Coroutine[Any, Any, Any]]
"""Returns the response to show instead of a view, or None."""
Scopes = str | Collection[str] | None


class Extension(AppRegistry, Generic[Decorator]):
    """`OIDCAuthentication` without the types of a framework."""

    framework: ClassVar[Framework]
    _error_view: Callable[..., Any] | None = None
    _after_login: Callable[[NewLogin], Any] | None = None

    @abstractmethod
    def _protect(self, check: Check, policy: TokenPolicy | None = None) -> Decorator:
        """Return a decorator that shows the view if its token is cached, or unless `check` returns a response."""

    def require_kind(self, function: Callable[..., Any]) -> None:
        """Raise ConfigurationError for a view or hook that the framework can't call."""

    # Decorators

    def oidc_auth(self, provider_name: str) -> Decorator:
        """Require a login at a provider. Browsers without one are redirected to the provider.

        As a `before_request` hook it protects a whole app or blueprint, except the routes of this extension.

        Args:
            provider_name: The name of the provider in the configuration.

        Raises:
            ValueError: The provider is not configured.
        """
        self.require_login_provider(provider_name)
        return self._protect(lambda: self._respond(require_login(self.framework.current_context(), provider_name)))

    def token_auth(
        self,
        provider_name: str | Sequence[str],
        scopes_required: Scopes = None,
        *,
        scopes_any: Scopes = None,
        requires: Callable[[Access], Any] | None = None,
        acr_values: str | Sequence[str] | None = None,
        max_age: float | None = None,
    ) -> Decorator:
        """Require a valid bearer token (RFC 6750). All other requests are rejected.

        Args:
            provider_name: The provider whose tokens are accepted. With several, the `iss` of a JWT selects one.
            scopes_required: Scopes that the token must all grant.
            scopes_any: Scopes of which the token must grant at least one.
            requires: A function, async or not, that returns whether the claims are sufficient.
            acr_values: Authentication contexts, of which the user must have used one (RFC 9470).
            max_age: The maximum number of seconds since the user authenticated (RFC 9470).

        Raises:
            ValueError: A provider is not configured.
        """
        policy = self.token_policy(provider_name, scopes_required, scopes_any, requires, acr_values, max_age)
        return self._protect(lambda: self._authenticate(policy), policy)

    def access_control(
        self,
        provider_name: str,
        scopes_required: Scopes = None,
        *,
        scopes_any: Scopes = None,
        requires: Callable[[Access], Any] | None = None,
        acr_values: str | Sequence[str] | None = None,
        max_age: float | None = None,
    ) -> Decorator:
        """Require a valid bearer token or a login.

        Requests with a bearer token are handled as by `token_auth`, all others as by `oidc_auth`.

        Args:
            provider_name: The provider of the tokens and of the login.
            scopes_required: Scopes that the token must all grant.
            scopes_any: Scopes of which the token must grant at least one.
            requires: A function, async or not, that returns whether the claims are sufficient.
            acr_values: Authentication contexts, of which the user must have used one (RFC 9470).
            max_age: The maximum number of seconds since the user authenticated (RFC 9470).

        Raises:
            ValueError: The provider is not configured.
        """
        policy = self.token_policy(provider_name, scopes_required, scopes_any, requires, acr_values, max_age)
        self.require_login_provider(provider_name)
        return self._protect(lambda: self._authenticate(policy, provider_name), policy)

    def _logout(self, post_logout_redirect_uri: str | None) -> Decorator:
        if post_logout_redirect_uri is not None and (problem := uri_problem(post_logout_redirect_uri)):
            raise ConfigurationError(f"post_logout_redirect_uri {problem}.")

        def leave() -> Coroutine[Any, Any, Any]:
            context = require_request(self.framework.current_context(), "oidc_logout")
            return self._respond(log_out(context, post_logout_redirect_uri))

        return self._protect(leave)

    def error_view(self, view: ErrorView) -> ErrorView:
        """Register the view of failed logins: `view(error=None, error_description=None)`. A decorator.

        A view with a parameter `code` also receives the code of our error, which does not depend on the provider.
        """
        _require_error_view(view)
        self._require_unprotected("The error view", view)
        self._error_view = view
        return view

    def after_login(self, hook: AfterLogin) -> AfterLogin:
        """Register `hook(login)`, which is called with each verified login before its session starts. A decorator.

        The hook returns None, or the path to redirect to instead of the page at which the login was started. It may
        raise LoginRefused, to which the error view responds with 403. After any exception no session starts, and an
        existing session is kept.
        """
        _require_hook(hook)
        self._require_unprotected("The hook after a login", hook)
        self._after_login = hook
        return hook

    def _require_unprotected(self, what: str, function: Callable[..., Any]) -> None:
        self.require_kind(function)
        if function in self.protected_views:
            raise ConfigurationError(f"{what} is called while nobody is logged in: take its decorator away.")

    # The current request

    @property
    def current_token_identity(self) -> dict[str, Any] | None:
        """The verified claims of the bearer token of this request; None without a token or a decorator for it."""
        access = self.framework.bare_context().access
        return None if access is None else access.claims

    @property
    def refresh_failure(self) -> OIDCError | None:
        """Why the last `valid_access_token` could not refresh; None if it succeeded or did not try."""
        return self.framework.bare_context().refresh_failure

    def statistics(self) -> dict[str, Statistics]:
        """Return the number of verified tokens and their results in this process, by provider name."""
        return {name: server.statistics() for name, server in self._application().resource_servers.items()}

    def _application(self) -> WebApplication:
        app = self.framework.app
        return self.application(app.extensions if app else None)

    async def _login(self, provider_name: str, return_to: str | None, authorization_params: Mapping[str, Any]) -> Any:
        context = require_request(self.framework.current_context(), "auth.login")
        require_login_at(context.application, provider_name)
        response = await self._respond(log_in(context, provider_name, return_to, authorization_params))
        return response or self._no_content()

    async def _valid_access_token(self, force_refresh: bool) -> str | None:
        context = self.framework.current_context()
        try:
            return await valid_access_token(context, force_refresh=force_refresh)
        finally:
            await self.framework.send_late_signals(context)

    async def _is_still_authorized(self) -> bool:
        context = self.framework.bare_context()
        if context.needs_session and not await is_session_active(self.framework.current_context()):
            return False
        for policy in context.policies:
            try:
                context.access = await self._verify_token(policy, context.application) or context.access
            except (TokenError, BearerError):
                return False
        return True

    # Responses

    async def _respond(self, work: Coroutine[Any, Any, WebResponse | None]) -> Any:
        """Return the response of the shared code, or that to its error; None to show the view."""
        try:
            response = await work
        except StoreError:
            # Raised as from any other view, so that the error handlers of the app see it.
            raise
        except OIDCError as error:
            return await self._failure(error)
        return self.framework.write_response(response) if response else None

    async def _failure(self, error: OIDCError) -> Any:
        """Return the response to a failed login, made by the error view if there is one."""
        failure, request = read_failure(error), self.framework.current_context().request
        if self._error_view is None or request.is_socket:
            return self.framework.write_response(failure_response(failure, request))
        returned = await self.framework.call(self._error_view, **self._error_arguments(failure))
        response = self.framework.app.make_response(returned)
        if isawaitable(response):
            response = await response
        if response.status_code == 200:
            response.status_code = failure.status
        response.headers.update(failure.headers())
        return response

    def _error_arguments(self, failure: Failure) -> dict[str, str]:
        """Return the arguments of the error view."""
        takes_code = self._error_view is not None and _takes_code(self._error_view)
        return {**failure.arguments(), **({"code": failure.code} if takes_code else {})}

    def _no_content(self) -> Any:
        return self.framework.response_class(status=204)

    async def _authenticate(self, policy: TokenPolicy, login: str | None = None) -> Any:
        """Return None for a valid token. Without a token, the user may log in at the provider `login`."""
        framework = self.framework
        application = framework.application()
        scope = policy.requirements.scope
        try:
            access = await self._verify_token(policy, application)
            if access is None:
                require_other_way(login)
        except OIDCError as error:
            framework.reject(read_token_failure(error, application.settings, application.warning_limit, scope))
        if access is None:
            return await self._respond(require_login_or_token(framework.current_context(), login or "", scope))
        framework.bare_context().admit(access, policy)
        return None

    async def _verify_token(self, policy: TokenPolicy, application: WebApplication) -> Access | None:
        """Return the access of the token of this request; None without a token. Raises OIDCError for all others."""
        authorizations = self.framework.authorizations()
        form_tokens = await self.framework.read_form_tokens(application)
        access = await policy.authenticate(application, authorizations, form_tokens)
        if access is not None and policy.requires is not None:
            verdict = policy.requires(access)
            # An awaitable by itself would be true.
            policy.require(await self.framework.wait_for(verdict) if isawaitable(verdict) else verdict)
        return access

    # Routes and hooks

    def set_up(
        self,
        app: App,
        configurations: Mapping[str, ProviderConfiguration] | None,
        new_runtime: Callable[[ProviderConfiguration], Runtime],
        open_store: Callable[[StoreChoice], Store],
    ) -> WebApplication | None:
        """Install this extension in an app, with its routes and hooks; None if this was done before."""
        application = self.install(app, configurations, new_runtime, open_store)
        if application is None:
            return None
        framework, requests = self.framework, app.before_request_funcs
        if application.store is not None:
            # Hooks of the app may use the session, so it is read before.
            for hooks in framework.hooks_of(app):
                run_first(hooks, framework.native(framework.open_session, framework.needs_store))
        app.error_handler_spec[None][None].setdefault(StoreError, framework.native(self._failure))
        for rule, route in own_routes(application.settings, self._call_after_login, self._scopes).items():
            view = describe(framework.native(partial(self._serve, route)), route)
            app.add_url_rule(rule, route.endpoint, view, methods=route.methods)
            if route.before_hooks:
                run_first(requests, framework.native(partial(self._serve, route), partial(self._is_at, route)))
        run_last(app, framework.after_request)
        self._check_at_first_request(app)
        for hook in framework.early_hooks():
            run_first(requests, framework.native(hook))
        if application.may_be_hidden_by_a_mount:
            # The first of all hooks, since the others need the endpoint. A url_value_preprocessor would run earlier,
            # but Quart calls those for WebSockets, too, with a request that does not exist there.
            run_first(requests, framework.native(framework.route_below_a_mount, framework.is_below_a_mount))
        return application

    def _check_at_first_request(self, app: App) -> None:
        async def check_oidc_wiring() -> None:
            self.before_first_request(app)
            for hooks in self.framework.hooks_of(app):
                remove_hook(hooks, hook)

        hook = self.framework.native(check_oidc_wiring)
        # Before WebSockets, too: an app that is mounted in another one receives no event at the start of the server.
        for hooks in self.framework.hooks_of(app):
            run_first(hooks, hook)

    def _is_at(self, route: Route) -> bool:
        return bool(self.framework.connection.endpoint == route.endpoint)

    async def _serve(self, route: Route, **_view_args: str) -> Any:
        """Return the response of one of our routes."""
        context = self.framework.current_context()
        if rejection := route.reject(context.request):
            return self.framework.write_response(rejection)
        body = await self.framework.read_body() if context.request.method == "POST" else b""
        return await self._respond(route.answer(context, body)) or self._no_content()

    async def _call_after_login(self, login: NewLogin) -> Any:
        return None if self._after_login is None else await self.framework.call(self._after_login, login)


def _require_error_view(view: Callable[..., Any]) -> None:
    # Checked now, not when the first login fails.
    try:
        signature(view).bind(error="", error_description="", **({"code": ""} if _takes_code(view) else {}))
    except TypeError:
        raise ConfigurationError(
            "The error view must take both parameters: def view(error=None, error_description=None)."
        ) from None


def _takes_code(view: Callable[..., Any]) -> bool:
    # Only by its name: a view that was written for Flask-pyoidc may accept any keyword.
    return "code" in signature(view).parameters


def _require_hook(hook: Callable[..., Any]) -> None:
    try:
        signature(hook).bind("a login")
    except TypeError:
        raise ConfigurationError("The hook after a login must take it: def hook(login).") from None
