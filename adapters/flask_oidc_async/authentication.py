"""The extension: decorators for views, and the route of the redirect URI."""

from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import Any

from flask import Flask, Response, current_app, make_response, request
from flask.typing import ResponseReturnValue

from oidc_async import BlockingRuntime, OIDCError, ProviderConfiguration, RedirectUriConfig, RelyingParty
from oidc_async.blocking import finish
from oidc_async.web.callback import finish_login, refused_callback
from oidc_async.web.extension import Extension
from oidc_async.web.failure import failure_response, read_failure
from oidc_async.web.login import require_login
from oidc_async.web.logout import log_out
from oidc_async.web.messages import WebResponse

from .translation import application_of, current_exchange, finish_response, write_response

View = Callable[..., Any]


class OIDCAuthentication(Extension):
    """Logins at OpenID Providers for a Flask app.

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
        """Read the settings, add the route of the redirect URI. No provider is contacted before the first login."""
        application = self.install(app.extensions, app.config, provider_configurations, _new_runtime)
        if application is None:
            return
        redirect_uri = application.settings.redirect_uri
        app.add_url_rule(redirect_uri.path, redirect_uri.endpoint, self._callback, methods=["GET", "POST"])
        app.before_request(self._callback_below_a_mount)
        app.after_request(finish_response)

    @property
    def clients(self) -> dict[str, RelyingParty]:
        """The relying party of each provider, by its name."""
        application = application_of(current_app) if current_app else self.sole_application()
        return {name: RelyingParty.over(client) for name, client in application.clients.items()}

    def oidc_auth(self, provider_name: str) -> Callable[[View], View]:
        """Show the view to who is logged in at that provider, and send everybody else to its login."""
        self.require_provider_name(provider_name)

        def decorate(view: View) -> View:
            @wraps(view)
            def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
                answer = self._answer(require_login(current_exchange(), provider_name))
                return answer or _call(view, *args, **kwargs)

            return guarded

        return decorate

    def oidc_logout(self, view: View) -> View:
        """End the session here and at the provider, then show the view."""

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            return self._answer(log_out(current_exchange())) or _call(view, *args, **kwargs)

        return guarded

    def _callback(self) -> ResponseReturnValue:
        exchange = current_exchange()
        if refusal := refused_callback(exchange.request):
            return write_response(refusal)
        body = request.get_data() if request.method == "POST" else b""
        answer = self._answer(finish_login(exchange, body))
        return answer or Response(status=204)

    def _callback_below_a_mount(self) -> ResponseReturnValue | None:
        # under SCRIPT_NAME the app sees only the end of the redirect URI's path, and has no route for that
        application = application_of(current_app)
        missed = request.routing_exception is not None and application.is_redirect_path(
            request.root_path, request.path
        )
        return self._callback() if missed else None

    def _answer(self, work: Coroutine[Any, Any, WebResponse | None]) -> Response | None:
        try:
            answer = finish(work)
        except OIDCError as error:
            return self._failure(error)
        return write_response(answer) if answer else None

    def _failure(self, error: OIDCError) -> Response:
        failure = read_failure(error)
        if self._error_view is None:
            return write_response(failure_response(failure, current_exchange().request))
        response = make_response(_call(self._error_view, **failure.arguments()))
        if response.status_code == 200:
            response.status_code = failure.status
        response.headers.extend(failure.headers())
        return response


def _call(view: View, *args: Any, **kwargs: Any) -> Any:
    return current_app.ensure_sync(view)(*args, **kwargs)


def _new_runtime(configuration: ProviderConfiguration) -> BlockingRuntime:
    return BlockingRuntime(configuration.http_settings, http_client=configuration.http_client)
