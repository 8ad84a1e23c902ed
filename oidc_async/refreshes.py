"""Refreshes of tokens: one for each refresh token, however many ask, and for a while its result for latecomers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from .generations import Generations
from .protocol.token import TokenResponse
from .runtime import Runtime

REPLAY_SECONDS = 30.0
"""For how long somebody may still come with a refresh token that was used."""
MOST_REPLAYS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """What a refresh brought: tokens, and the verified claims of the new ID token, if there is one."""

    tokens: TokenResponse
    id_token: Mapping[str, Any] | None = field(default=None, repr=False)


class Refreshes:
    """The refreshes of one client, in this process.

    Ten requests of one page come with the same refresh token, and a provider that rotates them takes a second use
    for theft (RFC 9700 4.14): so all of them get what the first one got.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._done: Generations[tuple[float, Refresh]] = Generations(
            MOST_REPLAYS, MOST_REPLAYS, REPLAY_SECONDS, lambda _: 1
        )

    async def once(self, refresh_token: str, refresh: Callable[[], Awaitable[Refresh]]) -> Refresh:
        """What `refresh` brings for this refresh token, or has brought a moment ago. Raises what it raises."""
        key = sha256(refresh_token.encode("utf-8", "surrogatepass")).digest()
        done = self._replay(key)
        if done is not None:
            return done
        return await self._runtime.share(("refresh", key), lambda: self._run(key, refresh))

    async def _run(self, key: bytes, refresh: Callable[[], Awaitable[Refresh]]) -> Refresh:
        # a flight that landed between a look and a turn has done the work
        return self._replay(key) or self._keep(key, await refresh())

    def _replay(self, key: bytes) -> Refresh | None:
        until, refresh = self._done.get(key) or (0.0, None)
        return refresh if self._runtime.monotonic() < until else None

    def _keep(self, key: bytes, refresh: Refresh) -> Refresh:
        now = self._runtime.monotonic()
        self._done.put(key, (now + REPLAY_SECONDS, refresh), now)
        return refresh
