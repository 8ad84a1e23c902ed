"""Introspection of access tokens at the provider, with a circuit breaker (RFC 7662, RFC 9701)."""

from functools import partial
from typing import Any

from oidc_async.errors import (
    ConfigurationError,
    IntrospectionInvalid,
    OAuthError,
    ProviderError,
    ProviderOverloaded,
    ProviderPaused,
    TokenError,
    TokenInactive,
)
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.introspection import (
    introspection_request,
    parse_introspection_jwt,
    read_introspection,
    read_introspection_jwt,
    read_introspection_jwt_claims,
)
from oidc_async.protocol.metadata import ProviderMetadata
from oidc_async.provider.circuit_breaker import CircuitBreaker, is_outage
from oidc_async.provider.client_authentication import RegisteredClient
from oidc_async.provider.client_context import ClientContext
from oidc_async.provider.provider_keys import TokenSource
from oidc_async.runtime.retry import send_repeatable

from .statistics import Counters

PROBE_SECONDS = 10.0
"""For how long a provider that failed gets the request of one caller only, which finds out whether it recovered."""


class Introspection:
    """The introspection endpoint of one provider, behind a circuit breaker. What happens is counted in `counters`."""

    def __init__(self, context: ClientContext, client: RegisteredClient, counters: Counters) -> None:
        self._context = context
        self._client = client
        self._counters = counters
        self._runtime = context.runtime
        self._breaker = CircuitBreaker(context.configuration.http_settings.failure_pause, PROBE_SECONDS)
        self._endpoint = ""

    async def request(self, metadata: ProviderMetadata, token: str) -> dict[str, Any]:
        """Introspect a token, and return the response, whether the token is active or not.

        Raises:
            ProviderError: the provider can't be reached, or its response is invalid.
            TokenInactive: the provider does not introspect tokens of this kind.
            ConfigurationError: the provider has no introspection endpoint.
        """
        self._require_endpoint(metadata)
        try:
            self._breaker.require_closed(self._runtime.monotonic())
            await self._context.provider.client()
            return await self._read(await self._send(metadata, token), metadata["issuer"])
        except ProviderPaused:
            self._counters.paused += 1
            raise
        except ProviderError as error:
            if isinstance(error, OAuthError) and error.error == "unsupported_token_type":
                self._breaker.close()
                # This error is about the token and does not change, so introspecting it again would not help.
                raise _unsupported() from None
            self._fail(error)
            raise

    @property
    def _algorithm(self) -> str | None:
        """The algorithm of signed responses, if the client registered for them (RFC 9701)."""
        algorithm: str | None = self._client.metadata.get("introspection_signed_response_alg")
        return algorithm

    def queue_length(self) -> int:
        """How many requests wait now for a free connection."""
        return self._runtime.queue_length(self._endpoint) if self._endpoint else 0

    def _require_endpoint(self, metadata: ProviderMetadata) -> None:
        if "introspection_endpoint" not in metadata:
            raise ConfigurationError(
                "The provider's metadata have no introspection_endpoint. Set it in provider_metadata, or verify JWTs "
                'here with access_token_verification="jwt" and audience.'
            )
        self._endpoint = metadata["introspection_endpoint"]

    def _request(self, metadata: ProviderMetadata, token: str) -> HttpRequest:
        client = self._client.known_authentication(metadata, "introspection")
        return introspection_request(metadata, client, token, signed=self._algorithm is not None)

    async def _send(self, metadata: ProviderMetadata, token: str) -> HttpResponse:
        self._counters.upstream_calls += 1
        request = partial(self._request, metadata, token)
        response = await send_repeatable(self._runtime, request(), "introspection", rebuild=request)
        self._counters.answered(response.seconds)
        return response

    async def _read(self, response: HttpResponse, issuer: str) -> dict[str, Any]:
        if self._algorithm is None:
            document = read_introspection(response)
        else:
            document = await self._read_signed(response, self._algorithm, issuer)
        self._breaker.close()
        return document

    async def _read_signed(self, response: HttpResponse, algorithm: str, issuer: str) -> dict[str, Any]:
        client_id = self._client.metadata["client_id"]
        leeway = self._context.leeway
        now = self._runtime.now()
        try:
            jws = parse_introspection_jwt(response, algorithm)
            return await self._context.provider.verify(
                jws,
                lambda key: read_introspection_jwt(
                    jws, key, issuer=issuer, client_id=client_id, leeway=leeway, now=now
                ),
                TokenSource.INTROSPECTION,
                lambda: read_introspection_jwt_claims(
                    jws, issuer=issuer, client_id=client_id, leeway=leeway, now=now
                ),
            )
        except TokenError as error:
            # The response is invalid, not the token that was introspected.
            raise IntrospectionInvalid(
                f"The signed introspection response is invalid: {error}", reason=error.code
            ) from None

    def _fail(self, error: ProviderError) -> None:
        self._counters.failures += 1
        if is_outage(error):
            self._breaker.open(self._runtime.monotonic())
        elif not isinstance(error, ProviderOverloaded):
            # The provider answers again, though its response does not help for this token.
            self._breaker.close()
        else:
            self._breaker.probe_again(self._runtime.monotonic())


def _unsupported() -> TokenInactive:
    return TokenInactive(
        "The provider does not introspect tokens of this kind. If they are JWTs, set audience and "
        'access_token_verification="auto" in ProviderConfiguration.'
    )
