"""The border where exceptions of HTTP libraries and of the operating system become ours."""

from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

from oidc_async.errors import OIDCError, ProviderOverloaded, ProviderTimeout, ProviderUnreachable
from oidc_async.protocol.http_message import HttpRequest

# Texts of other exceptions may quote a header, and a header may hold a secret.
_QUOTABLE = frozenset({"ConnectError", "ProxyError"})
_LONGEST_QUOTE = 200
_ANSWERED = "_oidc_async_answered"
LOGIN_PATIENCE_SECONDS = 2.0
"""How long logins wait for a slot at an endpoint at which nothing moves."""


def describe(request: HttpRequest) -> str:
    """Method and URL of `request`, without query and credentials: fit for messages and logs."""
    return f"{request.method} {_public_url(request.url)}"


def require_http_url(request: HttpRequest) -> None:
    """Refuse a URL that names no host over http or https: an empty host would mean this machine."""
    if not _is_http_url(request.url):
        raise ProviderUnreachable(f"{describe(request)}: not an http or https URL")


def provider_failure(request: HttpRequest, error: Exception) -> OIDCError:
    """ProviderTimeout for a timeout, ProviderUnreachable for any other foreign exception; ours as they are.

    `answered` in the evidence is the status, if it was the body of a response that failed.
    To be raised after the `except` that caught `error`, which would else stay on as its context: it refers to the
    request with its headers.
    """
    failure = error if isinstance(error, OIDCError) else _translated(request, error)
    status = _noted_status(error)
    if status is not None:
        failure.evidence["answered"] = status
    return failure


def note_status(error: BaseException, status: int) -> None:
    """Note on `error` that the provider has sent a response with this status, whose body can't be read."""
    error.__dict__[_ANSWERED] = status


def _noted_status(error: BaseException) -> int | None:
    # what a deadline raises is caused by the cancellation that came out of the body
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
    # by name, for we need not have the library from which it comes
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
    """For a request that anybody may have caused, while the endpoint answers none of those under way."""
    return ProviderOverloaded(
        f"{describe(request)}: {most} requests are under way (max_login_requests in HttpSettings), and none was "
        f"answered for {LOGIN_PATIENCE_SECONDS:g} s"
    )
