"""Single flight: callers with the same key share one run of the same work.

A burst of requests that need the same metadata, keys or token response causes one request to the provider. The first
caller registers a SharedCall and starts it; later callers join it and wait for its result. When it is complete, it is
removed, so the work itself has to store what it has fetched. A failure is kept for a short time, so that callers who
come one after the other do not each wait for a provider that is down.

The runtimes differ only in how a call runs and how callers wait: in a task, or in the thread of the first caller.
"""

from collections.abc import Callable, Generator, Hashable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Generic, TypeVar

from oidc_async.errors import OIDCError, ProviderTimeout

from .port import REPEATING_SECONDS

_MOST_FAILURES = 1000
_NO_CALLER = nullcontext()
_MARGIN = 1.0


def longest_wait(deadline: float) -> float:
    """Seconds that a caller waits for shared work that another caller runs.

    Args:
        deadline: seconds that one exchange with a provider may take.
    """
    return max(deadline, REPEATING_SECONDS) + _MARGIN


def wait_timeout(seconds: float) -> ProviderTimeout:
    """The error for callers who stop waiting for detached work after `seconds`."""
    return ProviderTimeout(
        f"the provider has not answered within {seconds:g} s; the request continues, and the next call uses its "
        "answer",
        seconds=seconds,
    )


class SharedCall:
    """One run of the shared work for `key`, until it is complete."""

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.waits_for: list[SharedCall] = []

    def failure(self) -> BaseException | None:
        """The exception that ended the run, or None if it returned a result."""
        raise NotImplementedError

    def was_interrupted(self) -> bool:
        """Whether the run was cancelled, so that another caller has to do the work."""
        return not isinstance(self.failure(), Exception | None)

    def depends_on(self, other: "SharedCall") -> bool:
        """Whether this run is `other`, or waits for it directly or through other runs."""
        return self is other or any(call.depends_on(other) for call in self.waits_for)


C = TypeVar("C", bound=SharedCall)
E = TypeVar("E", bound=OIDCError)

current_call: ContextVar[SharedCall | None] = ContextVar("oidc_async_current_call", default=None)
"""The shared call that runs the current code; None outside of shared work."""


class SingleFlight(Generic[C]):
    """The running shared calls, at most one for each key, and recent failures."""

    def __init__(self, failures: "RecentFailures", lock: AbstractContextManager[object]) -> None:
        self._failures = failures
        self._lock = lock
        self._running: dict[Hashable, C] = {}

    def join(self, own: C) -> C:
        """Return the running call for this key, or register `own`, to be started.

        Raises:
            OIDCError: the last call for this key failed less than `failure_pause` seconds ago.
        """
        # Look-up and registration are one step under the lock: of callers that come together, exactly one gets its
        # own call back. Recent failures are only checked here, because a running call may still succeed.
        with self._lock:
            call = self._running.get(own.key)
            if call is None:
                self._failures.raise_recent(own.key)
                call = self._running[own.key] = own
            return call

    def waiting(self, caller: SharedCall | None, call: C) -> AbstractContextManager[None]:
        """A context in which `caller`, if it is a shared call itself, waits for `call`.

        Raises:
            RuntimeError: `call` waits for `caller`, so that both would wait forever.
        """
        return _NO_CALLER if caller is None else self._waits(caller, call)

    @contextmanager
    def _waits(self, caller: SharedCall, call: C) -> Generator[None]:
        # Shared work may share other work, as a token refresh that needs the metadata. If that led back to its own
        # key, each call would wait for the other one until the deadline, so a cycle is found before the wait begins.
        with self._lock:
            if call.depends_on(caller):
                raise RuntimeError("shared work waits for its own key")
            caller.waits_for.append(call)
        try:
            yield
        finally:
            with self._lock:
                caller.waits_for.remove(call)

    def complete(self, own: C) -> None:
        """Remove `own` and note its failure, if any.

        Does nothing for a call that joined another one.
        """
        # A call that joined another one was never registered, and a call after a cancelled one may have the same key,
        # so only `own` itself is removed.
        with self._lock:
            if self._running.get(own.key) is own:
                del self._running[own.key]
                failure = own.failure()
                if isinstance(failure, OIDCError):
                    self._failures.add(own.key, failure)


class RecentFailures:
    """The failures of the last `pause` seconds, by key. Bounded in number.

    Args:
        pause: seconds for which a failure is raised again instead of running the work.
        monotonic: seconds on a clock that never jumps.
    """

    def __init__(self, pause: float, monotonic: Callable[[], float]) -> None:
        self._pause = pause
        self._monotonic = monotonic
        self._failures: dict[Hashable, tuple[float, OIDCError]] = {}

    def add(self, key: Hashable, error: OIDCError) -> None:
        self._failures.pop(key, None)
        self._remove_expired()
        if len(self._failures) >= _MOST_FAILURES:
            del self._failures[next(iter(self._failures))]
        self._failures[key] = (self._monotonic() + self._pause, copy_error(error))

    def raise_recent(self, key: Hashable) -> None:
        """Raise the last failure of `key` again while its pause lasts."""
        if key in self._failures:
            until, error = self._failures[key]
            if self._monotonic() < until:
                raise copy_error(error)
            del self._failures[key]

    def _remove_expired(self) -> None:
        # All failures are kept for the same time, so insertion order is the order of expiry.
        now = self._monotonic()
        for key in list(self._failures):
            if self._failures[key][0] > now:
                return
            del self._failures[key]


def copy_error(error: E) -> E:
    """Copy `error`, to raise it once more.

    An exception that several callers raise collects the tracebacks of all of them, so each raises its own copy.
    """
    # Without __init__, whose parameters differ between the classes; the attributes are copied below.
    copy = type(error).__new__(type(error), *error.args)
    copy.__dict__.update(error.__dict__)
    copy.__cause__ = error.__cause__
    copy.__suppress_context__ = error.__suppress_context__
    return copy
