"""Error responses for bearer tokens (RFC 6750 3): a status and a challenge; they never expose internals."""

import json
import logging
from dataclasses import dataclass, field, replace

from oidc_async.errors import (
    BearerRequestInvalid,
    BearerTokenMissing,
    ConfigurationError,
    InsufficientScope,
    InsufficientUserAuthentication,
    OIDCError,
    TokenError,
)
from oidc_async.protocol.bearer_token import challenge
from oidc_async.web.routes.resource_metadata import metadata_url
from oidc_async.web.settings import Settings

from .messages import WebRequest, WebResponse
from .warning_limit import WarningLimit

logger = logging.getLogger("oidc_async.tokens")

DESCRIPTIONS = {
    400: "The request must have exactly one bearer token, in the Authorization header.",
    401: "The request must have a bearer token.",
    500: "This resource is not configured correctly.",
    503: "The access token cannot be verified at present. Try again later.",
}
INVALID_TOKEN = "The access token is malformed, expired or revoked, or not issued for this resource."


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFailure:
    """The rejection of a request to a view that requires a bearer token.

    Attributes:
        error: The error code (RFC 6750 3.1, RFC 9470 3).
        description: The description for the client.
        challenge: The parameters of WWW-Authenticate; None if authenticating would not help.
        retry_after: Seconds after which the client may try again.
        reason: The message and code of the error as they are logged; shown in debug mode only.
    """

    status: int
    error: str
    description: str
    challenge: dict[str, str | None] | None = None
    retry_after: float | None = field(default=None)
    reason: str = ""

    def headers(self) -> dict[str, str]:
        """Return the headers of the response."""
        headers = {"cache-control": "no-store"}
        if self.challenge is not None:
            headers["www-authenticate"] = challenge(self.challenge)
        if self.retry_after is not None:
            headers["retry-after"] = str(max(round(self.retry_after), 1))
        return headers


def read_token_failure(error: OIDCError, settings: Settings, warnings: WarningLimit, scope: str = "") -> TokenFailure:
    """Log an error and return the failure that a client sees.

    Args:
        error: Why the request is rejected.
        settings: The settings of the application.
        warnings: Decides whether it is logged as a warning or as information.
        scope: The scopes that the view requires, which the challenge names so that the client can request a token
            with them (RFC 6750 3).
    """
    level = logging.WARNING if warnings.is_warning(error) else logging.INFO
    logger.log(level, "rejected a request: %s (%s)", error, error.code)
    return replace(_token_failure(error, settings, scope), reason=f"{error} ({error.code})")


def _token_failure(error: OIDCError, settings: Settings, scope: str) -> TokenFailure:
    where = _resource_metadata(settings)
    wanted = {"scope": scope or None}
    match error:
        case BearerTokenMissing():
            return _failure(401, "bearer_token_missing", DESCRIPTIONS[401], {**wanted, **where})
        case BearerRequestInvalid():
            return _challenged(400, "invalid_request", DESCRIPTIONS[400], where)
        case InsufficientScope():
            return _challenged(403, "insufficient_scope", error.message, {"scope": error.scope or None, **where})
        case InsufficientUserAuthentication():
            return _challenged(401, error.code, error.message, {**_step_up(error), **wanted, **where})
        case TokenError():
            status = 401 if settings.rfc6750_status else 403
            return _challenged(status, "invalid_token", INVALID_TOKEN, {**wanted, **where})
        case ConfigurationError():
            return TokenFailure(status=500, error="server_error", description=DESCRIPTIONS[500])
        case _:
            return _unavailable(error)


def _step_up(error: InsufficientUserAuthentication) -> dict[str, str | None]:
    """Return the parameters that tell a client which authentication to request (RFC 9470 3)."""
    return {
        "acr_values": " ".join(error.acr_values) or None,
        "max_age": None if error.max_age is None else f"{error.max_age:.0f}",
    }


def _unavailable(error: OIDCError) -> TokenFailure:
    return TokenFailure(
        status=503,
        error="temporarily_unavailable",
        description=DESCRIPTIONS[503],
        retry_after=getattr(error, "retry_after", 1.0),
    )


def token_challenge(settings: Settings, scope: str = "") -> dict[str, str]:
    """Return the header that asks for a token with this scope, for requests without a token."""
    return {"www-authenticate": challenge({"scope": scope or None, **_resource_metadata(settings)})}


def token_failure_response(failure: TokenFailure, request: WebRequest) -> WebResponse:
    """Return the response: JSON, or plain text for a client that accepts HTML."""
    if "text/html" in request.headers.get("accept", "") and not request.prefers_json():
        headers = {**failure.headers(), "content-type": "text/plain; charset=utf-8"}
        reason = f"\n\nShown in debug mode only: {failure.reason}" if request.debug else ""
        return WebResponse(status=failure.status, headers=headers, body=failure.description + reason)
    headers = {**failure.headers(), "content-type": "application/json"}
    debug = {"debug": failure.reason} if request.debug else {}
    document = {"error": failure.error, "error_description": failure.description, **debug}
    return WebResponse(status=failure.status, headers=headers, body=json.dumps(document))


def _challenged(status: int, error: str, description: str, parameters: dict[str, str | None]) -> TokenFailure:
    return _failure(status, error, description, {"error": error, "error_description": description, **parameters})


def _failure(status: int, error: str, description: str, parameters: dict[str, str | None]) -> TokenFailure:
    return TokenFailure(status=status, error=error, description=description, challenge=parameters)


def _resource_metadata(settings: Settings) -> dict[str, str | None]:
    return {"resource_metadata": settings.resource and metadata_url(settings.resource)}
