"""The values of one request, kept until its response is sent."""

import logging
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from blinker import NamedSignal

from oidc_async.errors import OIDCError, StoreError
from oidc_async.protocol.access_grant import Access

from .application import WebApplication
from .http.messages import Cookie, WebRequest
from .http.return_path import return_path
from .sessions.session_record import SessionRecord
from .sessions.user_session import UserSession
from .signals import Announcement, reason_of

# The protection of views imports this module.
if TYPE_CHECKING:
    from .views.token_required import TokenPolicy

logger = logging.getLogger("oidc_async.events")

KEY = "oidc_async.request_contexts"
"""The key in the WSGI environ or ASGI scope."""


class RequestContext:
    """The values of one request in one application: its token, its session and the cookies to set.

    A request with a cached token needs none of them but `access` and `policies`. So the request itself is read, and
    the session is loaded, only when something uses them.

    Attributes:
        access: The access that the bearer token of the request grants.
        policies: The token requirements of decorators and hooks that the request has passed.
        rejection: The headers of a rejection, which the response keeps even if an error handler replaces it.
        own_response: The last response that this library made, and its headers.
        sets_cookies: Whether a response that can set cookies is still to be sent.
        is_personal: Whether the response depends on the user, so that shared caches must not store it.
        requires_login: Whether a decorator let the request pass because of its session.
        login_provider: The provider of the login that this request starts or completes, once it is known.
        refresh_failure: Why the last call of `valid_access_token` could not refresh the token.
        announcements: The signals to send when the response is ready.
    """

    def __init__(self, application: WebApplication, request: WebRequest | None = None) -> None:
        self.application = application
        self.access: Access | None = None
        self.policies: tuple[TokenPolicy, ...] = ()
        self.rejection: Mapping[str, str] | None = None
        self.own_response: tuple[object, Mapping[str, str]] | None = None
        self.sets_cookies = True
        self.is_personal = False
        self.requires_login = False
        self.login_provider: str | None = None
        self.refresh_failure: OIDCError | None = None
        self.announcements: list[Announcement] = []
        self._request: WebRequest | None = None
        self._cookies: dict[str, Cookie] = {}
        self._session: SessionRecord | None = None
        self._session_failure: StoreError | None = None
        if request is not None:
            self._receive(request)

    # The request

    @property
    def request(self) -> WebRequest:
        """The request. It must have been read before."""
        if self._request is None:
            raise RuntimeError("The request of this context was not read.")
        return self._request

    @property
    def has_request(self) -> bool:
        """Whether the request was read, as everything about sessions needs it."""
        return self._request is not None

    def read_once(self, read_request: Callable[[], WebRequest]) -> None:
        """Read the request unless this was done before."""
        if self._request is None:
            self._receive(read_request())

    def _receive(self, request: WebRequest) -> None:
        self._request = request
        self.sets_cookies = not request.is_socket

    def return_path(self) -> str:
        """Return the path that shows, by GET, what this request asked for."""
        return return_path(self.request, self.application.settings.redirect_uri.full_uri)

    # The bearer token

    def admit(self, access: Access, policy: "TokenPolicy") -> None:
        """Record that the token of the request meets the requirements of a view."""
        self.access = access
        if policy not in self.policies:
            self.policies = (*self.policies, policy)

    @property
    def needs_session(self) -> bool:
        """Whether a decorator required a login, or none required a token."""
        return not self.policies or self.requires_login

    # The session

    async def open_session(self) -> None:
        """Load the session unless this was done. A failure of the store is raised where the session is used."""
        if self._session is None and self._session_failure is None:
            try:
                await self.reopen_session()
                # A revoked session is deleted from this browser at once, also if nothing uses it.
                self.is_personal = self.is_personal or (self._session is not None and self._session.modified)
            except StoreError as error:
                # Hooks load the session for every view. Views that do not use it work while the store is down.
                self._session_failure = error

    async def reopen_session(self) -> None:
        """Load the session again, as other requests may have changed or ended it. Raises StoreError.

        Reading it in a WebSocket does not extend an idle session, because no user need be present.
        """
        application = self.application
        await application.recall_clients()
        record = await application.sessions.open(self.present_cookies(), application.now(), is_seen=self.sets_cookies)
        self.replace_session(record)

    @property
    def session(self) -> SessionRecord:
        """The session. Raises StoreError if it could not be loaded."""
        if self._session_failure is not None:
            raise self._session_failure
        # Whatever a view makes of the session is for this user only.
        self.is_personal = True
        if self._session is None:
            application = self.application
            self._session = application.sessions.load(self.request.cookies, application.now())
        return self._session

    @property
    def used_session(self) -> SessionRecord | None:
        """The session if something has used it; it is not loaded otherwise."""
        return self._session if self.is_personal else None

    async def require_session(self) -> SessionRecord:
        """Return the session, loading it if this was not done. Raises StoreError."""
        await self.open_session()
        return self.session

    def replace_session(self, record: SessionRecord) -> None:
        """Use this record as the session from now on."""
        self._session = record
        self._session_failure = None

    def is_logged_in(self, provider_name: str) -> bool:
        """Whether the user is logged in at this provider."""
        return UserSession(self.session, provider_name).is_authenticated()

    # The response

    def set_cookies(self, *cookies: Cookie) -> None:
        """Set these cookies with the response."""
        self._cookies.update((cookie.name, cookie) for cookie in cookies)

    def unset_cookie(self, name: str) -> None:
        """Leave the cookie of this name as the browser has it."""
        self._cookies.pop(name, None)

    def cookies_to_set(self) -> list[Cookie]:
        """Return the cookies that the response sets."""
        return list(self._cookies.values())

    def present_cookies(self) -> dict[str, str]:
        """Return the cookies of the request as the response changes them."""
        # A login and a hook that changes its session may meet in one request.
        return {**self.request.cookies, **{cookie.name: cookie.value for cookie in self._cookies.values()}}

    def announce(self, signal: NamedSignal, provider_name: str | None, **fields: Any) -> None:
        """Send a signal with the response, if it has receivers."""
        logger.debug("%s: provider %r", signal.name, provider_name)
        if signal.receivers:
            self.announcements.append(Announcement(signal=signal, fields={"provider": provider_name, **fields}))

    def announce_failure(
        self, signal: NamedSignal, provider_name: str | None, error: OIDCError, **fields: Any
    ) -> None:
        """Send a signal that says why something failed."""
        self.announce(signal, provider_name, **reason_of(error), **fields)


def context_of(environ: MutableMapping[str, Any], application: WebApplication) -> RequestContext:
    """Return the context of a request in an application.

    It is not kept on `g`, which a request that is made within another one shares with it. There is one for each
    application, since an application may pass its request on to another one.

    Args:
        environ: The WSGI environ or ASGI scope of the request.
        application: The application that handles the request.
    """
    contexts: dict[WebApplication, RequestContext] = environ.setdefault(KEY, {})
    context = contexts.get(application)
    if context is None:
        context = RequestContext(application)
        contexts[application] = context
    return context


def changes_response(environ: Mapping[str, Any]) -> bool:
    """Whether anything must be done to the response. A valid bearer token alone does not change it."""
    contexts: dict[WebApplication, RequestContext] | None = environ.get(KEY)
    # This runs for every response, and most requests have no context.
    if contexts is None:
        return False
    return any(context.has_request or context.rejection is not None for context in contexts.values())
