"""Requests to a provider in a private network (`backchannel_url`)."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import replace
from typing import TypeVar

from oidc_async.configuration.provider import ProviderConfiguration
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.private_network import PrivateNetwork
from oidc_async.protocol.uri import origin
from oidc_async.runtime.port import Runtime

T = TypeVar("T")


def at_backchannel(runtime: Runtime, configuration: ProviderConfiguration) -> Runtime:
    """Return a runtime that sends requests to `backchannel_url`, if configured.

    Metadata, client assertions and messages keep the public URLs, because these are the names of the provider. Use
    the runtime only for requests to this provider, and never for a URL that comes from a user or from a claim.
    """
    if configuration.backchannel_url is None:
        return runtime
    return BackchannelRuntime(runtime, configuration.private_network, configuration.issuer_identifier)


class BackchannelRuntime:
    """A Runtime that sends requests for the issuer's origin to another address.

    Requests to other origins are unchanged. The Host header is that of the internal address, as for any other URL,
    and the certificate must have its name.
    """

    def __init__(self, runtime: Runtime, network: PrivateNetwork, issuer: str) -> None:
        self._runtime, self._network, self._public = runtime, network, origin(issuer)

    async def send(self, request: HttpRequest) -> HttpResponse:
        return await self._runtime.send(self._internal(request))

    async def addresses(self, request: HttpRequest) -> Sequence[str]:
        return await self._runtime.addresses(self._internal(request))

    async def share(self, key: Hashable, work: Callable[[], Awaitable[T]], *, detached: bool = False) -> T:
        return await self._runtime.share(key, work, detached=detached)

    async def sleep(self, seconds: float) -> None:
        await self._runtime.sleep(seconds)

    def queue_length(self, url: str) -> int:
        return self._runtime.queue_length(self._address(url))

    def now(self) -> float:
        return self._runtime.now()

    def monotonic(self) -> float:
        return self._runtime.monotonic()

    # `share` passes through, so that callers with and without a backchannel share one single flight.
    def _internal(self, request: HttpRequest) -> HttpRequest:
        address = self._address(request.url)
        return request if address == request.url else replace(request, url=address)

    def _address(self, url: str) -> str:
        return self._network.to_backchannel(url) if origin(url) == self._public else url
