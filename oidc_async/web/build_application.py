"""Builds a `WebApplication` from its settings and provider configurations."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.errors import ConfigurationError
from oidc_async.protocol.metadata import ClientRegistrationInfo
from oidc_async.relying_party.relying_party import AsyncRelyingParty
from oidc_async.resource_server.resource_server import AsyncResourceServer
from oidc_async.resource_server.token_cache import AccessCache
from oidc_async.runtime.port import Runtime
from oidc_async.sealing import Sealer
from oidc_async.stores import Store, StoreChoice

from .application import WebApplication
from .http.cookies import Cookies
from .http.warning_limit import WarningLimit
from .routes.client_jwks import published_keys
from .routes.request_objects import ServedRequestObjects
from .sessions.cookie_sessions import CookieSessions
from .sessions.pending_logins import PendingLogins
from .sessions.port import Sessions
from .sessions.revocable_sessions import RevocableSessions
from .sessions.revocations import SessionRevocations
from .sessions.session_binding import ClientNames
from .sessions.session_tokens import SessionTokens
from .sessions.stored_sessions import StoredSessions
from .settings import Settings
from .views.claimed_issuers import ClaimedIssuers


@dataclass(frozen=True, slots=True)
class RuntimePool:
    """Makes runtimes and shares them between providers that are reached with the same HTTP settings.

    A TLS context is expensive to make, so providers with equal settings use one.
    """

    new_runtime: Callable[[ProviderConfiguration], Runtime]
    _runtimes: dict[object, Runtime] = field(default_factory=dict[object, Runtime], init=False)

    def runtime_for(self, configuration: ProviderConfiguration) -> Runtime:
        """Return the runtime that the configuration brings, else a shared one."""
        if configuration.runtime is not None:
            return configuration.runtime
        key = (configuration.http_settings, id(configuration.http_client))
        if key not in self._runtimes:
            self._runtimes[key] = self.new_runtime(configuration)
        return self._runtimes[key]

    def made(self) -> list[Runtime]:
        """Return the runtimes that were made here."""
        return list(self._runtimes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonParts:
    """The parts that the clients and resource servers of one application share."""

    settings: Settings
    sealer: Sealer
    store: Store | None
    runtimes: RuntimePool


def build_application(
    settings: Settings,
    configurations: Mapping[str, ProviderConfiguration],
    new_runtime: Callable[[ProviderConfiguration], Runtime],
    open_store: Callable[[StoreChoice], Store],
    token_providers: Collection[str] | None = None,
) -> WebApplication:
    """Build the parts of an application. Contacts neither a provider nor a store.

    Args:
        settings: The settings of the application.
        configurations: The provider configurations by name.
        new_runtime: Makes a runtime for a configuration that has none.
        open_store: Returns the blocking or asynchronous interface of a store, as the framework needs it.
        token_providers: The names of the providers whose access tokens views accept; all of them if None.

    Raises:
        ConfigurationError: A configuration or setting is missing or does not fit the others.
    """
    _require_configurations(configurations)
    _require_use_of_request_uri(settings, configurations.values())
    client_keys = published_keys(configurations.values()) if settings.jwks_uri else ()
    cookies = Cookies(settings.redirect_uri.full_uri)
    sealer = Sealer(settings.secret_keys)
    store = None if settings.store is None else open_store(settings.store)
    parts = CommonParts(settings=settings, sealer=sealer, store=store, runtimes=RuntimePool(new_runtime))
    clients = _build_clients(parts, configurations)
    resource_servers = _build_resource_servers(parts, configurations, clients)
    client_names = ClientNames(configurations, clients)
    revocations = _build_revocations(settings, store)
    session_tokens = SessionTokens(
        clients, resource_servers, configurations if token_providers is None else token_providers
    )
    registrations = [client.provider.registration for client in clients.values()]
    now = _clock(configurations.values())
    return WebApplication(
        settings=settings,
        configurations=dict(configurations),
        now=now,
        sealer=sealer,
        cookies=cookies,
        store=store,
        clients=clients,
        resource_servers=resource_servers,
        client_names=client_names,
        runtimes=parts.runtimes.made(),
        registrations=[registration for registration in registrations if registration is not None],
        endpoints={uri.path: endpoint for endpoint, uri in settings.own_uris().items()},
        own_endpoints=settings.own_endpoints(),
        response_modes=frozenset(configuration.response_mode for configuration in configurations.values()),
        client_keys=client_keys,
        revocations=revocations,
        sessions=_build_sessions(parts, cookies, client_names, revocations, session_tokens),
        session_tokens=session_tokens,
        pending_logins=PendingLogins(sealer, cookies, settings.login_seconds),
        request_objects=_build_request_objects(parts),
        claimed_issuers=ClaimedIssuers(settings.token_cache_entries),
        warning_limit=WarningLimit(now),
    )


def _clock(configurations: Iterable[ProviderConfiguration]) -> Callable[[], float]:
    # A simulated provider has its own clock, which sessions and cookies must follow.
    simulated = [configuration.runtime for configuration in configurations if configuration.runtime]
    return simulated[0].now if simulated else time.time


def _build_clients(
    parts: CommonParts, configurations: Mapping[str, ProviderConfiguration]
) -> dict[str, AsyncRelyingParty]:
    settings = parts.settings
    request_uri = None if settings.request_uri is None else settings.request_uri.full_uri
    return {
        name: AsyncRelyingParty(
            _with_own_endpoints(configuration, settings),
            redirect_uri=settings.redirect_uri.full_uri,
            clock_skew_seconds=settings.clock_skew,
            login_lifetime_seconds=settings.login_seconds,
            store=parts.store,
            sealer=parts.sealer,
            request_uri=request_uri,
            runtime=parts.runtimes.runtime_for(configuration),
        )
        for name, configuration in configurations.items()
        if _is_client(configuration)
    }


def _is_client(configuration: ProviderConfiguration) -> bool:
    """Whether the application is a client of this provider, or only verifies its JWT access tokens."""
    has_client = configuration.client_metadata is not None or configuration.client_registration_info is not None
    return has_client or configuration.access_token_verification != "jwt"


def _with_own_endpoints(configuration: ProviderConfiguration, settings: Settings) -> ProviderConfiguration:
    """Add our endpoints to the metadata that a client registers (OIDC Registration 2), unless it sets them."""
    info = configuration.client_registration_info
    if info is None:
        return configuration
    own = _own_client_metadata(settings, has_keys=configuration.client_keys is not None)
    return replace(configuration, client_registration_info=ClientRegistrationInfo(**{**own, **info}))


def _own_client_metadata(settings: Settings, *, has_keys: bool) -> dict[str, Any]:
    uris = {
        "jwks_uri": settings.jwks_uri if has_keys else None,
        "initiate_login_uri": settings.initiate_login_uri,
        "backchannel_logout_uri": settings.backchannel_logout_uri,
        "frontchannel_logout_uri": settings.frontchannel_logout_uri,
    }
    own: dict[str, Any] = {name: uri.full_uri for name, uri in uris.items() if uri is not None}
    if settings.frontchannel_logout_uri is not None:
        # Without iss and sid in its address, a front-channel logout does not name the session to end.
        own["frontchannel_logout_session_required"] = True
    return own


def _build_resource_servers(
    parts: CommonParts,
    configurations: Mapping[str, ProviderConfiguration],
    clients: Mapping[str, AsyncRelyingParty],
) -> dict[str, AsyncResourceServer]:
    settings = parts.settings
    cache = AccessCache(
        seconds=settings.token_cache_seconds,
        refused_seconds=settings.token_cache_refused_seconds,
        entries=settings.token_cache_entries,
    )
    return {
        name: AsyncResourceServer(
            configuration,
            clock_skew_seconds=settings.clock_skew,
            cache=cache,
            runtime=parts.runtimes.runtime_for(configuration),
            provider=clients[name].provider if name in clients else None,
            store=parts.store if settings.token_cache_in_store else None,
            sealer=parts.sealer,
        )
        for name, configuration in configurations.items()
    }


def _build_revocations(settings: Settings, store: Store | None) -> SessionRevocations | None:
    if store is None or not (settings.backchannel_logout_uri or settings.frontchannel_logout_uri):
        return None
    # A login that is pending when the provider revokes sessions may still become a session.
    lifetime = settings.session_seconds + settings.login_seconds
    sealers = [Sealer([secret]) for secret in settings.secret_keys]
    return SessionRevocations(store, sealers, lifetime, settings.clock_skew)


def _build_sessions(
    parts: CommonParts,
    cookies: Cookies,
    client_names: ClientNames,
    revocations: SessionRevocations | None,
    session_tokens: SessionTokens,
) -> Sessions:
    settings = parts.settings
    sessions: Sessions = (
        CookieSessions(settings, parts.sealer, cookies, client_names)
        if parts.store is None or settings.session_in_cookies
        else StoredSessions(parts.store, settings, parts.sealer, cookies, client_names)
    )
    if revocations is None:
        return sessions
    expects_frames = settings.frontchannel_logout_uri is not None
    return RevocableSessions(
        sessions, revocations, client_names, session_tokens.invalidate, expects_frames=expects_frames
    )


def _build_request_objects(parts: CommonParts) -> ServedRequestObjects | None:
    settings = parts.settings
    store = parts.store
    if settings.request_uri is None or store is None:
        return None
    from oidc_async.stores import MemoryStore

    if isinstance(store, MemoryStore):
        # Anybody can start logins, so their objects must not displace sessions.
        store = store.for_anonymous_requests
    return ServedRequestObjects(store, parts.sealer, settings.request_uri.full_uri, settings.login_seconds)


def _require_configurations(configurations: object) -> None:
    if not configurations:
        raise ConfigurationError("OIDCAuthentication needs at least one ProviderConfiguration, with a name.")
    named = cast(Mapping[object, object], configurations) if isinstance(configurations, Mapping) else {"": None}
    if not all(isinstance(value, ProviderConfiguration) for value in named.values()):
        raise ConfigurationError(
            "OIDCAuthentication needs a mapping of names to providers: "
            "OIDCAuthentication({'name': ProviderConfiguration(...)})."
        )


def _require_use_of_request_uri(settings: Settings, configurations: Iterable[ProviderConfiguration]) -> None:
    if settings.request_uri is None:
        return
    if all(configuration.request_object != "reference" for configuration in configurations):
        raise ConfigurationError('OIDC_REQUEST_URI needs request_object="reference" in a ProviderConfiguration.')
