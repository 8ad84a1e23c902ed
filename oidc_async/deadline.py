"""The end of an exchange, for those who can only be given seconds to wait."""

import time


class Deadline:
    """When an exchange has to be over, whatever part of it is under way."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, most: float = float("inf")) -> float:
        """Seconds until then, and no more than `most`. Raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return min(left, most)
