"""The extension: decorators for views, and the route of the redirect URI."""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial, wraps
from importlib.util import find_spec
from inspect import isawaitable, iscoroutinefunction
from typing import Any, NoReturn, ParamSpec, Protocol, cast, overload

from flask import Flask, Response, abort, current_app, make_response, request
from flask.typing import ResponseReturnValue

from oidc_async import (
    Access,
    BlockingRuntime,
    ConfigurationError,
    OIDCError,
    ProviderConfiguration,
    RedirectUriConfig,
    RelyingParty,
    Statistics,
)
from oidc_async.errors import BearerError, StoreError, TokenError
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.stores import Store, StoreChoice
from oidc_async.web.application import WebApplication
from oidc_async.web.extension import Extension, installed_application, require_login_at, require_return_uri
from oidc_async.web.http.bearer_errors import TokenFailure, read_token_failure, token_failure_response
from oidc_async.web.http.login_errors import failure_response, read_failure
from oidc_async.web.http.messages import WebResponse
from oidc_async.web.login_hook import NewLogin
from oidc_async.web.request_context import context_of
from oidc_async.web.routes.route_table import Route, own_routes
from oidc_async.web.routes.view_registration import describe, require_app, run_first, run_last, run_no_more
from oidc_async.web.views.access_token import valid_access_token
from oidc_async.web.views.begin_login import log_in
from oidc_async.web.views.login_required import require_login, require_login_or_token
from oidc_async.web.views.logout import log_out
from oidc_async.web.views.token_required import TokenPolicy, require_other_way
from oidc_async.web.websockets import is_session_active, require_request

from .translation import (
    bare_context,
    current_context,
    current_environ,
    finish_response,
    is_exempt,
    open_session,
    read_authorizations,
    read_body,
    read_form_tokens,
    read_request,
    send_late_signals,
    write_response,
)

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue | Awaitable[ResponseReturnValue]]
Check = Callable[[], Response | None]
Scopes = str | Collection[str] | None
GuardedView = Callable[P, ResponseReturnValue]
Hook = Callable[P, ResponseReturnValue | Awaitable[ResponseReturnValue | None] | None]
GuardedHook = Callable[P, ResponseReturnValue | None]


class ViewDecorator(Protocol):
    """Decorates views, and hooks for `before_request`, which may return None."""

    @overload
    def __call__(self, view: View[P], /) -> GuardedView[P]: ...
    @overload
    def __call__(self, hook: Hook[P], /) -> GuardedHook[P]: ...


