"""Introspection responses in a store: what one process has introspected, the others need not introspect again."""

import logging
import struct
from hashlib import sha256

from oidc_async.caching.invalidations import INVALIDATION_SECONDS
from oidc_async.errors import StoreError
from oidc_async.protocol.access_grant import Access
from oidc_async.protocol.strict_json import read_object
from oidc_async.runtime.port import Runtime
from oidc_async.sealing import Sealer
from oidc_async.stores import Store

logger = logging.getLogger("oidc_async.tokens")

PAUSE_SECONDS = 5.0
"""For how long a store that failed is not used: meanwhile each process introspects by itself."""
PURPOSE = "access"
_UNTIL = struct.Struct("<d")
_INVALIDATED = b"invalidated"


class SharedAccesses:
    """The second level of the cache, behind AccessCache.

    It only saves requests, so that no verification fails while the store is down. A value is put only if there is
    none, and an invalidation is put in its place for longer than any introspection takes. So the result of an
    introspection that began before an invalidation, in whatever process, can't get into the store after it.

    Args:
        store: shared with other processes, and maybe with other applications.
        sealer: encrypts and authenticates the values, as others may be able to read or write the store.
        runtime: the clock.
        seconds: how long a token is accepted without being introspected again, in all processes together.
    """

    def __init__(self, store: Store, sealer: Sealer, runtime: Runtime, seconds: float) -> None:
        self._store = store
        self._sealer = sealer
        self._runtime = runtime
        self._seconds = seconds
        self._paused_until = 0.0

    async def find(self, key: bytes) -> tuple[Access, float] | None:
        """Return the access that another process has shared, and for how many seconds it is still valid."""
        name = _name(key)
        if self._is_paused():
            return None
        try:
            (sealed,) = await self._store.get_many([name])
        except StoreError as error:
            self._begin_pause(error)
            return None
        data = self._sealer.open(PURPOSE, name, sealed.decode("latin-1")) if sealed else None
        if data is None:
            return None
        try:
            (until,) = _UNTIL.unpack_from(data)
            document = data[_UNTIL.size :]
            access = Access.of(read_object(document, max_depth=64), document)
        except (TypeError, ValueError, struct.error):
            # Another version sealed it: this process introspects for itself.
            return None
        seconds = until - self._runtime.now()
        return (access, seconds) if seconds > 0 else None

    async def keep(self, key: bytes, access: Access, seconds: float) -> None:
        """Share an access for so many seconds at most, unless the token was invalidated meanwhile."""
        name = _name(key)
        seconds = min(seconds, self._seconds)
        if seconds <= 0 or self._is_paused():
            return
        data = _UNTIL.pack(self._runtime.now() + seconds) + access.document
        try:
            await self._store.put_if_absent(name, self._sealer.seal(PURPOSE, name, data).encode(), seconds)
        except StoreError as error:
            self._begin_pause(error)

    async def invalidate(self, key: bytes) -> None:
        """Replace what is shared about a token by a tombstone, which keeps out the results that are under way."""
        try:
            await self._store.put(_name(key), _INVALIDATED, INVALIDATION_SECONDS)
        except StoreError as error:
            logger.warning("the shared result for a token could not be deleted: %s (%s)", error, error.code)

    def _is_paused(self) -> bool:
        return self._runtime.monotonic() < self._paused_until

    def _begin_pause(self, error: StoreError) -> None:
        self._paused_until = self._runtime.monotonic() + PAUSE_SECONDS
        logger.warning(
            "the store failed; for %g s each process introspects by itself: %s (%s)", PAUSE_SECONDS, error, error.code
        )


def _name(key: bytes) -> str:
    return f"access:{sha256(key).hexdigest()}"
