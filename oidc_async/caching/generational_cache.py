"""A mapping that forgets what was not used for longest."""

import math
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class GenerationalCache(Generic[V]):
    """A mapping that forgets what was not used for longest: at most `entries`, of at most `weight` together.

    Two dicts: what is used goes into the young one; when that is half full, or `seconds` old, it becomes the old
    one, and all that was left in the old one goes. Nothing is kept about single entries, no lock is held, and what
    has expired leaves by itself. A value of more than half the weight is kept all the same, beside at most one more.
    """

    def __init__(self, entries: int, weight: int, seconds: float, weigh: Callable[[V], int]) -> None:
        self._entries = entries
        self._half, self._half_weight = max(entries // 2, 1), max(weight // 2, 1)
        self._seconds, self._weigh = seconds, weigh
        self._young: dict[bytes, V] = {}
        self._old: dict[bytes, V] = {}
        self._weight = 0
        self._turn_at = math.inf

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: bytes) -> V | None:
        value = self._young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                self._admit(key, value)
                self._old.pop(key, None)
        return value

    def put(self, key: bytes, value: V, now: float) -> None:
        """Keep it, unless there is no room at all; `now` is in seconds of a clock that never jumps."""
        if self._entries < 1:
            return
        if now >= self._turn_at:
            self._turn()
        self._turn_at = min(self._turn_at, now + self._seconds)
        self._admit(key, value)

    def _admit(self, key: bytes, value: V) -> None:
        weight = self._weigh(value)
        if len(self._young) >= self._half or self._weight + weight > self._half_weight:
            self._turn()
        self._young[key] = value
        self._weight += weight

    def _turn(self) -> None:
        self._old = self._young if self._entries > 1 else {}
        self._young, self._weight = {}, 0
        # counted anew from the next `put`: by then all that is old now has expired
        self._turn_at = math.inf

    def pop(self, key: bytes) -> None:
        self._young.pop(key, None)
        self._old.pop(key, None)
