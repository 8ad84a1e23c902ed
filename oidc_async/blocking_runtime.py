"""The runtime that blocks: for threads in any number of processes, each with its own connections and queue."""

import contextvars
import os
import ssl
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Generator, Hashable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpcore
import httpx

from .blocking import finish
from .errors import ConfigurationError, OIDCError, ProviderOverloaded, ProviderTimeout
from .flight import Flight, Flights, RecentFailures, current_flight, twin
from .http_exchange import as_it_is, body_of, client_request, forget_cookies, read_response
from .http_failure import describe, provider_failure, require_http_url
from .http_settings import DEFAULT_SETTINGS, require_usable, tls_context
from .protocol.http_message import HttpRequest, HttpResponse
from .protocol.uri import origin
from .runtime import REPEATING_SECONDS, HttpSettings

if TYPE_CHECKING:
    import httpcore as core
    import httpx as http
else:
    try:
        import httpcore2 as core
        import httpx2 as http
    except ImportError:
        import httpcore as core
        import httpx as http

T = TypeVar("T")

_TIMEOUTS = (
    TimeoutError,
    httpx.TimeoutException,
    httpcore.TimeoutException,
    http.TimeoutException,
    core.TimeoutException,
)
_KEEP_ALIVE = 5.0
_FLIGHT_MARGIN = 1.0


class BlockingRuntime:
    """Talks HTTP and shares work while its thread waits. No method ever suspends: see `finish()`.

    Parameters:
        settings: limits, TLS and proxy of our own client; the limits hold for a caller's client too.
        http_client: an httpx or httpx2 Client to use instead of our own. It is never closed; its cookies, `auth`
            and redirects are not used; unlike our own it does not survive a fork, and the deadline cannot end
            a response whose head arrives in drops.
        clock: seconds since the epoch.
        monotonic: seconds on a clock that never jumps.

    Raises ConfigurationError for settings that cannot work and for a client of the wrong kind.
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
        self._settings = settings
        self._given_client = _require_client(http_client)
        self._clock = clock
        self._monotonic = monotonic
        self._deadline = _Deadline()
        self._tls: ssl.SSLContext | None = None
        self._homes: dict[int, _Home] = {}
        # an app that is dropped, as in tests, leaves no connections behind
        weakref.finalize(self, _close, self._homes)

    def now(self) -> float:
        return self._clock()

    def monotonic(self) -> float:
        return self._monotonic()

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def send(self, request: HttpRequest) -> HttpResponse:
        home, seconds = self._home(), min(self._settings.deadline, request.seconds)
        try:
            require_http_url(request)
            with self._deadline.after(seconds), home.gate_to(request.url).passage(request, seconds):
                return self._exchange(self._given_client or home.own_client(self._new_client), request)
        except Exception as error:
            failure = provider_failure(request, error, _TIMEOUTS)
        raise failure

    async def share(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        flights, caller = self._home().flights, current_flight.get()
        patience = max(self._settings.deadline, REPEATING_SECONDS) + _FLIGHT_MARGIN
        end = time.monotonic() + patience
        while True:
            mine = _ThreadFlight(key)
            try:
                flight = flights.board(mine)
                with flights.waiting(caller, flight):
                    if flight is mine:
                        mine.fly(work)
                    elif not flight.landed.wait(end - time.monotonic()):
                        raise ProviderTimeout(f"another thread has not fetched it in {patience:g} s")
            finally:
                flights.land(mine)
                mine.landed.set()
            if not flight.is_lost():
                return cast("T", flight.result())

    def close(self) -> None:
        """Close the connections of this process; a later request opens new ones."""
        _close(self._homes)

    def _home(self) -> "_Home":
        """What belongs to this process: after a fork, the child begins anew.

        Without a lock: one that another thread holds at the moment of the fork stays locked in the child.
        """
        pid = os.getpid()
        return self._homes.get(pid) or self._homes.setdefault(pid, _Home(self._settings, self._monotonic))

    def _new_client(self) -> http.Client:
        if self._tls is None:
            self._tls = tls_context(self._settings, lambda: http.create_ssl_context(trust_env=False))
        pool = _pool(self._settings, self._tls, _Backend(self._deadline))
        return http.Client(
            transport=_Transport(pool, self._settings.connect_timeout),
            headers={"User-Agent": self._settings.user_agent},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=False,
        )

    def _exchange(self, client: http.Client, request: HttpRequest) -> HttpResponse:
        connect_timeout = self._deadline.clamp(self._settings.connect_timeout)
        outgoing = client_request(client, request, connect_timeout, self._deadline.left())
        response = client.send(outgoing, stream=True, auth=as_it_is, follow_redirects=False)
        try:
            forget_cookies(client, response)
            body, is_filled = body_of(request, response)
            for chunk in () if is_filled else response.iter_raw():
                body.feed(chunk)
                self._deadline.left()
            return read_response(response, body)
        finally:
            response.close()


def _close(homes: "dict[int, _Home]") -> None:
    home = homes.get(os.getpid())
    if home is not None:
        home.close()


class _Deadline(threading.local):
    """When the exchange of this thread has to be over, whatever part of it is under way."""

    _end = float("inf")

    @contextmanager
    def after(self, seconds: float) -> Generator[None]:
        self._end = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._end

    def left(self) -> float:
        """Seconds until then. Raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left

    def clamp(self, timeout: float | None) -> float:
        return min(self.left(), float("inf") if timeout is None else timeout)


