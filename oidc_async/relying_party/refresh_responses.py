"""Responses to refresh requests before they are verified, and how processes with one store share them."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oidc_async.errors import (
    OAuthError,
    OIDCError,
    RefreshTokenSpent,
    StoreError,
    StoreUnavailable,
    TokenResponseInvalid,
)
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.strict_json import read_object
from oidc_async.protocol.token import TokenResponse, bearer_token_problem, read_token_response
from oidc_async.runtime.port import Runtime
from oidc_async.sealing import Sealer
from oidc_async.stores import Store
from oidc_async.stores.lock import DistributedLock

from .refresh_failures import is_spent, mark_spent

logger = logging.getLogger("oidc_async.tokens")

REPLAY_SECONDS = 30.0
"""How long the result of a refresh is replayed to callers that still have the old refresh token."""
REUSE_SECONDS = 2.0
"""The same for a refresh token that was not rotated, if the caller doesn't say which access token it replaces."""
FAILURE_SECONDS = 2.0
"""How long a rejected refresh is replayed to callers with the same refresh token."""
UNVERIFIED_SECONDS = 600.0
"""How long a response is kept that can't be verified yet. It is the only copy of the new refresh token."""
SPENT_SECONDS = 3600.0
"""How long the store remembers that a refresh token is spent."""
ANSWER_SECONDS = 20.0
"""How long the answer to a refresh is waited for. Callers give up before; it is kept for those who come next."""
LATE_SECONDS = 10.0
"""After how long those who wait may have given up."""
LEASE_SECONDS = 35.0
"""When a refresh by another process is given up: metadata may take 10 seconds, and the answer ANSWER_SECONDS."""
PURPOSE = "refresh"
SPENT = b"spent"
MAX_DEPTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshAnswer:
    """A successful response to a refresh request (RFC 6749 6). Its ID token is not verified yet.

    Attributes:
        tokens: the members of the response.
        at: when the request was sent, in seconds since the epoch; `expires_in` counts from then.
        is_rotated: whether the response replaces the refresh token, so that the old one must not be sent again.
        is_late: whether those who waited for it may have given up. It is kept as long as one that can't be verified.
    """

    tokens: TokenResponse = field(repr=False)
    at: float
    is_rotated: bool
    is_late: bool = False

    def is_wanted(self, replaces: str | None, age: float) -> bool:
        """Whether it serves a caller who wants to replace the access token `replaces`, `age` seconds later.

        With a rotated refresh token there is nothing else to be had. One that was not rotated can be used again:
        its result serves only while the access token lasts, and never the caller who already has that token.
        """
        if self.is_rotated:
            return True
        lifetime, access_token = self.tokens.expires_in, self.tokens.access_token
        if lifetime is not None and age >= lifetime:
            return False
        return age < REUSE_SECONDS if replaces is None else access_token != replaces


def read_refresh_answer(response: HttpResponse, refresh_token: str, *, at: float, now: float) -> RefreshAnswer:
    """Read the response to a refresh request with `refresh_token`, sent at `at` and answered at `now`.

    Raises OAuthError, ProviderUnreachable, and TokenResponseInvalid. The last one is marked with `mark_spent` if the
    status was 200: the provider has most likely rotated the refresh token.
    """
    try:
        tokens = read_token_response(response)
    except TokenResponseInvalid as error:
        if response.status == 200 and _may_be_rotated(response.body, refresh_token):
            mark_spent(error)
        raise
    is_rotated = tokens.refresh_token not in (None, refresh_token)
    return RefreshAnswer(tokens=tokens, at=at, is_rotated=is_rotated, is_late=now - at > LATE_SECONDS)


def _may_be_rotated(body: bytes, refresh_token: str) -> bool:
    try:
        document = read_object(body)
    except ValueError:
        return True
    return document.get("refresh_token") not in (None, "", refresh_token)


