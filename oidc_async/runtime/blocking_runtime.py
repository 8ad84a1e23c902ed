"""The blocking runtime, for threads in any number of processes.

Each has its own connections and queues.
"""

import contextvars
import os
import ssl
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from oidc_async.errors import ConfigurationError, OIDCError, ProviderOverloaded, ProviderTimeout
from oidc_async.http.deadline import Deadline, run_in_thread
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
from oidc_async.http.user_client import GivenClient, require_client
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
from .sync_facade import run_without_loop

T = TypeVar("T")


class BlockingRuntime:
    """Sends requests and shares work while its thread waits.

    No method ever suspends: see `run_without_loop()`.

    Args:
        settings: limits, TLS and proxy of our own connections; the limits apply to an `http_client` too.
        http_client: an httpx or httpx2 Client to use instead of our own connections. It is never closed. Its cookies,
            `auth` and redirects are not used. Unlike our own connections, it does not survive a fork, and the
            deadline cannot end a response whose headers arrive very slowly.
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
        self._deadline = Deadline()
        self._new_engine = _engine_of(settings, require_client(http_client, "Client"), self._deadline)
        self._states: dict[int, _ProcessState] = {}
        # The connections of an application that is garbage-collected, as in tests, are closed.
        weakref.finalize(self, _close, self._states)

    def now(self) -> float:
        return self._clock()

    def monotonic(self) -> float:
        return self._monotonic()

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def send(self, request: HttpRequest) -> HttpResponse:
        state = self._state()
        try:
            require_sendable(request, self._settings)
            with self._deadline.after(request.deadline(self._settings.deadline)):
                return self._send_through_gates(state, request)
        except Exception as error:
            failure = provider_failure(request, error)
        raise failure

    async def addresses(self, request: HttpRequest) -> Sequence[str]:
        try:
            require_no_proxy(self._settings)
            return run_in_thread(lambda: look_up(request)).result(self._settings.connect_timeout)
        except Exception as error:
            failure = provider_failure(request, error)
        raise failure

    async def share(self, key: Hashable, work: Callable[[], Awaitable[T]], *, detached: bool = False) -> T:
        single_flight, caller = self._state().single_flight, current_call.get()
        if detached:
            return cast("T", self._joined(single_flight, caller, key, work))
        seconds = longest_wait(self._settings.deadline)
        end = time.monotonic() + seconds
        # The thread of the first caller does the work itself; a thread for each call would cost more than it saves.
        # If that thread is interrupted, as by SystemExit, one of the waiting callers takes over in the next round.
        while True:
            own = _ThreadCall(key)
            try:
                call = single_flight.join(own)
                with single_flight.waiting(caller, call):
                    if call is own:
                        own.run(work)
                    elif not call.completed.wait(end - time.monotonic()):
                        raise ProviderTimeout(
                            f"the provider has not answered another thread with the same request within {seconds:g} s"
                        )
            finally:
                # First removed, then announced: a caller that starts after the event must not join a call that is
                # over. For a call that joined another one, both steps do nothing.
                single_flight.complete(own)
                own.completed.set()
            if not call.was_interrupted():
                return cast("T", call.result())

    def _joined(
        self,
        single_flight: "SingleFlight[_ThreadCall]",
        caller: SharedCall | None,
        key: Hashable,
        work: Callable[[], Awaitable[Any]],
    ) -> Any:
        """Return the result of detached work, which runs in a thread of its own.

        Raises ProviderTimeout.
        """
        seconds = longest_wait(self._settings.deadline)
        own = _ThreadCall(key)
        call = single_flight.join(own)
        with single_flight.waiting(caller, call):
            if call is own:
                _start(single_flight, own, work)
            if not call.completed.wait(call.started_at + seconds - time.monotonic()):
                raise wait_timeout(seconds)
        return call.result()

    def queue_length(self, url: str) -> int:
        return self._state().queue_length(url)

    def close(self) -> None:
        """Close the connections of this process; a later request opens new ones."""
        _close(self._states)

    def _state(self) -> "_ProcessState":
        """Return the state of this process: after a fork, the child has its own.

        There is no lock here. A lock that another thread holds at the moment of a fork stays locked in the child.
        `setdefault` is one atomic step, so all threads get the same state.
        """
        pid = os.getpid()
        return self._states.get(pid) or self._states.setdefault(
            pid, _ProcessState(self._settings, self._monotonic, self._new_engine())
        )

    def _send_through_gates(self, state: "_ProcessState", request: HttpRequest) -> HttpResponse:
        # The login gate comes first: a login that waits for its endpoint must not hold a slot of the provider, which
        # the requests for metadata, keys and introspection need.
        if not request.is_caused_by_login:
            return self._exchange(state, request)
        gate = state.login_gate_to(request.url)
        gate.enter(request, self._deadline.left())
        try:
            return self._exchange(state, request)
        finally:
            gate.leave()

    def _exchange(self, state: "_ProcessState", request: HttpRequest) -> HttpResponse:
        gate = state.gate_to(address_of(request.url).origin)
        gate.enter(request, self._deadline.left())
        # Measured after the wait for a slot: it is the time of the provider, not of our queue.
        start = self._monotonic()
        try:
            response = state.engine.exchange(request)
        finally:
            gate.leave()
        return replace(response, seconds=self._monotonic() - start)


class _Engine(Protocol):
    """Sends the requests of one process."""

    def exchange(self, request: HttpRequest) -> HttpResponse: ...
    def close(self) -> None: ...


def _engine_of(settings: HttpSettings, given_client: Any, deadline: Deadline) -> Callable[[], _Engine]:
    """Return a function that creates an engine.

    It must be called in the process of the engine.
    """
    if given_client is not None:
        return partial(GivenClient, given_client, settings, deadline.left)
    if settings.engine != "httpx":
        raise ConfigurationError("engine must be httpx here: aiohttp serves no threads", setting="engine")
    return partial(_own_connections, settings, LazyTls(settings), deadline)


def _own_connections(settings: HttpSettings, tls: Callable[[], ssl.SSLContext], deadline: Deadline) -> _Engine:
    # Imported at first need: an application with its own client does not use httpcore.
    from oidc_async.http.httpcore_sync import BlockingConnections

    return BlockingConnections(settings, tls, deadline)


def _close(states: "dict[int, _ProcessState]") -> None:
    state = states.pop(os.getpid(), None)
    if state is not None:
        state.engine.close()


class _ProcessState:
    """The connections, gates and shared calls of one process."""

    def __init__(self, settings: HttpSettings, monotonic: Callable[[], float], engine: _Engine) -> None:
        self._settings, self._monotonic = settings, monotonic
        self._gates: dict[str, _Gate] = {}
        self._login_gates: dict[str, _LoginGate] = {}
        failures = RecentFailures(settings.failure_pause, monotonic)
        self.single_flight: SingleFlight[_ThreadCall] = SingleFlight(failures, threading.Lock())
        self.engine = engine

    def gate_to(self, provider: str) -> "_Gate":
        """Return the gate of an origin.

        Each has its own, so that a provider that hangs does not delay the others.
        """
        return self._gates.get(provider) or self._gates.setdefault(provider, _Gate(self._settings))

    def login_gate_to(self, endpoint: str) -> "_LoginGate":
        """Return the gate of an endpoint that logins need."""
        most = self._settings.max_login_requests
        return self._login_gates.get(endpoint) or self._login_gates.setdefault(
            endpoint, _LoginGate(most, self._monotonic)
        )

    def queue_length(self, url: str) -> int:
        gate = self._gates.get(origin(url))
        return 0 if gate is None else gate.waiting


class _Gate:
    """Limits the requests to one origin.

    At most `max_concurrency` are sent at a time, and `max_queue` wait. A further request is rejected at once: a
    provider that is too slow for the load would otherwise hold all threads until their requests fail by the deadline.
    """

    def __init__(self, settings: HttpSettings) -> None:
        self._slots = threading.Semaphore(settings.max_concurrency)
        self._max_queue = settings.max_queue
        self._lock = threading.Lock()
        self.waiting = 0

    def enter(self, request: HttpRequest, seconds: float) -> None:
        # Without the lock of the queue, as long as there are free slots.
        if not self._slots.acquire(blocking=False):
            self._wait(request, seconds)

    def leave(self) -> None:
        self._slots.release()

    def _wait(self, request: HttpRequest, seconds: float) -> None:
        with self._lock:
            if self.waiting >= self._max_queue:
                raise ProviderOverloaded(
                    f"{describe(request)}: {self.waiting} requests are waiting already (max_queue in HttpSettings)"
                )
            self.waiting += 1
        try:
            if not self._slots.acquire(timeout=seconds):
                raise TimeoutError("timed out waiting for a free connection slot")
        finally:
            with self._lock:
                self.waiting -= 1


class _LoginGate:
    """Limits the requests of logins to one endpoint: `most` at a time.

    Others wait while the endpoint answers at all.

    Anybody can cause these requests. In front of an endpoint that hangs, they would hold all threads of the worker. A
    time limit for each would reject logins at an endpoint that is only slow. So the limit is on the time since any
    slot was taken or released.
    """

    def __init__(self, most: int, monotonic: Callable[[], float]) -> None:
        self._slots = threading.Semaphore(most)
        self._most, self._monotonic = most, monotonic
        self._moved_at = monotonic()

    def enter(self, request: HttpRequest, seconds: float) -> None:
        """Wait for a slot, at most `seconds`.

        Raises:
            ProviderOverloaded: none became free within LOGIN_PATIENCE_SECONDS.
            TimeoutError: none became free within `seconds`.
        """
        end = self._monotonic() + seconds
        while not self._slots.acquire(timeout=max(min(self._patience_left(), end - self._monotonic()), 0)):
            if self._patience_left() <= 0:
                raise stuck(request, self._most)
            if self._monotonic() >= end:
                raise TimeoutError("timed out waiting for a free connection slot")
        self._moved_at = self._monotonic()

    def leave(self) -> None:
        self._moved_at = self._monotonic()
        self._slots.release()

    def _patience_left(self) -> float:
        return self._moved_at + LOGIN_PATIENCE_SECONDS - self._monotonic()


def _start(
    single_flight: "SingleFlight[_ThreadCall]", own: "_ThreadCall", work: Callable[[], Awaitable[Any]]
) -> None:
    try:
        run_in_thread(lambda: _run_and_complete(single_flight, own, work))
    except BaseException:
        # No thread could be started: later callers must not wait for this call.
        single_flight.complete(own)
        own.completed.set()
        raise


def _run_and_complete(
    single_flight: "SingleFlight[_ThreadCall]", own: "_ThreadCall", work: Callable[[], Awaitable[Any]]
) -> None:
    try:
        own.run(work)
    finally:
        single_flight.complete(own)
        own.completed.set()


class _ThreadCall(SharedCall):
    """A shared call in the thread of its first caller; detached work has its own."""

    def __init__(self, key: Hashable) -> None:
        super().__init__(key)
        self.started_at = time.monotonic()
        self.completed = threading.Event()
        self._failure: BaseException | None = BaseException("cut off")
        self._value: Any = None

    def run(self, work: Callable[[], Awaitable[Any]]) -> None:
        try:
            # In an empty context, as in a task: shared work must not depend on the request of its first caller.
            self._value = contextvars.Context().run(run_without_loop, self._run(work))
            self._failure = None
        except Exception as error:
            self._failure = error

    async def _run(self, work: Callable[[], Awaitable[T]]) -> T:
        current_call.set(self)
        return await work()

    def failure(self) -> BaseException | None:
        return self._failure

    def result(self) -> Any:
        if isinstance(self._failure, OIDCError):
            raise copy_error(self._failure).with_traceback(self._failure.__traceback__)
        if self._failure is not None:
            raise self._failure
        return self._value
