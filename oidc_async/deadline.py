"""The end of an exchange in a thread."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager


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