class OIDCAuthentication(Extension):
    """Logins at OpenID Providers, and views for their access tokens, for a Flask app.

    Parameters:
        provider_configurations: the providers by the names that the decorators use.
        app: the app to set up; later with `init_app` when None.
        redirect_uri_config: where providers send the browser back to; from `OIDC_REDIRECT_URI` when None.

    Raises ConfigurationError, a ValueError, naming the setting and the fix.
    """

    def __init__(
        self,
        provider_configurations: Mapping[str, ProviderConfiguration] | None = None,
        app: Flask | None = None,
        redirect_uri_config: RedirectUriConfig | None = None,
    ) -> None:
        super().__init__(provider_configurations, redirect_uri_config)
        if app is not None:
            self.init_app(app)

    def init_app(
        self, app: Flask, provider_configurations: Mapping[str, ProviderConfiguration] | None = None
    ) -> None:
        """Read the settings, add the route of the redirect URI. No provider is contacted before the first login.

        `provider_configurations`, when given, are those of this app instead of those of the constructor.
        """
        require_app(app, "Flask")
        application = self.install(app, provider_configurations, _new_runtime, _open_store)
        if application is None:
            return
        if application.store is not None:
            # before hooks of the app, which may ask for the session
            run_first(app, open_session)
        app.error_handler_spec[None][None].setdefault(StoreError, self._failure)
        for rule, route in own_routes(application.settings, self._asked, self._scopes).items():
            app.add_url_rule(rule, route.endpoint, self._new_view(route), methods=route.methods)
            if route.before_hooks:
                run_first(app, self._new_early_view(route))
        self._add_hooks(app)
        if application.may_be_hidden_by_a_mount:
            # The first of all hooks, as the others look at the endpoint. A url_value_preprocessor would come earlier,
            # but Quart calls those for WebSockets, too, with a request that does not exist there.
            run_first(app, self._route_below_a_mount)

    @property
    def clients(self) -> dict[str, RelyingParty]:
        """The relying party of each provider, by its name."""
        application = self.application(current_app.extensions if current_app else None)
        return {name: RelyingParty.over(client) for name, client in application.clients.items()}

    def oidc_auth(self, provider_name: str) -> ViewDecorator:
        """Require a login at that provider; a browser without one is sent there.

        A `before_request` hook requires it for a whole app or blueprint; our own routes are exempt.
        """
        self.require_login_provider(provider_name)
        return self._guard(lambda: self._answer(require_login(current_context(), provider_name)))

    def login(self, provider_name: str, /, *, return_to: str | None = None, **authorization_params: Any) -> Response:
        """The response that sends the browser to that provider's login, for a view to return.

        Parameters:
            provider_name: where to log in. Who is logged in, here or elsewhere, stays so until that has succeeded.
            return_to: the page to come back to: a path, or a URL of this origin. Anything else, which may have come
                by a link, is answered by the error view. The page of the request when None.
            authorization_params: of this login, such as `prompt`, `max_age`, `login_hint` or `acr_values`, laid over
                `auth_request_params` (OIDC Core 3.1.2.1).

        Raises ValueError for the name of a provider that isn't configured.
        """
        context = require_request(current_context(), "auth.login")
        require_login_at(context.application, provider_name)
        answer = self._answer(log_in(context, provider_name, return_to, authorization_params))
        return answer or Response(status=204)

    def token_auth(
        self,
        provider_name: str | Sequence[str],
        scopes_required: Scopes = None,
        *,
        scopes_any: Scopes = None,
        requires: Callable[[Access], Any] | None = None,
        acr_values: str | Sequence[str] | None = None,
        max_age: float | None = None,
    ) -> ViewDecorator:
        """Show the view to who brings a good bearer token (RFC 6750), and refuse everybody else.

        Parameters:
            provider_name: whose tokens are taken; with several, a JWT's `iss` tells which.
            scopes_required: each of them must be granted.
            scopes_any: one of them must be.
            requires: a function, async or not, that is given the claims and says whether they will do.
            acr_values: one of these must be the context in which the user authenticated (RFC 9470).
            max_age: seconds since the user authenticated, at most.

        Raises ValueError for the name of a provider that isn't configured.
        """
        guard = self.token_guard(provider_name, scopes_required, scopes_any, requires, acr_values, max_age)
        return self._guard(lambda: self._admit(guard), guard)

    def access_control(
        self,
        provider_name: str,
        scopes_required: Scopes = None,
        *,
        scopes_any: Scopes = None,
        requires: Callable[[Access], Any] | None = None,
        acr_values: str | Sequence[str] | None = None,
        max_age: float | None = None,
    ) -> ViewDecorator:
        """As `token_auth` for who brings a bearer token, and as `oidc_auth` for who brings none."""
        guard = self.token_guard(provider_name, scopes_required, scopes_any, requires, acr_values, max_age)
        self.require_login_provider(provider_name)
        return self._guard(lambda: self._admit(guard, provider_name), guard)

    @property
    def current_token_identity(self) -> dict[str, Any] | None:
        """The verified claims of this request's bearer token; None when it brought none, or nothing asked for one."""
        access = bare_context().access
        return None if access is None else access.claims

    def valid_access_token(self, force_refresh: bool = False) -> str | None:
        """A usable access token of who is logged in; None when there is none, or nobody is.

        It is refreshed when it is about to expire (`OIDC_REFRESH_BEFORE_SECONDS`), or with `force_refresh`.
        """
        context = current_context()
        try:
            return run_without_loop(valid_access_token(context, force_refresh=force_refresh))
        finally:
            send_late_signals(context)

    @property
    def refresh_failure(self) -> OIDCError | None:
        """Why the last `valid_access_token` refreshed in vain; None when it succeeded or didn't try."""
        return bare_context().refresh_failure

    def is_still_authorized(self) -> bool:
        """Whether what the decorators found when a WebSocket or a stream was opened still holds: ask it now and then.

        A bearer token is verified once more, with all that each decorator requires of it, and a session, if one was
        required, is read once more: it may have expired, or the user may have logged out. Raises StoreError,
        ProviderError or ConfigurationError if that can't be found out.
        """
        context = bare_context()
        if context.needs_session and not run_without_loop(is_session_active(current_context())):
            return False
        for guard in context.policies:
            try:
                context.access = _find_out(guard, installed_application(current_app.extensions)) or context.access
            except (TokenError, BearerError):
                return False
        return True

    def statistics(self) -> dict[str, Statistics]:
        """What happened to bearer tokens so far in this process, for each provider."""
        application = self.application(current_app.extensions if current_app else None)
        return {name: server.statistics() for name, server in application.resource_servers.items()}

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

        def leave() -> Response | None:
            context = require_request(current_context(), "oidc_logout")
            return self._answer(log_out(context, post_logout_redirect_uri))

        guard: Any = self._guard(leave)
        return guard if view is None else guard(view)

    def require_kind(self, function: Callable[..., Any]) -> None:
        if iscoroutinefunction(function) and find_spec("asgiref") is None:
            raise ConfigurationError(f'{function.__name__} is async: pip install "oidc-async[flask]"')

    def _admit(self, guard: TokenPolicy, login: str | None = None) -> Response | None:
        """None for a good token; who brings none may log in at the provider `login`. All others are refused."""
        application = installed_application(current_app.extensions)
        try:
            access = _find_out(guard, application)
            if access is None:
                require_other_way(login)
        except OIDCError as error:
            scope = guard.requirements.scope
            _refuse(read_token_failure(error, application.settings, application.warning_limit, scope))
        if access is None:
            return self._answer(require_login_or_token(current_context(), login or "", guard.requirements.scope))
        context_of(current_environ(), application).admit(access, guard)
        return None

    def _guard(self, check: Check, tokens: TokenPolicy | None = None) -> ViewDecorator:
        """Show a view to whom `tokens` admits at once, and to others unless `check` gives another answer."""

        def decorate(view: View[P]) -> GuardedView[P]:
            self.require_kind(view)
            # of the framework's own kind it needs no help, which would cost every request
            direct = partial(_call, view) if iscoroutinefunction(view) else view
            show = cast("Callable[P, ResponseReturnValue]", direct)

            @wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
                if tokens is not None and _admits(tokens):
                    return show(*args, **kwargs)
                if is_exempt():
                    # only a hook comes here, and None lets the request go on
                    return cast(ResponseReturnValue, None)
                return check() or show(*args, **kwargs)

            self.protected_views.add(view, guarded)
            return guarded

        return cast(ViewDecorator, decorate)

    def _add_hooks(self, app: Flask) -> None:
        def finish_oidc_response(response: Response) -> Response:
            return finish_response(app, response)

        def check_oidc_wiring() -> None:
            self.before_first_request(app)
            run_no_more(app.before_request_funcs, check_oidc_wiring)

        run_last(app, finish_oidc_response)
        run_first(app, check_oidc_wiring)

    def _new_view(self, route: Route) -> Callable[..., Any]:
        # a function, as other extensions look for its name, module and source
        def view(**_view_args: str) -> ResponseReturnValue:
            return self._serve(route)

        return describe(view, route)

    def _new_early_view(self, route: Route) -> Callable[[], Any]:
        def answer_before_hooks() -> Any:
            return self._serve(route) if request.endpoint == route.endpoint else None

        return answer_before_hooks

    def _serve(self, route: Route) -> ResponseReturnValue:
        context = current_context()
        if rejection := route.reject(context.request):
            return write_response(rejection)
        body = read_body() if request.method == "POST" else b""
        return self._answer(route.answer(context, body)) or Response(status=204)

    async def _asked(self, login: NewLogin) -> Any:
        return None if self._after_login is None else _call(self._after_login, login)

    def _route_below_a_mount(self) -> None:
        if not request.root_path:
            return
        # under a prefix the app sees only the end of our paths, for which it has no routes
        application = installed_application(current_app.extensions)
        if endpoint := application.endpoint_below(request.root_path, request.path):
            rule: Any = next(current_app.url_map.iter_rules(endpoint))
            request.url_rule, request.view_args, request.routing_exception = rule, {}, None

    def _answer(self, work: Coroutine[Any, Any, WebResponse | None]) -> Response | None:
        try:
            answer = run_without_loop(work)
        except StoreError:
            # as from any other view, so that the app's error handlers see it
            raise
        except OIDCError as error:
            return self._failure(error)
        return write_response(answer) if answer else None

    def _failure(self, error: OIDCError) -> Response:
        failure, given = read_failure(error), current_context().request
        if self._error_view is None or given.is_socket:
            return write_response(failure_response(failure, given))
        response = make_response(_call(self._error_view, **self.error_arguments(failure)))
        if response.status_code == 200:
            response.status_code = failure.status
        response.headers.update(failure.headers())
        return response


