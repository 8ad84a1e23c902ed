"""A cache of verified and rejected access tokens, by a hash of the token; bounded in number, size and time."""

import struct

from oidc_async.caching.generational_cache import GenerationalCache
from oidc_async.caching.invalidations import Invalidations
from oidc_async.errors import ConfigurationError, TokenError
from oidc_async.protocol.access_grant import Access

BYTES_PER_ENTRY = 1024
"""The average size of an entry for which there is room; if claims are larger, fewer tokens are kept."""
MAX_SCOPES = 1000
_HEAD = struct.Struct("<dI")


class AccessCache:
    """Keeps the results of token verifications. Several resource servers may share one.

    Args:
        seconds: how long a valid token is accepted without being verified again; never beyond its `exp`. 0 keeps
            none.
        refused_seconds: how long an invalid token is rejected without being verified again. 0 keeps none.
        entries: how many tokens are kept; the least recently used ones are evicted first. 0 keeps none.

    Raises:
        ConfigurationError: an argument is not a number, or is negative.
    """

    def __init__(self, *, seconds: float = 60.0, refused_seconds: float = 5.0, entries: int = 100_000) -> None:
        for name, value in (("seconds", seconds), ("refused_seconds", refused_seconds), ("entries", entries)):
            _require_number(name, value)
        self.seconds = seconds
        self.refused_seconds = refused_seconds
        self._valid: GenerationalCache[bytes] = GenerationalCache(entries, entries * BYTES_PER_ENTRY, seconds, len)
        # Rejections have a cache of their own, so that a flood of invalid tokens can't evict the valid ones.
        max_rejections = -(-entries // 10)
        self._rejections: GenerationalCache[tuple[float, TokenError]] = GenerationalCache(
            max_rejections, max_rejections, refused_seconds, lambda _: 1
        )
        self._scopes: dict[bytes, frozenset[str]] = {}
        self.invalidations = Invalidations()

    def __len__(self) -> int:
        return len(self._valid)

    def find(self, key: bytes, now: float) -> Access | None:
        """Return the access of a token that was verified, while it is kept; `now` is monotonic."""
        entry = self._valid.get(key)
        if entry is None:
            return None
        deadline, length = _HEAD.unpack_from(entry)
        if now >= deadline:
            self._valid.pop(key)
            return None
        end = _HEAD.size + length
        return Access(entry[end:], self._scopes_of(entry[_HEAD.size : end]))

    def keep(self, key: bytes, access: Access, seconds: float, now: float) -> None:
        """Keep `access` for so many seconds, at most for the `seconds` of this cache."""
        seconds = min(seconds, self.seconds)
        if seconds > 0:
            # One bytes object is small, and the garbage collector does not have to traverse it.
            scopes = " ".join(access.scopes).encode()
            entry = _HEAD.pack(now + seconds, len(scopes)) + scopes + access.document
            self._valid.put(key, entry, now)

    def find_rejection(self, key: bytes, now: float) -> TokenError | None:
        """Return the error by which a token was rejected, while it is kept."""
        until, rejection = self._rejections.get(key) or (now, None)
        return rejection if now < until else None

    def keep_rejection(self, key: bytes, rejection: TokenError, now: float) -> None:
        """Keep the error by which a token was rejected, for `refused_seconds`."""
        if self.refused_seconds > 0:
            self._rejections.put(key, (now + self.refused_seconds, rejection), now)

    def invalidate(self, key: bytes, now: float) -> None:
        """Drop the entries of a token, and note it for verifications that are under way."""
        self.invalidations.add(key, now)
        self.drop(key)

    def drop(self, key: bytes) -> None:
        """Drop the entries of a token."""
        self._valid.pop(key)
        self._rejections.pop(key)

    def _scopes_of(self, text: bytes) -> frozenset[str]:
        # Many tokens have the same few combinations of scopes.
        scopes = self._scopes.get(text)
        if scopes is None:
            if len(self._scopes) >= MAX_SCOPES:
                self._scopes.clear()
            scopes = self._scopes[text] = frozenset(text.decode().split())
        return scopes


def _require_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ConfigurationError(f"{name} of AccessCache must be a number, not negative.", setting=name)
