"""Keeps the registration of a client for all processes, in a store or file."""

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

LOCK_SECONDS = 30.0
"""Seconds after which the lock of a process that has died during a registration expires."""
PURPOSE = "registration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A client, and the metadata that were requested when it was registered."""

    client: ClientMetadata
    requested: Mapping[str, Any] = field(repr=False)


class KeptRegistration:
    """The registration of a client in a store, shared by all its processes.

    All methods raise StoreUnavailable.

    Args:
        store: keeps the registration.
        runtime: the clock.
        name: identifies the client among others in the store.
        sealer: encrypts the registration. Without it, the secret of the client is readable in the store.
    """

    def __init__(self, store: Store, runtime: Runtime, name: str, sealer: Sealer | None) -> None:
        digest = sha256(name.encode()).hexdigest()
        self._store, self._sealer, self._key = store, sealer, f"registration:{digest}"
        self._lock = DistributedLock(store, runtime, f"registration-lease:{digest}", LOCK_SECONDS)

    async def read(self) -> Registered | None:
        """Return the registration.

        None means that there is none, or that it was sealed with another secret.
        """
        (data,) = await self._store.get_many([self._key])
        opened = data if data is None or self._sealer is None else self._opened(self._sealer, data)
        return None if opened is None else _decode(opened)

    async def run_exclusively(
        self, is_done: Callable[[Registered], bool], work: Callable[[Registered | None], Awaitable[Registered]]
    ) -> Registered:
        """Return the registration if it `is_done`, else keep the result of `work`.

        `work` runs in one process at a time, and gets the registration that is kept, if any.
        """

        async def look() -> Registered | None:
            kept = await self.read()
            return kept if kept is not None and is_done(kept) else None

        async def do() -> Registered:
            return await self._write(await work(await self.read()))

        return await self._lock.run_exclusively(look, do, "registered the client")

    async def delete(self) -> None:
        await self._store.delete([self._key])

    async def _write(self, registered: Registered) -> Registered:
        data = json.dumps({"client": registered.client.to_dict(), "requested": registered.requested}).encode()
        sealed = data if self._sealer is None else self._sealer.seal(PURPOSE, self._key, data).encode()
        try:
            await self._store.put(self._key, sealed, MAX_LIFETIME_SECONDS)
        except StoreError as error:
            # The client is registered, so that this process at least can use it.
            logger.error(
                "the client could not be kept in the store; other processes will register another one: %s (%s)",
                error,
                error.code,
            )
        return registered

    def _opened(self, sealer: Sealer, data: bytes) -> bytes | None:
        return sealer.open(PURPOSE, self._key, data.decode("latin-1"))


def _decode(data: bytes) -> Registered | None:
    # Another version of this library may have written a different format.
    try:
        document = read_object(data, max_depth=64)
        return Registered(client=ClientMetadata(**document["client"]), requested=document["requested"])
    except (KeyError, TypeError, ValueError):
        return None
