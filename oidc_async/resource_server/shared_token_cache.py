"""What was found out about access tokens, for all processes with one store: those that come later need not ask."""

import logging
import struct

from oidc_async.caching.invalidations import INVALIDATION_SECONDS
from oidc_async.errors import StoreError
from oidc_async.protocol.access_grant import Access
from oidc_async.protocol.strict_json import read_object
from oidc_async.runtime.port import Runtime
from oidc_async.sealing import Sealer
from oidc_async.stores import Store

logger = logging.getLogger("oidc_async.tokens")

PAUSE_SECONDS = 5.0
"""For how long a store that failed is left alone: until then each process asks for itself."""
PURPOSE = "access"
_UNTIL = struct.Struct("<d")
_FORGOTTEN = b"forgotten"


class SharedAccesses:
    """A second level behind AccessCache. It is there to save questions: when the store is down, nothing fails here.

    Parameters:
        store: shared with other processes, and maybe with other applications.
        sealer: what it sealed is believed and nothing else, and nobody else can read it.
        runtime: for the time.
        seconds: how long a token is trusted without asking again, in all processes together.
    """

    def __init__(self, store: Store, sealer: Sealer, runtime: Runtime, seconds: float) -> None:
        self._store, self._sealer, self._runtime, self._seconds = store, sealer, runtime, seconds
        self._out_until = 0.0

    async def find(self, key: bytes) -> tuple[Access, float] | None:
        """What another process found out, and for how many seconds it may still be trusted."""
        name = _name(key)
        if self._is_out():
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
            (until,), document = _UNTIL.unpack_from(data), data[_UNTIL.size :]
            access = Access.of(read_object(document, max_depth=64), document)
        except (TypeError, ValueError, struct.error):
            # Another version sealed it: this process introspects for itself.
            return None
        seconds = until - self._runtime.now()
        return (access, seconds) if seconds > 0 else None

    async def keep(self, key: bytes, access: Access, seconds: float) -> None:
        """Let other processes know, for so many seconds at most, unless the token was forgotten meanwhile."""
        name, seconds = _name(key), min(seconds, self._seconds)
        if seconds <= 0 or self._is_out():
            return
        data = _UNTIL.pack(self._runtime.now() + seconds) + access.document
        try:
            await self._store.put_if_absent(name, self._sealer.seal(PURPOSE, name, data).encode(), seconds)
        except StoreError as error:
            self._begin_pause(error)

    async def forget(self, key: bytes) -> None:
        """Keep nothing about a token, nor what some process is finding out about it now."""
        try:
            # it stands where an answer of before would be put
            await self._store.put(_name(key), _FORGOTTEN, INVALIDATION_SECONDS)
        except StoreError as error:
            logger.warning("what is known of a token could not be deleted: %s (%s)", error, error.code)

    def _is_out(self) -> bool:
        return self._runtime.monotonic() < self._out_until

    def _begin_pause(self, error: StoreError) -> None:
        self._out_until = self._runtime.monotonic() + PAUSE_SECONDS
        logger.warning("each process asks about tokens for itself: %s (%s)", error, error.code)


def _name(key: bytes) -> str:
    return f"access:{key.hex()}"
