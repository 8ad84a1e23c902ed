"""The port through which sessions, markers and leases are kept outside of the process, and who can give one."""

import math
from collections.abc import Sequence
from typing import Protocol

MAX_LIFETIME_SECONDS = 10 * 366 * 24 * 3600.0
"""What lives longer is kept for these ten years."""


class Store(Protocol):
    """Short byte strings below text keys, each with a lifetime; what has ended is as if it had never been there.

    In a blocking face no method ever suspends: see `run_without_loop()`. In an asynchronous one a call whose caller
    is cancelled is carried out, or not, but never in part.

    `seconds` is a lifetime from now on: at least a millisecond, at most `MAX_LIFETIME_SECONDS`; ValueError when it is
    no number. All else that goes wrong raises StoreUnavailable: then a change may have happened, or not, or may still
    happen a moment later, even after a later one. Where an older value must never come back, use `replace`.
    """

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """The value of each key, None where there is none, in one round trip."""
        ...

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep `value`, whatever was there before."""
        ...

    async def put_if_absent(self, key: str, value: bytes, seconds: float) -> bool:
        """Keep `value` if nothing is there; True for the one of many callers who did."""
        ...

    async def replace(self, key: str, expected: bytes, value: bytes, seconds: float) -> bool:
        """Keep `value` if `expected` is there; whether it was."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Forget these, as far as they are there."""
        ...

    async def delete_if(self, key: str, expected: bytes) -> bool:
        """Forget `key` if `expected` is there; whether it was."""
        ...

    async def close(self) -> None:
        """Give connections and threads back; a later call opens new ones."""
        ...


class StoreChoice(Protocol):
    """What a user writes down once, for Flask and Quart alike. Every call of a method gives the same contents."""

    def blocking(self) -> Store:
        """Its face for threads. Raises ConfigurationError when it has none."""
        ...

    def asynchronous(self) -> Store:
        """Its face for event loops. Raises ConfigurationError when it has none."""
        ...


def milliseconds(seconds: float) -> int:
    """A lifetime as stores count it. Raises ValueError for what is no number."""
    return max(1, math.ceil(min(seconds, MAX_LIFETIME_SECONDS) * 1000))
