"""Type-checked, never run: the blocking facade of an async method has its exact type."""

from typing import assert_type

from oidc_async.runtime.sync_facade import Blocking, blocking, run_without_loop


class AsyncThing:
    async def nothing(self) -> None: ...

    async def many(self, first: int, /, second: str = "", *rest: bytes, named: bool, **more: float) -> list[str]:
        raise NotImplementedError


class Thing(Blocking[AsyncThing]):
    nothing = blocking(AsyncThing.nothing)
    many = blocking(AsyncThing.many)


def values(thing: Thing, origin: AsyncThing) -> None:
    assert_type(run_without_loop(origin.nothing()), None)
    assert_type(run_without_loop(origin.many(1, named=True)), list[str])
    assert_type(thing.many(1, named=True), list[str])
    assert_type(thing.many(1, "2", b"3", b"4", named=False, x=1.5), list[str])
    assert_type(Thing(origin).many(1, named=True)[0], str)


def methods(thing: Thing) -> None:
    thing.nothing()


async def origins(origin: AsyncThing) -> None:
    assert_type(await origin.many(1, named=True), list[str])
