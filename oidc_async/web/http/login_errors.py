"""Error responses for failed logins; they never expose internals."""

import json
import logging
from dataclasses import dataclass
from html import escape

from oidc_async.errors import (
    AuthorizationRefused,
    ConfigurationError,
    LoginError,
    LoginRefused,
    OAuthError,
    OIDCError,
    ProviderOverloaded,
    ProviderPaused,
    ProviderTimeout,
    SessionTooLarge,
    StoreError,
)

from .messages import WebRequest, WebResponse
from .return_path import root_path

logger = logging.getLogger("oidc_async.login")

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Something went wrong</title>
<h1>Something went wrong</h1>
<p>{explanation}</p>
{reason}<p><a href="{home}">Continue</a></p>
</html>
"""
REASON = """<p>Shown in debug mode only:</p>
<p><code>{reason}</code></p>
"""
STORE_RETRY_SECONDS = 5.0
EXPLANATIONS = {
    400: "The login could not be completed. Please try again.",
    403: "The login was rejected.",
    502: "The login service is not available. Please try again later.",
    503: "The login service is busy. Please try again later.",
    504: "The login service took too long to respond. Please try again later.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed login, as the error view and the status of the response present it.

    Attributes:
        code: The stable code of our error.
        error: The `error` of the provider if it sent one, else our code.
        error_description: The description of the provider if it sent one, else our message.
        retry_after: Seconds after which the browser may try again.
        reason: The message and code of the error as they are logged; shown in debug mode only.
    """

    status: int
    code: str
    error: str
    error_description: str | None
    retry_after: float | None = None
    reason: str = ""

    def arguments(self) -> dict[str, str]:
        """Return those of `error` and `error_description` that are present, for the error view."""
        description = {"error_description": self.error_description} if self.error_description else {}
        return {"error": self.error, **description}

    def headers(self) -> dict[str, str]:
        """Return the headers of the response."""
        retry = {} if self.retry_after is None else {"retry-after": str(max(round(self.retry_after), 1))}
        # The URL of the page may contain a code and a state.
        return {"cache-control": "no-store", "referrer-policy": "no-referrer", **retry}


def read_failure(error: OIDCError) -> Failure:
    """Log an error and return the failure, in the provider's words if it sent an error, else in ours."""
    if isinstance(error, StoreError):
        logger.error("a session could not be read or saved: %s (%s)", error, error.code)
        return _failure(error, 503, STORE_RETRY_SECONDS)
    logger.warning("a login failed: %s%s (%s)", error, _provider_text(error), error.code)
    if isinstance(error, AuthorizationRefused | OAuthError):
        return Failure(
            status=_status(error),
            code=error.code,
            error=error.error,
            error_description=error.error_description,
            reason=_reason(error),
        )
    return _failure(error, _status(error), _retry_after(error))


def _retry_after(error: OIDCError) -> float | None:
    return error.retry_after if isinstance(error, ProviderOverloaded | ProviderPaused) else None


def _failure(error: OIDCError, status: int, retry_after: float | None) -> Failure:
    return Failure(
        status=status,
        code=error.code,
        error=error.code,
        error_description=error.message,
        retry_after=retry_after,
        reason=_reason(error),
    )


def _reason(error: OIDCError) -> str:
    return f"{error}{_provider_text(error)} ({error.code})"


def _provider_text(error: OIDCError) -> object:
    # Anybody can write this text into the URL, so only developers see it.
    return error.evidence.get("said", "")


def _status(error: OIDCError) -> int:
    match error:
        case AuthorizationRefused(error="access_denied") | LoginRefused():
            return 403
        case SessionTooLarge() | ConfigurationError():
            return 500
        case LoginError() | OAuthError(error="invalid_grant"):
            return 400
        case ProviderOverloaded() | ProviderPaused():
            return 503
        case ProviderTimeout():
            return 504
        case _:
            return 502


def failure_response(failure: Failure, request: WebRequest) -> WebResponse:
    """Return the response of an application that has no error view."""
    explanation = EXPLANATIONS.get(failure.status, "The login could not be completed.")
    if request.prefers_json():
        headers = {**failure.headers(), "content-type": "application/json"}
        debug = {"debug": failure.reason} if request.debug else {}
        document = {"error": failure.error, "error_description": explanation, **debug}
        return WebResponse(status=failure.status, headers=headers, body=json.dumps(document))
    reason = REASON.format(reason=escape(failure.reason)) if request.debug else ""
    body = PAGE.format(explanation=explanation, reason=reason, home=escape(root_path(request), quote=True))
    headers = {
        **failure.headers(),
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": "default-src 'none'",
    }
    return WebResponse(status=failure.status, headers=headers, body=body)
