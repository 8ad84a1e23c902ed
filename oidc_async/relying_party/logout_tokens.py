"""The logout tokens that a client is sent (OIDC Back-Channel Logout 1.0)."""

from oidc_async.errors import TokenError, TokenMalformed
from oidc_async.protocol.jose.jws import parse_compact
from oidc_async.protocol.logout_token import (
    LogoutToken,
    LogoutTokenExpectations,
    is_meant_for,
    read_logout_token,
    read_logout_token_claims,
    require_logout_token_header,
)
from oidc_async.protocol.metadata import ClientMetadata
from oidc_async.protocol.presented_token import PresentedToken
from oidc_async.protocol.response_algorithms import response_algorithms
from oidc_async.provider.provider import Provider
from oidc_async.provider.provider_keys import TokenSource
from oidc_async.runtime.port import Runtime

from .id_tokens import IDTokens

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

    def addressed(self, token: PresentedToken) -> PresentedToken | None:
        """The signed token, if it claims to be from this provider and for this client; nothing is verified.

        It is decrypted where the client registered for that, and is to be handed on to `read`.
        """
        client_id = self._provider.known_client.get("client_id")
        if client_id is None:
            return None
        try:
            jws = (signed := self._signed(token)).jws
        except TokenError:
            return None
        return signed if is_meant_for(jws, self._configuration.issuer_identifier, client_id) else None

    def form_problem(self, token: PresentedToken) -> TokenError | None:
        """Why nobody can tell for whom it is: it isn't encrypted and signed as this client registered it."""
        try:
            parse_compact(self._signed(token).text)
        except TokenError as error:
            return error
        return None

    async def read(self, signed: PresentedToken) -> LogoutToken:
        """What a signed token says, once it is verified. Raises TokenError or ProviderError."""
        expectations = self._expectations(await self._provider.client())
        jws, now = signed.jws, self._runtime.now()
        require_logout_token_header(jws, expectations)
        return await self._provider.verify(
            jws,
            lambda key: read_logout_token(jws, key, expectations, now=now),
            TokenSource.LOGOUT,
            lambda: read_logout_token_claims(jws, expectations, now=now),
        )

    async def read_as_sent(self, token: str) -> LogoutToken:
        """The same of a token that is encrypted where the client registered for that."""
        await self._provider.client()
        return await self.read(self._signed(PresentedToken(token)))

    def _signed(self, token: PresentedToken) -> PresentedToken:
        """The signed token, decrypted if the client registered for that. Raises TokenError."""
        is_signed_only = token.text.count(".") == SIGNED_DOTS
        if is_signed_only and self._id_tokens.are_encrypted:
            if self._configuration.accept_unencrypted_logout_tokens:
                return token
            raise TokenMalformed(
                "The logout token is signed but not encrypted, though the client registered "
                "id_token_encrypted_response_alg (OIDC Back-Channel Logout 2.4). For a provider that never encrypts "
                "logout tokens, set accept_unencrypted_logout_tokens=True."
            )
        signed = self._id_tokens.signed(token.text)
        return token if signed is token.text else PresentedToken(signed)

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
