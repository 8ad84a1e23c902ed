"""Finds the provider of a user by their identifier (OIDC Discovery 2, WebFinger)."""

from collections.abc import Collection
from dataclasses import replace
from itertools import cycle

from oidc_async.errors import ConfigurationError, HostNotAllowed, IssuerNotAllowed
from oidc_async.protocol.allowed_hosts import AllowedHosts
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.public_address import is_public_address
from oidc_async.protocol.uri import issuer_problem
from oidc_async.protocol.webfinger import read_identifier, read_webfinger, webfinger_request
from oidc_async.provider.default_runtime import asyncio_runtime, threads_runtime
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.retry import send_repeatable
from oidc_async.runtime.sync_facade import Blocking, blocking


class AsyncWebFinger:
    """Asks the host of a user's identifier for the user's provider, for asyncio.

    The user chooses the host that receives a request, and this host chooses where the user logs in. So there is no
    default for the hosts and issuers that are allowed.

    Args:
        allowed_hosts: the hosts that may receive requests. "example.com" is that host, whatever its address;
            ".example.com" is every host below it that has a public address. A port other than 443 is named:
            "example.com:8443".
        allowed_issuers: the providers that may be found, each by its exact Issuer Identifier.
        runtime: the network and the clock; by default, a new one for this object.

    Raises:
        ConfigurationError: an argument can't be used.
    """

    def __init__(
        self,
        *,
        allowed_hosts: Collection[str],
        allowed_issuers: Collection[str],
        runtime: Runtime | None = None,
    ) -> None:
        self._hosts = AllowedHosts(allowed_hosts)
        self._issuers = _issuers(allowed_issuers)
        self._runtime = runtime or asyncio_runtime()

    async def discover_issuer(self, identifier: str) -> str:
        """Return the issuer for an identifier such as joe@example.com or example.com/joe (OIDC Discovery 2).

        It is one of `allowed_issuers`. Its metadata and the ID token of the login have yet to prove it.

        Raises:
            LoginError: the identifier can't be read, or its host or issuer is not allowed.
            ProviderError: the host can't be reached, or its response is invalid.
        """
        resource = read_identifier(identifier)
        request = webfinger_request(resource)
        if self._hosts.is_named(resource.host):
            response = await send_repeatable(self._runtime, request, "webfinger")
        elif self._hosts.is_within(resource.host):
            response = await self._send_in_public(request)
        else:
            raise HostNotAllowed(f"{resource.host} is not in allowed_hosts.", host=resource.host)
        issuer = read_webfinger(response)
        if issuer not in self._issuers:
            raise IssuerNotAllowed(f"{resource.host} names an issuer that is not in allowed_issuers.", issuer=issuer)
        return issuer

    async def _send_in_public(self, request: HttpRequest) -> HttpResponse:
        """Send a request to the addresses that were checked. By name, the next look-up could return another one."""
        addresses = await self._runtime.addresses(request)
        if not addresses or not all(map(is_public_address, addresses)):
            raise HostNotAllowed("A host of a domain in allowed_hosts must have public addresses only.")
        tries = cycle([replace(request, address=address) for address in addresses])
        return await send_repeatable(self._runtime, next(tries), "webfinger", rebuild=lambda: next(tries))


class WebFinger(Blocking[AsyncWebFinger]):
    """Finds the provider of a user, for threads. Arguments, results and errors are those of AsyncWebFinger."""

    def __init__(
        self,
        *,
        allowed_hosts: Collection[str],
        allowed_issuers: Collection[str],
        runtime: Runtime | None = None,
    ) -> None:
        super().__init__(
            AsyncWebFinger(
                allowed_hosts=allowed_hosts, allowed_issuers=allowed_issuers, runtime=runtime or threads_runtime()
            )
        )

    discover_issuer = blocking(AsyncWebFinger.discover_issuer)


def _issuers(allowed: Collection[str]) -> frozenset[str]:
    if isinstance(allowed, str) or not allowed:
        raise ConfigurationError("allowed_issuers must be a list of issuers that is not empty.")
    for issuer in allowed:
        if problem := issuer_problem(issuer):
            raise ConfigurationError(f"allowed_issuers: {issuer!r} {problem}.", setting="allowed_issuers")
    return frozenset(allowed)
