"""A clock that tests can move."""

import time


class Clock:
    """Wall time and monotonic time in seconds; call it for the wall time.

    With `start` (seconds since the epoch) it stands still until it is moved. Without, it runs along with the
    machine's clocks.
    """

    def __init__(self, start: float | None = None) -> None:
        self._start = start
        self._passed = 0.0
        self._jumped = 0.0

    def __call__(self) -> float:
        running = time.time() if self._start is None else self._start
        return running + self._passed + self._jumped

    def monotonic(self) -> float:
        """Never goes back, and does not follow `jump`."""
        running = time.monotonic() if self._start is None else 0.0
        return running + self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass, on both clocks."""
        if seconds < 0:
            raise ValueError("time does not go back; use jump() to set the wall clock")
        self._passed += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an administrator would; no time passes."""
        self._jumped += seconds
