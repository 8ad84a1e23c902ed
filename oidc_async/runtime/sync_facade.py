"""Async methods over blocking I/O, called without `await`: the other half of `BlockingRuntime`."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")


def run_without_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends, as none does over a `BlockingRuntime`.

    Raises RuntimeError when it suspends all the same; the coroutine is closed then.
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
    """A class whose methods are those of `A`, one of our async classes, without `await`.

    class RelyingParty(Blocking[AsyncRelyingParty]):
        refresh = blocking(AsyncRelyingParty.refresh)
    """

    def __init__(self, origin: A) -> None:
        self._origin = origin


def blocking(
    method: Callable[Concatenate[A, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Blocking[A], P], T]:
    """The blocking counterpart of an async method: same parameters, same result, same documentation."""

    @functools.wraps(method)
    def call(self: Blocking[A], /, *args: P.args, **kwargs: P.kwargs) -> T:
        # This function is the other half of the class, which no method of its own could express.
        origin = self._origin  # pyright: ignore[reportPrivateUsage]
        return run_without_loop(method(origin, *args, **kwargs))

    return call
