"""What both runtimes know about shared work: flights, whom they wait for, and which failed just now."""

from collections.abc import Callable, Generator, Hashable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Generic, TypeVar

from oidc_async.errors import OIDCError, ProviderTimeout

from .port import REPEATING_SECONDS

_MOST_FAILURES = 1000
_NOBODY = nullcontext()
_MARGIN = 1.0


def patience(deadline: float) -> float:
    """Seconds that a caller waits for shared work that is not its own, if an exchange may take `deadline` seconds."""
    return max(deadline, REPEATING_SECONDS) + _MARGIN


def overdue(seconds: float) -> ProviderTimeout:
    """The error for callers who stop waiting for detached work after `seconds`."""
    return ProviderTimeout(
        f"the provider has not answered in {seconds:g} s; its answer is still waited for, and kept for the next call",
        seconds=seconds,
    )


class Flight:
    """One run of shared work, from the first caller who asks for `key` until it has landed."""

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.awaits: list[Flight] = []

    def failure(self) -> BaseException | None:
        """With what it failed, or by what it was cut off; None when it gave a result."""
        raise NotImplementedError

    def is_lost(self) -> bool:
        """Whether it was cut off, so that somebody else has to do the work."""
        return not isinstance(self.failure(), Exception | None)

    def depends_on(self, other: "Flight") -> bool:
        return self is other or any(flight.depends_on(other) for flight in self.awaits)


F = TypeVar("F", bound=Flight)
E = TypeVar("E", bound=OIDCError)

current_flight: ContextVar[Flight | None] = ContextVar("oidc_async_current_flight", default=None)
"""The flight in which the running code works; None outside."""


class Flights(Generic[F]):
    """The flights under way, one at a time for each key, and the failures that are not tried again yet."""

    def __init__(self, failures: "RecentFailures", lock: AbstractContextManager[object]) -> None:
        self._failures = failures
        self._lock = lock
        self._under_way: dict[Hashable, F] = {}

    def board(self, mine: F) -> F:
        """The flight for this key: one under way, or else `mine`, which has to take off then.

        Raises the failure of the last one while its pause lasts.
        """
        with self._lock:
            flight = self._under_way.get(mine.key)
            if flight is None:
                self._failures.repeat(mine.key)
                flight = self._under_way[mine.key] = mine
            return flight

    def waiting(self, caller: Flight | None, flight: F) -> AbstractContextManager[None]:
        """While `caller`, when it is a flight itself, waits for `flight`.

        Raises RuntimeError when it would wait for itself in the end.
        """
        return _NOBODY if caller is None else self._waits(caller, flight)

    @contextmanager
    def _waits(self, caller: Flight, flight: F) -> Generator[None]:
        with self._lock:
            if flight.depends_on(caller):
                raise RuntimeError("shared work waits for its own key")
            caller.awaits.append(flight)
        try:
            yield
        finally:
            with self._lock:
                caller.awaits.remove(flight)

    def land(self, mine: F) -> None:
        """End `mine`, however it went; nothing when it never took off."""
        with self._lock:
            if self._under_way.get(mine.key) is mine:
                del self._under_way[mine.key]
                failure = mine.failure()
                if isinstance(failure, OIDCError):
                    self._failures.remember(mine.key, failure)


class RecentFailures:
    """Which flights failed during the last `pause` seconds of `monotonic`, and how. Bounded in number."""

    def __init__(self, pause: float, monotonic: Callable[[], float]) -> None:
        self._pause = pause
        self._monotonic = monotonic
        self._failures: dict[Hashable, tuple[float, OIDCError]] = {}

    def remember(self, key: Hashable, error: OIDCError) -> None:
        self._failures.pop(key, None)
        self._forget_expired()
        if len(self._failures) >= _MOST_FAILURES:
            del self._failures[next(iter(self._failures))]
        self._failures[key] = (self._monotonic() + self._pause, twin(error))

    def repeat(self, key: Hashable) -> None:
        """Raise the failure of `key` again while its pause lasts."""
        if key in self._failures:
            until, error = self._failures[key]
            if self._monotonic() < until:
                raise twin(error)
            del self._failures[key]

    def _forget_expired(self) -> None:
        # They stand in the order of their end, so the first that still lasts ends the search.
        now = self._monotonic()
        for key in list(self._failures):
            if self._failures[key][0] > now:
                return
            del self._failures[key]


def twin(error: E) -> E:
    """A copy of `error` to raise again: one exception raised by many callers collects the frames of them all."""
    copy = type(error).__new__(type(error), *error.args)
    copy.__dict__.update(error.__dict__)
    copy.__cause__ = error.__cause__
    copy.__suppress_context__ = error.__suppress_context__
    return copy
