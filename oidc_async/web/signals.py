"""Signals of what happens to logins: to keep an audit log, or to count. None of them carries a token, code or secret.

Every receiver is called with the app, and with `provider`, the provider's name. They are sent when the response is
ready and its cookies are decided: what a signal tells has happened, whatever a receiver does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from blinker import Namespace, Signal

from oidc_async.errors import AuthorizationRefused, OAuthError, OIDCError

__all__ = ["logged_in", "logged_out", "login_failed", "logout_failed", "refresh_failed", "token_refreshed"]

LogoutReason = Literal["user", "frontchannel", "backchannel"]
"""Who ended a session: its user, or the provider, in the browser or beside it."""

_signals = Namespace()

logged_in = _signals.signal("logged-in", "A session has begun. `claims` are those of its ID token.")
login_failed = _signals.signal(
    "login-failed",
    "A login could not be begun or completed. `code` and `message` are those of our error, `error` what the provider "
    "called it, if the provider said so; `provider` is None when the login is not known.",
)
token_refreshed = _signals.signal(
    "token-refreshed", "The provider issued new tokens for a session. `claims` are those of its ID token."
)
refresh_failed = _signals.signal(
    "refresh-failed",
    "The same was asked for, but in vain. `code`, `message` and `error` say why, as for a login.",
)
logged_out = _signals.signal(
    "logged-out", "A session was ended. `reason` tells by whom, `claims` whose it was, as far as that is known."
)

logout_failed = _signals.signal(
    "logout-failed",
    "A provider asked beside the browser for the end of sessions, which was refused or could not be done. `code`, "
    "`message` and `error` say why, as for a login; `provider` is whom the request claims to be of, None if none of "
    "ours.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A signal to be sent, and with what."""

    signal: Signal
    fields: Mapping[str, Any] = field(repr=False)


def reason_of(error: OIDCError) -> dict[str, str | None]:
    """Why something failed: our code and message, and the `error` of the provider when that is the reason."""
    said = error.error if isinstance(error, AuthorizationRefused | OAuthError) else None
    return {"code": error.code, "message": error.message, "error": said}
