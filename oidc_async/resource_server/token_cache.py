"""What was found out about access tokens a moment ago, by the hash of the token: bounded in number, size and time."""

import struct

from oidc_async.caching.generational_cache import GenerationalCache
from oidc_async.caching.invalidations import Invalidations
from oidc_async.errors import ConfigurationError, TokenError
from oidc_async.protocol.access_grant import Access

BYTES_PER_ENTRY = 1024
"""What an entry may weigh on average; where claims are larger, fewer are kept."""
MAX_SCOPES = 1000
_HEAD = struct.Struct("<dI")


class AccessCache:
    """Which tokens were verified or refused a moment ago. Several resource servers may share one.

    Parameters:
        seconds: how long a good token is trusted without asking again; never beyond its `exp`. 0 keeps none.
        refused_seconds: how long a bad one is refused without asking again. 0 keeps none.
        entries: how many tokens are kept; those unused for longest go first. 0 keeps none.

    Raises ConfigurationError for what is no such number.
    """

    def __init__(self, *, seconds: float = 60.0, refused_seconds: float = 5.0, entries: int = 100_000) -> None:
        for name, value in (("seconds", seconds), ("refused_seconds", refused_seconds), ("entries", entries)):
            _require_number(name, value)
        self.seconds, self.refused_seconds = seconds, refused_seconds
        self._good: GenerationalCache[bytes] = GenerationalCache(entries, entries * BYTES_PER_ENTRY, seconds, len)
        # a flood of bad tokens must not push out the good ones
        bad = -(-entries // 10)
        self._bad: GenerationalCache[tuple[float, TokenError]] = GenerationalCache(
            bad, bad, refused_seconds, lambda _: 1
        )
        self._scopes: dict[bytes, frozenset[str]] = {}
        self.invalidations = Invalidations()

    def __len__(self) -> int:
        return len(self._good)

    def find(self, key: bytes, now: float) -> Access | None:
        """The access of a token that was verified, while that holds; `now` on a clock that never jumps."""
        entry = self._good.get(key)
        if entry is None:
            return None
        deadline, length = _HEAD.unpack_from(entry)
        if now >= deadline:
            self._good.pop(key)
            return None
        end = _HEAD.size + length
        return Access(entry[end:], self._scopes_of(entry[_HEAD.size : end]))

    def keep(self, key: bytes, access: Access, seconds: float, now: float) -> None:
        """Trust `access` for so many seconds, at most as long as this cache does."""
        seconds = min(seconds, self.seconds)
        if seconds > 0:
            # one bytes object: small, and nothing for the garbage collector to look through
            scopes = " ".join(access.scopes).encode()
            entry = _HEAD.pack(now + seconds, len(scopes)) + scopes + access.document
            self._good.put(key, entry, now)

    def find_refusal(self, key: bytes, now: float) -> TokenError | None:
        """Why a token was refused a moment ago."""
        until, refusal = self._bad.get(key) or (now, None)
        return refusal if now < until else None

    def keep_refusal(self, key: bytes, refusal: TokenError, now: float) -> None:
        if self.refused_seconds > 0:
            self._bad.put(key, (now + self.refused_seconds, refusal), now)

    def forget(self, key: bytes, now: float) -> None:
        """Ask about this token again: what is being found out about it now isn't kept, either."""
        self.invalidations.add(key, now)
        self.drop(key)

    def drop(self, key: bytes) -> None:
        """Keep nothing about this token."""
        self._good.pop(key)
        self._bad.pop(key)

    def _scopes_of(self, text: bytes) -> frozenset[str]:
        # few combinations are granted to very many tokens
        scopes = self._scopes.get(text)
        if scopes is None:
            if len(self._scopes) >= MAX_SCOPES:
                self._scopes.clear()
            scopes = self._scopes[text] = frozenset(text.decode().split())
        return scopes


def _require_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ConfigurationError(f"{name} of AccessCache must be a number, not negative.", setting=name)
