"""The two worlds in which the core lives, so that one test body runs in both."""

import asyncio
import importlib
import importlib.util
import ssl
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Protocol, TypeVar
from unittest import mock

from oidc_async.http import settings as http_settings
from oidc_async.http.settings import DEFAULT_SETTINGS, HttpSettings
from oidc_async.runtime import async_runtime, blocking_runtime
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.sync_facade import run_without_loop

T = TypeVar("T")


class World(Protocol):
    """A way to run coroutines, and the runtime that belongs to it."""

    http: ModuleType
    """httpx or httpx2, for a client of a caller's own."""

    def runtime(self, settings: HttpSettings = DEFAULT_SETTINGS, **options: Any) -> Runtime:
        """A runtime that is closed when the test ends, over what the world was made for."""
        ...

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T: ...

    def run_together(self, calls: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T | BaseException]:
        """The results of all these at the same time, as tasks or as threads; what one raises is its result."""
        ...

    def close_runtime(self, runtime: Runtime) -> None: ...

    def client(self, **options: Any) -> Any:
        """A client of a caller's own, of the kind that the runtime takes."""
        ...

    def close(self) -> None: ...


class AsyncWorld:
    def __init__(self, engine: str = "httpx2") -> None:
        self.http: ModuleType = importlib.import_module("httpx" if engine.endswith("httpx") else "httpx2")
        self._has_client = engine.startswith("client of ")
        self._engine: Literal["httpx", "aiohttp"] = "aiohttp" if engine == "aiohttp" else "httpx"
        importlib.import_module("oidc_async.http.aiohttp_client")  # which takes longer than some deadlines here
        self._connections = connections("httpcore_async", self.http.__name__).AsyncConnections
        self._runner = asyncio.Runner()
        self._runtimes: list[Runtime] = []
        self._clients: list[Any] = []
        self._runner.get_loop()

    def runtime(self, settings: HttpSettings = DEFAULT_SETTINGS, **options: Any) -> Runtime:
        if self._has_client:
            options.setdefault("http_client", self.client(trust_env=False))
        with mock.patch.object(async_runtime, "_own_connections", self._connections):
            own = settings if options.get("http_client") else quick(self._with_engine(settings))
            runtime = async_runtime.AsyncRuntime(own, **options)
        self._runtimes.append(runtime)
        return runtime

    def _with_engine(self, settings: HttpSettings) -> HttpSettings:
        return replace(settings, engine=self._engine) if settings.engine == "httpx" else settings

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    def run_together(self, calls: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T | BaseException]:
        async def together() -> list[T | BaseException]:
            return await asyncio.gather(*(call() for call in calls), return_exceptions=True)

        return self.run(together())

    def close_runtime(self, runtime: Any) -> None:
        self.run(runtime.aclose())

    def client(self, **options: Any) -> Any:
        self._clients.append(self.http.AsyncClient(**options))
        return self._clients[-1]

    def close(self) -> None:
        for client in self._clients:
            self.run(client.aclose())
        self._runner.close()


class BlockingWorld:
    def __init__(self, engine: str = "httpx2") -> None:
        self.http: ModuleType = importlib.import_module("httpx" if engine.endswith("httpx") else "httpx2")
        self._has_client = engine.startswith("client of ")
        self._connections = connections("httpcore_sync", self.http.__name__).BlockingConnections
        self._to_close: list[Any] = []

    def runtime(self, settings: HttpSettings = DEFAULT_SETTINGS, **options: Any) -> Runtime:
        if self._has_client:
            options.setdefault("http_client", self.client(trust_env=False))
        with mock.patch.object(blocking_runtime, "_own_connections", self._connections):
            own = settings if options.get("http_client") else quick(settings)
            runtime = blocking_runtime.BlockingRuntime(own, **options)
        self._to_close.append(runtime)
        return runtime

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return run_without_loop(coroutine)

    def run_together(self, calls: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T | BaseException]:
        everybody_is_there = threading.Barrier(len(calls), timeout=30)

        def outcome(call: Callable[[], Coroutine[Any, Any, T]]) -> T | BaseException:
            everybody_is_there.wait()
            try:
                return run_without_loop(call())
            except BaseException as error:
                return error

        with ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(outcome, calls))

    def close_runtime(self, runtime: Any) -> None:
        runtime.close()

    def client(self, **options: Any) -> Any:
        self._to_close.append(self.http.Client(**options))
        return self._to_close[-1]

    def close(self) -> None:
        for closable in self._to_close:
            closable.close()


_tls = ssl.create_default_context()


def quick(settings: HttpSettings) -> HttpSettings:
    """With a ready TLS context: making one takes longer than most tests."""
    if settings.ca_bundle is None and settings.client_certificate is None:
        return replace(settings, ca_bundle=_tls)
    return settings


@cache
def connections(name: str, family: str) -> ModuleType:
    """A module of our connections as it is when httpx2 is installed, or when it is not."""
    absent: dict[str, Any] = {} if family == "httpx2" else {"httpx2": None, "httpcore2": None}
    with mock.patch.dict(sys.modules, absent):
        library = _loaded_again("httpx_compat", family)
    with mock.patch.dict(sys.modules, {"oidc_async.http.httpx_compat": library}):
        return _loaded_again(name, family)


def _loaded_again(name: str, family: str) -> ModuleType:
    path = Path(http_settings.__file__).parent / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"oidc_async.http.{name}_over_{family}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
