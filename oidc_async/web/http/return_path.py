"""Where a browser goes after its login: a path of this application, never another host (RFC 9700 4.11)."""

from urllib.parse import quote, unquote, urlsplit

from oidc_async.protocol.uri import origin, uri_problem

from .messages import WebRequest

MAX_LENGTH = 2048
_IN_PATHS = "!$&'()*+,;=:@/-._~[]"


def is_same_origin_path(path: str) -> bool:
    """Whether every browser reads `path` as a path of the host that it is on.

    Browsers take `//` and `/\\` for a host, and drop tabs and line ends before they look.
    """
    if not path.startswith("/") or path.startswith("//") or len(path) > MAX_LENGTH:
        return False
    return path.isascii() and path.isprintable() and " " not in path and "\\" not in path


def return_path(request: WebRequest, redirect_uri: str) -> str:
    """The path to come back to after the login that `request` needs, encoded, with the query.

    A form can't be sent again: after a POST it is the page of this origin that the form was on, else the path
    itself if it answers GET, else the application's root.
    """
    root = root_path(request)
    if request.method == "POST":
        path = _referring_path(request, redirect_uri) or (_own_path(request) if request.answers_get() else root)
    else:
        path = _own_path(request)
    return path if is_same_origin_path(path) else root


def root_path(request: WebRequest) -> str:
    """The path of the application's root, encoded; that of the host when a proxy made something else of it."""
    path = _quoted(request.root_path) + "/"
    return path if is_same_origin_path(path) else "/"


def path_of(uri: str, redirect_uri: str) -> str | None:
    """The path, encoded, with the query, of a URL that another site gave; None when it is not of this origin.

    Browsers write a Referer, but anybody this: nothing is put right, and a fragment is refused.
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
    # the decoded path can't tell %2F from a slash; what was sent is used where it surely is the same path
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
    # the page of a failed login stands at the redirect URI: nobody can go back to a used-up response
    if parts.path == urlsplit(redirect_uri).path:
        return None
    return _with_query(_requoted(parts.path or "/"), parts.query)


def _with_query(path: str, query: str) -> str:
    return f"{path}?{_requoted(query)}" if query else path


def _quoted(decoded: str) -> str:
    return quote(decoded, safe=_IN_PATHS, errors="replace")


def _requoted(encoded: str) -> str:
    # what was encoded stays so; raw bytes, handed on as Latin-1, and the likes of quotes are encoded
    return quote(encoded, safe=_IN_PATHS + "%?", encoding="latin-1", errors="replace")
