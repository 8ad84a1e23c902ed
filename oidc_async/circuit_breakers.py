"""Circuit breakers for the endpoints that logins and refreshes need, and a limit for those who wait there.

Anybody can bring an authorization response with an invented code. While the token endpoint hangs, each of them would
hold a thread for `deadline` seconds, until none is left for other pages.
"""

import os
from collections.abc import Awaitable, Callable, Hashable, Sequence
from copy import copy
from typing import Self, TypeVar

from .errors import ProviderError, ProviderOverloaded, ProviderPaused
from .http.failure import describe
from .pause import OF_GATEWAYS, is_outage
from .protocol.http_message import HttpRequest, HttpResponse
from .runtime import HttpSettings, Runtime

T = TypeVar("T")

MAX_FAILURES = 3
"""Failures in a row that open a breaker: one broken connection is not an outage."""
PATIENCE_SECONDS = 1.0
"""How long a request waits for its turn; it doesn't wait behind a request that has already taken as long."""
_STEP_SECONDS = 0.05
_PROBE = "probe"


class CircuitBreakers:
    """A Runtime that sends the requests of each endpoint through a circuit breaker of its own.

    A breaker opens after MAX_FAILURES timeouts, failed connections or 502, 503, 504 in a row: requests are then
    rejected with ProviderPaused for `failure_pause` seconds. After that one request at a time probes the endpoint.
    Any other answer closes it, 4xx and 500 too: an invented code must not stop the logins of others.

    At most `max_login_requests` of an endpoint's requests are under way at once. One more waits for a second, and
    not at all if one of them has already taken a second; then it is rejected with ProviderOverloaded.
    """

    def __init__(self, runtime: Runtime, settings: HttpSettings) -> None:
        self._runtime, self._settings = runtime, settings
        self._breakers: dict[tuple[int, str], Breaker] = {}
        self._on_request: Callable[[], object] | None = None

    def telling(self, on_request: Callable[[], object] | None) -> Self:
        """The same breakers; `on_request` is called when a request has been admitted, before it is sent."""
        told = copy(self)
        told._on_request = on_request
        return told

    def require_closed(self, url: str) -> None:
        """Raise ProviderPaused while the breaker of this endpoint is open."""
        self._breaker(url).require_closed(self._runtime.monotonic())

    async def send(self, request: HttpRequest) -> HttpResponse:
        """As `Runtime.send`; raises ProviderPaused and ProviderOverloaded for a request that isn't sent."""
        breaker = self._breaker(request.url)
        call = await self._admitted(breaker, request)
        try:
            if self._on_request is not None:
                self._on_request()
            response = await self._runtime.send(request)
        except ProviderError as error:
            if is_outage(error):
                breaker.fail(self._runtime.monotonic())
            raise
        else:
            if response.status in OF_GATEWAYS:
                breaker.fail(self._runtime.monotonic())
            else:
                breaker.close()
            return response
        finally:
            breaker.leave(call)

    async def _admitted(self, breaker: "Breaker", request: HttpRequest) -> object:
        end = self._runtime.monotonic() + PATIENCE_SECONDS
        while True:
            now = self._runtime.monotonic()
            call = breaker.enter(now)
            if call is not None:
                return call
            if breaker.is_slow(now) or now >= end:
                raise ProviderOverloaded(
                    f"{describe(request)}: max_login_requests = {self._settings.max_login_requests} requests are "
                    "under way, and none is answered within a second"
                )
            # works alike in threads and on an event loop, and leaves nothing behind when the caller is cancelled
            await self._runtime.sleep(_STEP_SECONDS)

    def _breaker(self, url: str) -> "Breaker":
        # By process: the calls of a parent never end in its child. In one step: threads must share one.
        key = os.getpid(), url
        settings = self._settings
        return self._breakers.get(key) or self._breakers.setdefault(
            key, Breaker(settings.failure_pause, settings.max_login_requests)
        )

    async def addresses(self, request: HttpRequest) -> Sequence[str]:
        return await self._runtime.addresses(request)

    async def share(self, key: Hashable, work: Callable[[], Awaitable[T]], *, detached: bool = False) -> T:
        return await self._runtime.share(key, work, detached=detached)

    async def sleep(self, seconds: float) -> None:
        await self._runtime.sleep(seconds)

    def queue_length(self, url: str) -> int:
        return self._runtime.queue_length(url)

    def now(self) -> float:
        return self._runtime.now()

    def monotonic(self) -> float:
        return self._runtime.monotonic()


class Breaker:
    """The state of one endpoint. Times are in seconds on a clock that never jumps.

    Without a lock, which a fork could leave locked: each step is a single operation of a dict.
    """

    def __init__(self, pause: float, most: int) -> None:
        self._pause, self._most = pause, most
        self._failures = 0
        self._open_until = 0.0
        self._under_way: dict[object, float] = {}
        self._probing: dict[str, object] = {}

    def require_closed(self, now: float) -> None:
        """Raise ProviderPaused while requests are rejected: until `pause` is over, and while another one probes."""
        if self._failures < MAX_FAILURES:
            return
        left = self._open_until - now
        if left > 0 or self._probing:
            raise ProviderPaused(
                "The provider failed a moment ago, and is not asked again yet.", retry_after=max(left, self._pause)
            )

    def enter(self, now: float) -> object | None:
        """A call that was admitted, None when too many are under way. Raises ProviderPaused."""
        self.require_closed(now)
        call = object()
        if self._failures >= MAX_FAILURES:
            if self._probing.setdefault(_PROBE, call) is not call:
                self.require_closed(now)
        elif len(self._under_way) >= self._most:
            return None
        self._under_way[call] = now
        return call

    def leave(self, call: object) -> None:
        self._under_way.pop(call, None)
        if self._probing.get(_PROBE) is call:
            self._probing.pop(_PROBE, None)

    def is_slow(self, now: float) -> bool:
        """Whether a call has been under way for longer than others are ready to wait."""
        return any(now - begun >= PATIENCE_SECONDS for begun in list(self._under_way.values()))

    def fail(self, now: float) -> None:
        self._failures += 1
        self._open_until = now + self._pause

    def close(self) -> None:
        self._failures = 0
