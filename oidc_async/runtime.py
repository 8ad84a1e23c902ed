"""The port through which the core reaches the world: the network, the clock, and its fellow callers."""

import ssl
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from .protocol.http_message import HttpRequest, HttpResponse

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


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """How a runtime talks HTTP.

    Parameters:
        deadline: seconds for a whole exchange: connecting, sending, and reading the body to its end.
        connect_timeout: seconds to open a connection.
        max_concurrency: requests to one provider that are under way at once, and connections kept for the next;
            more wait in a queue. 64 is more than a process can use up while answers take 50 ms (1,280 a second),
            costs 20 MB of TLS buffers on asyncio or 5 MB in threads, and leaves the provider room for others.
        max_queue: requests that may wait; one more is refused with ProviderOverloaded.
        max_login_requests: requests to one endpoint (token, userinfo, pushed request, revocation) that are under
            way at once for logins and refreshes. More wait, unless none of them is answered for two seconds: they
            are rejected with ProviderOverloaded then. Anybody can bring invented codes: choose half of the threads
            of a worker, so that a token endpoint that hangs leaves the other half to other pages.
        failure_pause: seconds during which a failed shared fetch is not tried again.
        proxy: URL of a forward proxy. Proxy variables of the environment are not read.
        ca_bundle: path of a PEM file, or an SSLContext, that replaces the default certificate authorities.
        client_certificate: path of a PEM file, or (certificate, key) paths, or (certificate, key, password).
        user_agent: the User-Agent header.
        engine: what carries the requests of asyncio: "httpx" (the connections of httpx, or of httpx2 when it is
            installed), or "aiohttp", which takes half of their time and needs the extra `aiohttp`. It is no
            matter of what is installed, for many have aiohttp for other reasons. A client of the caller's own
            goes before it.
    """

    deadline: float = 10.0
    connect_timeout: float = 5.0
    max_concurrency: int = 64
    max_queue: int = 1000
    max_login_requests: int = 8
    failure_pause: float = 1.0
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: str | ssl.SSLContext | None = None
    client_certificate: str | tuple[str, str] | tuple[str, str, str] | None = field(default=None, repr=False)
    user_agent: str = "oidc-async"
    engine: Literal["httpx", "aiohttp"] = "httpx"
