"""One issuer: its metadata and its keys, fetched at first need and kept fresh."""

import logging
from collections.abc import Callable
from typing import TypeVar

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.errors import KeyNotFound
from oidc_async.protocol.client_authentication import uses_mtls_endpoints
from oidc_async.protocol.discovery import discovery_request, read_discovery, well_known_uri, with_mtls_endpoints
from oidc_async.protocol.freshness import freshness_lifetime
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.jose.encryption_keys import RecipientKey, select_recipient
from oidc_async.protocol.jose.jwe import CompactJWE, DerivedKey, Encryption, decrypt_jwe, derived_key, parse_nested
from oidc_async.protocol.jose.jwks import JWKS
from oidc_async.protocol.jose.jws import CompactJWS, VerificationKey, client_secret_key
from oidc_async.protocol.metadata import ClientMetadata, ProviderMetadata
from oidc_async.protocol.parameters import single_text
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.retry import send_repeatable

from .cached_fetch import CachedFetch, Fetched
from .client_registration import ClientRegistration
from .provider_keys import DAY, HOUR, ProviderKeys, TokenSource

logger = logging.getLogger("oidc_async.provider")

T = TypeVar("T")


class Provider:
    """The provider of a configuration, over one runtime, and the client: given, or the one of `registration`."""

    def __init__(
        self,
        configuration: ProviderConfiguration,
        runtime: Runtime,
        registration: ClientRegistration | None = None,
    ) -> None:
        self.configuration, self._runtime = configuration, runtime
        self._client, self.registration = configuration.client_metadata or ClientMetadata(), registration
        # with an issuer they are laid over what is discovered
        self._own = self._at_mtls_endpoints(configuration.provider_metadata or ProviderMetadata())
        self._given = None if configuration.issuer else self._own
        self._discovered = CachedFetch(runtime, self._fetch_metadata, keep_stale=DAY)
        self._keys: dict[str, ProviderKeys] = {}
        for address in configuration.private_network.plaintext_addresses():
            logger.warning(
                "tokens and secrets for %s travel unencrypted to %s: only a private network may carry them",
                configuration.issuer_identifier,
                address,
            )

    async def metadata(self) -> ProviderMetadata:
        """The metadata: given, or discovered with the given ones laid over. Raises ProviderError."""
        return await self._discovered.get() if self._given is None else self._given

    @property
    def known_client(self) -> ClientMetadata:
        """The client, without any waiting; an empty one while none was registered."""
        return self._client if self.registration is None else self.registration.known

    async def client(self) -> ClientMetadata:
        """The client: given, or registered when it is first needed. Raises ProviderError and StoreUnavailable."""
        return self._client if self.registration is None else await self.registration.client(self.metadata)

    def fresh_keys(self) -> JWKS | None:
        """The keys, when there are some by which a token can be verified without any waiting."""
        keys = self._known_keys()
        return None if keys is None else keys.fresh()

    def _known_keys(self) -> ProviderKeys | None:
        metadata = self._discovered.fresh() if self._given is None else self._given
        return None if metadata is None else self._keys.get(metadata["jwks_uri"])

    def known_metadata(self) -> ProviderMetadata | None:
        """The metadata as far as they are known without asking anybody."""
        return self._discovered.known() if self._given is None else self._given

    async def verify(
        self,
        jws: CompactJWS,
        read: Callable[[VerificationKey], T],
        source: TokenSource = TokenSource.PROVIDER,
        require_claims: Callable[[], object] | None = None,
    ) -> T:
        """What `read` makes of a token with the key that signed it: one of the provider's, or the client's secret.

        `source` and `require_claims` bound the fetches of keys, as in ProviderKeys.verify.
        Raises what `read` and `require_claims` do, KeyNotFound, KeyAmbiguous, and ProviderError.
        """
        if jws.alg.startswith("HS"):
            return read(client_secret_key(self._client_secret()))
        keys = self._known_keys() or await self._provider_keys()
        return await keys.verify(jws, read, source, require_claims)

    async def recipient(self, encryption: Encryption) -> RecipientKey | DerivedKey:
        """The key of the provider that `encryption` is to, or what is derived from the client's secret.

        Keys are fetched again, within limits, when none fits. Raises KeyNotFound and ProviderError.
        """
        if encryption.is_symmetric:
            return derived_key(self._client_secret(), encryption)
        jwks = self.fresh_keys() or await (await self._provider_keys()).get()
        try:
            return select_recipient(jwks.recipients, encryption.alg)
        except KeyNotFound:
            renewed = await (await self._provider_keys()).renew_for(TokenSource.ENCRYPTION, jwks)
            return select_recipient(renewed.recipients, encryption.alg)

    def _at_mtls_endpoints(self, metadata: ProviderMetadata) -> ProviderMetadata:
        given = self.configuration.client_metadata or self.configuration.client_registration_info
        return with_mtls_endpoints(metadata) if given is not None and uses_mtls_endpoints(given) else metadata

    def signed_token(self, token: str, encryption: Encryption | None) -> str:
        """The signed token in an encrypted one, or `token` when the client registered for no encryption.

        Raises TokenError.
        """
        if encryption is None:
            return token
        # what is no ASCII is no token, and is refused as such
        return self.decrypt(parse_nested(token, encryption)).decode("ascii", "replace")

    def decrypt(self, jwe: CompactJWE) -> bytes:
        """What is in a token that was encrypted to a key of the client, or with its secret. Raises TokenError."""
        if jwe.encryption.is_symmetric:
            return decrypt_jwe(jwe, (derived_key(self._client_secret(), jwe.encryption),))
        own = self.configuration.client_keys
        return decrypt_jwe(jwe, own.decryption_keys(jwe.kid, jwe.encryption.alg) if own else ())

    def _client_secret(self) -> str:
        secret: str = self.known_client.get("client_secret", "")
        return secret

    async def _provider_keys(self) -> ProviderKeys:
        jwks_uri = (await self.metadata())["jwks_uri"]
        # in one step: threads that come here first, together, must share one fetch
        keys = self._keys.get(jwks_uri) or self._keys.setdefault(jwks_uri, ProviderKeys(self._runtime, jwks_uri))
        if len(self._keys) > 1:
            # a provider that moved its keys doesn't need the old place any more
            self._keys = {jwks_uri: keys}
        return keys

    async def _fetch_metadata(self) -> Fetched[ProviderMetadata]:
        issuer = self.configuration.issuer or ""
        uri = self.configuration.discovery_url or well_known_uri(issuer)
        response = await send_repeatable(self._runtime, discovery_request(uri), "discovery")
        metadata = self._at_mtls_endpoints(
            read_discovery(response, issuer, self._response_type(), self.configuration.private_network)
        )
        return _fetched(metadata.copy(**self._own), response)

    def _response_type(self) -> str:
        return single_text(self.configuration.request_parameters(), "response_type")


def _fetched(value: T, response: HttpResponse) -> Fetched[T]:
    return Fetched(value=value, max_age=freshness_lifetime(response, default=HOUR, minimum=60.0, maximum=DAY))
