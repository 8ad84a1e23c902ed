"""Where the registration of a client is kept for all processes and for the next start: in a store or in a file."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from oidc_async.errors import StoreError
from oidc_async.protocol.metadata import ClientMetadata
from oidc_async.protocol.strict_json import read_object
from oidc_async.runtime.port import Runtime
from oidc_async.sealing import Sealer
from oidc_async.stores import Store
from oidc_async.stores.lock import DistributedLock
from oidc_async.stores.port import MAX_LIFETIME_SECONDS

logger = logging.getLogger("oidc_async.provider")

LEASE_SECONDS = 30.0
"""After how long a registration that another process began is given up."""
PURPOSE = "registration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A client, and what the configuration asked for when it was registered."""

    client: ClientMetadata
    requested: Mapping[str, Any] = field(repr=False)


class KeptRegistration:
    """The registration below one name of a store, which all processes with that store have in common.

    `name` tells whose it is. Without a `sealer` the client's secret can be read there. All methods raise
    StoreUnavailable.
    """

    def __init__(self, store: Store, runtime: Runtime, name: str, sealer: Sealer | None) -> None:
        digest = sha256(name.encode()).hexdigest()
        self._store, self._sealer, self._key = store, sealer, f"registration:{digest}"
        self._lock = DistributedLock(store, runtime, f"registration-lease:{digest}", LEASE_SECONDS)

    async def read(self) -> Registered | None:
        """What is kept; None when nothing is, or what another secret sealed."""
        (data,) = await self._store.get_many([self._key])
        opened = data if data is None or self._sealer is None else self._opened(self._sealer, data)
        return None if opened is None else _decode(opened)

    async def once(
        self, is_done: Callable[[Registered], bool], work: Callable[[Registered | None], Awaitable[Registered]]
    ) -> Registered:
        """What is kept if it `is_done`, else what `work` makes of it, kept from then on: by one process at a time."""

        async def look() -> Registered | None:
            kept = await self.read()
            return kept if kept is not None and is_done(kept) else None

        async def do() -> Registered:
            return await self._write(await work(await self.read()))

        return await self._lock.run_exclusively(look, do, "registered the client")

    async def forget(self) -> None:
        await self._store.delete([self._key])

    async def _write(self, registered: Registered) -> Registered:
        data = json.dumps({"client": registered.client.to_dict(), "requested": registered.requested}).encode()
        sealed = data if self._sealer is None else self._sealer.seal(PURPOSE, self._key, data).encode()
        try:
            await self._store.put(self._key, sealed, MAX_LIFETIME_SECONDS)
        except StoreError as error:
            # the client is registered, and this process at least can go on with it
            logger.error("a registration could not be kept, others will register anew: %s (%s)", error, error.code)
        return registered

    def _opened(self, sealer: Sealer, data: bytes) -> bytes | None:
        return sealer.open(PURPOSE, self._key, data.decode("latin-1"))


def _decode(data: bytes) -> Registered | None:
    # None for what another version of us kept
    try:
        document = read_object(data, max_depth=64)
        return Registered(client=ClientMetadata(**document["client"]), requested=document["requested"])
    except (KeyError, TypeError, ValueError):
        return None
