"""The port of the core to the network, the clock and concurrent callers."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Protocol, TypeVar

from oidc_async.protocol.http_message import HttpRequest, HttpResponse

T = TypeVar("T")

REPEATING_SECONDS = 8.0
"""Seconds after the first attempt within which all retries of a repeatable request end."""


class Runtime(Protocol):
    """The I/O of the core.

    `AsyncRuntime` runs on asyncio; `BlockingRuntime` blocks and never suspends.
    """

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send one request and return its response. Redirects are not followed.

        Raises:
            ProviderUnreachable: the connection failed, or the response is invalid HTTP.
            ProviderTimeout: the exchange has taken longer than the deadline.
            ProviderOverloaded: too many requests are waiting; this one was not sent.
            ResponseTooLarge: the body is larger than `request.max_body`.
        """
        ...

    async def addresses(self, request: HttpRequest) -> Sequence[str]:
        """Look up the IP addresses of the host of `request`, best first.

        Raises:
            ProviderUnreachable: the name cannot be resolved.
            ProviderTimeout: the lookup has taken longer than the timeout for connecting.
            ConfigurationError: a proxy is set, which looks up names by itself.
        """
        ...

    async def share(self, key: Hashable, work: Callable[[], Awaitable[T]], *, detached: bool = False) -> T:
        """Run `work` once for all concurrent callers with `key` (single flight).

        `work` keeps running if its first caller is cancelled, and runs in an empty contextvars context. It must store
        what it has fetched before it returns, because a later caller starts it again.

        A failure is raised in all callers, and for `failure_pause` seconds in later callers too, instead of another
        attempt.

        Args:
            key: identifies the work.
            work: takes no arguments, and must not share its own key.
            detached: callers stop waiting one second after the runtime's own deadline, counted from the start of the
                work, and get ProviderTimeout. The work continues, and later callers share its result.
        """
        ...

    async def sleep(self, seconds: float) -> None: ...

    def queue_length(self, url: str) -> int:
        """Return how many requests to the origin of `url` are waiting in the queue now."""
        ...

    def now(self) -> float:
        """Return seconds since the epoch, for claims."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps, for the lifetimes of cached values."""
        ...
