"""A bounded cache in memory that approximates LRU with two generations."""

import math
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class GenerationalCache(Generic[V]):
    """A mapping that evicts the least recently used entries, approximately.

    Two dicts replace the linked list of an exact LRU. Entries that are written or read go into the young dict. When
    it is half full, or `seconds` old, it becomes the old dict, and the entries that were left in the former old dict
    are evicted. So there is no bookkeeping per entry, no lock, and no timer: expired entries leave by themselves.
    A value heavier than half of `weight` is kept all the same, alone in its generation.

    Args:
        entries: how many entries are kept at most; 0 keeps none.
        weight: how much all entries may weigh together.
        seconds: the age at which the young generation becomes the old one, at the next `put`.
        weigh: returns the weight of a value.
    """

    def __init__(self, entries: int, weight: int, seconds: float, weigh: Callable[[V], int]) -> None:
        self._entries = entries
        self._half = max(entries // 2, 1)
        self._half_weight = max(weight // 2, 1)
        self._seconds = seconds
        self._weigh = weigh
        self._young: dict[bytes, V] = {}
        self._old: dict[bytes, V] = {}
        self._weight = 0
        self._rotate_at = math.inf

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: bytes) -> V | None:
        value = self._young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                # An entry that is used belongs to the young generation, which outlives the next rotation.
                self._insert(key, value)
                self._old.pop(key, None)
        return value

    def put(self, key: bytes, value: V, now: float) -> None:
        """Insert or replace an entry; `now` is in seconds of a monotonic clock."""
        if self._entries < 1:
            return
        if now >= self._rotate_at:
            self._rotate()
        self._rotate_at = min(self._rotate_at, now + self._seconds)
        self._insert(key, value)

    def pop(self, key: bytes) -> None:
        self._young.pop(key, None)
        self._old.pop(key, None)

    def _insert(self, key: bytes, value: V) -> None:
        weight = self._weigh(value)
        if len(self._young) >= self._half or self._weight + weight > self._half_weight:
            self._rotate()
        self._young[key] = value
        self._weight += weight

    def _rotate(self) -> None:
        self._old = self._young if self._entries > 1 else {}
        self._young = {}
        self._weight = 0
        # The next `put` starts the interval again. By then all entries of the old generation have expired.
        self._rotate_at = math.inf
