"""The runtime on asyncio, for any number of event loops.

Each has its own connections, queues and shared calls.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from contextlib import nullcontext, suppress
from contextvars import Context
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from oidc_async.errors import ConfigurationError, OIDCError, ProviderOverloaded
from oidc_async.http.connection_pool import KEEP_ALIVE
from oidc_async.http.dns import look_up
from oidc_async.http.error_mapping import LOGIN_PATIENCE_SECONDS, describe, provider_failure, stuck
from oidc_async.http.settings import (
    DEFAULT_SETTINGS,
    HttpSettings,
    LazyTls,
    require_no_proxy,
    require_sendable,
    require_unused,
    require_usable,
)
from oidc_async.http.user_client import AsyncGivenClient, require_client
from oidc_async.http.wire import address_of
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.protocol.uri import origin

from .single_flight import (
    RecentFailures,
    SharedCall,
    SingleFlight,
    copy_error,
    current_call,
    longest_wait,
    wait_timeout,
)

T = TypeVar("T")


class AsyncRuntime:
    """Sends requests and shares work on asyncio.

    Args:
        settings: limits, TLS and proxy of our own connections; the limits apply to an `http_client` too.
        http_client: an httpx or httpx2 AsyncClient to use instead of our own connections. It is never closed. Its
            cookies, `auth` and redirects are not used. It belongs to one event loop.
        clock: seconds since the epoch.
        monotonic: seconds on a clock that never jumps.

    Raises:
        ConfigurationError: settings with which every request would fail, or a client of the wrong class.
    """

    def __init__(
        self,
        settings: HttpSettings = DEFAULT_SETTINGS,
        *,
        http_client: object | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        require_usable(settings)
        if http_client is not None:
            require_unused(settings)
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._new_engine = _engine_of(settings, require_client(http_client, "AsyncClient"))
        self._states: dict[asyncio.AbstractEventLoop, _LoopState] = {}

    def now(self) -> float:
        return self._clock()

    def monotonic(self) -> float:
        return self._monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def send(self, request: HttpRequest) -> HttpResponse:
        state = self._state()
        try:
            require_sendable(request, self._settings)
            async with asyncio.timeout(request.deadline(self._settings.deadline)):
                return await self._send_through_gates(state, request)
        except Exception as error:
            failure = provider_failure(request, error)
        raise failure

    async def addresses(self, request: HttpRequest) -> Sequence[str]:
        try:
            require_no_proxy(self._settings)
            async with asyncio.timeout(self._settings.connect_timeout):
                return await asyncio.get_running_loop().run_in_executor(None, look_up, request)
        except Exception as error:
            failure = provider_failure(request, error)
        raise failure

    async def share(self, key: Hashable, work: Callable[[], Awaitable[T]], *, detached: bool = False) -> T:
        seconds = longest_wait(self._settings.deadline) if detached else None
        single_flight, caller = self._state().single_flight, current_call.get()
        while True:
            own = _TaskCall(key)
            call = single_flight.join(own)
            if call is own:
                own.start(work, single_flight)
            with single_flight.waiting(caller, call):
                await call.wait(seconds)
            # If the call of another caller was cancelled, as at the end of its loop, this caller tries again.
            if call is own or not call.was_interrupted():
                return cast("T", call.result())

    def queue_length(self, url: str) -> int:
        return sum(state.queue_length(url) for state in list(self._states.values()))

    async def aclose(self) -> None:
        """Close the connections of the running event loop.

        A later request opens new ones.

        asyncio.run() does this by itself when its loop ends.
        """
        state = self._states.pop(asyncio.get_running_loop(), None)
        if state is not None:
            await state.aclose()

    def _state(self) -> "_LoopState":
        loop = asyncio.get_running_loop()
        state = self._states.get(loop)
        if state is None:
            # A weak mapping would not help here, because the connections of a loop refer to the loop. So closed loops
            # are removed when a new one comes.
            for closed in [known for known in list(self._states) if known.is_closed()]:
                self._states.pop(closed, None)
            state = self._states[loop] = _LoopState(self._settings, self._monotonic, self._new_engine)
        return state

    async def _send_through_gates(self, state: "_LoopState", request: HttpRequest) -> HttpResponse:
        # The login gate comes first: a login that waits for its endpoint must not hold a slot of the provider, which
        # the requests for metadata, keys and introspection need.
        if not request.is_caused_by_login:
            return await self._exchange(state, request)
        gate = state.login_gate_to(request.url)
        await gate.enter(request)
        try:
            return await self._exchange(state, request)
        finally:
            gate.leave()

    async def _exchange(self, state: "_LoopState", request: HttpRequest) -> HttpResponse:
        gate = state.gate_to(address_of(request.url).origin)
        await gate.enter(request)
        # Measured after the wait for a slot: it is the time of the provider, not of our queue.
        start = self._monotonic()
        try:
            response = await (await state.engine()).exchange(request)
        finally:
            gate.leave()
        seconds = self._monotonic() - start
        return HttpResponse(status=response.status, headers=response.headers, body=response.body, seconds=seconds)


class _Engine(Protocol):
    """Sends the requests of one event loop."""

    async def exchange(self, request: HttpRequest) -> HttpResponse: ...
    async def aclose(self) -> None: ...


def _engine_of(settings: HttpSettings, given_client: Any) -> Callable[[], _Engine]:
    """Return a function that creates an engine.

    It must be called in the event loop of the engine.
    """
    if given_client is not None:
        return partial(AsyncGivenClient, given_client, settings)
    if settings.engine == "aiohttp":
        return partial(_aiohttp_connections(), settings, LazyTls(settings))
    return partial(_own_connections, settings, LazyTls(settings))


def _own_connections(settings: HttpSettings, tls: Callable[[], ssl.SSLContext]) -> _Engine:
    # Imported at first need: an application with its own client does not use httpcore.
    from oidc_async.http.httpcore_async import AsyncConnections

    return AsyncConnections(settings, tls)


def _aiohttp_connections() -> Callable[..., _Engine]:
    try:
        from oidc_async.http.aiohttp_client import AiohttpConnections
    except ImportError as error:
        message = 'engine="aiohttp" needs aiohttp: pip install "oidc-async[aiohttp]"'
        raise ConfigurationError(message, setting="engine") from error
    return AiohttpConnections


class _LoopState:
    """The connections, gates and shared calls of one event loop."""

    def __init__(
        self, settings: HttpSettings, monotonic: Callable[[], float], new_engine: Callable[[], _Engine]
    ) -> None:
        self._settings, self._monotonic = settings, monotonic
        self._gates: dict[str, _Gate] = {}
        self._login_gates: dict[str, _LoginGate] = {}
        failures = RecentFailures(settings.failure_pause, monotonic)
        self.single_flight: SingleFlight[_TaskCall] = SingleFlight(failures, nullcontext())
        self._new_engine = new_engine
        self._engine: _Engine | None = None
        self._closer: AsyncGenerator[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_seconds = settings.deadline + KEEP_ALIVE

    def login_gate_to(self, endpoint: str) -> "_LoginGate":
        """Return the gate of an endpoint that logins need."""
        gate = self._login_gates.get(endpoint)
        if gate is None:
            most = self._settings.max_login_requests
            gate = self._login_gates[endpoint] = _LoginGate(most, self._monotonic)
        return gate

    def gate_to(self, provider: str) -> "_Gate":
        """Return the gate of an origin.

        Each has its own, so that a provider that hangs does not delay the others.
        """
        gate = self._gates.get(provider)
        if gate is None:
            gate = self._gates[provider] = _Gate(self._settings)
        return gate

    def queue_length(self, url: str) -> int:
        gate = self._gates.get(origin(url))
        return 0 if gate is None else gate.waiting

    async def engine(self) -> _Engine:
        if self._engine is None:
            self._engine = self._new_engine()
            self._closer = _closing_with_the_loop(self._engine)
            await anext(self._closer)
        self._keep_closer_alive()
        return self._engine

    async def aclose(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._closer is not None:
            await self._closer.aclose()

    def _keep_closer_alive(self) -> None:
        # If a runtime is garbage-collected just before the end of its loop, its connections would be left open. A
        # timer refers to the generator and keeps it alive until the loop has closed it. The timer is renewed only
        # after half of its time, so that most requests need no new one.
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() - loop.time() > self._timer_seconds:
                return
            self._timer.cancel()
        self._timer = loop.call_later(2 * self._timer_seconds, _keep_referenced, self._closer)


class _Gate:
    """Limits the requests to one origin.

    At most `max_concurrency` are sent at a time, and `max_queue` wait. A further request is rejected at once: a
    provider that is too slow for the load would otherwise collect requests until all of them fail by their deadline.
    """

    def __init__(self, settings: HttpSettings) -> None:
        self._slots = asyncio.Semaphore(settings.max_concurrency)
        self._max_queue = settings.max_queue
        self.waiting = 0

    async def enter(self, request: HttpRequest) -> None:
        if self._slots.locked() and self.waiting >= self._max_queue:
            raise ProviderOverloaded(
                f"{describe(request)}: {self.waiting} requests are waiting already (max_queue in HttpSettings)"
            )
        # No lock: there is no await between the check and the count.
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1

    def leave(self) -> None:
        self._slots.release()


class _LoginGate:
    """Limits the requests of logins to one endpoint: `most` at a time.

    Others wait while the endpoint answers at all.

    Anybody can cause these requests, so they must not collect in front of an endpoint that hangs. A time limit for
    each would reject logins at an endpoint that is only slow. So the limit is on the time since any slot was taken or
    released.
    """

    def __init__(self, most: int, monotonic: Callable[[], float]) -> None:
        self._slots = asyncio.Semaphore(most)
        self._most, self._monotonic = most, monotonic
        self._moved_at = monotonic()

    async def enter(self, request: HttpRequest) -> None:
        """Wait for a slot.

        Raises:
            ProviderOverloaded: none became free within LOGIN_PATIENCE_SECONDS.
        """
        while not await self._has_slot_in_time():
            if self._patience_left() <= 0:
                raise stuck(request, self._most)
        self._moved_at = self._monotonic()

    def leave(self) -> None:
        self._moved_at = self._monotonic()
        self._slots.release()

    async def _has_slot_in_time(self) -> bool:
        if not self._slots.locked():
            return await self._slots.acquire()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience_left()):
                return await self._slots.acquire()
        return False

    def _patience_left(self) -> float:
        return self._moved_at + LOGIN_PATIENCE_SECONDS - self._monotonic()


class _TaskCall(SharedCall):
    """A shared call in a task of its own."""

    task: asyncio.Task[Any]
    started_at: float

    async def wait(self, seconds: float | None) -> None:
        """Wait for the end, at most until `seconds` after the start.

        Raises ProviderTimeout.
        """
        if seconds is None or self.task.done():
            return await _ended(self.task)
        try:
            async with asyncio.timeout_at(self.started_at + seconds):
                await _ended(self.task)
        except TimeoutError:
            raise wait_timeout(seconds) from None
        return None

    def start(self, work: Callable[[], Awaitable[Any]], single_flight: "SingleFlight[_TaskCall]") -> None:
        # In an empty context: the call may outlive the request that started it.
        self.started_at = asyncio.get_running_loop().time()
        self.task = asyncio.get_running_loop().create_task(self._run(work), context=Context())
        self.task.add_done_callback(lambda _: single_flight.complete(self))

    async def _run(self, work: Callable[[], Awaitable[T]]) -> T:
        current_call.set(self)
        return await work()

    def failure(self) -> BaseException | None:
        return asyncio.CancelledError() if self.task.cancelled() else self.task.exception()

    def result(self) -> Any:
        failure = self.failure()
        if isinstance(failure, OIDCError):
            raise copy_error(failure).with_traceback(failure.__traceback__)
        return self.task.result()


async def _ended(task: "asyncio.Task[Any]") -> None:
    """Wait for the end of `task`; neither its error nor a cancellation passes.

    shield() is not used, because newer Pythons log the failure of the task if its last waiter was cancelled. wait()
    is not used, because it takes three times as long.
    """
    ended = asyncio.get_running_loop().create_future()

    def tell(_: "asyncio.Task[Any]") -> None:
        if not ended.done():
            ended.set_result(None)

    task.add_done_callback(tell)
    try:
        await ended
    finally:
        task.remove_done_callback(tell)


def _keep_referenced(_closer: AsyncGenerator[None] | None) -> None: ...


async def _closing_with_the_loop(engine: _Engine) -> AsyncGenerator[None]:
    # asyncio has no hook for the end of a loop, but a loop that shuts down closes its async generators.
    try:
        yield
    finally:
        await engine.aclose()
        await asyncio.sleep(0)  # Transports close in the next iteration of the loop.
