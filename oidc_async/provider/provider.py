"""A provider: its metadata and keys, fetched when first needed, and our client."""

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
    """A provider and its client: the configured one, or that of `registration`."""

    def __init__(
        self,
        configuration: ProviderConfiguration,
        runtime: Runtime,
        registration: ClientRegistration | None = None,
    ) -> None:
        self.configuration, self._runtime = configuration, runtime
        self._client, self.registration = configuration.client_metadata or ClientMetadata(), registration
        # With an issuer, they replace members of the discovered metadata.
        self._own = self._at_mtls_endpoints(configuration.provider_metadata or ProviderMetadata())
        self._given = None if configuration.issuer else self._own
        self._discovered = CachedFetch(runtime, self._fetch_metadata, keep_stale=DAY)
        self._keys: dict[str, ProviderKeys] = {}
        for address in configuration.private_network.plaintext_addresses():
            logger.warning(
                "tokens and secrets for %s are sent unencrypted to %s: use this only in a private network",
                configuration.issuer_identifier,
                address,
            )

    async def metadata(self) -> ProviderMetadata:
        """Return the metadata: configured, or discovered and merged.

        Raises:
            ProviderError: they could not be fetched, or are invalid.
        """
        return await self._discovered.get() if self._given is None else self._given

    @property
    def known_client(self) -> ClientMetadata:
        """The client, without waiting; empty metadata if none has been registered yet."""
        return self._client if self.registration is None else self.registration.known

    async def client(self) -> ClientMetadata:
        """Return the client: configured, or registered when it is first needed.

        Raises:
            ProviderError: the registration failed.
            StoreUnavailable: the store of the registration does not answer.
        """
        return self._client if self.registration is None else await self.registration.client(self.metadata)

    def fresh_keys(self) -> JWKS | None:
        """Return the keys if they can be used without waiting, else None."""
        keys = self._known_keys()
        return None if keys is None else keys.fresh()

    def _known_keys(self) -> ProviderKeys | None:
        metadata = self._discovered.fresh() if self._given is None else self._given
        return None if metadata is None else self._keys.get(metadata["jwks_uri"])

    def known_metadata(self) -> ProviderMetadata | None:
        """Return the metadata without waiting, however old they are, or None."""
        return self._discovered.known() if self._given is None else self._given

    async def verify(
        self,
        jws: CompactJWS,
        read: Callable[[VerificationKey], T],
        source: TokenSource = TokenSource.PROVIDER,
        require_claims: Callable[[], object] | None = None,
    ) -> T:
        """Return `read(key)` with the provider's key, or secret, that signed a token.

        Args:
            jws: the token.
            read: verifies the signature, and reads the token.
            source: limits the fetches of keys, as in ProviderKeys.verify.
            require_claims: limits the fetches of keys, as in ProviderKeys.verify.

        Raises:
            KeyNotFound: the provider has no key for this token.
            KeyAmbiguous: several keys could have signed it.
            ProviderError: the keys could not be fetched.
            TokenError: as `read` and `require_claims` raise it.
        """
        if jws.alg.startswith("HS"):
            return read(client_secret_key(self._client_secret()))
        keys = self._known_keys() or await self._provider_keys()
        return await keys.verify(jws, read, source, require_claims)

    async def recipient(self, encryption: Encryption) -> RecipientKey | DerivedKey:
        """Return the provider's key to encrypt to, or that of the client's secret.

        Keys are fetched again, within limits, if none is suitable.

        Raises:
            KeyNotFound: the provider has no key for this algorithm.
            ProviderError: the keys could not be fetched.
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
        """Return the signed token in an encrypted one; `token` itself without encryption.

        Raises:
            TokenError: the token cannot be decrypted.
        """
        if encryption is None:
            return token
        # Other characters than ASCII are replaced, and the token is then rejected as malformed.
        return self.decrypt(parse_nested(token, encryption)).decode("ascii", "replace")

    def decrypt(self, jwe: CompactJWE) -> bytes:
        """Decrypt a token that was encrypted to a key of the client, or with its secret.

        Raises TokenError.
        """
        if jwe.encryption.is_symmetric:
            return decrypt_jwe(jwe, (derived_key(self._client_secret(), jwe.encryption),))
        own = self.configuration.client_keys
        return decrypt_jwe(jwe, own.decryption_keys(jwe.kid, jwe.encryption.alg) if own else ())

    def _client_secret(self) -> str:
        secret: str = self.known_client.get("client_secret", "")
        return secret

    async def _provider_keys(self) -> ProviderKeys:
        jwks_uri = (await self.metadata())["jwks_uri"]
        # `setdefault` is one atomic step, so that threads that come together share one fetch.
        keys = self._keys.get(jwks_uri) or self._keys.setdefault(jwks_uri, ProviderKeys(self._runtime, jwks_uri))
        if len(self._keys) > 1:
            # The provider has moved its keys; those at the old URL are not needed any longer.
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
