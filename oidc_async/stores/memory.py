"""Entries in the memory of one process: for tests, and for applications that are one process."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from heapq import heapify, heappop, heappush

from oidc_async.errors import ConfigurationError

from .port import Store, milliseconds

_SPARE_ENDS = 64


class MemoryStore:
    """Keeps entries in this process: several workers don't share it, and a restart empties it.

    A process that is forked off begins with an empty one. Threads and event loops of one process may share it.

    Parameters:
        entries: how many are kept; when there are more, those go that were written longest ago.
        monotonic: seconds on a clock that never jumps.

    Raises ConfigurationError when no entry could be kept.
    """

    def __init__(self, *, entries: int = 10_000, monotonic: Callable[[], float] = time.monotonic) -> None:
        if entries < 1:
            raise ConfigurationError("entries of MemoryStore must be at least 1", setting="entries")
        self._most = entries
        self._monotonic = monotonic
        self._shelves: dict[int, _Shelf] = {}

    @cached_property
    def for_anonymous_requests(self) -> "MemoryStore":
        """A second one, always the same, for what anybody can have kept: however much that is, nothing goes here."""
        return MemoryStore(entries=self._most, monotonic=self._monotonic)

    def __repr__(self) -> str:
        return "MemoryStore()"

    def __len__(self) -> int:
        """How many entries lie here, some of which may have ended."""
        return len(self._shelf().entries)

    def blocking(self) -> Store:
        return self

    def asynchronous(self) -> Store:
        return self

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        shelf, now = self._shelf(), self._now()
        with shelf.lock:
            return [shelf.find(key, now) for key in keys]

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        shelf, now = self._shelf(), self._now()
        with shelf.lock:
            shelf.put(key, value, now, milliseconds(seconds))

    async def put_if_absent(self, key: str, value: bytes, seconds: float) -> bool:
        return self._put_over(None, key, value, seconds)

    async def replace(self, key: str, expected: bytes, value: bytes, seconds: float) -> bool:
        return self._put_over(expected, key, value, seconds)

    async def delete(self, keys: Sequence[str]) -> None:
        shelf = self._shelf()
        with shelf.lock:
            for key in keys:
                shelf.entries.pop(key, None)

    async def delete_if(self, key: str, expected: bytes) -> bool:
        shelf, now = self._shelf(), self._now()
        with shelf.lock:
            is_there = shelf.find(key, now) == expected
            if is_there:
                del shelf.entries[key]
            return is_there

    async def close(self) -> None: ...

    def _put_over(self, expected: bytes | None, key: str, value: bytes, seconds: float) -> bool:
        shelf, now, lifetime = self._shelf(), self._now(), milliseconds(seconds)
        with shelf.lock:
            is_there = shelf.find(key, now) == expected
            if is_there:
                shelf.put(key, value, now, lifetime)
            return is_there

    def _now(self) -> float:
        return self._monotonic() * 1000

    def _shelf(self) -> "_Shelf":
        # by process, since a lock that another thread holds at the moment of a fork stays locked in the child
        pid = os.getpid()
        return self._shelves.get(pid) or self._shelves.setdefault(pid, _Shelf(self._most))


class _Shelf:
    """The entries of one process; times in milliseconds. Its users hold the lock."""

    def __init__(self, most: int) -> None:
        self.lock = threading.Lock()
        self.entries: dict[str, tuple[float, bytes]] = {}
        self._ends: list[tuple[float, str]] = []
        self._most = most

    def find(self, key: str, now: float) -> bytes | None:
        entry = self.entries.get(key)
        return entry[1] if entry is not None and entry[0] > now else None

    def put(self, key: str, value: bytes, now: float, lifetime: int) -> None:
        self.entries.pop(key, None)
        self._drop_ended(now)
        if len(self.entries) >= self._most:
            del self.entries[next(iter(self.entries))]
        self.entries[key] = now + lifetime, bytes(value)
        heappush(self._ends, (now + lifetime, key))
        if len(self._ends) > 2 * len(self.entries) + _SPARE_ENDS:
            self._forget_old_ends()

    def _drop_ended(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            _, key = heappop(self._ends)
            if key in self.entries and self.entries[key][0] <= now:
                del self.entries[key]

    def _forget_old_ends(self) -> None:
        # of entries that were deleted, or written again
        self._ends = [(end, key) for key, (end, _) in self.entries.items()]
        heapify(self._ends)
