"""The runtime on asyncio: for any number of event loops, each with its own connections, queue and flights."""

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterable
from contextlib import aclosing, asynccontextmanager, nullcontext
from contextvars import Context
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpcore
import httpx

from .errors import ConfigurationError, OIDCError, ProviderOverloaded
from .flight import Flight, Flights, RecentFailures, current_flight, twin
from .http_exchange import as_it_is, body_of, client_request, forget_cookies, read_response
from .http_failure import describe, provider_failure, require_http_url
from .http_settings import DEFAULT_SETTINGS, require_usable, tls_context
from .protocol.http_message import HttpRequest, HttpResponse
from .protocol.uri import origin
from .runtime import HttpSettings

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


class AsyncRuntime:
    """Talks HTTP and shares work on asyncio.

    Parameters:
        settings: limits, TLS and proxy of our own clients; the limits hold for a caller's client too.
        http_client: an httpx or httpx2 AsyncClient to use instead of our own. It is never closed; its cookies,
            `auth` and redirects are not used; it belongs to one event loop.
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
        self._given_client = _require_async_client(http_client)
        self._clock = clock
        self._monotonic = monotonic
        self._tls: ssl.SSLContext | None = None
        self._homes: dict[asyncio.AbstractEventLoop, _Home] = {}

    def now(self) -> float:
        return self._clock()

    def monotonic(self) -> float:
        return self._monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def send(self, request: HttpRequest) -> HttpResponse:
        home, seconds = self._home(), min(self._settings.deadline, request.seconds)
        try:
            require_http_url(request)
            async with asyncio.timeout(seconds), home.gate_to(request.url).passage(request):
                client = self._given_client or await home.own_client(self._new_client)
                return await self._exchange(client, request)
        except Exception as error:
            failure = provider_failure(request, error, _TIMEOUTS)
        raise failure

    async def share(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        flights, caller = self._home().flights, current_flight.get()
        while True:
            mine = _TaskFlight(key)
            flight = flights.board(mine)
            if flight is mine:
                mine.take_off(work, flights)
            with flights.waiting(caller, flight):
                # Not shield(): newer Pythons log the failure when its last waiter was cancelled.
                await asyncio.wait((flight.task,))
            if flight is mine or not flight.is_lost():
                return cast("T", flight.result())

    async def aclose(self) -> None:
        """Close the connections of the running event loop; a later request opens new ones.

        asyncio.run() does this by itself when its loop ends.
        """
        home = self._homes.pop(asyncio.get_running_loop(), None)
        if home is not None:
            await home.aclose()

    def _home(self) -> "_Home":
        loop = asyncio.get_running_loop()
        home = self._homes.get(loop)
        if home is None:
            # Connections refer to their loop, so a weak mapping would never let go of it.
            for closed in [known for known in list(self._homes) if known.is_closed()]:
                self._homes.pop(closed, None)
            home = self._homes[loop] = _Home(self._settings, self._monotonic)
        return home

    def _new_client(self) -> http.AsyncClient:
        if self._tls is None:
            self._tls = tls_context(self._settings, lambda: http.create_ssl_context(trust_env=False))
        return http.AsyncClient(
            transport=_Transport(self._settings, self._tls),
            headers={"User-Agent": self._settings.user_agent},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=False,
        )

    async def _exchange(self, client: http.AsyncClient, request: HttpRequest) -> HttpResponse:
        settings = self._settings
        outgoing = client_request(client, request, settings.connect_timeout, settings.deadline)
        response = await client.send(outgoing, stream=True, auth=as_it_is, follow_redirects=False)
        try:
            forget_cookies(client, response)
            body, is_filled = body_of(request, response)
            if not is_filled:
                async with aclosing(cast("AsyncGenerator[bytes]", response.aiter_raw())) as chunks:
                    async for chunk in chunks:
                        body.feed(chunk)
            return read_response(response, body)
        finally:
            await response.aclose()


class _Home:
    """What belongs to one event loop."""

    def __init__(self, settings: HttpSettings, monotonic: Callable[[], float]) -> None:
        self._settings = settings
        self._gates: dict[str, _Gate] = {}
        failures = RecentFailures(settings.failure_pause, monotonic)
        self.flights: Flights[_TaskFlight] = Flights(failures, nullcontext())
        self._client: http.AsyncClient | None = None
        self._lifeline: AsyncGenerator[None] | None = None
        self._hold: asyncio.TimerHandle | None = None
        self._hold_seconds = settings.deadline + _KEEP_ALIVE

    def gate_to(self, url: str) -> "_Gate":
        """One for each origin: a provider that hangs must not hold up the others."""
        return self._gates.setdefault(origin(url), _Gate(self._settings))

    async def own_client(self, new_client: Callable[[], http.AsyncClient]) -> http.AsyncClient:
        if self._client is None:
            self._client = new_client()
            self._lifeline = _closing_with_the_loop(self._client)
            await anext(self._lifeline)
        self._hold_on()
        return self._client

    async def aclose(self) -> None:
        if self._hold is not None:
            self._hold.cancel()
        if self._lifeline is not None:
            await self._lifeline.aclose()

    def _hold_on(self) -> None:
        # A timer keeps the generator alive, so that also a runtime that is dropped just before
        # the end of its loop is closed in order.
        if self._hold is not None:
            self._hold.cancel()
        loop = asyncio.get_running_loop()
        self._hold = loop.call_later(self._hold_seconds, _let_go, self._lifeline)


class _Gate:
    """Lets so many requests through at once; so many more may wait."""

    def __init__(self, settings: HttpSettings) -> None:
        self._slots = asyncio.Semaphore(settings.max_concurrency)
        self._max_queue = settings.max_queue
        self._waiting = 0

    @asynccontextmanager
    async def passage(self, request: HttpRequest) -> AsyncGenerator[None]:
        await self._enter(request)
        try:
            yield
        finally:
            self._slots.release()

    async def _enter(self, request: HttpRequest) -> None:
        if self._slots.locked() and self._waiting >= self._max_queue:
            raise ProviderOverloaded(f"{describe(request)}: {self._waiting} requests wait already")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1


class _TaskFlight(Flight):
    """Shared work in a task of its own."""

    task: asyncio.Task[Any]

    def take_off(self, work: Callable[[], Awaitable[Any]], flights: "Flights[_TaskFlight]") -> None:
        # In an empty context: the flight may outlive the request that began it.
        self.task = asyncio.get_running_loop().create_task(self._fly(work), context=Context())
        self.task.add_done_callback(lambda _: flights.land(self))

    async def _fly(self, work: Callable[[], Awaitable[T]]) -> T:
        current_flight.set(self)
        return await work()

    def failure(self) -> BaseException | None:
        return asyncio.CancelledError() if self.task.cancelled() else self.task.exception()

    def result(self) -> Any:
        failure = self.failure()
        if isinstance(failure, OIDCError):
            raise twin(failure).with_traceback(failure.__traceback__)
        return self.task.result()


def _let_go(_lifeline: AsyncGenerator[None] | None) -> None: ...


async def _closing_with_the_loop(client: http.AsyncClient) -> AsyncGenerator[None]:
    # A loop that shuts down closes the async generators that it has begun.
    try:
        yield
    finally:
        await client.aclose()


class _Transport(http.AsyncBaseTransport):
    """Connections of httpcore, the last used first.

    In place of its pool, which looks at every connection and asks its socket, for every request. The gate bounds
    how many there are.
    """

    def __init__(self, settings: HttpSettings, tls: ssl.SSLContext) -> None:
        self._factory = _factory(settings, tls)
        self._timeouts = {"connect": settings.connect_timeout}
        self._keep = settings.max_concurrency
        self._idle: list[core.AsyncConnectionInterface] = []

    async def handle_async_request(self, request: http.Request) -> http.Response:
        url = request.url
        outgoing = core.Request(
            method=request.method,
            url=core.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=await request.aread(),
            extensions={"timeout": self._timeouts},
        )
        connection = await self._take(outgoing.url.origin)
        response = await connection.handle_async_request(outgoing)
        body = _Body(response, lambda: self._put(connection))
        return http.Response(response.status, headers=response.headers, stream=body)

    async def aclose(self) -> None:
        self._keep = 0
        await self._close_surplus()

    async def _take(self, origin: core.Origin) -> core.AsyncConnectionInterface:
        while (connection := self._pop(origin)) is not None:
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return self._factory.create_connection(origin)

    def _pop(self, origin: core.Origin) -> core.AsyncConnectionInterface | None:
        for position in reversed(range(len(self._idle))):
            if self._idle[position].can_handle_request(origin):
                return self._idle.pop(position)
        return None

    async def _put(self, connection: core.AsyncConnectionInterface) -> None:
        if connection.is_idle():
            self._idle.append(connection)
            await self._close_surplus()

    async def _close_surplus(self) -> None:
        # The first has been idle for longest.
        while self._idle and (len(self._idle) > self._keep or self._idle[0].has_expired()):
            await self._idle.pop(0).aclose()


class _Body(http.AsyncByteStream):
    """A body that gives its connection back when it is closed."""

    def __init__(self, response: core.Response, give_back: Callable[[], Awaitable[None]]) -> None:
        self._response = response
        self._give_back = give_back

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        async with aclosing(cast("AsyncGenerator[bytes]", self._response.aiter_stream())) as chunks:
            async for chunk in chunks:
                yield chunk

    async def aclose(self) -> None:
        try:
            await self._response.aclose()
        finally:
            await self._give_back()


class _Backend(core.AsyncNetworkBackend):
    """httpcore's streams, which it forgets to close when a request is cancelled in the TLS handshake."""

    def __init__(self) -> None:
        self._plain = cast("core.AsyncNetworkBackend", core.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[core.SOCKET_OPTION] | None = None,
    ) -> core.AsyncNetworkStream:
        return _Stream(await self._plain.connect_tcp(host, port, timeout, local_address, socket_options))


