"""Blocking classes made of async ones.

Their methods run over a `BlockingRuntime`, without an event loop.
"""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")


def run_without_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, and return its result.

    Coroutines over a `BlockingRuntime` never suspend.

    Raises:
        RuntimeError: the coroutine has awaited something that suspends. It is closed.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    coroutine.close()
    name = getattr(coroutine, "__qualname__", "a coroutine")
    raise RuntimeError(
        f"{name} awaited a real event loop under blocking I/O: "
        "only what a BlockingRuntime offers may be awaited there"
    )


class Blocking(Generic[A]):
    """The blocking facade of an async class `A`: the same methods, without `await`.

    class RelyingParty(Blocking[AsyncRelyingParty]):
        refresh = blocking(AsyncRelyingParty.refresh)
    """

    def __init__(self, origin: A) -> None:
        self._origin = origin


def blocking(
    method: Callable[Concatenate[A, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Blocking[A], P], T]:
    """Return the blocking counterpart of an async method.

    Same parameters, same result, same documentation.
    """

    @functools.wraps(method)
    def call(self: Blocking[A], /, *args: P.args, **kwargs: P.kwargs) -> T:
        # A method of `Blocking` could not express the type of this one, so it is a function that reads the attribute.
        origin = self._origin  # pyright: ignore[reportPrivateUsage]
        return run_without_loop(method(origin, *args, **kwargs))

    return call
