"""Logout tokens, which a provider posts to the client (OIDC Back-Channel Logout 1.0)."""

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
from oidc_async.provider.client_context import ClientContext
from oidc_async.provider.provider_keys import TokenSource

from .id_tokens import IDTokens

SIGNED_DOTS = 2
"""Dots in a signed token in compact form; an encrypted one has four (RFC 7515 7.1, RFC 7516 7.1)."""
ISSUED_WITHIN = 600.0
"""Seconds from `iat`: a provider that can't reach the client may repeat the request for some minutes."""


class LogoutTokens:
    """Verifies logout tokens for the client as it is registered now."""

    def __init__(self, context: ClientContext, id_tokens: IDTokens) -> None:
        self._provider = context.provider
        self._configuration = context.configuration
        self._context = context
        self._id_tokens = id_tokens

    def addressed(self, token: PresentedToken) -> PresentedToken | None:
        """Return the signed token if it claims to be from this provider and for this client. Nothing is verified.

        An encrypted token is decrypted if the client registered for that. Pass the result to `read`.
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
        """Return the error if the token is not encrypted and signed as this client registered it."""
        try:
            parse_compact(self._signed(token).text)
        except TokenError as error:
            return error
        return None

    async def read(self, signed: PresentedToken) -> LogoutToken:
        """Verify a signed token that `addressed` returned. Raises TokenError or ProviderError."""
        expectations = self._expectations(await self._provider.client())
        jws = signed.jws
        now = self._context.runtime.now()
        require_logout_token_header(jws, expectations)
        return await self._provider.verify(
            jws,
            lambda key: read_logout_token(jws, key, expectations, now=now),
            TokenSource.LOGOUT,
            lambda: read_logout_token_claims(jws, expectations, now=now),
        )

    async def read_as_sent(self, token: str) -> LogoutToken:
        """Verify a token as it was posted, encrypted if the client registered for that. Raises as `read` does."""
        await self._provider.client()
        return await self.read(self._signed(PresentedToken(token)))

    def _signed(self, token: PresentedToken) -> PresentedToken:
        """Return the signed token, decrypted if the client registered for that. Raises TokenError."""
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
            leeway_seconds=self._context.leeway,
            issued_within_seconds=ISSUED_WITHIN,
            untyped=configuration.accept_untyped_logout_tokens,
            without_exp=configuration.accept_logout_tokens_without_exp,
        )
