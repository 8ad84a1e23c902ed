"""Refreshes of tokens: one for each refresh token, however many ask, and for a while its result for latecomers."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from .errors import OAuthError, StoreError
from .flight import twin
from .forgotten import Forgotten
from .generations import Generations
from .lease import Lease
from .protocol.id_token import require_same_login
from .protocol.strict_json import read_object
from .protocol.token import TokenResponse
from .runtime import Runtime
from .sealing import Sealer
from .stores import Store

logger = logging.getLogger(__name__)

REPLAY_SECONDS = 30.0
"""For how long somebody may still come with a refresh token that was used."""
REUSE_SECONDS = 2.0
"""The same for a refresh token that stays good: for those who come at once, and then a new token is better."""
FAILURE_SECONDS = 2.0
"""For how long a refusal is told to those who come with the same refresh token."""
LEASE_SECONDS = 35.0
"""After how long a refresh that another process began is given up: metadata, tokens and keys may take 10 each."""
MOST_REPLAYS = 10_000
PURPOSE = "refresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """What a refresh brought: tokens, and the verified claims of the new ID token, if there is one.

    `at` is when it was asked for, in seconds since the epoch: from then on `expires_in` counts, for latecomers too.
    """

    tokens: TokenResponse
    id_token: Mapping[str, Any] | None = field(default=None, repr=False)
    at: float

    def require_same_login(self, former: Mapping[str, Any] | None) -> None:
        """Raise ClaimInvalid when the ID token is not of the login of `former`, as far as there are both."""
        if self.id_token is not None and former is not None:
            require_same_login(self.id_token, former)


class Refreshes:
    """The refreshes of one client: one at a time for each refresh token, here and, with a store, in all processes.

    Ten requests of one page come with the same refresh token, and a provider that rotates them takes a second use
    for theft (RFC 9700 4.14): so all of them get what the first one got.
    """

    def __init__(self, runtime: Runtime, store: Store | None, client: str) -> None:
        self._runtime, self._store = runtime, store
        # several may share a store, and nothing keeps providers from issuing the same token
        self._client = f"{client}\n"
        self._done: Generations[tuple[float, Refresh | OAuthError]] = Generations(
            MOST_REPLAYS, MOST_REPLAYS, REPLAY_SECONDS, lambda _: 1
        )
        self._former: Generations[bytes] = Generations(MOST_REPLAYS, MOST_REPLAYS, REPLAY_SECONDS, lambda _: 1)
        self._forgotten = Forgotten()

    async def once(self, refresh_token: str, refresh: Callable[[], Awaitable[Refresh]]) -> Refresh:
        """What `refresh` brings for this refresh token, or has brought a moment ago.

        Raises what it raises, and StoreUnavailable.
        """
        key = self._key(refresh_token)
        done = self._replay(key)
        if done is not None:
            return done
        return await self._runtime.share(("refresh", key), lambda: self._run(key, refresh_token, refresh))

    async def forget(self, refresh_token: str) -> None:
        """Keep nothing of what this refresh token brought or is bringing now, nor of what brought it.

        A store that is down is logged: what is there can be read with the old refresh token only, and ends after
        REPLAY_SECONDS, as it does in the memory of other processes.
        """
        keys = self._line(self._key(refresh_token))
        for key in keys:
            self._forgotten.mark(key, self._runtime.monotonic())
        await self._drop(keys)

    def _key(self, refresh_token: str) -> bytes:
        return sha256((self._client + refresh_token).encode("utf-8", "surrogatepass")).digest()

    def _line(self, key: bytes) -> list[bytes]:
        """The key of a refresh token, and of those from which it came a moment ago."""
        keys = [key]
        while (former := self._former.get(keys[-1])) is not None and former not in keys:
            keys.append(former)
        return keys

    async def _drop(self, keys: Sequence[bytes]) -> None:
        for key in keys:
            self._done.pop(key)
        try:
            if self._store is not None:
                await self._store.delete([_name_of_result(key) for key in keys])
        except StoreError as error:
            logger.warning("the result of a refresh could not be deleted: %s (%s)", error, error.code)

    async def _run(self, key: bytes, refresh_token: str, refresh: Callable[[], Awaitable[Refresh]]) -> Refresh:
        # a flight that landed between a look and a turn has done the work
        done = self._replay(key)
        if done is not None:
            return done
        forgotten = self._forgotten.last(key)
        done = await self._kept(key, refresh_token, refresh)
        if self._forgotten.last(key) is not forgotten:
            await self._drop([key])
        return done

    async def _kept(self, key: bytes, refresh_token: str, refresh: Callable[[], Awaitable[Refresh]]) -> Refresh:
        shared = None if self._store is None else _SharedRefresh(self._store, self._runtime, key, refresh_token)
        try:
            done = await (refresh() if shared is None else shared.once(refresh))
        except OAuthError as refusal:
            self._keep(key, twin(refusal), FAILURE_SECONDS)
            raise
        self._keep(key, done, _replay_seconds(done))
        if done.tokens.refresh_token is not None:
            self._former.put(self._key(done.tokens.refresh_token), key, self._runtime.monotonic())
        return done

    def _replay(self, key: bytes) -> Refresh | None:
        until, done = self._done.get(key) or (0.0, None)
        if self._runtime.monotonic() >= until:
            return None
        if isinstance(done, OAuthError):
            raise twin(done)
        return done

    def _keep(self, key: bytes, done: Refresh | OAuthError, seconds: float) -> None:
        now = self._runtime.monotonic()
        self._done.put(key, (now + seconds, done), now)


class _SharedRefresh:
    """The refresh of one token that all processes with this store have in common."""

    def __init__(self, store: Store, runtime: Runtime, key: bytes, refresh_token: str) -> None:
        self._store, self._result = store, _name_of_result(key)
        self._lease = Lease(store, runtime, f"refresh-lease:{key.hex()}", LEASE_SECONDS)
        # only who has the refresh token can read what it was exchanged for
        self._sealer = Sealer([refresh_token.encode("utf-8", "surrogatepass")])

    async def once(self, refresh: Callable[[], Awaitable[Refresh]]) -> Refresh:
        return await self._lease.once(self._read, lambda: self._write(refresh), "refreshed the token")

    async def _read(self) -> Refresh | None:
        (sealed,) = await self._store.get_many([self._result])
        data = self._sealer.open(PURPOSE, self._result, sealed.decode("latin-1")) if sealed else None
        return None if data is None else _decode(data)

    async def _write(self, refresh: Callable[[], Awaitable[Refresh]]) -> Refresh:
        try:
            result = await refresh()
        except OAuthError as error:
            await self._tell(_encode_refusal(error), FAILURE_SECONDS)
            raise
        await self._tell(_encode(result), _replay_seconds(result))
        return result

    async def _tell(self, document: Mapping[str, Any], seconds: float) -> None:
        sealed = self._sealer.seal(PURPOSE, self._result, json.dumps(document).encode())
        try:
            await self._store.put(self._result, sealed.encode(), seconds)
        except StoreError as error:
            # the old refresh token is spent: who comes to this process again shall find the new one
            logger.warning("a refresh could not be told to other processes: %s (%s)", error, error.code)


def _name_of_result(key: bytes) -> str:
    return f"refresh:{key.hex()}"


def _replay_seconds(refresh: Refresh) -> float:
    return REUSE_SECONDS if refresh.tokens.refresh_token is None else REPLAY_SECONDS


def _encode(refresh: Refresh) -> dict[str, Any]:
    id_token = None if refresh.id_token is None else dict(refresh.id_token)
    return {"tokens": refresh.tokens.to_dict(), "id_token": id_token, "at": refresh.at}


def _encode_refusal(error: OAuthError) -> dict[str, Any]:
    return {
        "message": error.message,
        "error": error.error,
        "error_description": error.error_description,
        "status": error.status,
    }


def _decode(data: bytes) -> Refresh:
    document = read_object(data, max_depth=64)
    if "error" in document:
        raise OAuthError(**document)
    return Refresh(tokens=TokenResponse(**document["tokens"]), id_token=document["id_token"], at=document["at"])
