"""The return URL of a login: a path of this application, never another host (RFC 9700 4.11)."""

from urllib.parse import quote, unquote, urlsplit

from oidc_async.protocol.uri import origin, uri_problem

from .messages import WebRequest

MAX_LENGTH = 2048
_IN_PATHS = "!$&'()*+,;=:@/-._~[]"


def is_same_origin_path(path: str) -> bool:
    """Whether every browser resolves `path` to a path of the same host.

    Browsers take what follows `//` and `/\\` for a host, and remove tabs and line breaks before they parse a URL.
    """
    if not path.startswith("/") or path.startswith("//") or len(path) > MAX_LENGTH:
        return False
    return path.isascii() and path.isprintable() and " " not in path and "\\" not in path


def return_path(request: WebRequest, redirect_uri: str) -> str:
    """Return the path to return to after the login that a request needs, encoded and with its query.

    A form cannot be posted again. After a POST it is the page of this origin that had the form (by the Referer), else
    the path itself if it answers GET, else the root of the application.
    """
    root = root_path(request)
    if request.method == "POST":
        path = _referring_path(request, redirect_uri) or (_own_path(request) if request.answers_get() else root)
    else:
        path = _own_path(request)
    return path if is_same_origin_path(path) else root


def root_path(request: WebRequest) -> str:
    """Return the encoded path of the root of the application; `/` if the mount point is not a valid path."""
    path = _quoted(request.root_path) + "/"
    return path if is_same_origin_path(path) else "/"


def path_of(uri: str, redirect_uri: str) -> str | None:
    """Return the encoded path and query of a URL that a client supplied; None if it has another origin.

    Unlike a Referer, which a browser writes, anybody can supply it. So nothing is corrected, and a URL with a
    fragment is rejected.
    """
    if uri_problem(uri) or origin(uri) != origin(redirect_uri):
        return None
    parts = urlsplit(uri)
    path = _with_query(_requoted(parts.path or "/"), parts.query)
    return path if is_same_origin_path(path) else None


def _own_path(request: WebRequest) -> str:
    path = _as_sent(request) or _quoted(request.root_path + request.path)
    return _with_query(path, request.query)


def _as_sent(request: WebRequest) -> str | None:
    # The decoded path does not distinguish %2F from a slash. The path as it was sent is used if it certainly is the
    # same path; proxies and servers may have changed one of the two.
    raw = _requoted(request.raw_path.partition("?")[0])
    if unquote(raw) == request.root_path + request.path:
        return raw
    if unquote(raw) == request.path:
        return _quoted(request.root_path) + raw
    return None


def _referring_path(request: WebRequest, redirect_uri: str) -> str | None:
    referer = request.headers.get("referer", "")
    try:
        parts = urlsplit(referer)
        if origin(referer) != origin(redirect_uri) or "@" in parts.netloc:
            return None
    except ValueError:
        return None
    # The page of a failed login has the redirect URI as its address, to which nobody can return.
    if parts.path == urlsplit(redirect_uri).path:
        return None
    return _with_query(_requoted(parts.path or "/"), parts.query)


def _with_query(path: str, query: str) -> str:
    return f"{path}?{_requoted(query)}" if query else path


def _quoted(decoded: str) -> str:
    return quote(decoded, safe=_IN_PATHS, errors="replace")


def _requoted(encoded: str) -> str:
    # Percent-encoding is kept. Raw bytes, which servers pass on as Latin-1, and characters such as quotes are
    # encoded.
    return quote(encoded, safe=_IN_PATHS + "%?", encoding="latin-1", errors="replace")
