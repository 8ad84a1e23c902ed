"""The parts of one application that live as long as the application does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.errors import ConfigurationError
from oidc_async.provider.client_registration import ClientRegistration
from oidc_async.relying_party.relying_party import AsyncRelyingParty
from oidc_async.resource_server.resource_server import AsyncResourceServer
from oidc_async.runtime.port import Runtime
from oidc_async.sealing import Sealer
from oidc_async.stores import Store

from .http.cookies import Cookies
from .http.warning_limit import WarningLimit
from .routes.request_objects import ServedRequestObjects
from .sessions.pending_logins import PendingLogins
from .sessions.port import Sessions
from .sessions.revocations import SessionRevocations
from .sessions.session_binding import ClientNames
from .sessions.session_tokens import SessionTokens
from .settings import REQUEST_OBJECT, Settings
from .views.claimed_issuers import ClaimedIssuers


@dataclass(slots=True, weakref_slot=True, kw_only=True, eq=False, repr=False)
class WebApplication:
    """The providers, settings and stores of one application, kept in `app.extensions["oidc_async"]`.

    `build_application` makes it.

    Attributes:
        now: The clock, in seconds since 1970; the one of the simulated provider, if there is one.
        clients: The relying parties by provider name.
        resource_servers: The resource servers by provider name.
        client_names: The issuer and client that a session of each provider is bound to.
        runtimes: The runtimes that were made for this application, to be closed with it.
        registrations: The clients that register themselves (OIDC Dynamic Client Registration).
        endpoints: Our endpoints by their decoded paths.
        own_endpoints: The names of all our endpoints.
        client_keys: The public keys to publish at OIDC_JWKS_URI.
        warned_of_size: Whether the warning about large response headers was logged.
    """

    settings: Settings
    configurations: Mapping[str, ProviderConfiguration]
    now: Callable[[], float]
    sealer: Sealer
    cookies: Cookies
    store: Store | None
    clients: Mapping[str, AsyncRelyingParty]
    resource_servers: dict[str, AsyncResourceServer]
    client_names: ClientNames
    runtimes: Sequence[Runtime]
    registrations: Sequence[ClientRegistration]
    endpoints: Mapping[str, str]
    own_endpoints: frozenset[str]
    response_modes: frozenset[str]
    client_keys: Sequence[Mapping[str, str]]
    revocations: SessionRevocations | None
    sessions: Sessions
    session_tokens: SessionTokens
    pending_logins: PendingLogins
    request_objects: ServedRequestObjects | None
    claimed_issuers: ClaimedIssuers
    warning_limit: WarningLimit
    warned_of_size: bool = False

    async def recall_clients(self) -> None:
        """Look up the clients that another process may have registered. Raises StoreError."""
        for registration in self.registrations:
            await registration.recall()

    def has_stored_session(self, cookies: Mapping[str, str]) -> bool:
        """Whether the store must be read, for a session or its client, before a view may use the session."""
        reads_store = self.sessions.reads_store or bool(self.store and self.registrations)
        return reads_store and self.sessions.is_present(cookies)

    @property
    def may_be_hidden_by_a_mount(self) -> bool:
        """Whether one of our paths has several segments, of which a mount may remove the first ones."""
        return any(path.count("/") > 1 or name == REQUEST_OBJECT for path, name in self.endpoints.items())

    def endpoint_below(self, root_path: str, path: str) -> str | None:
        """Return the name of our endpoint at a path, wherever the application is mounted; None for other paths."""
        path = root_path + path
        above = self.endpoints.get(path.rpartition("/")[0])
        return self.endpoints.get(path) or (above if above == REQUEST_OBJECT else None)

    def require_revocations(self) -> SessionRevocations:
        """Return the session revocations. Raises ConfigurationError if there is no store for them."""
        if self.revocations is None:
            raise ConfigurationError(
                "A back-channel logout needs both settings OIDC_BACKCHANNEL_LOGOUT_URI and OIDC_STORE."
            )
        return self.revocations
