"""Refresh requests to one provider as one client, and the verification of their responses (OIDC Core 12)."""

from dataclasses import replace

from oidc_async.protocol.token import refresh_request
from oidc_async.provider.client_authentication import RegisteredClient
from oidc_async.provider.client_context import ClientContext
from oidc_async.runtime.telemetry import exchange

from .claim_sources import ClaimSources
from .id_tokens import IDTokens
from .refresh_failures import marking_broken_responses
from .refresh_responses import Refresh, RefreshResponse, read_refresh_response

RESPONSE_SECONDS = 20.0
"""How long the runtime waits for the response. Callers stop waiting before; it is kept for those that come later."""


class RefreshRequests:
    """The two steps of a refresh that need the provider. `Refreshes` decides when they run, and for which callers."""

    def __init__(
        self,
        context: ClientContext,
        registered: RegisteredClient,
        id_tokens: IDTokens,
        claim_sources: ClaimSources,
    ) -> None:
        self._context = context
        self._registered = registered
        self._id_tokens = id_tokens
        self._claim_sources = claim_sources

    async def request_tokens(self, refresh_token: str) -> RefreshResponse:
        """Send the refresh token to the provider, and return its response without verifying the ID token.

        Raises:
            OAuthError: the provider rejects the refresh token.
            ProviderError: the provider could not be reached, or its response can't be read.
        """
        context = self._context
        provider = await context.provider.metadata()
        client = await self._registered.authentication(provider)
        at = context.runtime.now()
        request = refresh_request(provider, client, refresh_token, context.configuration.token_parameters())
        request = replace(request, min_seconds=RESPONSE_SECONDS)
        # Never retried: a provider that rotates refresh tokens treats a second use as theft (RFC 9700 4.14).
        with marking_broken_responses():
            response = await exchange(context.runtime, request, "token")
        return read_refresh_response(response, refresh_token, at=at, now=context.runtime.now())

    async def verify(self, response: RefreshResponse) -> Refresh:
        """Verify the ID token of a response, if it has one.

        It may run again for a response that can't be verified yet, so it never sends the refresh token.

        Raises:
            TokenError: the ID token is invalid.
            ProviderError: the provider's keys or metadata can't be fetched.
        """
        provider = await self._context.provider.metadata()
        await self._context.provider.client()
        tokens = self._id_tokens.decrypted(response.tokens)
        id_token = await self._id_tokens.of_refresh(provider["issuer"], tokens)
        claims = None if id_token is None else await self._claim_sources.resolve(id_token)
        return Refresh(tokens=tokens, id_token=claims, at=response.at, is_rotated=response.is_rotated)
