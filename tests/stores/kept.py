"""A store in one of the two worlds, as tests use it."""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from oidc_async.errors import StoreUnavailable
from oidc_async.stores import Store, StoreChoice
from tests.core.worlds import AsyncWorld, World

T = TypeVar("T")


class Kept:
    """One face of a store; `later` lets so many seconds pass for it."""

    def __init__(self, world: World, choice: StoreChoice, later: Callable[[float], None]) -> None:
        self.world, self.choice, self.later = world, choice, later
        self.store = self.face()

    def face(self) -> Store:
        return self.choice.asynchronous() if isinstance(self.world, AsyncWorld) else self.choice.blocking()

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.world.run(call)

    def together(self, calls: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T]:
        outcomes = self.world.run_together(calls)
        results: list[T] = []
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            results.append(outcome)
        return results

    def get(self, *keys: str) -> list[bytes | None]:
        return list(self.run(self.store.get_many(keys)))

    def put(self, key: str, value: bytes, seconds: float = 60) -> None:
        self.run(self.store.put(key, value, seconds))

    def close(self) -> None:
        with suppress(StoreUnavailable):
            self.run(self.store.close())
        self.world.close()