class _Home:
    """What belongs to one process."""

    def __init__(self, settings: HttpSettings, monotonic: Callable[[], float]) -> None:
        self._settings = settings
        self._gates: dict[str, _Gate] = {}
        failures = RecentFailures(settings.failure_pause, monotonic)
        self.flights: Flights[_ThreadFlight] = Flights(failures, threading.Lock())
        self._client_lock = threading.Lock()
        self._client: http.Client | None = None

    def gate_to(self, url: str) -> "_Gate":
        """One for each origin: a provider that hangs must not hold up the others."""
        return self._gates.setdefault(origin(url), _Gate(self._settings))

    def own_client(self, new_client: Callable[[], http.Client]) -> http.Client:
        with self._client_lock:
            if self._client is None:
                self._client = new_client()
            return self._client

    def close(self) -> None:
        with self._client_lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


class _Gate:
    """Lets so many requests through at once; so many more may wait."""

    def __init__(self, settings: HttpSettings) -> None:
        self._slots = threading.Semaphore(settings.max_concurrency)
        self._max_queue = settings.max_queue
        self._lock = threading.Lock()
        self._waiting = 0

    @contextmanager
    def passage(self, request: HttpRequest, patience: float) -> Generator[None]:
        if not self._slots.acquire(blocking=False):
            self._wait(request, patience)
        try:
            yield
        finally:
            self._slots.release()

    def _wait(self, request: HttpRequest, patience: float) -> None:
        with self._lock:
            if self._waiting >= self._max_queue:
                raise ProviderOverloaded(f"{describe(request)}: {self._waiting} requests wait already")
            self._waiting += 1
        try:
            if not self._slots.acquire(timeout=patience):
                raise TimeoutError("its turn did not come")
        finally:
            with self._lock:
                self._waiting -= 1


class _ThreadFlight(Flight):
    """Shared work in the thread of the caller who was first."""

    def __init__(self, key: Hashable) -> None:
        super().__init__(key)
        self.landed = threading.Event()
        self._failure: BaseException | None = BaseException("cut off")
        self._value: Any = None

    def fly(self, work: Callable[[], Awaitable[Any]]) -> None:
        try:
            # In an empty context, as in a task: nothing of this request may end up in what is shared.
            self._value = contextvars.Context().run(finish, self._fly(work))
            self._failure = None
        except Exception as error:
            self._failure = error

    async def _fly(self, work: Callable[[], Awaitable[T]]) -> T:
        current_flight.set(self)
        return await work()

    def failure(self) -> BaseException | None:
        return self._failure

    def result(self) -> Any:
        if isinstance(self._failure, OIDCError):
            raise twin(self._failure).with_traceback(self._failure.__traceback__)
        if self._failure is not None:
            raise self._failure
        return self._value


class _Transport(http.BaseTransport):
    """httpcore's pool, as httpx sees it."""

    def __init__(self, pool: core.ConnectionPool, connect_timeout: float) -> None:
        self._pool = pool
        self._timeouts = {"connect": connect_timeout}

    def handle_request(self, request: http.Request) -> http.Response:
        url = request.url
        response = self._pool.handle_request(
            core.Request(
                method=request.method,
                url=core.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.read(),
                extensions={"timeout": self._timeouts},
            )
        )
        return http.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        self._pool.close()


class _Body(http.SyncByteStream):
    def __init__(self, response: core.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _Backend(core.NetworkBackend):
    """Plain sockets that never wait beyond the deadline."""

    def __init__(self, deadline: _Deadline) -> None:
        self._plain = core.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[core.SOCKET_OPTION] | None = None,
    ) -> core.NetworkStream:
        # In a thread of its own: the look-up of a name knows no timeout, and every address gets all of it.
        patience = self._deadline.clamp(timeout)
        connected: Future[core.NetworkStream] = Future()

        def connect() -> None:
            try:
                connected.set_result(self._plain.connect_tcp(host, port, patience, local_address, socket_options))
            except BaseException as error:
                connected.set_exception(error)

        threading.Thread(target=connect, name="oidc-async-connect", daemon=True).start()
        try:
            return _Stream(connected.result(patience), self._deadline)
        except TimeoutError:
            connected.add_done_callback(_close_late)
            raise


class _Stream(core.NetworkStream):
    def __init__(self, plain: core.NetworkStream, deadline: _Deadline) -> None:
        self._plain = plain
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._plain.read(max_bytes, self._deadline.clamp(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._plain.write(buffer, self._deadline.clamp(timeout))

    def close(self) -> None:
        self._plain.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> core.NetworkStream:
        secured = self._plain.start_tls(ssl_context, server_hostname, self._deadline.clamp(timeout))
        return _Stream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)


def _close_late(connected: "Future[core.NetworkStream]") -> None:
    if connected.exception() is None:
        connected.result().close()


def _pool(settings: HttpSettings, tls: ssl.SSLContext, backend: _Backend) -> core.ConnectionPool:
    # max_connections=None: the gate bounds them, and nothing may queue in the pool as well.
    if settings.proxy is None:
        return core.ConnectionPool(tls, None, None, settings.max_concurrency, _KEEP_ALIVE, network_backend=backend)
    proxy = http.Proxy(settings.proxy)
    return core.HTTPProxy(
        core.URL(scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=b"/"),
        proxy_auth=proxy.raw_auth,
        ssl_context=tls,
        proxy_ssl_context=tls if proxy.url.scheme == "https" else None,
        max_connections=None,
        max_keepalive_connections=settings.max_concurrency,
        keepalive_expiry=_KEEP_ALIVE,
        network_backend=backend,
    )


def _require_client(client: object | None) -> http.Client | None:
    if client is None or isinstance(client, (httpx.Client, http.Client)):
        return client
    raise ConfigurationError(
        f"http_client is {type(client).__module__}.{type(client).__name__}; "
        "the blocking classes take an httpx.Client or httpx2.Client",
        setting="http_client",
    )
