"""Which hosts may be asked because a user named them."""

from collections.abc import Collection, Iterator

from oidc_async.errors import ConfigurationError

from .uri import origin, uri_problem


class AllowedHosts:
    """Hosts by name, and domains of which each host is allowed.

    Parameters:
        hosts: "example.com" is that host; ".example.com" is every one below it, but not itself. With a port, as
            "example.com:8443", it is that port; without, the port of the scheme.

    A host that is named may have any address: whoever named it knows where it is. Of a domain, only those with
    public addresses are meant, for its owner may point a name anywhere. Raises ConfigurationError.
    """

    def __init__(self, hosts: Collection[str]) -> None:
        if isinstance(hosts, str) or not hosts:
            raise _refusal("must be a list of hosts, and not be empty")
        self._entries = frozenset(map(_entry, hosts))

    def is_named(self, url: str) -> bool:
        host = _host_and_port(url)
        # a host that begins with a dot is not the domain that is written so
        return host in self._entries and not host.startswith(".")

    def is_within(self, url: str) -> bool:
        """Whether the host of `url` is below a domain that is allowed."""
        host = _host_and_port(url)
        return not host.startswith(".") and any(domain in self._entries for domain in _domains(host))


def _entry(host: object) -> str:
    name = host.removeprefix(".") if isinstance(host, str) else ""
    url = f"https://{name.lower()}"
    # of what the URL has more than host and port, nothing is left in the other
    if uri_problem(url) or origin(url) != url.removesuffix(":443"):
        raise _refusal(f"must hold hosts as in example.com, .example.com or example.com:8443, not {host!r}")
    return ("." if host != name else "") + _host_and_port(url)


def _host_and_port(url: str) -> str:
    """Both in lower case, the port only where it isn't the one of the scheme."""
    return origin(url).partition("://")[2]


def _domains(host_and_port: str) -> Iterator[str]:
    _, dot, rest = host_and_port.partition(".")
    while dot:
        yield f".{rest}"
        _, dot, rest = rest.partition(".")


def _refusal(problem: str) -> ConfigurationError:
    return ConfigurationError(f"allowed_hosts {problem}.", setting="allowed_hosts")
