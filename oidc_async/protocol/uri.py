"""Which URIs may carry tokens: https, or http to a literal loopback host, and nothing that hides its host."""

from ipaddress import ip_address
from urllib.parse import SplitResult, quote, urlencode, urlsplit

MAX_URI_LENGTH = 8192


def is_loopback(host: str | None) -> bool:
    """Whether `host` is literally this machine; names are not resolved, so no resolver can lie."""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


def is_plaintext(uri: str) -> bool:
    return urlsplit(uri).scheme == "http"


def uri_problem(uri: object) -> str | None:
    """Why `uri` can't be an endpoint of a provider or of ours; None when it can (OIDC Discovery 3, 7.1)."""
    if not isinstance(uri, str) or not uri or len(uri) > MAX_URI_LENGTH:
        return "must be a URL"
    if not uri.isascii() or any(character <= " " or character in '\\<>"\x7f' for character in uri):
        return "must hold no spaces, control characters, backslashes or characters outside ASCII"
    try:
        parts = urlsplit(uri)
        return _parts_problem(parts)
    except ValueError:
        return "must be a URL with a valid host and port"


def _parts_problem(parts: SplitResult) -> str | None:
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return "must be an absolute https URL"
    if "@" in parts.netloc:
        return "must not contain credentials before its host"
    if parts.port == 0:
        return "must have a valid port"
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "must use https; http is accepted for localhost, 127.0.0.0/8 and [::1] only"
    if parts.fragment:
        return "must not have a fragment"
    return None


def issuer_problem(issuer: object) -> str | None:
    """Why `issuer` can't be an Issuer Identifier; None when it can (OIDC Discovery 2)."""
    if problem := uri_problem(issuer):
        return problem
    if isinstance(issuer, str) and ("?" in issuer or "#" in issuer):
        return "must have neither query nor fragment"
    return None


def with_query(uri: str, parameters: dict[str, str]) -> str:
    """`uri` with `parameters` appended to the query that it may already have (RFC 6749 3.1)."""
    separator = "&" if "?" in uri else "?"
    return f"{uri}{separator}{urlencode(parameters, quote_via=quote)}"


def origin(uri: str) -> str:
    """Scheme, host and port: what the same-origin policy compares (RFC 6454 4)."""
    parts = urlsplit(uri)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
