"""A clock that tests can move."""

import time


class Clock:
    """A wall clock and a monotonic clock in seconds; call it for the wall time.

    Args:
        start: seconds since the epoch; the clock then stops until it is moved. None: it follows the system's clocks.
    """

    def __init__(self, start: float | None = None) -> None:
        self._start = start
        self._passed = 0.0
        self._jumped = 0.0

    def __call__(self) -> float:
        running = time.time() if self._start is None else self._start
        return running + self._passed + self._jumped

    def monotonic(self) -> float:
        """Return the monotonic time, which ignores `jump`."""
        running = time.monotonic() if self._start is None else 0.0
        return running + self._passed

    def advance(self, seconds: float) -> None:
        """Move both clocks forward. Raises ValueError if `seconds` is negative."""
        if seconds < 0:
            raise ValueError("seconds must not be negative; jump() sets the wall clock back")
        self._passed += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back; the monotonic clock does not move."""
        self._jumped += seconds
