"""Checks of URIs that tokens are sent to: https, or http to a loopback host, with an unambiguous host."""

import re
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from .parameters import Parameter

MAX_URI_LENGTH = 8192
_UNSAFE = re.compile(r"""[^\x21-\x7e]|[\\<>"{}|^`]""")
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")


def is_loopback(host: str | None) -> bool:
    """Return whether `host` is localhost or a loopback address. Names are not resolved: DNS can't be trusted here."""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


def is_plaintext(uri: str) -> bool:
    return urlsplit(uri).scheme == "http"


def uri_problem(uri: object, insecure_hosts: Collection[str] | None = ()) -> str | None:
    """Return the reason why `uri` can't be an endpoint; None if it can (OIDC Discovery 3, 7.1).

    Args:
        uri: the value to check, of any type.
        insecure_hosts: hosts for which http is accepted, besides this machine; None accepts http for every host.
    """
    if not isinstance(uri, str) or not uri or len(uri) > MAX_URI_LENGTH:
        return "must be a URL"
    # Python, browsers and proxies parse backslashes, blanks and non-ASCII characters in different ways. RFC 3986
    # allows none of them.
    if _UNSAFE.search(uri):
        return "must have only characters of a URL: no spaces, backslashes or braces, and only ASCII"
    # The scheme must be in lower case, because later comparisons are exact.
    if not uri.startswith(("https://", "http://")):
        return "must be an absolute https URL"
    if "#" in uri:
        return "must not have a fragment"
    try:
        return _parts_problem(urlsplit(uri), insecure_hosts)
    except ValueError:
        return "must be a URL with a valid host and port"


def _parts_problem(parts: SplitResult, insecure_hosts: Collection[str] | None) -> str | None:
    if "@" in parts.netloc:
        return "must not contain credentials before its host"
    # Two URL parsers must not see two different hosts. An empty port and port 0 would mean the default port.
    if not _HOST.fullmatch(_host(parts)) or parts.port == 0 or parts.netloc.endswith(":"):
        return "must be a URL with a valid host and port"
    is_accepted = insecure_hosts is None or is_loopback(parts.hostname) or parts.hostname in insecure_hosts
    if parts.scheme == "http" and not is_accepted:
        return "must use https; http is accepted for localhost, 127.0.0.0/8 and [::1] only"
    return None


def issuer_problem(issuer: object, insecure_hosts: Collection[str] = ()) -> str | None:
    """Return the reason why `issuer` can't be an Issuer Identifier; None if it can (OIDC Discovery 2)."""
    if problem := uri_problem(issuer, insecure_hosts):
        return problem
    return "must not have a query" if "?" in str(issuer) else None


def is_encodable(value: object) -> bool:
    """Return whether `value` is a string that a URL or a form can contain: without lone surrogates."""
    return isinstance(value, str) and value.encode(errors="replace").decode() == value


def with_query(uri: str, parameters: Mapping[str, Parameter]) -> str:
    """Append `parameters` to the query of `uri`, which may have one already (RFC 6749 3.1)."""
    separator = "&" if "?" in uri else "?"
    return f"{uri}{separator}{urlencode(parameters, doseq=True, quote_via=quote)}"


def origin(uri: str) -> str:
    """Return the origin of `uri`: scheme, host and port, as the same-origin policy compares them (RFC 6454 4)."""
    parts = urlsplit(uri)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{_host(parts)}{port}"


def _host(parts: SplitResult) -> str:
    """Return the host in lower case, an IPv6 address in brackets."""
    name = parts.hostname or ""
    return f"[{name}]" if ":" in name else name
