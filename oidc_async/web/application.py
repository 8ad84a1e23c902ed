"""What one application keeps between requests, and what one request does with it."""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, cast

from blinker import NamedSignal

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.errors import ConfigurationError, OIDCError, StoreError
from oidc_async.protocol.metadata import ProviderMetadata
from oidc_async.relying_party.login import Login
from oidc_async.relying_party.relying_party import AsyncRelyingParty
from oidc_async.resource_server.resource_server import AsyncResourceServer
from oidc_async.resource_server.token_cache import AccessCache
from oidc_async.runtime.port import Runtime
from oidc_async.sealing import Sealer
from oidc_async.stores import Store, StoreChoice

from .http.cookies import Cookies
from .http.messages import Cookie, WebRequest
from .http.return_path import return_path
from .http.warning_limit import WarningLimit
from .registered_endpoints import with_own_uris
from .routes.client_jwks import published_keys
from .routes.request_objects import ServedRequestObjects
from .sessions.cookie_sessions import SessionCookies, SessionRecord
from .sessions.pending_logins import PendingLogins
from .sessions.revocable_sessions import MarkedSessions, Sessions
from .sessions.revocations import LogoutMarkers
from .sessions.session_binding import ClientNames
from .sessions.session_record import LoginBegun
from .sessions.stored_sessions import StoredSessions
from .sessions.user_session import UserSession
from .settings import REQUEST_OBJECT, Settings
from .signals import Announcement, LogoutReason, logged_in, logged_out, reason_of, token_refreshed
from .views.claimed_issuers import ClaimedIssuers
from .views.token_cleanup import forget_tokens

logger = logging.getLogger("oidc_async.events")

LOGIN_STATE = "login_state"
"""The member of a session that tells a repeated callback of its login from any other."""


