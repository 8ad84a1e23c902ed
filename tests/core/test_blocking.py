"""Coroutines that never suspend, and the classes that run them without `await`."""

import asyncio
import importlib
import inspect
import pkgutil
import threading
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, get_args, get_type_hints

import pytest

import oidc_async
from oidc_async.runtime.async_runtime import AsyncRuntime
from oidc_async.runtime.sync_facade import Blocking, blocking, run_without_loop


class AsyncSample:
    """What the core looks like, in small."""

    def __init__(self, start: int = 0) -> None:
        self.total = start

    async def add(self, number: int, /, *more: int, times: int = 1, **named: str) -> int:
        """Add up."""
        self.total += times * sum((number, *more)) + len(named)
        return self.total

    async def fail(self) -> None:
        raise LookupError("on purpose")

    async def wait(self) -> None:
        await asyncio.sleep(0)

    def is_positive(self) -> bool:
        return self.total > 0


class Sample(Blocking[AsyncSample]):
    add = blocking(AsyncSample.add)
    fail = blocking(AsyncSample.fail)
    wait = blocking(AsyncSample.wait)


def test_a_method_is_run_to_its_end() -> None:
    sample = Sample(AsyncSample(10))
    assert sample.add(1, 2, times=2, one="1") == 17
    assert sample.add(1) == 18


def test_its_exception_comes_through() -> None:
    with pytest.raises(LookupError, match="on purpose"):
        Sample(AsyncSample()).fail()


def test_finish_gives_the_value() -> None:
    async def value() -> list[int]:
        return [await inner(), 2]

    async def inner() -> int:
        return 1

    assert run_without_loop(value()) == [1, 2]


def test_a_coroutine_that_suspends_is_closed_and_named() -> None:
    cleaned_up = list[str]()

    async def impatient() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            cleaned_up.append("yes")

    with pytest.raises(RuntimeError, match=r"impatient awaited a real event loop under blocking I/O"):
        run_without_loop(impatient())
    assert cleaned_up == ["yes"]


def test_so_is_one_that_clings_to_its_life() -> None:
    async def clinging() -> None:
        while True:
            try:
                await asyncio.sleep(0)
            except GeneratorExit:
                return

    with pytest.raises(RuntimeError, match=r"clinging awaited a real event loop"):
        run_without_loop(clinging())


def test_an_async_runtime_needs_a_loop() -> None:
    """threat model 246"""
    with pytest.raises(RuntimeError, match="no running event loop"):
        run_without_loop(AsyncRuntime().share("key", asyncio.Event().wait))
    with pytest.raises(RuntimeError, match="under blocking I/O"):
        Sample(AsyncSample()).wait()


def test_inside_a_running_loop_it_blocks_and_works() -> None:
    """threat model 246"""

    async def view() -> int:
        return Sample(AsyncSample()).add(1)

    assert asyncio.run(view()) == 1


def test_threads_may_call_at_the_same_time() -> None:
    """threat model 246"""
    totals = list[int]()
    threads = [threading.Thread(target=lambda: totals.append(Sample(AsyncSample()).add(1))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals == [1] * 20


# --- the classes of the library are tables of their async origins ----------------------------------------------


def import_everything() -> None:
    for module in pkgutil.walk_packages(oidc_async.__path__, "oidc_async."):
        importlib.import_module(module.name)


def blocking_classes() -> Iterator[type[Blocking[Any]]]:
    """Every class of the library that is made of blocking methods, and the sample above."""
    import_everything()
    waiting: list[type[Blocking[Any]]] = [Blocking]
    while waiting:
        for found in waiting.pop().__subclasses__():
            waiting.append(found)
            if found.__module__.startswith("oidc_async.") or found is Sample:
                yield found


def origin_of(facade: type[Blocking[Any]]) -> type:
    """The async class that `facade` names as its origin."""
    for parent in facade.__mro__:
        for base in getattr(parent, "__orig_bases__", ()):
            if isinstance(base.__origin__, type) and issubclass(base.__origin__, Blocking):
                (origin,) = get_args(base)
                assert isinstance(origin, type)
                return origin
    raise AssertionError(f"{facade.__name__} names no origin")


def public_coroutines(origin: type) -> dict[str, FunctionType]:
    return {
        name: method
        for name, method in inspect.getmembers(origin, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }


EVERY_CLASS = pytest.mark.parametrize("facade", list(blocking_classes()), ids=lambda facade: facade.__name__)


@EVERY_CLASS
def test_each_async_method_has_its_blocking_facade(facade: type[Blocking[Any]]) -> None:
    missing = [name for name in public_coroutines(origin_of(facade)) if not hasattr(facade, name)]
    assert missing == []


@EVERY_CLASS
def test_each_facade_is_of_the_method_that_has_its_name(facade: type[Blocking[Any]]) -> None:
    methods = public_coroutines(origin_of(facade))
    facades = {name: getattr(facade, name, None) for name in methods}
    assert {name: getattr(method, "__wrapped__", None) for name, method in facades.items()} == methods


@EVERY_CLASS
def test_facades_have_the_same_signature_name_and_documentation(facade: type[Blocking[Any]]) -> None:
    def looks(method: Callable[..., object]) -> tuple[object, ...]:
        return inspect.signature(method), method.__name__, method.__doc__, get_type_hints(method)

    for name, method in public_coroutines(origin_of(facade)).items():
        assert looks(getattr(facade, name)) == looks(method), name
        assert not inspect.iscoroutinefunction(getattr(facade, name))


def test_the_sample_is_among_them_and_a_lapse_is_seen() -> None:
    class AsyncMore(AsyncSample):
        async def subtract(self, number: int) -> int:
            return self.total - number

    class More(Blocking[AsyncMore]):
        add = blocking(AsyncMore.add)
        fail = blocking(AsyncMore.wait)

    assert Sample in blocking_classes()
    assert set(public_coroutines(origin_of(Sample))) == {"add", "fail", "wait"}
    with pytest.raises(AssertionError):
        test_each_async_method_has_its_blocking_facade(More)
    with pytest.raises(AssertionError):
        test_each_facade_is_of_the_method_that_has_its_name(More)