class SharedAnswer:
    """The response to a refresh request with one refresh token, shared by all processes with this store.

    It is sealed with the refresh token itself, so that nobody else can read it.
    """

    def __init__(self, store: Store, runtime: Runtime, key: bytes, refresh_token: str) -> None:
        self._store, self._runtime = store, runtime
        self._result, self._claim = result_name(key), f"refresh-lease:{key.hex()}"
        self._lock = DistributedLock(store, runtime, self._claim, LEASE_SECONDS)
        self._sealer = Sealer([refresh_token.encode("utf-8", "surrogatepass")])

    async def once(self, ask: Callable[[], Awaitable[RefreshAnswer]], replaces: str | None) -> RefreshAnswer:
        """Return the response that another process got, or else ask for one and share it.

        Raises what `ask` raises, RefreshTokenSpent, StoreUnavailable, and ProviderTimeout if another process takes
        too long.
        """
        return await self._lock.run_exclusively(
            lambda: self._read(replaces), lambda: self._ask(ask), "refreshed the token"
        )

    async def keep_longer(self, answer: RefreshAnswer) -> None:
        """Keep a response that can't be verified yet until UNVERIFIED_SECONDS after its request."""
        left = answer.at + UNVERIFIED_SECONDS - self._runtime.now()
        if left > 0:
            await self._share(_encode(answer), min(left, UNVERIFIED_SECONDS))

    async def forget(self) -> None:
        """Delete the response, so that the next caller asks again."""
        try:
            await self._store.delete([self._result])
        except StoreError as error:
            _log_unshared(error)

    async def _read(self, replaces: str | None) -> RefreshAnswer | None:
        sealed, claim = await self._store.get_many([self._result, self._claim])
        data = self._sealer.open(PURPOSE, self._result, sealed.decode("latin-1")) if sealed else None
        answer = None if data is None else _decode(data)
        if answer is not None and answer.is_wanted(replaces, max(0.0, self._runtime.now() - answer.at)):
            return answer
        if claim == SPENT:
            raise RefreshTokenSpent.result_expired()
        return None

    async def _ask(self, ask: Callable[[], Awaitable[RefreshAnswer]]) -> RefreshAnswer:
        try:
            answer = await ask()
        except OIDCError as error:
            if is_spent(error):
                await self._share(_encode_failure(error), REPLAY_SECONDS)
                await self._mark_spent()
            elif isinstance(error, OAuthError):
                await self._share(_encode_failure(error), FAILURE_SECONDS)
            raise
        await self._share(_encode(answer), UNVERIFIED_SECONDS if answer.is_late else REPLAY_SECONDS)
        if answer.is_rotated:
            await self._mark_spent()
        return answer

    async def _share(self, document: Mapping[str, Any], seconds: float) -> None:
        sealed = self._sealer.seal(PURPOSE, self._result, json.dumps(document).encode())
        try:
            await self._store.put(self._result, sealed.encode(), seconds)
        except StoreError as error:
            # this process still has the response, and must not lose it because of the store
            _log_unshared(error)

    async def _mark_spent(self) -> None:
        # In place of the lease, whoever holds it by now: no process may take it and send the refresh token again.
        try:
            await self._store.put(self._claim, SPENT, SPENT_SECONDS)
        except StoreError as error:
            _log_unshared(error)


def result_name(key: bytes) -> str:
    """The name in the store of the response for the refresh token with this key."""
    return f"refresh:{key.hex()}"


def _log_unshared(error: StoreError) -> None:
    logger.warning("a refresh could not be shared with other processes: %s (%s)", error, error.code)


def _encode(answer: RefreshAnswer) -> dict[str, Any]:
    facts = {"at": answer.at, "is_rotated": answer.is_rotated, "is_late": answer.is_late}
    return {"tokens": answer.tokens.to_dict(), **facts}


def _encode_failure(error: OIDCError) -> dict[str, Any]:
    failure: dict[str, Any] = {"message": error.message, "is_spent": is_spent(error)}
    if isinstance(error, OAuthError):
        names = ("error", "error_description", "status")
        failure["refusal"] = {name: getattr(error, name) for name in names}
    return {"failure": failure}


def _decode(data: bytes) -> RefreshAnswer:
    """Raises the failure that was shared, and StoreUnavailable for what this version can't read."""
    try:
        document = read_object(data, max_depth=MAX_DEPTH)
        if "failure" not in document:
            return _decode_answer(document)
        failure = _decode_failure(document["failure"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise StoreUnavailable(
            "The store has the result of a refresh in a form that this version of oidc_async can't read; it ends "
            f"after {UNVERIFIED_SECONDS:g} s."
        ) from None
    raise failure


def _decode_answer(document: Mapping[str, Any]) -> RefreshAnswer:
    tokens = TokenResponse(**document["tokens"])
    if problem := bearer_token_problem(tokens):
        raise ValueError(*problem)
    return RefreshAnswer(
        tokens=tokens,
        at=float(document["at"]),
        is_rotated=bool(document["is_rotated"]),
        is_late=bool(document["is_late"]),
    )


def _decode_failure(failure: Mapping[str, Any]) -> OIDCError:
    if "refusal" in failure:
        return OAuthError(str(failure["message"]), **failure["refusal"])
    error = TokenResponseInvalid(str(failure["message"]))
    return mark_spent(error) if failure["is_spent"] else error