class _Stream(core.AsyncNetworkStream):
    def __init__(self, plain: core.AsyncNetworkStream) -> None:
        self._plain = plain

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._plain.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._plain.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._plain.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> core.AsyncNetworkStream:
        try:
            return _Stream(await self._plain.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:
            await self.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)


def _factory(settings: HttpSettings, tls: ssl.SSLContext) -> core.AsyncConnectionPool:
    """What knows how to connect; it pools nothing."""
    backend = _Backend()
    if settings.proxy is None:
        return core.AsyncConnectionPool(tls, keepalive_expiry=_KEEP_ALIVE, network_backend=backend)
    proxy = http.Proxy(settings.proxy)
    return core.AsyncHTTPProxy(
        core.URL(scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=b"/"),
        proxy_auth=proxy.raw_auth,
        ssl_context=tls,
        proxy_ssl_context=tls if proxy.url.scheme == "https" else None,
        keepalive_expiry=_KEEP_ALIVE,
        network_backend=backend,
    )


def _require_async_client(client: object | None) -> http.AsyncClient | None:
    if client is None or isinstance(client, (httpx.AsyncClient, http.AsyncClient)):
        return client
    raise ConfigurationError(
        f"http_client is {type(client).__module__}.{type(client).__name__}; "
        "the async classes take an httpx.AsyncClient or httpx2.AsyncClient",
        setting="http_client",
    )
