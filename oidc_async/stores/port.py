"""The port of session storage: a store keeps sessions, session revocations and locks outside of the process."""

import math
from collections.abc import Sequence
from typing import Protocol

MAX_LIFETIME_SECONDS = 10 * 366 * 24 * 3600.0
"""Ten years; a longer lifetime is cut to this."""


class Store(Protocol):
    """Short byte strings under text keys, each with a lifetime. An expired entry is the same as a missing one.

    The methods of a blocking store never suspend: see `run_without_loop()`. In an asynchronous store, a call whose
    caller is cancelled is carried out completely or not at all.

    `seconds` is the lifetime of an entry from now on: at least a millisecond, at most `MAX_LIFETIME_SECONDS`. NaN
    raises ValueError.

    Every other failure raises StoreUnavailable. Then the change may have happened, or not, or may still happen later,
    even after a change that was made after it. Use `replace` where an older value must never overwrite a newer one.
    """

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the value of each key, None for a missing one, in one round trip."""
        ...

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        """Create or overwrite an entry."""
        ...

    async def put_if_absent(self, key: str, value: bytes, seconds: float) -> bool:
        """Create an entry if the key is missing, atomically; return whether this call created it."""
        ...

    async def replace(self, key: str, expected: bytes, value: bytes, seconds: float) -> bool:
        """Overwrite an entry if its value is `expected`, atomically; return whether it was."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete the entries of these keys; missing ones are ignored."""
        ...

    async def delete_if(self, key: str, expected: bytes) -> bool:
        """Delete an entry if its value is `expected`, atomically; return whether it was."""
        ...

    async def close(self) -> None:
        """Close connections and threads; a later call opens new ones."""
        ...


class StoreChoice(Protocol):
    """A store as an application configures it, for Flask and Quart alike.

    All stores that the two methods return have the same contents.
    """

    def blocking(self) -> Store:
        """Return the store for threads. Raises ConfigurationError if there is none."""
        ...

    def asynchronous(self) -> Store:
        """Return the store for event loops. Raises ConfigurationError if there is none."""
        ...


def milliseconds(seconds: float) -> int:
    """Convert a lifetime to milliseconds, within the limits of `Store`. Raises ValueError for NaN."""
    return max(1, math.ceil(min(seconds, MAX_LIFETIME_SECONDS) * 1000))
