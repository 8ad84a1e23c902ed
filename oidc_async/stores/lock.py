"""A distributed lock with expiry: of the processes that share a store, one at a time does the work."""

import logging
from collections.abc import Awaitable, Callable
from secrets import token_bytes
from typing import TypeVar

from oidc_async.errors import ProviderTimeout, StoreError
from oidc_async.runtime.port import Runtime

from . import Store

T = TypeVar("T")
logger = logging.getLogger("oidc_async.stores")

POLL_SECONDS = 0.05


class DistributedLock:
    """A lock under one name of a store.

    The lock is an entry that `put_if_absent` creates and that expires. If its owner dies, the others wait until it
    expires, not for ever. Expiry also means that work that takes longer than `seconds` may run twice: callers must
    tolerate that, or mark the work as done in the store.

    Args:
        store: the store that all processes share.
        runtime: the clock, and how to wait.
        name: the key of the lock.
        seconds: the lifetime of the lock, and how long a caller waits for the result of another process.
    """

    def __init__(self, store: Store, runtime: Runtime, name: str, seconds: float) -> None:
        self._store = store
        self._runtime = runtime
        self._name = name
        self._seconds = seconds

    async def run_exclusively(
        self, find_result: Callable[[], Awaitable[T | None]], work: Callable[[], Awaitable[T]], done: str
    ) -> T:
        """Return the result that another process has stored, or run `work` with the lock held.

        Args:
            find_result: reads the stored result; None if there is none yet.
            work: does the work and stores its result.
            done: what the owner of the lock does, as a past participle, for the message of a timeout.

        Raises:
            ProviderTimeout: another process holds the lock, and stored no result in time.
            StoreUnavailable: the store can't be used.
            OIDCError: what `find_result` and `work` raise.
        """
        end = self._runtime.monotonic() + self._seconds
        # A random value tells the owner's entry from one that another process creates after this one has expired.
        owner = token_bytes(16)
        while self._runtime.monotonic() < end:
            # First the lock, then the result. In the other order, the former owner could store its result and release
            # the lock between the two steps, and this process would do the same work again.
            is_owner = await self._store.put_if_absent(self._name, owner, self._seconds)
            try:
                result = await find_result()
                if result is not None or is_owner:
                    return await work() if result is None else result
            finally:
                if is_owner:
                    await self._release(owner)
            # A store has no notifications, so the others poll.
            await self._runtime.sleep(POLL_SECONDS)
        raise ProviderTimeout(f"another process has not {done} in {self._seconds:g} s")

    async def _release(self, owner: bytes) -> None:
        try:
            # Only the own entry: after an expiry, the lock may belong to another process.
            await self._store.delete_if(self._name, owner)
        except StoreError as error:
            # The lock expires anyway. The work is done, and its result must not be lost because of the store.
            logger.warning("a lock could not be released: %s (%s)", error, error.code)
