"""The border where exceptions of HTTP libraries and of the operating system become ours."""

from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit

from .errors import OIDCError, ProviderTimeout, ProviderUnreachable
from .protocol.http_message import HttpRequest

# Texts of other exceptions may quote a header, and a header may hold a secret.
_QUOTABLE = frozenset({"ConnectError", "ProxyError"})
_LONGEST_QUOTE = 200


def describe(request: HttpRequest) -> str:
    """Method and URL of `request`, without query and credentials: fit for messages and logs."""
    return f"{request.method} {_public_url(request.url)}"


def require_http_url(request: HttpRequest) -> None:
    """Refuse a URL that names no host over http or https: an empty host would mean this machine."""
    try:
        parts = urlsplit(request.url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ProviderUnreachable(f"{describe(request)}: not an http or https URL")


@contextmanager
def provider_failures(request: HttpRequest, timeouts: tuple[type[Exception], ...]) -> Generator[None]:
    """Raise ProviderTimeout for each of `timeouts`, and ProviderUnreachable for any other foreign exception.

    The foreign exception is not kept as the cause: it refers to the request with its headers.
    """
    try:
        yield
    except OIDCError:
        raise
    except timeouts as error:
        message = f"{describe(request)}: timed out ({_reason(error)})"
        raise ProviderTimeout(message, reason=_reason(error)) from None
    except Exception as error:
        message = f"{describe(request)}: failed ({_reason(error)})"
        raise ProviderUnreachable(message, reason=_reason(error)) from None


def _public_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(malformed URL)"
    return _printable(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")


def _reason(error: Exception) -> str:
    name = type(error).__name__
    if isinstance(error, OSError) or name in _QUOTABLE:
        return _printable(f"{name}: {error}").removesuffix(": ")
    return name


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text[:_LONGEST_QUOTE])