class WebApplication:
    """The providers, settings and cookies of one application. Lives in `app.extensions["oidc_async"]`.

    `new_runtime` makes a runtime for a configuration that brings none, `open_store` gives the face of a store that
    belongs to the framework.
    """

    def __init__(
        self,
        settings: Settings,
        configurations: Mapping[str, ProviderConfiguration],
        new_runtime: Callable[[ProviderConfiguration], Runtime],
        open_store: Callable[[StoreChoice], Store],
    ) -> None:
        if not configurations:
            raise ConfigurationError("OIDCAuthentication needs at least one ProviderConfiguration, by a name.")
        _require_configurations(configurations)
        if settings.request_uri is not None:
            _require_use_of_request_uri(configurations)
        self.settings = settings
        # a simulated provider brings its clock
        simulated = [configuration.runtime for configuration in configurations.values() if configuration.runtime]
        self.now: Callable[[], float] = simulated[0].now if simulated else time.time
        self.warning_limit = WarningLimit(self.now)
        self.cookies = Cookies(settings.redirect_uri.full_uri)
        self.endpoints = {uri.path: endpoint for endpoint, uri in settings.own_uris().items()}
        self.own_endpoints = settings.own_endpoints()
        self.client_keys = published_keys(configurations.values()) if settings.jwks_uri else ()
        sealer = self.sealer = Sealer(settings.secret_keys)
        self.clients: dict[str, AsyncRelyingParty] = {}
        self.client_names = ClientNames(configurations, self.clients)
        self.store = None if settings.store is None else open_store(settings.store)
        self.markers = self._new_markers()
        self.sessions = self._new_sessions(self.client_names)
        self.request_objects = _new_request_objects(self)
        self.pending_logins = PendingLogins(sealer, self.cookies, settings.login_seconds)
        self.warned_of_size = False
        self._runtimes: dict[object, Runtime] = {}
        self.configurations = dict(configurations)
        self.token_providers: Collection[str] = self.configurations
        """Those whose access tokens views take."""
        self.response_modes = frozenset(configuration.response_mode for configuration in configurations.values())
        self.clients.update(
            (name, self._client(configuration, new_runtime))
            for name, configuration in configurations.items()
            if _is_client(configuration)
        )
        registrations = (client.provider.registration for client in self.clients.values())
        self._registrations = [registration for registration in registrations if registration is not None]
        self._accesses = AccessCache(
            seconds=settings.token_cache_seconds,
            refused_seconds=settings.token_cache_refused_seconds,
            entries=settings.token_cache_entries,
        )
        self.claimed_issuers = ClaimedIssuers(settings.token_cache_entries)
        self.resource_servers = {
            name: self._resource_server(name, configuration, new_runtime)
            for name, configuration in configurations.items()
        }

    @property
    def runtimes(self) -> list[Runtime]:
        """The runtimes made here, to be closed with the application."""
        return list(self._runtimes.values())

    async def recall_clients(self) -> None:
        """See whether another process has registered the clients that this one doesn't know. Raises StoreError."""
        for registration in self._registrations:
            await registration.recall()

    @property
    def keeps_sessions_in_store(self) -> bool:
        """Whether a session can be saved without a response that sets cookies."""
        return self.store is not None and not self.settings.session_in_cookies

    def has_stored_session(self, cookies: Mapping[str, str]) -> bool:
        """Whether a store has to be asked about a session, or about its client, before a view may ask for it."""
        waits = isinstance(self.sessions, StoredSessions | MarkedSessions) or bool(self.store and self._registrations)
        return waits and self.sessions.is_present(cookies)

    @property
    def may_be_hidden_by_a_mount(self) -> bool:
        """Whether the path of one of our routes has several segments, of which a mount may take the first ones."""
        return any(path.count("/") > 1 or name == REQUEST_OBJECT for path, name in self.endpoints.items())

    def endpoint_below(self, root_path: str, path: str) -> str | None:
        """Which of our own endpoints a path is, wherever the application is mounted."""
        path = root_path + path
        above = self.endpoints.get(path.rpartition("/")[0])
        return self.endpoints.get(path) or (above if above == REQUEST_OBJECT else None)

    def require_markers(self) -> LogoutMarkers:
        """The marks of ended sessions. Raises ConfigurationError when there is no place for them."""
        if self.markers is None:
            raise ConfigurationError("OIDC_BACKCHANNEL_LOGOUT_URI and OIDC_STORE must be set for that.")
        return self.markers

    def _new_markers(self) -> LogoutMarkers | None:
        settings = self.settings
        if self.store is None or not (settings.backchannel_logout_uri or settings.frontchannel_logout_uri):
            return None
        # a login that is under way may still become a session
        lifetime = settings.session_seconds + settings.login_seconds
        sealers = [Sealer([secret]) for secret in settings.secret_keys]
        return LogoutMarkers(self.store, sealers, lifetime, settings.clock_skew)

    def _new_sessions(self, clients: Mapping[str, str]) -> Sessions:
        settings = self.settings
        sessions: Sessions = (
            SessionCookies(settings, self.sealer, self.cookies, clients)
            if self.store is None or settings.session_in_cookies
            else StoredSessions(self.store, settings, self.sealer, self.cookies, clients)
        )
        if self.markers is None:
            return sessions
        forget = partial(forget_tokens, self)
        frames = settings.frontchannel_logout_uri is not None
        return MarkedSessions(sessions, self.markers, clients, forget, expects_frames=frames)

    def _client(
        self,
        configuration: ProviderConfiguration,
        new_runtime: Callable[[ProviderConfiguration], Runtime],
    ) -> AsyncRelyingParty:
        return AsyncRelyingParty(
            with_own_uris(configuration, self.settings),
            redirect_uri=self.settings.redirect_uri.full_uri,
            clock_skew_seconds=self.settings.clock_skew,
            login_lifetime_seconds=self.settings.login_seconds,
            store=self.store,
            sealer=self.sealer,
            request_uri=None if self.settings.request_uri is None else self.settings.request_uri.full_uri,
            runtime=configuration.runtime or self._shared_runtime(configuration, new_runtime),
        )

    def _resource_server(
        self,
        name: str,
        configuration: ProviderConfiguration,
        new_runtime: Callable[[ProviderConfiguration], Runtime],
    ) -> AsyncResourceServer:
        client = self.clients.get(name)
        return AsyncResourceServer(
            configuration,
            clock_skew_seconds=self.settings.clock_skew,
            cache=self._accesses,
            runtime=configuration.runtime or self._shared_runtime(configuration, new_runtime),
            provider=client.provider if client else None,
            store=self.store if self.settings.token_cache_in_store else None,
            sealer=self.sealer,
        )

    def _shared_runtime(
        self,
        configuration: ProviderConfiguration,
        new_runtime: Callable[[ProviderConfiguration], Runtime],
    ) -> Runtime:
        # a TLS context is dear: providers that are reached in the same way share one runtime
        way = (configuration.http_settings, id(configuration.http_client))
        if way not in self._runtimes:
            self._runtimes[way] = new_runtime(configuration)
        return self._runtimes[way]


