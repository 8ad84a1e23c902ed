"""Client authentication at the provider, created for each request (OIDC Core 9)."""

from secrets import token_urlsafe

from oidc_async.errors import ConfigurationError
from oidc_async.protocol.client_assertion import client_assertion
from oidc_async.protocol.client_authentication import (
    ClientAuthentication,
    assertion_algorithm,
    authentication_method,
    supported_algorithms,
)
from oidc_async.protocol.jose.jws import VerificationKey, client_secret_key
from oidc_async.protocol.jose.private_keys import PrivateKey
from oidc_async.protocol.metadata import ClientMetadata, ProviderMetadata
from oidc_async.protocol.token import token_endpoint

from .client_context import ClientContext


class RegisteredClient:
    """The client as it is registered with the provider, and its authentication."""

    def __init__(self, context: ClientContext) -> None:
        self._provider, self._runtime = context.provider, context.runtime
        self._keys = context.configuration.client_keys
        self._audience = context.configuration.client_assertion_audience

    @property
    def metadata(self) -> ClientMetadata:
        """The metadata of the client as far as they are known now."""
        return self._provider.known_client

    async def authentication(self, provider: ProviderMetadata, endpoint: str = "token") -> ClientAuthentication:
        """Return `known_authentication`, after registering the client if there is none.

        Raises ProviderError.
        """
        await self._provider.client()
        return self.known_authentication(provider, endpoint)

    def known_authentication(self, provider: ProviderMetadata, endpoint: str = "token") -> ClientAuthentication:
        """Return client authentication for one request at `endpoint`.

        It must not be used twice: the provider would treat a second assertion with the same `jti` as a replay
        (RFC 7523 3).
        """
        method = authentication_method(self.metadata, provider, endpoint)
        return ClientAuthentication(
            method=method,
            client_id=self.metadata["client_id"],
            client_secret=self.metadata.get("client_secret"),
            assertion=self._assertion(method, provider, endpoint) if method.endswith("_jwt") else None,
        )

    def _assertion(self, method: str, provider: ProviderMetadata, endpoint: str) -> str:
        registered = assertion_algorithm(self.metadata, endpoint)
        key, algorithm = self._signs(method, registered, supported_algorithms(provider, endpoint))
        return client_assertion(
            self.metadata["client_id"],
            token_endpoint(provider) if self._audience == "token_endpoint" else provider["issuer"],
            key,
            algorithm=algorithm,
            jti=token_urlsafe(32),
            now=self._runtime.now(),
        )

    def _signs(
        self, method: str, registered: str | None, supported: tuple[str, ...] | None
    ) -> tuple[PrivateKey | VerificationKey, str]:
        if method == "client_secret_jwt":
            return client_secret_key(self.metadata["client_secret"]), registered or "HS256"
        if self._keys is None:
            raise ConfigurationError("private_key_jwt needs client_keys in ProviderConfiguration.")
        if registered is not None:
            return self._keys.signing_key(registered), registered
        return self._keys.signature(supported)
