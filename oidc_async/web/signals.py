"""Signals for logins, refreshes and logouts, for an audit log or for metrics. They contain no tokens or secrets.

Every receiver is called with the app and with `provider`, the name of the provider. Signals are sent when the
response is ready and its cookies are set, so what they report has happened, whatever a receiver does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from blinker import Namespace, Signal

from oidc_async.errors import AuthorizationRefused, OAuthError, OIDCError

__all__ = ["logged_in", "logged_out", "login_failed", "logout_failed", "refresh_failed", "token_refreshed"]

LogoutReason = Literal["user", "frontchannel", "backchannel"]
"""The party that ended a session: the user, or the provider by front-channel or back-channel logout."""

_signals = Namespace()

logged_in = _signals.signal("logged-in", "A session has started. `claims` are those of its ID token.")
login_failed = _signals.signal(
    "login-failed",
    "A login could not be started or completed. `code` and `message` are those of our error, `error` is the error of "
    "the provider, or None. `provider` is None if the login is unknown.",
)
token_refreshed = _signals.signal(
    "token-refreshed", "The provider issued new tokens for a session. `claims` are those of its ID token."
)
refresh_failed = _signals.signal(
    "refresh-failed",
    "The tokens of a session could not be refreshed. `code`, `message` and `error` say why, as for a login.",
)
logged_out = _signals.signal(
    "logged-out",
    "A session was ended. `reason` says who ended it; `claims` are those that are known of its ID token.",
)

logout_failed = _signals.signal(
    "logout-failed",
    "A back-channel logout request was rejected or could not be carried out. `code`, `message` and `error` say why, "
    "as for a login. `provider` is the one that the request claims to come from, or None if it is not configured.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A signal to be sent with the response, and its fields."""

    signal: Signal
    fields: Mapping[str, Any] = field(repr=False)


def reason_of(error: OIDCError) -> dict[str, str | None]:
    """Return the fields that say why something failed: our code and message, and the error of the provider."""
    of_provider = error.error if isinstance(error, AuthorizationRefused | OAuthError) else None
    return {"code": error.code, "message": error.message, "error": of_provider}
