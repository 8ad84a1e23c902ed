"""A cache for one fetched value, with single flight and stale-if-error."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from oidc_async.errors import ProviderError
from oidc_async.runtime.port import Runtime

T = TypeVar("T")
logger = logging.getLogger("oidc_async.provider")

STALE_PAUSE = 30.0
"""Seconds for which a stale value is used before the next attempt to fetch a new one."""


class Allowance:
    """A token bucket: `burst` events at once, and one more every `seconds`."""

    def __init__(self, burst: int, seconds: float) -> None:
        self._burst, self._seconds = burst, seconds
        self._left, self._counted_at = float(burst), 0.0

    def spend(self, monotonic: float) -> bool:
        """Return whether one more event is allowed now, and count it if so.

        Args:
            monotonic: seconds on a clock that never jumps.
        """
        earned = (monotonic - self._counted_at) / self._seconds
        self._left = min(self._burst, self._left + max(earned, 0))
        self._counted_at = monotonic
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched(Generic[T]):
    """A value and its max-age in seconds, as stated by its source."""

    value: T
    max_age: float


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    value: T
    fresh_until: float
    usable_until: float


class CachedFetch(Generic[T]):
    """Keeps the value of `fetch` until its max-age, and longer on errors.

    A failure never replaces the value.

    Args:
        runtime: the clock, and single flight.
        fetch: fetches the value.
        keep_stale: seconds for which the value is used after its max-age while the provider fails.
    """

    def __init__(self, runtime: Runtime, fetch: Callable[[], Awaitable[Fetched[T]]], *, keep_stale: float) -> None:
        self._runtime, self._fetch, self._keep_stale = runtime, fetch, keep_stale
        self._kept: _Kept[T] | None = None

    async def get(self) -> T:
        """Return the value, fetched if there is no fresh one.

        Raises as `fetch` if there is no stale one either.
        """
        kept = self._kept
        if kept is None:
            return await self._fetched_after(None)
        now = self._runtime.monotonic()
        if now < kept.fresh_until:
            return kept.value
        try:
            return await self._fetched_after(kept)
        except ProviderError as error:
            # Stale-if-error: logins continue with old metadata and keys while the provider's endpoint fails.
            if now >= kept.usable_until:
                raise
            self._put_off(kept, now, error)
            return kept.value

    def fresh(self) -> T | None:
        """Return the value if `get` would return it without waiting, else None."""
        kept = self._kept
        return kept.value if kept is not None and self._runtime.monotonic() < kept.fresh_until else None

    def known(self) -> T | None:
        """Return the last fetched value, however old, or None."""
        return None if self._kept is None else self._kept.value

    async def renew(self, seen: T, allowance: Allowance | None = None) -> T:
        """Return the value, fetched again if `seen` is current and `allowance` is left."""
        # Many callers may have failed with the same old value: only the first of them causes a fetch.
        kept = self._kept
        if kept is None or kept.value is not seen:
            return await self.get()
        return await self._fetched_after(kept, allowance)

    async def _fetched_after(self, seen: _Kept[T] | None, allowance: Allowance | None = None) -> T:
        async def work() -> T:
            # Another caller completed the work between the first lookup and this call.
            if self._kept is not None and self._kept is not seen:
                return self._kept.value
            # Counted inside of the shared work, once for all callers that wait.
            if seen is not None and allowance is not None and not allowance.spend(self._runtime.monotonic()):
                return seen.value
            return self._keep(await self._fetch())

        # A caller with an allowance does not join the call of one whose own allowance may be spent.
        return await self._runtime.share(self if allowance is None else (self, allowance), work)

    def _put_off(self, kept: _Kept[T], now: float, error: ProviderError) -> None:
        # For some time, other callers do not wait for a provider that has just failed.
        if self._kept is kept:
            logger.warning("the last valid copy stays in use: %s (%s)", error, error.code)
            self._kept = replace(kept, fresh_until=min(now + STALE_PAUSE, kept.usable_until))

    def _keep(self, fetched: Fetched[T]) -> T:
        fresh_until = self._runtime.monotonic() + fetched.max_age
        self._kept = _Kept(fetched.value, fresh_until, fresh_until + self._keep_stale)
        return fetched.value
