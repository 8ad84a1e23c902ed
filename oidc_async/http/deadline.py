"""The end of an exchange in a thread, and of what knows no end by itself."""

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Deadline(threading.local):
    """When the exchange of this thread has to be over, whatever part of it is under way."""

    _end = float("inf")

    @contextmanager
    def after(self, seconds: float) -> Generator[None]:
        self._end = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._end

    def left(self) -> float:
        """Seconds until then. Raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left

    def clamp(self, timeout: float | None) -> float:
        return min(self.left(), float("inf") if timeout is None else timeout)


def begun(work: Callable[[], T]) -> "Future[T]":
    """What becomes of `work` in a thread of its own: who waits for it may stop waiting."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="oidc-async-begun", daemon=True).start()
    return outcome
