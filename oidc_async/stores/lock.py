"""The right to do something of which one is enough, given by a store to one process at a time."""

import logging
from collections.abc import Awaitable, Callable
from secrets import token_bytes
from typing import TypeVar

from oidc_async.errors import ProviderTimeout, StoreError
from oidc_async.runtime.port import Runtime

from . import Store

T = TypeVar("T")
logger = logging.getLogger("oidc_async.stores")

LOOK_AGAIN_SECONDS = 0.05


class DistributedLock:
    """One lease below a name in the store. Whoever dies with it holds it for `seconds`."""

    def __init__(self, store: Store, runtime: Runtime, name: str, seconds: float) -> None:
        self._store, self._runtime, self._name, self._seconds = store, runtime, name, seconds

    async def run_exclusively(
        self, look: Callable[[], Awaitable[T | None]], work: Callable[[], Awaitable[T]], done: str
    ) -> T:
        """What `look` finds, else what `work` makes: one process works, and the others look until it is done.

        Raises what these raise, StoreUnavailable, and ProviderTimeout when another process has not `done` it in time.
        """
        end = self._runtime.monotonic() + self._seconds
        mine = token_bytes(16)
        while self._runtime.monotonic() < end:
            # in this order: who gets the lease after a look may have missed the result of who had it
            is_mine = await self._store.put_if_absent(self._name, mine, self._seconds)
            try:
                found = await look()
                if found is not None or is_mine:
                    return await work() if found is None else found
            finally:
                if is_mine:
                    await self._give_back(mine)
            await self._runtime.sleep(LOOK_AGAIN_SECONDS)
        raise ProviderTimeout(f"another process has not {done} in {self._seconds:g} s")

    async def _give_back(self, mine: bytes) -> None:
        try:
            await self._store.delete_if(self._name, mine)
        except StoreError as error:
            # it ends by itself; what was done must not be lost for it
            logger.warning("a lease could not be given back: %s (%s)", error, error.code)