class Exchange:
    """One request: its session, loaded at first sight, and the cookies that its response will set."""

    def __init__(self, application: WebApplication, request: WebRequest) -> None:
        self.application, self.request = application, request
        self.personal = False
        self.sets_cookies = not request.is_socket
        """Whether a response is still to come, by which cookies can be set."""
        self.requires_login = False
        """Whether a decorator let this request pass because of its session."""
        self.login_provider: str | None = None
        """Whose login this request begins or completes, once that is known."""
        self.refresh_failure: OIDCError | None = None
        """Why the last call for a usable access token refreshed in vain."""
        self.announcements: list[Announcement] = []
        self._cookies: dict[str, Cookie] = {}
        self._session: SessionRecord | None = None
        self._failure: StoreError | None = None

    async def open_session(self) -> None:
        """Load the session, if this was not done; an outage of its store hurts those who ask for it."""
        if self._session is None and self._failure is None:
            try:
                await self.reopen_session()
                # what has been found to have ended is taken from this browser at once
                self.personal = self.personal or (self._session is not None and self._session.modified)
            except StoreError as error:
                self._failure = error

    async def reopen_session(self) -> None:
        """Load the session, also if this was done: others may have changed or ended it. Raises StoreError.

        What a WebSocket reads does not prolong an idle session: no user need be there.
        """
        application = self.application
        await application.recall_clients()
        self._session = await application.sessions.open(
            self.present_cookies(), application.now(), is_seen=self.sets_cookies
        )
        self._failure = None

    @property
    def session(self) -> SessionRecord:
        """The session. Raises StoreError when the store could not be asked for it."""
        if self._failure is not None:
            raise self._failure
        # what a response makes of the login is for this user only
        self.personal = True
        if self._session is None:
            application = self.application
            self._session = application.sessions.load(self.request.cookies, application.now())
        return self._session

    async def require_session(self) -> SessionRecord:
        """The session, loaded if this was not done. Raises StoreError."""
        await self.open_session()
        return self.session

    def set_cookies(self, *cookies: Cookie) -> None:
        self._cookies.update((cookie.name, cookie) for cookie in cookies)

    def unset_cookie(self, name: str) -> None:
        """Leave the cookie of this name as the browser has it."""
        self._cookies.pop(name, None)

    def is_logged_in(self, provider_name: str) -> bool:
        return UserSession(self.session, provider_name).is_authenticated()

    def is_by_login(self, state: str) -> bool:
        """Whether the session began with the login of this `state`."""
        return self.session.get(LOGIN_STATE) == _state_digest(state)

    async def log_in(self, provider_name: str, login: Login, *, begun_at: float, state: str) -> None:
        """Begin a session with nothing in it but `login`, which was begun at `begun_at`, in seconds since 1970.

        Raises SessionTooLarge, LoginExpired or StoreError, leaving the present one.
        """
        now = self.application.now()
        sessions = self.application.sessions
        record = sessions.new(self.request.cookies, now)
        record.login_begun = LoginBegun(here=begun_at, at_provider=login.id_token["iat"] - (now - begun_at))
        _update(UserSession(record, provider_name), login, now)
        self._keep_session_state(record, login)
        record[LOGIN_STATE] = _state_digest(state)
        self.set_cookies(*await sessions.begin(record, self.present_cookies(), now))
        record.settle()
        self._session = record
        self.announce(logged_in, provider_name, claims=dict(login.id_token))

    async def renew(self, login: Login) -> None:
        """Keep what `login` brought in the present session. Raises SessionTooLarge, StoreError: it stays then."""
        record, former = self.session, dict(self.session)
        user = UserSession(record)
        _update(user, login, self.application.now())
        self._keep_session_state(record, login)
        try:
            await self._keep_session()
        except OIDCError:
            record.data = former
            record.settle()
            raise
        self.announce(token_refreshed, user.current_provider, claims=dict(login.id_token))

    def _keep_session_state(self, record: SessionRecord, login: Login) -> None:
        """Keep, in place of the former one, what the provider's frame is asked with, where somebody will ask it."""
        client = self.application.clients[record["current_provider"]]
        metadata = client.provider.known_metadata() or ProviderMetadata()
        if (
            self.application.settings.session_iframe_uri
            and login.session_state
            and "check_session_iframe" in metadata
        ):
            record["session_state"] = login.session_state
        elif "session_state" in record:
            del record["session_state"]

    def drop_refresh_token(self, refresh_token: str) -> None:
        """Forget `refresh_token`, which the provider takes no more, unless the session has another one by now."""
        sessions, now = self.application.sessions, self.application.now()
        if self.session.get("refresh_token") == refresh_token:
            self.set_cookies(*sessions.drop_refresh_token(self.session, now))

    async def log_out(self, reason: LogoutReason) -> None:
        """End the session, if there is one. Raises StoreError when it has not ended."""
        provider_name = self.session.get("current_provider")
        claims = UserSession(self.session).id_token if provider_name and logged_out.receivers else None
        # even when nobody is logged in: another response may have replaced the session that this browser had
        self.session.end()
        await self._keep_session()
        if provider_name:
            self.announce(logged_out, provider_name, reason=reason, claims=claims or {})

    def announce(self, signal: NamedSignal, provider_name: str | None, **fields: Any) -> None:
        """Have a signal sent with the response, if anybody listens."""
        logger.debug("%s: provider %r", signal.name, provider_name)
        if signal.receivers:
            self.announcements.append(Announcement(signal=signal, fields={"provider": provider_name, **fields}))

    def announce_failure(
        self, signal: NamedSignal, provider_name: str | None, error: OIDCError, **fields: Any
    ) -> None:
        """The same, with why something failed."""
        self.announce(signal, provider_name, **reason_of(error), **fields)

    async def finished_cookies(self) -> list[Cookie]:
        """The cookies that the response sets; those of the session only if it was changed. Raises StoreError."""
        await self._keep_session()
        self.sets_cookies = False
        return list(self._cookies.values())

    async def keep_late(self, record: SessionRecord) -> None:
        """Save what was changed in `record`, which a store keeps: no response will. Raises StoreError."""
        application = self.application
        await application.sessions.keep(record, self.present_cookies(), application.now())
        record.settle()

    async def _keep_session(self) -> None:
        session, application = self._session, self.application
        # what nobody asked for was not seen
        if session is not None and self.personal:
            self.set_cookies(*await application.sessions.keep(session, self.present_cookies(), application.now()))
            session.settle()

    def return_path(self) -> str:
        """The path, by GET, that shows what this request asked for."""
        return return_path(self.request, self.application.settings.redirect_uri.full_uri)

    def present_cookies(self) -> dict[str, str]:
        """Those of the request, with what this response makes of them."""
        # a login and what a hook makes of it may meet in one request
        return {**self.request.cookies, **{cookie.name: cookie.value for cookie in self._cookies.values()}}


