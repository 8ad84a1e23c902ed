"""How often a rejected token is a warning: strangers send what they like, and must not fill the log."""

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
    """Lets one warning per reason and time through, for one application in one process.

    Reasons are codes and names of claims, so there are few of them. Two threads may let one more through.

    Args:
        now: the time, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._warned: dict[str, float] = {}

    def is_warning(self, error: OIDCError) -> bool:
        """Whether `error` may come from a wrong setting, and was not logged as a warning lately."""
        seconds = _seconds(error)
        if seconds is None:
            return False
        reason, now = f"{error.code} {getattr(error, 'claim', '')}", self._now()
        last = self._warned.get(reason)
        # a clock that was set back must not silence anything
        if last is not None and 0 <= now - last < seconds:
            return False
        self._warned[reason] = now
        return True


def _seconds(error: OIDCError) -> float | None:
    match error:
        case TokenInactive():
            # usual where tokens expire or are revoked; the first one tells that the client may not ask
            return INACTIVE_SECONDS
        case ConfigurationError() | ClaimInvalid() | AlgorithmNotAllowed() | TokenMalformed():
            return MISTAKE_SECONDS
        case _:
            return None
