"""The circuit breaker for introspection, for a provider that has failed."""

from oidc_async.errors import OAuthError, ProviderError, ProviderPaused, ProviderTimeout, ProviderUnreachable

OF_GATEWAYS = frozenset({None, 502, 503, 504})
"""The status codes by which a gateway says that the provider does not answer; None for a failed connection."""


class CircuitBreaker:
    """Opens with the first failure and closes with the first success.

    While it is open, all requests are rejected for `seconds`. After that, one caller in each such period may probe
    the provider. So a provider that is down costs other requests no time, and the first probe finds that it is up
    again.

    Args:
        seconds: how long requests are rejected after a failure.
        probe_seconds: how long a probe may take before another caller may try. A provider that hangs then holds up
            one caller, and not one more in each period.
    """

    def __init__(self, seconds: float, probe_seconds: float = 0.0) -> None:
        self._seconds, self._probe_seconds = seconds, probe_seconds
        self._is_open = False
        self._next_probe_at = 0.0

    def require_closed(self, now: float) -> None:
        """Let the caller send its request if the breaker is closed, or if a probe is due.

        Args:
            now: seconds on a clock that never jumps, as in the other methods.

        Raises:
            ProviderPaused: the breaker is open.
        """
        if not self._is_open:
            return
        if now < self._next_probe_at:
            raise provider_paused(self._next_probe_at - now)
        # This caller probes the provider; the others wait for its outcome.
        self._next_probe_at = now + max(self._seconds, self._probe_seconds)

    def open(self, now: float) -> None:
        """Note a failure."""
        self._is_open, self._next_probe_at = True, now + self._seconds

    def close(self) -> None:
        """Note a success."""
        self._is_open = False

    def probe_again(self, now: float) -> None:
        """Let another caller probe, because the last probe was not sent."""
        self._next_probe_at = min(self._next_probe_at, now + self._seconds)


def provider_paused(seconds: float) -> ProviderPaused:
    """The error for a request that is not sent because the provider has failed.

    Args:
        seconds: when to try again. A probe that is under way may take longer.
    """
    return ProviderPaused(
        f"The provider failed recently, so the request was not sent. Try again in {max(seconds, 0):.1f} s.",
        retry_after=seconds,
    )


def is_outage(error: ProviderError) -> bool:
    """Whether `error` concerns the provider as a whole.

    One invalid token must not stop the requests for others.
    """
    if isinstance(error, OAuthError):
        return error.status == 429
    if isinstance(error, ProviderUnreachable):
        return error.evidence.get("status") in OF_GATEWAYS
    return isinstance(error, ProviderTimeout)
