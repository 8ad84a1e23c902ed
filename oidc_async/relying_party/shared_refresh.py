"""Refreshes in all processes with one store: a distributed lock, and the response that the others read there."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from oidc_async.errors import (
    OAuthError,
    OIDCError,
    RefreshTokenSpent,
    StoreError,
    StoreUnavailable,
    TokenResponseInvalid,
)
from oidc_async.protocol.strict_json import read_object
from oidc_async.protocol.token import TokenResponse, bearer_token_problem
from oidc_async.runtime.port import Runtime
from oidc_async.sealing import Sealer
from oidc_async.stores import Store
from oidc_async.stores.lock import DistributedLock

from .refresh_failures import is_spent, mark_spent
from .refresh_responses import RefreshResponse

logger = logging.getLogger("oidc_async.tokens")

REPLAY_SECONDS = 30.0
"""How long the result of a refresh is replayed to callers that still have the old refresh token."""
FAILURE_SECONDS = 2.0
"""How long a rejected refresh is replayed to callers with the same refresh token."""
UNVERIFIED_SECONDS = 600.0
"""How long a response is kept that can't be verified yet. It is the only copy of the new refresh token."""
SPENT_SECONDS = 3600.0
"""How long the store keeps the note that a refresh token is spent."""
LOCK_SECONDS = 35.0
"""When a refresh by another process is given up: metadata may take 10 s, and the response RESPONSE_SECONDS = 20 s."""
PURPOSE = "refresh"
SPENT = b"spent"
MAX_DEPTH = 64


class SharedRefresh:
    """The refresh of one refresh token, shared by all processes with this store.

    One process holds the lock and sends the request; the others read its response. The response is sealed with the
    refresh token itself, so that only a process that has the refresh token can read it.
    """

    def __init__(self, store: Store, runtime: Runtime, key: bytes, refresh_token: str) -> None:
        self._store = store
        self._runtime = runtime
        self._result = result_name(key)
        self._lock_name = f"refresh-lock:{key.hex()}"
        self._lock = DistributedLock(store, runtime, self._lock_name, LOCK_SECONDS)
        self._sealer = Sealer([refresh_token.encode("utf-8", "surrogatepass")])

    async def find_or_request(
        self, replaces: str | None, request: Callable[[], Awaitable[RefreshResponse]]
    ) -> RefreshResponse:
        """Return the response that another process received, or that of `request`, which runs under the lock.

        `request` must call `keep` or `keep_failure` before it returns: the next holder of the lock reads it.

        Raises:
            OIDCError: what `request` raised, in this process or in the one that shared its failure.
            RefreshTokenSpent: the refresh token was exchanged, and the response is no longer kept.
            StoreUnavailable: the store can't be reached, or has a response of another version.
            ProviderTimeout: another process holds the lock for too long.
        """
        return await self._lock.run_exclusively(partial(self._find, replaces), request, "refreshed the token")

    async def keep(self, response: RefreshResponse) -> None:
        """Let other processes read the response, and note that a rotated refresh token is spent."""
        await self._put(_encode(response), UNVERIFIED_SECONDS if response.is_late else REPLAY_SECONDS)
        if response.is_rotated:
            await self._mark_spent()

    async def keep_failure(self, error: OIDCError) -> None:
        """Let other processes raise the same error, if it is about the refresh token."""
        if is_spent(error):
            await self._put(_encode_failure(error), REPLAY_SECONDS)
            await self._mark_spent()
        elif isinstance(error, OAuthError):
            await self._put(_encode_failure(error), FAILURE_SECONDS)

    async def keep_longer(self, response: RefreshResponse) -> None:
        """Keep a response that can't be verified yet until UNVERIFIED_SECONDS after its request."""
        left = response.at + UNVERIFIED_SECONDS - self._runtime.now()
        if left > 0:
            await self._put(_encode(response), min(left, UNVERIFIED_SECONDS))

    async def delete(self) -> None:
        """Delete the response, so that the next caller sends the refresh token again."""
        try:
            await self._store.delete([self._result])
        except StoreError as error:
            _log_unshared(error)

    async def _find(self, replaces: str | None) -> RefreshResponse | None:
        sealed, lock = await self._store.get_many([self._result, self._lock_name])
        data = self._sealer.open(PURPOSE, self._result, sealed.decode("latin-1")) if sealed else None
        response = None if data is None else _decode(data)
        if response is not None and response.is_wanted(replaces, max(0.0, self._runtime.now() - response.at)):
            return response
        if lock == SPENT:
            raise RefreshTokenSpent.result_expired()
        return None

    async def _put(self, document: Mapping[str, Any], seconds: float) -> None:
        sealed = self._sealer.seal(PURPOSE, self._result, json.dumps(document).encode())
        try:
            await self._store.put(self._result, sealed.encode(), seconds)
        except StoreError as error:
            # This process still has the response, and must not lose it because of the store.
            _log_unshared(error)

    async def _mark_spent(self) -> None:
        # This replaces the lock, even if another process holds it by now: no process may acquire it afterwards and
        # send the refresh token again.
        try:
            await self._store.put(self._lock_name, SPENT, SPENT_SECONDS)
        except StoreError as error:
            _log_unshared(error)


def result_name(key: bytes) -> str:
    """The name in the store of the response for the refresh token with this key."""
    return f"refresh:{key.hex()}"


def _log_unshared(error: StoreError) -> None:
    logger.warning("a refresh could not be shared with other processes: %s (%s)", error, error.code)


def _encode(response: RefreshResponse) -> dict[str, Any]:
    facts = {"at": response.at, "is_rotated": response.is_rotated, "is_late": response.is_late}
    return {"tokens": response.tokens.to_dict(), **facts}


def _encode_failure(error: OIDCError) -> dict[str, Any]:
    failure: dict[str, Any] = {"message": error.message, "is_spent": is_spent(error)}
    if isinstance(error, OAuthError):
        names = ("error", "error_description", "status")
        failure["oauth_error"] = {name: getattr(error, name) for name in names}
    return {"failure": failure}


def _decode(data: bytes) -> RefreshResponse:
    """Return the response that was shared.

    Raises:
        OIDCError: the failure that was shared instead.
        StoreUnavailable: this version can't read the document.
    """
    try:
        document = read_object(data, max_depth=MAX_DEPTH)
        if "failure" not in document:
            return _decode_response(document)
        failure = _decode_failure(document["failure"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise StoreUnavailable(
            "The store has the result of a refresh in a form that this version of oidc_async can't read; it ends "
            f"after {UNVERIFIED_SECONDS:g} s."
        ) from None
    raise failure


def _decode_response(document: Mapping[str, Any]) -> RefreshResponse:
    tokens = TokenResponse(**document["tokens"])
    if problem := bearer_token_problem(tokens):
        raise ValueError(*problem)
    return RefreshResponse(
        tokens=tokens,
        at=float(document["at"]),
        is_rotated=bool(document["is_rotated"]),
        is_late=bool(document["is_late"]),
    )


def _decode_failure(failure: Mapping[str, Any]) -> OIDCError:
    if "oauth_error" in failure:
        return OAuthError(str(failure["message"]), **failure["oauth_error"])
    error = TokenResponseInvalid(str(failure["message"]))
    return mark_spent(error) if failure["is_spent"] else error
