"""The `iss` of verified JWTs, by the hash of the token, so that cached tokens are not decoded again."""

import math

from oidc_async.caching.generational_cache import GenerationalCache


class ClaimedIssuers:
    """Maps the digests of verified tokens to their `iss`, for views that accept tokens of several providers.

    An entry never becomes stale, as `iss` is part of the token. Only verified tokens are kept, so that forged tokens
    can't evict them. At most `entries` are kept; the least recently used ones are evicted first.
    """

    def __init__(self, entries: int) -> None:
        self._issuers: GenerationalCache[str] = GenerationalCache(entries, entries, math.inf, lambda _: 1)

    def find(self, digest: bytes) -> str | None:
        """Return the issuer of a token that was verified before; None if the token has to be decoded."""
        return self._issuers.get(digest)

    def keep(self, digest: bytes, issuer: str) -> None:
        """Keep the issuer of a token that was verified."""
        self._issuers.put(digest, issuer, 0.0)
