"""What was forgotten a moment ago: work that began before must not bring it back."""

from .generational_cache import GenerationalCache

MAX_INVALIDATIONS = 10_000
INVALIDATION_SECONDS = 300.0
"""Longer than any work is under way."""


class Invalidations:
    """Which keys were invalidated. Who works on one keeps the result, and drops it if `latest` has changed meanwhile.

    In this order no lock is needed: a key is marked before what is kept under it goes.
    """

    def __init__(self) -> None:
        self._entries: GenerationalCache[object] = GenerationalCache(
            MAX_INVALIDATIONS, MAX_INVALIDATIONS, INVALIDATION_SECONDS, lambda _: 1
        )

    def add(self, key: bytes, now: float) -> None:
        """Note that `key` is forgotten; `now` is on a clock that never jumps."""
        self._entries.put(key, object(), now)

    def latest(self, key: bytes) -> object | None:
        """Something that is another one each time the key is forgotten; None when it was not."""
        return self._entries.get(key)
