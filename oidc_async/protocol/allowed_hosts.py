"""Hosts that a user's identifier may cause requests to."""

from collections.abc import Collection, Iterator

from oidc_async.errors import ConfigurationError

from .uri import origin, uri_problem


class AllowedHosts:
    """An allow list of hosts and domains.

    The application vouches for a host that it lists, so that host may have any address. Hosts in an allowed domain
    must have public addresses, because the owner of a domain can point a name to any address (SSRF).

    Args:
        hosts: "example.com" allows this host; ".example.com" allows all hosts below it, but not itself. Without a
            port, as in "example.com:8443", the default port of the scheme is allowed.

    Raises:
        ConfigurationError: an entry is malformed.
    """

    def __init__(self, hosts: Collection[str]) -> None:
        if isinstance(hosts, str) or not hosts:
            raise _rejection("must be a non-empty list of hosts")
        self._entries = frozenset(map(_entry, hosts))

    def is_named(self, url: str) -> bool:
        """Return whether the host of `url` is listed itself."""
        host = _host_and_port(url)
        # In a URL, a host with a leading dot must not match the entry of a domain.
        return host in self._entries and not host.startswith(".")

    def is_within(self, url: str) -> bool:
        """Return whether the host of `url` is below an allowed domain."""
        host = _host_and_port(url)
        # Labels are compared as a whole: evilexample.com is not below example.com.
        return not host.startswith(".") and any(domain in self._entries for domain in _domains(host))


def _entry(host: object) -> str:
    name = host.removeprefix(".") if isinstance(host, str) else ""
    url = f"https://{name.lower()}"
    # An origin has only host and port: if the URL has more, the two differ.
    if uri_problem(url) or origin(url) != url.removesuffix(":443"):
        raise _rejection(f"must contain hosts such as example.com, .example.com or example.com:8443, not {host!r}")
    return ("." if host != name else "") + _host_and_port(url)


def _host_and_port(url: str) -> str:
    """Return host and port in lower case, without a default port."""
    return origin(url).partition("://")[2]


def _domains(host_and_port: str) -> Iterator[str]:
    _, dot, rest = host_and_port.partition(".")
    while dot:
        yield f".{rest}"
        _, dot, rest = rest.partition(".")


def _rejection(problem: str) -> ConfigurationError:
    return ConfigurationError(f"allowed_hosts {problem}.", setting="allowed_hosts")
