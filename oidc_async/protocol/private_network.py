"""Addresses of a provider in a private network. Each of them must be configured."""

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
    """The exceptions from "https only" for one provider; there are none by default.

    Args:
        backchannel: the base URL of the provider in the network, with an optional path.
        insecure_hosts: the names of hosts for which http is accepted, with any port.
    """

    backchannel: str | None = None
    insecure_hosts: frozenset[str] = frozenset()

    def is_at_backchannel(self, uri: str) -> bool:
        """Return whether `uri` is at the origin of the backchannel, which browsers can't reach."""
        return self.backchannel is not None and origin(uri) == origin(self.backchannel)

    def accepts_plaintext(self, uri: str) -> bool:
        """Return whether http is accepted for `uri`, because its host is configured."""
        return self.is_at_backchannel(uri) or urlsplit(uri).hostname in self.insecure_hosts

    def uri_problem(self, uri: object) -> str | None:
        """Return the reason why requests to `uri` are not allowed; None if they are."""
        # The origin of the backchannel is configured, so http is accepted there. Other URLs on the same host, with
        # another port, are not.
        if isinstance(uri, str) and uri_problem(uri, None) is None and self.is_at_backchannel(uri):
            return None
        return uri_problem(uri, self.insecure_hosts)

    def to_backchannel(self, uri: str) -> str:
        """Return the URL of the same resource at the backchannel, below its path."""
        parts = urlsplit(uri)
        query = f"?{parts.query}" if parts.query else ""
        return f"{self.backchannel}{parts.path}{query}"

    def plaintext_addresses(self) -> list[str]:
        """Return the addresses to which tokens and secrets are sent without encryption."""
        backchannel = self.backchannel or ""
        is_open = is_plaintext(backchannel) and not is_loopback(urlsplit(backchannel).hostname)
        return [*([backchannel] if is_open else []), *(f"http://{host}" for host in sorted(self.insecure_hosts))]


PUBLIC = PrivateNetwork()
"""No exceptions: https only, besides http on this machine."""


def private_network(backchannel_url: object, insecure_hosts: object) -> PrivateNetwork:
    """Validate the settings of a private network. Raises ConfigurationError."""
    if backchannel_url is not None and (problem := _address_problem(backchannel_url)):
        raise ConfigurationError(f"backchannel_url {problem}.", setting="backchannel_url")
    return PrivateNetwork(
        backchannel=None if backchannel_url is None else str(backchannel_url).rstrip("/"),
        insecure_hosts=_host_names(insecure_hosts),
    )


def _address_problem(url: object) -> str | None:
    # For a missing scheme, uri_problem would advise https, but http is accepted here.
    if isinstance(url, str) and "://" not in url:
        return "must be an absolute URL, such as http://keycloak:8080"
    return uri_problem(url, None) or ("must not have a query" if "?" in str(url) else None)


def _host_names(hosts: object) -> frozenset[str]:
    # A string is a collection, too: of its characters.
    is_collection = isinstance(hosts, Collection) and not isinstance(hosts, str)
    names = cast("Collection[object]", hosts) if is_collection else ("",)
    if not all(isinstance(name, str) and _HOST_NAME.fullmatch(name) for name in names):
        raise ConfigurationError(
            'insecure_hosts must be a set of host names without scheme and port, such as {"keycloak"}.',
            setting="insecure_hosts",
        )
    return frozenset(map(str, names))
