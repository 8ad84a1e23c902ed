"""The extension: decorators for views, and the route of the redirect URI."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial, wraps
from typing import Any, ParamSpec, cast, overload

from quart import Quart, Response, current_app, make_response, request
from quart.typing import ResponseReturnValue

from oidc_async import AsyncRelyingParty, AsyncRuntime, OIDCError, ProviderConfiguration, RedirectUriConfig
from oidc_async.web.application import WebApplication
from oidc_async.web.callback import finish_login, refused_callback
from oidc_async.web.extension import Extension, installed_application, require_return_uri
from oidc_async.web.failure import failure_response, read_failure
from oidc_async.web.login import require_login
from oidc_async.web.logout import log_out
from oidc_async.web.messages import WebResponse

from .translation import current_exchange, finish_response, read_body, write_response

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue | Awaitable[ResponseReturnValue]]
GuardedView = Callable[P, Coroutine[Any, Any, ResponseReturnValue]]


class OIDCAuthentication(Extension):
    """Logins at OpenID Providers for a Quart app.

    Parameters:
        provider_configurations: the providers by the names that the decorators use.
        app: the app to set up; later with `init_app` when None.
        redirect_uri_config: where providers send the browser back to; from `OIDC_REDIRECT_URI` when None.

    Raises ConfigurationError, a ValueError, naming the setting and the fix.
    """

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
        """Read the settings, add the route of the redirect URI. No provider is contacted before the first login.

        `provider_configurations`, when given, are those of this app instead of those of the constructor.
        """
        application = self.install(app.extensions, app.config, provider_configurations, _new_runtime)
        if application is None:
            return
        redirect_uri = application.settings.redirect_uri
        app.add_url_rule(redirect_uri.route, redirect_uri.endpoint, self._callback, methods=["GET", "POST"])
        app.before_request(self._route_below_a_mount)
        app.after_request(finish_response)
        app.after_serving(partial(_close, application))

    @property
    def clients(self) -> dict[str, AsyncRelyingParty]:
        """The relying party of each provider, by its name."""
        application = self.application(current_app.extensions if current_app else None)
        return dict(application.clients)

    def oidc_auth(self, provider_name: str) -> Callable[[View[P]], GuardedView[P]]:
        """Show the view to who is logged in at that provider, and send everybody else to its login."""
        self.require_provider_name(provider_name)
        return self._guard(lambda: require_login(current_exchange(), provider_name))

    @overload
    def oidc_logout(self, view: View[P], /) -> GuardedView[P]: ...
    @overload
    def oidc_logout(
        self, /, *, post_logout_redirect_uri: str | None = None
    ) -> Callable[[View[P]], GuardedView[P]]: ...
    def oidc_logout(self, view: View[P] | None = None, /, *, post_logout_redirect_uri: str | None = None) -> Any:
        """End the session here and at the provider, then show the view.

        The provider sends the browser back to `post_logout_redirect_uri`; by default to the registered one that
        is this view, else to the first registered one.
        """
        require_return_uri(post_logout_redirect_uri)
        guard = self._guard(lambda: log_out(current_exchange(), post_logout_redirect_uri))
        return guard if view is None else guard(view)

    def _guard(
        self, check: Callable[[], Coroutine[Any, Any, WebResponse | None]]
    ) -> Callable[[View[P]], GuardedView[P]]:
        def decorate(view: View[P]) -> GuardedView[P]:
            @wraps(view)
            async def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
                return await self._answer(check()) or await _call(view, *args, **kwargs)

            return guarded

        return decorate

    async def _callback(self) -> ResponseReturnValue:
        exchange = current_exchange()
        if refusal := refused_callback(exchange.request):
            return write_response(refusal)
        answer = await self._answer(finish_login(exchange, await read_body()))
        return answer or Response(status=204)

    async def _route_below_a_mount(self) -> None:
        # under a prefix the app sees only the end of the redirect URI's path, for which it has no route
        application = installed_application(current_app.extensions)
        if application.is_redirect_path(request.root_path, request.path):
            rule: Any = next(current_app.url_map.iter_rules(application.settings.redirect_uri.endpoint))
            request.url_rule, request.view_args, request.routing_exception = rule, {}, None

    async def _answer(self, work: Coroutine[Any, Any, WebResponse | None]) -> Response | None:
        try:
            answer = await work
        except OIDCError as error:
            return await self._failure(error)
        return write_response(answer) if answer else None

    async def _failure(self, error: OIDCError) -> Response:
        failure = read_failure(error)
        if self._error_view is None:
            return write_response(failure_response(failure, current_exchange().request))
        response = cast(Response, await make_response(await _call(self._error_view, **failure.arguments())))
        if response.status_code == 200:
            response.status_code = failure.status
        response.headers.update(failure.headers())
        return response


async def _call(view: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await current_app.ensure_async(view)(*args, **kwargs)


def _new_runtime(configuration: ProviderConfiguration) -> AsyncRuntime:
    return AsyncRuntime(configuration.http_settings, http_client=configuration.http_client)


async def _close(application: WebApplication) -> None:
    for runtime in application.runtimes:
        if isinstance(runtime, AsyncRuntime):
            await runtime.aclose()
