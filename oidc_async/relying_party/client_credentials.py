"""Access tokens for the client itself (RFC 6749 4.4), cached until shortly before they expire."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from oidc_async.configuration.token_request_parameters import token_request_parameters
from oidc_async.protocol.parameters import Parameters
from oidc_async.protocol.token import TokenResponse, client_credentials_request, read_token_response
from oidc_async.provider.client_authentication import RegisteredClient
from oidc_async.provider.client_context import ClientContext
from oidc_async.runtime.telemetry import exchange

SERVICE_TOKEN = "the parameters of a service token"
MAX_KEPT = 100
MAX_MARGIN = 30.0
"""Seconds before its end from which a token is no longer returned: it has to last for the caller's request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    tokens: TokenResponse = field(repr=False)
    until: float


class ServiceTokens:
    """One token for each set of request parameters, fetched once however many callers want it."""

    def __init__(self, context: ClientContext, registered: RegisteredClient) -> None:
        self._context = context
        self._registered = registered
        self._runtime = context.runtime
        self._kept: dict[Hashable, _Kept] = {}

    async def request(self, scope: str | Sequence[str] | None, extra: Mapping[str, Any]) -> TokenResponse:
        """Request a token. Raises ProviderError, and ConfigurationError for a parameter that can't be used."""
        return await self._request(_parameters(scope, extra))

    async def get(self, scope: str | Sequence[str] | None, extra: Mapping[str, Any]) -> TokenResponse:
        """Return a cached token, or request one. Raises what `request` raises."""
        parameters = _parameters(scope, extra)
        key = frozenset(parameters.items())
        cached = self._find(key)
        if cached is not None:
            return cached
        return await self._runtime.share((self, key), partial(self._fetch, key, parameters))

    async def _fetch(self, key: Hashable, parameters: Parameters) -> TokenResponse:
        # A flight that completed between the look at the cache and the start of this one has done the work.
        if cached := self._find(key):
            return cached
        requested_at = self._runtime.monotonic()
        return self._keep(key, await self._request(parameters), requested_at)

    async def _request(self, parameters: Parameters) -> TokenResponse:
        provider = await self._context.provider.metadata()
        client = await self._registered.authentication(provider)
        request = client_credentials_request(provider, client, parameters)
        return read_token_response(await exchange(self._runtime, request, "token"))

    def _find(self, key: Hashable) -> TokenResponse | None:
        kept = self._kept.get(key)
        return kept.tokens if kept is not None and self._runtime.monotonic() < kept.until else None

    def _keep(self, key: Hashable, tokens: TokenResponse, requested_at: float) -> TokenResponse:
        """Keep a token whose lifetime began when it was requested, or later."""
        lifetime = tokens.expires_in
        # A token without a known lifetime is not kept.
        if lifetime is not None:
            self._kept.pop(key, None)
            if len(self._kept) >= MAX_KEPT:
                self._kept.pop(next(iter(self._kept)), None)
            margin = min(MAX_MARGIN, lifetime / 10)
            self._kept[key] = _Kept(tokens=tokens, until=requested_at + lifetime - margin)
        return tokens


def _parameters(scope: str | Sequence[str] | None, extra: Mapping[str, Any]) -> Parameters:
    return token_request_parameters(SERVICE_TOKEN, {**extra, "scope": scope or None})
