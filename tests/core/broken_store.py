"""A store that breaks on demand."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from oidc_async.errors import StoreUnavailable
from oidc_async.stores import MemoryStore


class Broken:
    """A store that doesn't work any more after `left` calls of the methods in `methods`; all are counted."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.methods: Sequence[str] = ()
        self.left = 0
        self.calls = list[str]()

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self.store, name)

        async def call(*args: Any) -> Any:
            self.calls.append(name)
            if name in self.methods:
                self.left -= 1
                if self.left < 0:
                    raise StoreUnavailable("the store is down", store="of the tests")
            return await method(*args)

        return call
