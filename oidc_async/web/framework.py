"""The part of Flask and Quart that the shared code works with: the current request, responses and functions."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from typing import Any, NoReturn, cast

from oidc_async.errors import StoreError

from .app_registry import installed_application
from .application import WebApplication
from .http.bearer_errors import TokenFailure, token_failure_response
from .http.login_errors import failure_response, read_failure
from .http.messages import WebRequest, WebResponse
from .request_context import RequestContext, context_of
from .response_headers import finish_response
from .routes.view_registration import App, Hooks, is_static_file
from .signals import Announcement
from .websockets import request_without_foreign_cookies, shown_session

AsyncFunction = Callable[..., Coroutine[Any, Any, Any]]


def always() -> bool:
    """The condition of a function that runs in every request."""
    return True


class Framework(ABC):
    """One of the frameworks. Flask runs the coroutines of the shared code without a loop, and Quart awaits them.

    Attributes:
        app: The proxy `current_app`.
        response_class: The class of responses.
    """

    def __init__(self, app: Any, response_class: Callable[..., Any]) -> None:
        self.app = app
        self.response_class = response_class

    # In the adapters

    @abstractmethod
    def native(self, function: AsyncFunction, condition: Callable[[], bool] = always) -> Callable[..., Any]:
        """Return a new function of the kind that the framework calls fastest.

        Args:
            function: The function to run.
            condition: Checked first, without the cost of a coroutine; if false, the result is None.
        """

    @abstractmethod
    async def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call a function of the application, async or not."""

    @abstractmethod
    async def wait_for(self, awaitable: Awaitable[Any]) -> Any:
        """Return the result of an awaitable of the application."""

    @abstractmethod
    async def send(self, announcement: Announcement, app: Any) -> None:
        """Send a signal. Its receivers may be async or not."""

    @abstractmethod
    def after_request(self, response: Any) -> Any:
        """The hook that completes responses: `finish_response`, if anything changes the response."""

    @property
    @abstractmethod
    def connection(self) -> Any:
        """The request or the WebSocket that is served."""

    @abstractmethod
    def environ(self) -> dict[str, Any]:
        """Return the WSGI environ or ASGI scope of this request."""

    @abstractmethod
    def authorizations(self) -> list[str]:
        """Return each Authorization header."""

    @abstractmethod
    def raw_path(self) -> str:
        """Return the path as it was sent, percent-encoded; empty if the server does not tell."""

    @abstractmethod
    async def read_form_tokens(self, application: WebApplication) -> list[str]:
        """Return each `access_token` in a form body, where that is allowed (RFC 6750 2.2). Aborts with 413."""

    @abstractmethod
    async def read_body(self) -> bytes:
        """Return the body of a POST to one of our routes. Aborts with 413."""

    def is_socket(self) -> bool:
        """Whether a WebSocket is served."""
        return False

    def hooks_of(self, app: App) -> list[Hooks]:
        """Return the tables of hooks that run before requests, and before WebSockets if there are any."""
        return [app.before_request_funcs]

    def early_hooks(self) -> list[AsyncFunction]:
        """Return hooks that run before those of the application."""
        return []

    # The request

    def bare_context(self) -> RequestContext:
        """Return the context of this request in this app, which may not have read the request."""
        return context_of(self.environ(), self.application())

    def current_context(self) -> RequestContext:
        """Return the context of this request, with the request."""
        context = self.bare_context()
        context.read_once(self._read_trusted_request)
        return context

    def current_session(self) -> MutableMapping[str, Any]:
        """Return the session that is kept beside the session of the framework."""
        return shown_session(self.current_context())

    def application(self) -> WebApplication:
        """Return the application of the current app. Raises ConfigurationError if there is none."""
        return installed_application(self.app.extensions)

    def read_request(self) -> WebRequest:
        """Return the request, without its body."""
        present = self.connection
        return WebRequest(
            method=present.method,
            root_path=present.root_path,
            path=present.path,
            raw_path=self.raw_path(),
            query=present.query_string.decode("latin-1"),
            headers=cast(Mapping[str, str], present.headers),
            cookies=present.cookies,
            prefers_json=self._prefers_json,
            answers_get=self._answers_get,
            debug=self.app.debug,
            is_socket=self.is_socket(),
        )

    def _read_trusted_request(self) -> WebRequest:
        """Return the request; a WebSocket that a page of another site opens has no cookies."""
        request = self.read_request()
        return request_without_foreign_cookies(self.application(), request) if request.is_socket else request

    def _prefers_json(self) -> bool:
        # The rejection of a WebSocket is read by a program.
        best = self.connection.accept_mimetypes.best_match(("text/html", "application/json"))
        return self.is_socket() or best == "application/json"

    def _answers_get(self) -> bool:
        adapter = self.app.create_url_adapter(self.connection)
        return adapter is not None and adapter.test(method="GET")

    def is_exempt(self) -> bool:
        """Whether a hook that requires a login or a token lets the request pass.

        Our own routes are part of the login, and verify their requests themselves. A CORS preflight request has
        neither cookie nor token, and the framework responds to it without a view.
        """
        present = self.connection
        if present.endpoint in self.application().own_endpoints:
            return True
        return present.method == "OPTIONS" and getattr(present.url_rule, "provide_automatic_options", False)

    # The session, before the view

    def needs_store(self) -> bool:
        """Whether the session of this request must be read from the store."""
        present = self.connection
        if is_static_file(present.endpoint, present.view_args):
            return False
        return self.application().has_stored_session(present.cookies)

    async def open_session(self) -> None:
        """Read the session from the store."""
        await self.current_context().open_session()

    # A mount

    def is_below_a_mount(self) -> bool:
        """Whether the app sees only the end of the path."""
        return bool(self.connection.root_path)

    async def route_below_a_mount(self) -> None:
        """Route a request to our own view. Under a prefix the app sees only the end of our paths."""
        request = self.connection
        if endpoint := self.application().endpoint_below(request.root_path, request.path):
            rule: Any = next(self.app.url_map.iter_rules(endpoint))
            request.url_rule, request.view_args, request.routing_exception = rule, {}, None

    # The response

    def write_response(self, response: WebResponse) -> Any:
        """Return one of our responses as one of the framework."""
        written = self.response_class(response.body, status=response.status, headers=dict(response.headers))
        self.bare_context().own_response = (written, response.headers)
        return written

    def reject(self, failure: TokenFailure) -> NoReturn:
        """Reject a bearer token with an exception of the framework, so that the error handlers of the app see it."""
        response = token_failure_response(failure, self.read_request())
        self.bare_context().rejection = response.headers
        self.app.aborter(failure.status, description=failure.description, response=self.write_response(response))
        raise AssertionError("The aborter of an app must raise.")

    async def finish_response(self, response: Any) -> Any:
        """Complete a response: its cookies and headers, and the signals of this request."""
        context = self.bare_context()
        try:
            await finish_response(response, context)
        except StoreError as error:
            response = self.write_response(failure_response(read_failure(error), self.read_request()))
        if context.has_request:
            await self._send_signals(context)
        return response

    async def send_late_signals(self, context: RequestContext) -> None:
        """Send the signals of a request whose response has been sent already."""
        if not context.sets_cookies:
            await self._send_signals(context)

    async def _send_signals(self, context: RequestContext) -> None:
        app = self.app._get_current_object()
        while context.announcements:
            # Removed first: if a receiver raises, another response is made, which is completed here, too.
            await self.send(context.announcements.pop(0), app)
