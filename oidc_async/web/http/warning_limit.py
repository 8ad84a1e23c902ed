"""Limits how often a rejected token is logged as a warning, since anybody can send invalid tokens."""

from collections.abc import Callable

from oidc_async.errors import (
    AlgorithmNotAllowed,
    ClaimInvalid,
    ConfigurationError,
    OIDCError,
    TokenInactive,
    TokenMalformed,
)

MISTAKE_SECONDS = 60.0
INACTIVE_SECONDS = 3600.0


class WarningLimit:
    """Allows one warning for each reason and period, for one application in one process.

    A reason is an error code and the name of a claim, so there are few of them. A race between threads may allow one
    warning more.

    Args:
        now: The clock, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._warned: dict[str, float] = {}

    def is_warning(self, error: OIDCError) -> bool:
        """Whether a wrong setting may have caused the error, and no warning was logged for it recently."""
        seconds = _seconds(error)
        if seconds is None:
            return False
        reason = f"{error.code} {getattr(error, 'claim', '')}"
        now = self._now()
        last = self._warned.get(reason)
        # A clock that was set back must not suppress warnings.
        if last is not None and 0 <= now - last < seconds:
            return False
        self._warned[reason] = now
        return True


def _seconds(error: OIDCError) -> float | None:
    match error:
        case TokenInactive():
            # Usual where tokens expire or are revoked. The first one may mean that this client may not introspect
            # tokens.
            return INACTIVE_SECONDS
        case ConfigurationError() | ClaimInvalid() | AlgorithmNotAllowed() | TokenMalformed():
            return MISTAKE_SECONDS
        case _:
            return None
