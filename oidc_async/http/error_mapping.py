"""Maps exceptions of HTTP libraries and of the system to our errors."""

from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

from oidc_async.errors import OIDCError, ProviderOverloaded, ProviderTimeout, ProviderUnreachable
from oidc_async.protocol.http_message import HttpRequest

# The texts of other exceptions may quote a header, and a header may contain a secret.
_QUOTABLE = frozenset({"ConnectError", "ProxyError"})
_LONGEST_QUOTE = 200
_ANSWERED = "_oidc_async_answered"
LOGIN_PATIENCE_SECONDS = 2.0
"""Seconds that logins wait for a slot at an endpoint that answers no request."""


def describe(request: HttpRequest) -> str:
    """Return method and URL of `request`, without query and credentials, for logs."""
    return f"{request.method} {_public_url(request.url)}"


def require_http_url(request: HttpRequest) -> None:
    """Reject a URL without a host, or with another scheme than http or https.

    An empty host means this machine.
    """
    if not _is_http_url(request.url):
        raise ProviderUnreachable(f"{describe(request)}: not an http or https URL")


def provider_failure(request: HttpRequest, error: Exception) -> OIDCError:
    """Return the error of this library for `error`.

    An error of this library is returned unchanged. A timeout becomes ProviderTimeout, any other exception
    ProviderUnreachable. If the body of a response could not be read, the evidence has its status as `answered`.

    Raise the result after the `except` block that caught `error`. Inside of it, `error` would become its context, and
    would keep the request alive with its headers.
    """
    failure = error if isinstance(error, OIDCError) else _translated(request, error)
    status = _noted_status(error)
    if status is not None:
        failure.evidence["answered"] = status
    return failure


def note_status(error: BaseException, status: int) -> None:
    """Note on `error` the status of the response whose body could not be read."""
    error.__dict__[_ANSWERED] = status


def _noted_status(error: BaseException) -> int | None:
    # The timeout of a deadline is caused by the cancellation that was raised while the body was read.
    cause: BaseException | None = error
    while cause is not None and _ANSWERED not in cause.__dict__:
        cause = cause.__cause__
    return None if cause is None else cast(int, cause.__dict__[_ANSWERED])


def _translated(request: HttpRequest, error: Exception) -> OIDCError:
    reason = _reason(error)
    if _is_timeout(error):
        hint = "deadline and connect_timeout in HttpSettings"
        return ProviderTimeout(f"{describe(request)}: timed out ({reason}); see {hint}", reason=reason)
    if "CERTIFICATE_VERIFY_FAILED" in reason and "mismatch" not in reason:
        return ProviderUnreachable(
            f"{describe(request)}: failed ({reason}); ca_bundle in HttpSettings names other authorities",
            reason=reason,
        )
    return ProviderUnreachable(f"{describe(request)}: failed ({reason})", reason=reason)


@lru_cache(maxsize=256)
def _is_http_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_timeout(error: Exception) -> bool:
    # By name, because the library that defines it may not be installed.
    return isinstance(error, TimeoutError) or any(kind.__name__ == "TimeoutException" for kind in type(error).__mro__)


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


def stuck(request: HttpRequest, most: int) -> ProviderOverloaded:
    """The error for a login while the endpoint answers none of its requests."""
    return ProviderOverloaded(
        f"{describe(request)}: {most} requests are in progress (max_login_requests in HttpSettings), and none was "
        f"answered for {LOGIN_PATIENCE_SECONDS:g} s"
    )