def _state_digest(state: str) -> str:
    return sha256(state.encode(errors="replace")).hexdigest()[:16]


def _new_request_objects(application: WebApplication) -> ServedRequestObjects | None:
    settings, store = application.settings, application.store
    if settings.request_uri is None or store is None:
        return None
    from oidc_async.stores import MemoryStore

    if isinstance(store, MemoryStore):
        # anybody may begin logins
        store = store.for_anonymous_requests
    return ServedRequestObjects(store, application.sealer, settings.request_uri.full_uri, settings.login_seconds)


def _update(user: UserSession, login: Login, now: float) -> None:
    user.update(
        access_token=login.access_token,
        expires_in=login.tokens.expires_in,
        id_token=login.id_token,
        id_token_jwt=login.id_token_jwt,
        userinfo=login.userinfo,
        refresh_token=login.tokens.refresh_token,
        now=now,
    )


def _require_use_of_request_uri(configurations: Mapping[str, ProviderConfiguration]) -> None:
    if all(configuration.request_object != "reference" for configuration in configurations.values()):
        raise ConfigurationError('OIDC_REQUEST_URI needs request_object="reference" in a ProviderConfiguration.')


def _is_client(configuration: ProviderConfiguration) -> bool:
    """Who only verifies tokens here is nobody's client."""
    is_one = configuration.client_metadata is not None or configuration.client_registration_info is not None
    return is_one or configuration.access_token_verification != "jwt"


def _require_configurations(configurations: object) -> None:
    named = cast(Mapping[object, object], configurations) if isinstance(configurations, Mapping) else {"": None}
    if not all(isinstance(value, ProviderConfiguration) for value in named.values()):
        raise ConfigurationError(
            "OIDCAuthentication needs providers by name: OIDCAuthentication({'name': ProviderConfiguration(...)})."
        )
