"""Deadlines of exchanges in threads, and of calls that have no timeout."""

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Deadline(threading.local):
    """The time at which the exchange of the current thread has to end."""

    _end = float("inf")

    @contextmanager
    def after(self, seconds: float) -> Generator[None]:
        self._end = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._end

    def left(self) -> float:
        """Return the seconds that are left. Raises TimeoutError if there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left

    def clamp(self, timeout: float | None) -> float:
        """Return `timeout` in seconds, but at most the seconds that are left.

        Raises TimeoutError.
        """
        return min(self.left(), float("inf") if timeout is None else timeout)


def run_in_thread(work: Callable[[], T]) -> "Future[T]":
    """Run `work` in a new thread; the caller may stop waiting for its result."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="oidc-async-work", daemon=True).start()
    return outcome
