"""A store in the memory of one process: for tests, and for applications with a single process."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from heapq import heapify, heappop, heappush

from oidc_async.errors import ConfigurationError

from .port import Store, milliseconds

_SPARE_EXPIRIES = 64


class MemoryStore:
    """A store in this process: several workers don't share it, and a restart empties it.

    A forked process starts with an empty store. The threads and event loops of one process can share it.

    Args:
        entries: how many entries are kept at most; those that were written longest ago are evicted first.
        monotonic: a monotonic clock, in seconds.

    Raises:
        ConfigurationError: `entries` is less than 1.
    """

    def __init__(self, *, entries: int = 10_000, monotonic: Callable[[], float] = time.monotonic) -> None:
        if entries < 1:
            raise ConfigurationError("entries of MemoryStore must be at least 1", setting="entries")
        self._max_entries = entries
        self._monotonic = monotonic
        self._tables: dict[int, _Table] = {}

    @cached_property
    def for_anonymous_requests(self) -> "MemoryStore":
        """A second store, always the same one, for entries that requests without a session cause.

        However many requests an attacker sends, they evict no session from the first one.
        """
        return MemoryStore(entries=self._max_entries, monotonic=self._monotonic)

    def __repr__(self) -> str:
        return "MemoryStore()"

    def __len__(self) -> int:
        """The number of entries, including expired ones that are not removed yet."""
        return len(self._table().entries)

    def blocking(self) -> Store:
        return self

    def asynchronous(self) -> Store:
        return self

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        table, now = self._table(), self._now()
        with table.lock:
            return [table.find(key, now) for key in keys]

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        table, now = self._table(), self._now()
        with table.lock:
            table.put(key, value, now, milliseconds(seconds))

    async def put_if_absent(self, key: str, value: bytes, seconds: float) -> bool:
        return self._put_if(None, key, value, seconds)

    async def replace(self, key: str, expected: bytes, value: bytes, seconds: float) -> bool:
        return self._put_if(expected, key, value, seconds)

    async def delete(self, keys: Sequence[str]) -> None:
        table = self._table()
        with table.lock:
            for key in keys:
                table.entries.pop(key, None)

    async def delete_if(self, key: str, expected: bytes) -> bool:
        table, now = self._table(), self._now()
        with table.lock:
            is_expected = table.find(key, now) == expected
            if is_expected:
                del table.entries[key]
            return is_expected

    async def close(self) -> None: ...

    def _put_if(self, expected: bytes | None, key: str, value: bytes, seconds: float) -> bool:
        table, now, lifetime = self._table(), self._now(), milliseconds(seconds)
        with table.lock:
            is_expected = table.find(key, now) == expected
            if is_expected:
                table.put(key, value, now, lifetime)
            return is_expected

    def _now(self) -> float:
        return self._monotonic() * 1000

    def _table(self) -> "_Table":
        # One per process: a lock that another thread holds during a fork stays locked in the child for ever.
        pid = os.getpid()
        return self._tables.get(pid) or self._tables.setdefault(pid, _Table(self._max_entries))


class _Table:
    """The entries of one process. Callers hold the lock; times are in milliseconds.

    `entries` is in the order of writing, so that the entry to evict is the first. The heap `_expiries` finds expired
    entries without a scan. It keeps the expiries of deleted and overwritten entries until there are too many of them.
    """

    def __init__(self, max_entries: int) -> None:
        self.lock = threading.Lock()
        self.entries: dict[str, tuple[float, bytes]] = {}
        self._expiries: list[tuple[float, str]] = []
        self._max_entries = max_entries

    def find(self, key: str, now: float) -> bytes | None:
        entry = self.entries.get(key)
        return entry[1] if entry is not None and entry[0] > now else None

    def put(self, key: str, value: bytes, now: float, lifetime: int) -> None:
        # Removed first, so that a new entry is the last in the order of writing.
        self.entries.pop(key, None)
        self._remove_expired(now)
        if len(self.entries) >= self._max_entries:
            del self.entries[next(iter(self.entries))]
        self.entries[key] = now + lifetime, bytes(value)
        heappush(self._expiries, (now + lifetime, key))
        if len(self._expiries) > 2 * len(self.entries) + _SPARE_EXPIRIES:
            self._rebuild_expiries()

    def _remove_expired(self, now: float) -> None:
        while self._expiries and self._expiries[0][0] <= now:
            _, key = heappop(self._expiries)
            # the entry may have been deleted, or written again with a later expiry
            if key in self.entries and self.entries[key][0] <= now:
                del self.entries[key]

    def _rebuild_expiries(self) -> None:
        self._expiries = [(expiry, key) for key, (expiry, _) in self.entries.items()]
        heapify(self._expiries)
