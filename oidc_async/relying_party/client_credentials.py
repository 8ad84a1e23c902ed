"""Tokens of the client's own, kept until shortly before they expire."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from oidc_async.protocol.parameters import Parameters
from oidc_async.protocol.token import TokenResponse
from oidc_async.runtime.port import Runtime

MOST_KEPT = 100
LONGEST_MARGIN = 30.0
"""Seconds before its end from which a token isn't handed out any more: it has to last for the request, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    tokens: TokenResponse = field(repr=False)
    until: float


def kind_of(parameters: Parameters) -> Hashable:
    """The cache key of the tokens that requests with these parameters bring."""
    return frozenset(parameters.items())


class ServiceTokens:
    """One token for each kind of request, fetched once however many ask."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._kept: dict[Hashable, _Kept] = {}

    async def get(self, key: Hashable, fetch: Callable[[], Awaitable[TokenResponse]]) -> TokenResponse:
        """The token of this kind. Raises what `fetch` raises."""
        usable = self._usable(key)
        if usable is not None:
            return usable
        return await self._runtime.share((self, key), lambda: self._fetched(key, fetch))

    def _usable(self, key: Hashable) -> TokenResponse | None:
        kept = self._kept.get(key)
        return kept.tokens if kept is not None and self._runtime.monotonic() < kept.until else None

    async def _fetched(self, key: Hashable, fetch: Callable[[], Awaitable[TokenResponse]]) -> TokenResponse:
        # Another caller completed the work between the first lookup and this call.
        if usable := self._usable(key):
            return usable
        asked_at = self._runtime.monotonic()
        return self._keep(key, await fetch(), asked_at)

    def _keep(self, key: Hashable, tokens: TokenResponse, asked_at: float) -> TokenResponse:
        """Keep a token whose lifetime began at the earliest when it was asked for."""
        lifetime = tokens.expires_in
        # of which nobody knows how long it lasts, none is kept
        if lifetime is not None:
            self._kept.pop(key, None)
            if len(self._kept) >= MOST_KEPT:
                self._kept.pop(next(iter(self._kept)), None)
            margin = min(LONGEST_MARGIN, lifetime / 10)
            self._kept[key] = _Kept(tokens=tokens, until=asked_at + lifetime - margin)
        return tokens
