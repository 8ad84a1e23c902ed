"""Dynamic client registration and its management (OIDC Registration, RFC 7592)."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.configuration.provider_checks import require_suitable_client
from oidc_async.errors import ConfigurationError, OAuthError, OIDCError, RegistrationInvalid
from oidc_async.protocol.http_message import HttpRequest
from oidc_async.protocol.metadata import ClientMetadata, ClientRegistrationInfo, ProviderMetadata
from oidc_async.protocol.registration import (
    client_delete_request,
    client_read_request,
    client_update_request,
    has_expired_secret,
    is_manageable,
    read_deletion,
    read_registration,
    registration_request,
)
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.retry import send_repeatable
from oidc_async.sealing import Sealer
from oidc_async.stores import Store

from .circuit_breaker import is_outage
from .registration_metadata import initial_access_token, requested_metadata, with_auth_method
from .registration_store import KeptRegistration, Registered

logger = logging.getLogger("oidc_async.provider")

Discover = Callable[[], Awaitable[ProviderMetadata]]
NO_CLIENT = ClientMetadata()


class ClientRegistration:
    """The client of one configuration, registered when it is first needed.

    Args:
        configuration: with `client_registration_info`.
        runtime: sends the requests.
        redirect_uri: the redirect URI to register.
        kept: the place of the registration that all processes share, and that the next start finds. None registers a
            client for this process only.
        request_uri: the URL below which request objects are published, to register it.

    Raises:
        ConfigurationError: client_registration_info is invalid.
    """

    def __init__(
        self,
        configuration: ProviderConfiguration,
        runtime: Runtime,
        redirect_uri: str,
        kept: KeptRegistration | None,
        request_uri: str | None = None,
    ) -> None:
        self._configuration, self._runtime, self._kept = configuration, runtime, kept
        self._token = initial_access_token(configuration.client_registration_info or ClientRegistrationInfo())
        self._requested = requested_metadata(configuration, redirect_uri, request_uri)
        self._known: Registered | None = None

    @property
    def known(self) -> ClientMetadata:
        """The client as it was last read, even if its secret has expired.

        Before that, the metadata are empty.
        """
        return NO_CLIENT if self._known is None else self._known.client

    async def client(self, discover: Discover) -> ClientMetadata:
        """Return the client, registered now if none matches the configuration.

        Raises:
            ProviderError: the registration failed.
            StoreUnavailable: the place of the registration does not answer.
            ConfigurationError: the provider has no registration endpoint.
        """
        if self._known is not None and self._is_valid(self._known):
            return self._known.client
        return (await self._runtime.share(("registration", self), lambda: self._logged(discover))).client

    async def recall(self) -> None:
        """Read the client if another process has registered it.

        Registers nothing. Raises StoreUnavailable.
        """
        if self._kept is not None and not (self._known is not None and self._is_valid(self._known)):
            self._known = await self._kept.read() or self._known

    async def read(self, discover: Discover) -> ClientMetadata:
        """Read the client from the provider (RFC 7592 2.1). Raises ProviderError."""
        return await self._changed(discover, self._read)

    async def update(self, discover: Discover, changes: Mapping[str, Any]) -> ClientMetadata:
        """Change metadata of the client (RFC 7592 2.2); None removes a member.

        Raises ProviderError.
        """

        async def work(former: Registered) -> Registered:
            return await self._update(former, {**former.client, **changes}, former.requested)

        return await self._changed(discover, work)

    async def delete(self) -> None:
        """Delete the registration (RFC 7592 2.3), if any.

        Raises ProviderError and StoreUnavailable.
        """
        await self.recall()
        if self._known is None:
            return
        request = client_delete_request(_manageable(self._known).client)
        read_deletion(await send_repeatable(self._runtime, request, "registration"))
        self._known = None
        if self._kept is not None:
            await self._kept.delete()

    def _is_valid(self, registered: Registered) -> bool:
        return registered.requested == self._requested and not has_expired_secret(
            registered.client, self._runtime.now()
        )

    async def _logged(self, discover: Discover) -> Registered:
        try:
            return await self._obtained(discover)
        except OIDCError as error:
            # Logged inside of the shared work, once for all callers that wait.
            logger.error("the client could not be registered: %s (%s)", error, error.code)
            raise

    async def _obtained(self, discover: Discover) -> Registered:
        await self.recall()
        # Another process, or another caller, completed the work between the first lookup and this call.
        if self._known is not None and self._is_valid(self._known):
            return self._known
        provider = await discover()
        return await self._shared(self._is_valid, lambda former: self._registered(former, provider))

    async def _changed(
        self, discover: Discover, work: Callable[[Registered], Awaitable[Registered]]
    ) -> ClientMetadata:
        await self.client(discover)
        return (await self._shared(lambda _: False, lambda former: work(_manageable(former)))).client

    async def _shared(
        self,
        is_done: Callable[[Registered], bool],
        work: Callable[[Registered | None], Awaitable[Registered]],
    ) -> Registered:
        """Return the registration if it `is_done`, else the result of `work` on it."""

        # The store is read under the lock: another process may have changed the registration since it was last read
        # here.
        async def work_on(kept: Registered | None) -> Registered:
            return await work(kept or self._known)

        registered = await (work_on(None) if self._kept is None else self._kept.run_exclusively(is_done, work_on))
        self._known = registered
        return registered

    async def _registered(self, former: Registered | None, provider: ProviderMetadata) -> Registered:
        if former is not None and is_manageable(former.client):
            try:
                return await self._renewed(former, provider)
            except (OAuthError, RegistrationInvalid) as error:
                if is_outage(error):
                    raise
                logger.warning(
                    "the provider rejects the client, which is registered again: %s (%s)", error, error.code
                )
        return await self._register(provider)

    async def _renewed(self, former: Registered, provider: ProviderMetadata) -> Registered:
        """Return the same client with a new secret, or with changed metadata."""
        if former.requested == self._requested:
            return await self._read(former)
        others = {name: value for name, value in former.client.items() if name not in former.requested}
        return await self._update(former, {**others, **with_auth_method(self._requested, provider)}, self._requested)

    async def _register(self, provider: ProviderMetadata) -> Registered:
        endpoint = provider.get("registration_endpoint")
        if endpoint is None:
            raise ConfigurationError(
                "The provider's metadata have no registration_endpoint: register the client at the provider, and "
                "pass client_metadata=ClientMetadata(client_id=..., client_secret=...)."
            )
        sent = with_auth_method(self._requested, provider)
        request = registration_request(provider, sent, self._token)
        client = await self._answer(request, sent, None)
        logger.info("a client was registered at %s", self._configuration.issuer_identifier)
        return Registered(client=client, requested=self._requested)

    async def _read(self, former: Registered) -> Registered:
        client = await self._answer(client_read_request(former.client), {}, former.client)
        return Registered(client=client, requested=former.requested)

    async def _update(
        self, former: Registered, metadata: Mapping[str, Any], requested: Mapping[str, Any]
    ) -> Registered:
        request = client_update_request(former.client, metadata)
        return Registered(client=await self._answer(request, metadata, former.client), requested=requested)

    async def _answer(
        self, request: HttpRequest, requested: Mapping[str, Any], former: ClientMetadata | None
    ) -> ClientMetadata:
        response = await send_repeatable(self._runtime, request, "registration")
        client = read_registration(
            response,
            requested,
            endpoint=request.url,
            now=self._runtime.now(),
            former=former,
            network=self._configuration.private_network,
        )
        try:
            require_suitable_client(self._configuration, client)
        except ConfigurationError as error:
            raise RegistrationInvalid(f"The client can't be used as the provider registered it: {error}") from None
        return client


def new_client_registration(
    configuration: ProviderConfiguration,
    runtime: Runtime,
    redirect_uri: str,
    store: Store | None,
    sealer: Sealer | None,
    request_uri: str | None = None,
) -> ClientRegistration | None:
    """Create the registration of a client; None if client_metadata is configured.

    Raises:
        ConfigurationError: the configuration names no client, or the metadata to register are invalid.
    """
    if configuration.client_metadata is not None:
        return None
    if configuration.client_registration_info is None:
        raise ConfigurationError("A relying party needs client_metadata or client_registration_info.")
    kept = _kept_registration(configuration, runtime, redirect_uri, store, sealer)
    if kept is None:
        logger.warning(
            "each process and each restart registers its own client at %s, and cannot complete logins of the others: "
            "set registration_file, or OIDC_STORE (without a framework: store and sealer)",
            configuration.issuer_identifier,
        )
    return ClientRegistration(configuration, runtime, redirect_uri, kept, request_uri)


def _kept_registration(
    configuration: ProviderConfiguration,
    runtime: Runtime,
    redirect_uri: str,
    store: Store | None,
    sealer: Sealer | None,
) -> KeptRegistration | None:
    issuer = configuration.issuer_identifier
    if configuration.registration_file is not None:
        # Imported at first need, because most applications have no such file.
        from oidc_async.stores import SQLiteStore

        # The file belongs to one application. It is read once and written rarely, so that the blocking store does for
        # asyncio too.
        return KeptRegistration(SQLiteStore(configuration.registration_file).blocking(), runtime, issuer, sealer)
    # Without a sealer, anyone who can read the store could read the secret of the client.
    if store is None or sealer is None:
        return None
    # Several applications may share a store; they are distinguished by their redirect URIs.
    return KeptRegistration(store, runtime, f"{issuer}\n{redirect_uri}", sealer)


def _manageable(registered: Registered | None) -> Registered:
    if registered is None or not is_manageable(registered.client):
        raise RegistrationInvalid(
            "The provider gave no registration_client_uri and registration_access_token: the registration of the "
            "client can't be managed (RFC 7592)."
        )
    return registered