def _admits(tokens: TokenPolicy) -> bool:
    # for every request with a token that is known: what is not needed for it stands elsewhere
    given = current_environ()
    return tokens.try_cached(installed_application(current_app.extensions), given, read_authorizations(given))


def _find_out(guard: TokenPolicy, application: WebApplication) -> Access | None:
    """The access of the token of this request; None when it brings none. Raises OIDCError for all that won't do."""
    authorizations, form_tokens = read_authorizations(current_environ()), read_form_tokens(application)
    access = run_without_loop(guard.authenticate(application, authorizations, form_tokens))
    if access is not None and guard.requires is not None:
        guard.require(_verdict(guard.requires, access))
    return access


def _refuse(failure: TokenFailure) -> NoReturn:
    # as the framework's own exception, so that the app's error handlers see it
    answer = token_failure_response(failure, read_request())
    bare_context().rejection = answer.headers
    abort(failure.status, description=failure.description, response=write_response(answer))


def _call(view: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return current_app.ensure_sync(view)(*args, **kwargs)


def _verdict(requires: Callable[[Access], Any], access: Access) -> Any:
    verdict = requires(access)
    # of itself an awaitable would be true
    return current_app.async_to_sync(_awaited)(verdict) if isawaitable(verdict) else verdict


async def _awaited(verdict: Awaitable[Any]) -> Any:
    return await verdict


def _open_store(store: StoreChoice) -> Store:
    return store.blocking()


def _new_runtime(configuration: ProviderConfiguration) -> BlockingRuntime:
    return BlockingRuntime(configuration.http_settings, http_client=configuration.http_client)
