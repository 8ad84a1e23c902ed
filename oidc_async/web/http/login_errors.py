"""What a browser is told when something went wrong: enough to go on, and nothing of the inside."""

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
{reason}<p><a href="{home}">Go on</a></p>
</html>
"""
REASON = """<p>Shown in debug mode only:</p>
<p><code>{reason}</code></p>
"""
STORE_RETRY_SECONDS = 5.0
EXPLANATIONS = {
    400: "The login could not be completed. Please try again.",
    403: "The login was refused.",
    502: "The login service is not available. Please try again later.",
    503: "The login service is busy. Please try again in a moment.",
    504: "The login service took too long to answer. Please try again later.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed login, as an error view and a status tell it.

    `code` is that of our error, `reason` its message and code, as they are logged.
    """

    status: int
    code: str
    error: str
    error_description: str | None
    retry_after: float | None = None
    reason: str = ""

    def arguments(self) -> dict[str, str]:
        """Those of `error` and `error_description` that there are: what each error view is called with."""
        description = {"error_description": self.error_description} if self.error_description else {}
        return {"error": self.error, **description}

    def headers(self) -> dict[str, str]:
        retry = {} if self.retry_after is None else {"retry-after": str(max(round(self.retry_after), 1))}
        # the address of the page may hold a code and a state
        return {"cache-control": "no-store", "referrer-policy": "no-referrer", **retry}


def read_failure(error: OIDCError) -> Failure:
    """What to tell of `error`: the provider's own words where it said something, else ours. It is logged too."""
    if isinstance(error, StoreError):
        logger.error("a session is out of reach: %s (%s)", error, error.code)
        return _ours(error, 503, STORE_RETRY_SECONDS)
    logger.warning("a login failed: %s%s (%s)", error, _said(error), error.code)
    if isinstance(error, AuthorizationRefused | OAuthError):
        said, status = error.error_description, _status(error)
        return Failure(
            status=status, code=error.code, error=error.error, error_description=said, reason=_reason(error)
        )
    return _ours(error, _status(error), _retry_after(error))


def _retry_after(error: OIDCError) -> float | None:
    return error.retry_after if isinstance(error, ProviderOverloaded | ProviderPaused) else None


def _ours(error: OIDCError, status: int, retry_after: float | None) -> Failure:
    code, message = error.code, error.message
    return Failure(
        status=status,
        code=code,
        error=code,
        error_description=message,
        retry_after=retry_after,
        reason=_reason(error),
    )


def _reason(error: OIDCError) -> str:
    return f"{error}{_said(error)} ({error.code})"


def _said(error: OIDCError) -> object:
    # what anybody may have put into the address is for developers alone
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
    """The answer of an application that has no error view."""
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
