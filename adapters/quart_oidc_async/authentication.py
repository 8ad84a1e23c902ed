"""`OIDCAuthentication`, the extension for Quart."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any, ParamSpec, Protocol, cast, overload

from quart import Quart, Response, current_app
from quart.typing import ResponseReturnValue

from oidc_async import AsyncRelyingParty, AsyncRuntime, ProviderConfiguration, RedirectUriConfig
from oidc_async.web.app_registry import installed_application
from oidc_async.web.application import WebApplication
from oidc_async.web.extension import Check, Extension
from oidc_async.web.routes.view_registration import require_app
from oidc_async.web.views.token_required import TokenPolicy

from .sockets import current_connection
from .translation import framework, read_authorizations

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue | Awaitable[ResponseReturnValue]]
ProtectedView = Callable[P, Coroutine[Any, Any, ResponseReturnValue]]
Hook = Callable[P, ResponseReturnValue | Awaitable[ResponseReturnValue | None] | None]
ProtectedHook = Callable[P, Coroutine[Any, Any, ResponseReturnValue | None]]


class ViewDecorator(Protocol):
    """Decorates views, and functions that may return None: WebSockets, and hooks for `before_request`."""

    @overload
    def __call__(self, view: View[P], /) -> ProtectedView[P]: ...
    @overload
    def __call__(self, hook: Hook[P], /) -> ProtectedHook[P]: ...


class OIDCAuthentication(Extension[ViewDecorator]):
    """OpenID Connect for a Quart app: logins at providers, and views that accept their access tokens.

    Args:
        provider_configurations: The providers, by the names that the decorators use.
        app: The app to set up; if None, call `init_app` later.
        redirect_uri_config: The redirect URI; from the setting `OIDC_REDIRECT_URI` if None.

    Raises:
        ConfigurationError: A setting is invalid. The message names it and the fix. It is a ValueError.
    """

    framework = framework

    def __init__(
        self,
        provider_configurations: Mapping[str, ProviderConfiguration] | None = None,
        app: Quart | None = None,
        redirect_uri_config: RedirectUriConfig | None = None,
    ) -> None:
        super().__init__(provider_configurations, redirect_uri_config)
        if app is not None:
            self.init_app(app)

    def init_app(
        self, app: Quart, provider_configurations: Mapping[str, ProviderConfiguration] | None = None
    ) -> None:
        """Read the settings and add the route of the redirect URI. Providers are first contacted at the first login.

        Args:
            app: The app to set up.
            provider_configurations: The providers of this app; those of the constructor if None.

        Raises:
            ConfigurationError: A setting is invalid.
        """
        require_app(app, "Quart")
        application = self.set_up(app, provider_configurations, _new_runtime, lambda store: store.asynchronous())
        if application is None:
            return
        app.after_websocket(framework.after_websocket)

        @app.before_serving
        async def check_oidc_wiring() -> None:
            # Servers report an error of this hook and do not start.
            self.before_first_request(app)

        @app.after_serving
        async def close_connections() -> None:
            await _close(application)

    @property
    def clients(self) -> dict[str, AsyncRelyingParty]:
        """The relying party of each provider, by its name."""
        return dict(self._application().clients)

    async def login(
        self, provider_name: str, /, *, return_to: str | None = None, **authorization_params: Any
    ) -> Response:
        """Return a redirect to the login at a provider, for a view to return.

        An existing session is kept until the login has succeeded.

        Args:
            provider_name: The name of the provider in the configuration.
            return_to: The page to return to: a path, or a URL of this origin; the current page if None. For all other
                values, which may come from a link, the error view responds.
            authorization_params: Parameters of this authorization request, such as `prompt`, `max_age`, `login_hint`
                or `acr_values` (OIDC Core 3.1.2.1). They override `auth_request_params`.

        Raises:
            ValueError: The provider is not configured.
        """
        response: Response = await self._login(provider_name, return_to, authorization_params)
        return response

    async def valid_access_token(self, force_refresh: bool = False) -> str | None:
        """Return a usable access token of the user; None if there is none, or if nobody is logged in.

        The token is refreshed when it is about to expire (`OIDC_REFRESH_BEFORE_SECONDS`).

        Args:
            force_refresh: Refresh the token in any case.
        """
        return await self._valid_access_token(force_refresh)

    async def is_still_authorized(self) -> bool:
        """Return whether a WebSocket or a stream is still authorized. Call it from time to time.

        The bearer token is verified again, with the requirements of each decorator. If a session was required, it is
        read again, since it may have expired, or the user may have logged out.

        Raises:
            StoreError: The store can't be reached.
            ProviderError: The provider can't be reached.
            ConfigurationError: The token can't be verified.
        """
        return await self._is_still_authorized()

    @overload
    def oidc_logout(self, view: View[P], /) -> ProtectedView[P]: ...
    @overload
    def oidc_logout(
        self, /, *, post_logout_redirect_uri: str | None = None
    ) -> Callable[[View[P]], ProtectedView[P]]: ...
    def oidc_logout(self, view: View[P] | None = None, /, *, post_logout_redirect_uri: str | None = None) -> Any:
        """End the session of the application and of the provider, then show the view.

        Args:
            view: The view, if the decorator is used without parentheses.
            post_logout_redirect_uri: The registered URI to which the provider redirects the browser. If None, it is
                the registered one of this view, else the first registered one.
        """
        decorator: Any = self._logout(post_logout_redirect_uri)
        return decorator if view is None else decorator(view)

    def _protect(self, check: Check, policy: TokenPolicy | None = None) -> ViewDecorator:
        def decorate(view: View[P]) -> ProtectedView[P]:
            # A view of the framework's own kind is called directly, since each wrapper would cost every request.
            direct = view if iscoroutinefunction(view) else partial(framework.call, view)
            show = cast("Callable[P, Awaitable[ResponseReturnValue]]", direct)

            @wraps(view)
            async def protected(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
                if policy is not None and _is_cached(policy):
                    return await show(*args, **kwargs)
                if framework.is_exempt():
                    # Only a hook is exempt, and None makes the framework continue.
                    return cast(ResponseReturnValue, None)
                return await check() or await show(*args, **kwargs)

            self.protected_views.add(view, protected)
            return protected

        return cast(ViewDecorator, decorate)


def _is_cached(policy: TokenPolicy) -> bool:
    # This runs for each request with a cached token, so it does nothing that can be done elsewhere.
    environ = cast("dict[str, Any]", current_connection().scope)
    return policy.try_cached(installed_application(current_app.extensions), environ, read_authorizations(environ))


def _new_runtime(configuration: ProviderConfiguration) -> AsyncRuntime:
    return AsyncRuntime(configuration.http_settings, http_client=configuration.http_client)


async def _close(application: WebApplication) -> None:
    for runtime in application.runtimes:
        if isinstance(runtime, AsyncRuntime):
            await runtime.aclose()
    if application.store is not None:
        await application.store.close()
