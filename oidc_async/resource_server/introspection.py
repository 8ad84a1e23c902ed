"""Asking the provider about access tokens, and leaving it alone for a moment when it fails (RFC 7662, RFC 9701)."""

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
from oidc_async.provider.circuit_breaker import Pause, is_outage
from oidc_async.provider.client_authentication import RegisteredClient
from oidc_async.provider.provider import Provider
from oidc_async.provider.provider_keys import TokenSource
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.retry import send_repeatable
from oidc_async.runtime.statistics import Counters

PROBE_SECONDS = 10.0
"""For how long a provider that failed is asked by one caller alone, until that one knows more."""


class Introspection:
    """The introspection endpoint of one provider, asked as one client.

    `leeway` and `pause` are in seconds; what happens is counted in `counters`.
    """

    def __init__(
        self,
        provider: Provider,
        client: RegisteredClient,
        runtime: Runtime,
        counters: Counters,
        *,
        leeway: float,
        pause: float,
    ) -> None:
        self._provider, self._client, self._runtime, self._counters = provider, client, runtime, counters
        self._leeway, self._pause = leeway, Pause(pause, PROBE_SECONDS)
        self._endpoint = ""

    async def ask(self, metadata: ProviderMetadata, token: str) -> dict[str, Any]:
        """What the provider says of the token, `active` or not.

        Raises ProviderError when it says nothing, TokenInactive when it never will, and ConfigurationError when it
        can't be asked.
        """
        self._require_endpoint(metadata)
        try:
            self._pause.require_over(self._runtime.monotonic())
            await self._provider.client()
            return await self._read(await self._send(metadata, token), metadata["issuer"])
        except ProviderPaused:
            self._counters.paused += 1
            raise
        except ProviderError as error:
            if isinstance(error, OAuthError) and error.error == "unsupported_token_type":
                self._pause.end()
                # said of the token, and for good: to ask again would be of no use
                raise _unsupported() from None
            self._fail(error)
            raise

    @property
    def _algorithm(self) -> str | None:
        """That of signed answers, if the client registered for them."""
        algorithm: str | None = self._client.metadata.get("introspection_signed_response_alg")
        return algorithm

    def queue_length(self) -> int:
        """How many requests wait now for their turn."""
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
        response = await send_repeatable(self._runtime, request(), "introspection", anew=request)
        self._counters.answered(response.seconds)
        return response

    async def _read(self, response: HttpResponse, issuer: str) -> dict[str, Any]:
        if self._algorithm is None:
            document = read_introspection(response)
        else:
            document = await self._read_signed(response, self._algorithm, issuer)
        self._pause.end()
        return document

    async def _read_signed(self, response: HttpResponse, algorithm: str, issuer: str) -> dict[str, Any]:
        client_id, leeway, now = self._client.metadata["client_id"], self._leeway, self._runtime.now()
        try:
            jws = parse_introspection_jwt(response, algorithm)
            return await self._provider.verify(
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
            # not the token is wrong, but what is said of it
            raise IntrospectionInvalid(
                f"The signed introspection response can't be trusted: {error}", reason=error.code
            ) from None

    def _fail(self, error: ProviderError) -> None:
        self._counters.failures += 1
        if is_outage(error):
            self._pause.begin(self._runtime.monotonic())
        elif not isinstance(error, ProviderOverloaded):
            # it answers again, though nothing that would help this token
            self._pause.end()
        else:
            self._pause.probe_again(self._runtime.monotonic())


def _unsupported() -> TokenInactive:
    return TokenInactive(
        "The provider does not introspect tokens of this kind. If they are JWTs, set audience and "
        'access_token_verification="auto" in ProviderConfiguration.'
    )
