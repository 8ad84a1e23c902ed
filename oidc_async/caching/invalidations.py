"""What was forgotten a moment ago: work that began before must not bring it back."""

from .generational_cache import Generations

MOST_FORGOTTEN = 10_000
FORGOTTEN_SECONDS = 300.0
"""Longer than any work is under way."""


class Forgotten:
    """Which keys were forgotten. Who works on one keeps the result, and drops it if `last` has changed meanwhile.

    In this order no lock is needed: a key is marked before what is kept under it goes.
    """

    def __init__(self) -> None:
        self._marks: Generations[object] = Generations(MOST_FORGOTTEN, MOST_FORGOTTEN, FORGOTTEN_SECONDS, lambda _: 1)

    def mark(self, key: bytes, now: float) -> None:
        """Note that `key` is forgotten; `now` is on a clock that never jumps."""
        self._marks.put(key, object(), now)

    def last(self, key: bytes) -> object | None:
        """Something that is another one each time the key is forgotten; None when it was not."""
        return self._marks.get(key)
