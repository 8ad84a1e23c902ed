"""Which provider a JWT was for, by the hash of the token: so that one that is known need not be taken apart again."""

import math
from hashlib import sha256

from oidc_async.caching.generational_cache import GenerationalCache


class ClaimedIssuers:
    """The `iss` of tokens that were verified, for views that take tokens of several providers.

    It never becomes stale, as it is part of the token. Only verified tokens are kept, so that strangers can't push
    others out. At most `entries` tokens are kept; those unused for longest go first.
    """

    def __init__(self, entries: int) -> None:
        self._issuers: GenerationalCache[str] = GenerationalCache(entries, entries, math.inf, lambda _: 1)

    def find(self, token: str) -> str | None:
        """The issuer of a token that was verified before; None when it has to be taken apart."""
        return self._issuers.get(_key(token))

    def keep(self, token: str, issuer: str) -> None:
        """Keep the issuer of a token that was verified."""
        self._issuers.put(_key(token), issuer, 0.0)


def _key(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
