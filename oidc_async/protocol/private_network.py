"""Addresses at which an application reaches its provider within a private network, each of them named by hand."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from oidc_async.errors import ConfigurationError

from .uri import is_loopback, is_plaintext, origin, uri_problem

_HOST_NAME = re.compile(r"[a-z0-9_-][a-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateNetwork:
    """The exceptions to "https only" of one provider; by default there are none.

    Parameters:
        backchannel: scheme, host and port, and a path if there is one, of the address inside of the network.
        insecure_hosts: names of hosts at which http is accepted, whatever the port.
    """

    backchannel: str | None = None
    insecure_hosts: frozenset[str] = frozenset()

    def is_at_backchannel(self, uri: str) -> bool:
        """Whether `uri` is at the origin of the backchannel: a place for our own requests, and not for browsers."""
        return self.backchannel is not None and origin(uri) == origin(self.backchannel)

    def accepts_plaintext(self, uri: str) -> bool:
        """Whether http is accepted there because somebody named the host."""
        return self.is_at_backchannel(uri) or urlsplit(uri).hostname in self.insecure_hosts

    def uri_problem(self, uri: object) -> str | None:
        """Why no request may be sent to `uri`; None when it may."""
        if isinstance(uri, str) and uri_problem(uri, None) is None and self.is_at_backchannel(uri):
            return None
        return uri_problem(uri, self.insecure_hosts)

    def to_backchannel(self, uri: str) -> str:
        """The same resource at the backchannel: another scheme, host and port, and its path in front."""
        parts = urlsplit(uri)
        query = f"?{parts.query}" if parts.query else ""
        return f"{self.backchannel}{parts.path}{query}"

    def plaintext_addresses(self) -> list[str]:
        """The addresses to which tokens and secrets are sent without encryption."""
        backchannel = self.backchannel or ""
        is_open = is_plaintext(backchannel) and not is_loopback(urlsplit(backchannel).hostname)
        return [*([backchannel] if is_open else []), *(f"http://{host}" for host in sorted(self.insecure_hosts))]


PUBLIC = PrivateNetwork()
"""No private network: https for everything, and http on this machine."""


def private_network(backchannel_url: object, insecure_hosts: object) -> PrivateNetwork:
    """Raises ConfigurationError for what is no URL, or no collection of host names."""
    if backchannel_url is not None and (problem := _address_problem(backchannel_url)):
        raise ConfigurationError(f"backchannel_url {problem}.", setting="backchannel_url")
    return PrivateNetwork(
        backchannel=None if backchannel_url is None else str(backchannel_url).rstrip("/"),
        insecure_hosts=_host_names(insecure_hosts),
    )


def _address_problem(url: object) -> str | None:
    # uri_problem would ask for https where the scheme is missing, but http is accepted here
    if isinstance(url, str) and "://" not in url:
        return "must be an absolute URL, such as http://keycloak:8080"
    return uri_problem(url, None) or ("must not have a query" if "?" in str(url) else None)


def _host_names(hosts: object) -> frozenset[str]:
    # a string is a collection of its letters
    is_collection = isinstance(hosts, Collection) and not isinstance(hosts, str)
    names = cast("Collection[object]", hosts) if is_collection else ("",)
    if not all(isinstance(name, str) and _HOST_NAME.fullmatch(name) for name in names):
        raise ConfigurationError(
            'insecure_hosts must be a set of host names without scheme and port, such as {"keycloak"}.',
            setting="insecure_hosts",
        )
    return frozenset(map(str, names))
