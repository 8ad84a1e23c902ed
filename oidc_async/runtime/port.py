"""The port through which the core reaches the world: the network, the clock, and its fellow callers."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Protocol, TypeVar

from oidc_async.protocol.http_message import HttpRequest, HttpResponse

T = TypeVar("T")

REPEATING_SECONDS = 8.0
"""Within how many seconds of the first try all others of a repeatable request end."""


class Runtime(Protocol):
    """What the core awaits. `AsyncRuntime` lives on asyncio, `BlockingRuntime` blocks and never suspends."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """The response to one request, redirects not followed.

        Raises ProviderUnreachable, ProviderTimeout, ProviderOverloaded or ResponseTooLarge, nothing else.
        """
        ...

    async def addresses(self, request: HttpRequest) -> Sequence[str]:
        """The IP addresses that the host of `request` has now, best first.

        Raises ProviderUnreachable or ProviderTimeout, and ConfigurationError behind a proxy, which looks names up by
        itself.
        """
        ...

    async def share(self, key: Hashable, work: Callable[[], Awaitable[T]], *, detached: bool = False) -> T:
        """The result of `work`, run once however many callers ask for `key` at the same time.

        `work` stores what it fetched before it returns, survives the cancellation of the caller that began it,
        and runs outside the context of any request. A failure is shared, and for a short while repeated to
        later callers instead of trying again.

        Callers of `detached` work stop waiting a second after the runtime's own deadline, counted from the beginning
        of the work, and get ProviderTimeout. The work goes on, and later callers share its result.
        """
        ...

    async def sleep(self, seconds: float) -> None: ...

    def queue_length(self, url: str) -> int:
        """How many requests to the origin of `url` wait for their turn now; 0 when none was ever sent there."""
        ...

    def now(self) -> float:
        """Seconds since the epoch: for claims."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps: for lifetimes of what we remember."""
        ...
