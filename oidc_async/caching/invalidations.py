"""Keys that were invalidated recently, so that work that is still under way does not cache an outdated result."""

from .generational_cache import GenerationalCache

MAX_INVALIDATIONS = 10_000
INVALIDATION_SECONDS = 300.0
"""Longer than any fetch or refresh takes."""


class Invalidations:
    """Tombstones of invalidated keys.

    A fetch reads `latest(key)` when it starts and again after it has cached its result. If the two differ, the key
    was invalidated meanwhile, and the fetch removes its result. This needs no lock, because an invalidation adds its
    tombstone first and removes the cached entry second: whichever order the two tasks run in, one of them removes it.
    """

    def __init__(self) -> None:
        self._entries: GenerationalCache[object] = GenerationalCache(
            MAX_INVALIDATIONS, MAX_INVALIDATIONS, INVALIDATION_SECONDS, lambda _: 1
        )

    def add(self, key: bytes, now: float) -> None:
        """Add a tombstone for `key`; `now` is in seconds of a monotonic clock."""
        self._entries.put(key, object(), now)

    def latest(self, key: bytes) -> object | None:
        """Return the latest tombstone of `key`, compared by identity; None if there is none."""
        return self._entries.get(key)
