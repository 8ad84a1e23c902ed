"""Leaving a provider alone for a moment after it failed."""

from oidc_async.errors import OAuthError, ProviderError, ProviderPaused, ProviderTimeout, ProviderUnreachable

OF_GATEWAYS = frozenset({None, 502, 503, 504})


class Pause:
    """After a failure nobody asks for `seconds`; from then on one caller tries in each such time, until it succeeds.

    A provider that is down costs each request nothing, and is found to be up again by the first one after a pause.
    With `probe_seconds`, one that hangs holds up only that caller for so long, and not one more with each pause.
    """

    def __init__(self, seconds: float, probe_seconds: float = 0.0) -> None:
        self._seconds, self._probe_seconds = seconds, probe_seconds
        self._is_failing = False
        self._until = 0.0

    def require_over(self, now: float) -> None:
        """Raise ProviderPaused while it lasts; `now` is in seconds on a clock that never jumps."""
        if not self._is_failing:
            return
        if now < self._until:
            raise ProviderPaused(
                "The provider failed a moment ago, and is not asked again yet.", retry_after=self._until - now
            )
        # this caller tries; the others go on as they were
        self._until = now + max(self._seconds, self._probe_seconds)

    def begin(self, now: float) -> None:
        self._is_failing, self._until = True, now + self._seconds

    def end(self) -> None:
        self._is_failing = False

    def probe_again(self, now: float) -> None:
        """Let another caller try: the one who did found out nothing."""
        self._until = min(self._until, now + self._seconds)


def is_outage(error: ProviderError) -> bool:
    """Whether `error` tells of the provider as a whole, not of a request: no single token may stop all others."""
    if isinstance(error, OAuthError):
        return error.status == 429
    if isinstance(error, ProviderUnreachable):
        return error.evidence.get("status") in OF_GATEWAYS
    return isinstance(error, ProviderTimeout)
