"""Circuit breakers for the endpoints that logins and refreshes need.

Anybody can send an authorization response with an invented code. While the token endpoint hangs, each of them would
hold a thread for `deadline` seconds, until no thread is left for other pages. The breakers reject such requests after
a few failures; in addition, the runtime limits how many of them are sent at once (`max_login_requests`).
"""

import os
from collections.abc import Awaitable, Callable, Hashable, Sequence
from copy import copy
from dataclasses import replace
from typing import Self, TypeVar

from oidc_async.errors import ProviderError, ProviderOverloaded
from oidc_async.http.settings import HttpSettings
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.runtime.port import Runtime

from .circuit_breaker import OF_GATEWAYS, is_outage, provider_paused

T = TypeVar("T")

MAX_FAILURES = 3
"""Failures in a row that open a breaker: one broken connection is not an outage."""
_PROBE = "probe"


class EndpointBreakers:
    """A Runtime with a circuit breaker for each endpoint.

    A breaker opens after MAX_FAILURES timeouts, failed connections or 502, 503, 504 in a row: requests are then
    rejected with ProviderPaused for `failure_pause` seconds. After that, one request at a time probes the endpoint.
    Any other response closes the breaker, also 4xx and 500: an invented code must not stop the logins of other users.
    """

    def __init__(self, runtime: Runtime, settings: HttpSettings) -> None:
        self._runtime, self._settings = runtime, settings
        self._breakers: dict[tuple[int, str], EndpointBreaker] = {}
        self._on_request: Callable[[], object] | None = None

    def telling(self, on_request: Callable[[], object] | None) -> Self:
        """Return the same breakers, with a function to call after each sent request."""
        told = copy(self)
        told._on_request = on_request
        return told

    def require_closed(self, url: str) -> None:
        """Raise ProviderPaused while the breaker of this endpoint is open."""
        self._breaker(url).require_closed(self._runtime.monotonic())

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send `request` as `Runtime.send` does.

        Raises:
            ProviderPaused: the breaker is open; the request was not sent.
            ProviderOverloaded: too many requests are in progress; the request was not sent.
        """
        breaker = self._breaker(request.url)
        call, is_sent = breaker.enter(self._runtime.monotonic()), True
        try:
            response = await self._runtime.send(replace(request, is_caused_by_login=True))
        except ProviderError as error:
            is_sent = not isinstance(error, ProviderOverloaded)
            if is_outage(error):
                breaker.fail(self._runtime.monotonic())
            raise
        else:
            # A gateway answered for a provider that does not. Any other status comes from the provider itself.
            if response.status in OF_GATEWAYS:
                breaker.fail(self._runtime.monotonic())
            else:
                breaker.close()
            return response
        finally:
            breaker.leave(call)
            if is_sent and self._on_request is not None:
                self._on_request()

    def _breaker(self, url: str) -> "EndpointBreaker":
        # One for each process, because the calls of a parent process never end in its child. `setdefault` is one
        # atomic step, so that threads that come together share one breaker.
        key = os.getpid(), url
        return self._breakers.get(key) or self._breakers.setdefault(
            key, EndpointBreaker(self._settings.failure_pause)
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


class EndpointBreaker:
    """The circuit breaker of one endpoint.

    Times are in seconds on a clock that never jumps.

    It has no lock, because a fork could leave one locked: each step is a single atomic operation of a dict.
    """

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._failures = 0
        self._open_until = 0.0
        self._probing: dict[str, object] = {}

    def require_closed(self, now: float) -> None:
        """Raise ProviderPaused while the breaker is open, or another request probes."""
        if self._failures < MAX_FAILURES:
            return
        left = self._open_until - now
        if left > 0 or self._probing:
            raise provider_paused(max(left, self._pause))

    def enter(self, now: float) -> object:
        """Admit a call, which has to `leave` when it ends. Raises ProviderPaused."""
        self.require_closed(now)
        # Of callers that come together after the pause, `setdefault` lets exactly one become the probe.
        call = object()
        if self._failures >= MAX_FAILURES and self._probing.setdefault(_PROBE, call) is not call:
            self.require_closed(now)
        return call

    def leave(self, call: object) -> None:
        """End `call`: if it was the probe, another call may probe."""
        if self._probing.get(_PROBE) is call:
            self._probing.pop(_PROBE, None)

    def fail(self, now: float) -> None:
        """Note a failure."""
        self._failures += 1
        self._open_until = now + self._pause

    def close(self) -> None:
        """Note a response."""
        self._failures = 0
