"""The logout tokens that a client is sent (OIDC Back-Channel Logout 1.0)."""

from .errors import TokenError, TokenMalformed
from .id_tokens import IDTokens
from .protocol.jose import parse_compact
from .protocol.logout_token import (
    LogoutToken,
    LogoutTokenExpectations,
    is_meant_for,
    parse_logout_token,
    read_logout_token,
)
from .protocol.metadata import ClientMetadata
from .protocol.response_algorithms import response_algorithms
from .provider import Provider
from .runtime import Runtime

SIGNED_DOTS = 2
"""Dots in a signed token in compact form; an encrypted one has four (RFC 7515 7.1, RFC 7516 7.1)."""
ISSUED_WITHIN = 600.0
"""Seconds: a provider that could not reach us may have tried for a while."""


class LogoutTokens:
    """Verifies logout tokens, for the client that the provider knows by now."""

    def __init__(
        self,
        provider: Provider,
        id_tokens: IDTokens,
        runtime: Runtime,
        clock_skew_seconds: float,
    ) -> None:
        self._provider, self._id_tokens, self._configuration = provider, id_tokens, provider.configuration
        self._runtime, self._clock_skew = runtime, clock_skew_seconds

    def is_for(self, token: str) -> bool:
        """Whether it claims to be from this provider and for this client; nothing is verified."""
        client_id = self._provider.known_client.get("client_id")
        if client_id is None:
            return False
        try:
            signed = self._signed(token)
        except TokenError:
            return False
        return is_meant_for(signed, self._configuration.issuer_identifier, client_id)

    def form_problem(self, token: str) -> TokenError | None:
        """Why nobody can tell for whom it is: it isn't encrypted and signed as this client registered it."""
        try:
            parse_compact(self._signed(token))
        except TokenError as error:
            return error
        return None

    def _signed(self, token: str) -> str:
        """The signed token, decrypted if the client registered for that. Raises TokenError."""
        is_signed_only = token.count(".") == SIGNED_DOTS
        if not is_signed_only or not self._id_tokens.are_encrypted:
            return self._id_tokens.signed(token)
        if self._configuration.accept_unencrypted_logout_tokens:
            return token
        raise TokenMalformed(
            "The logout token is signed but not encrypted, though the client registered "
            "id_token_encrypted_response_alg (OIDC Back-Channel Logout 2.4). For a provider that never encrypts "
            "logout tokens, set accept_unencrypted_logout_tokens=True."
        )

    async def read(self, token: str) -> LogoutToken:
        """What it says, once it is verified. Raises TokenError or ProviderError."""
        expectations = self._expectations(await self._provider.client())
        jws, now = parse_logout_token(self._signed(token), expectations), self._runtime.now()
        return await self._provider.verify(jws, lambda key: read_logout_token(jws, key, expectations, now=now))

    def _expectations(self, client: ClientMetadata) -> LogoutTokenExpectations:
        configuration = self._configuration
        return LogoutTokenExpectations(
            issuer=configuration.issuer_identifier,
            client_id=client["client_id"],
            algorithms=response_algorithms(client, "id_token").signatures,
            leeway_seconds=self._clock_skew,
            issued_within_seconds=ISSUED_WITHIN,
            untyped=configuration.accept_untyped_logout_tokens,
            without_exp=configuration.accept_logout_tokens_without_exp,
        )
