"""Refreshing tokens: one request for each refresh token, however many callers share it."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Protocol

from oidc_async.caching.generational_cache import GenerationalCache
from oidc_async.caching.invalidations import Invalidations
from oidc_async.errors import OAuthError, OIDCError, RefreshTokenSpent, StoreError
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.single_flight import copy_error
from oidc_async.stores import Store

from .refresh_failures import is_spent, mark_spent, may_be_valid_later
from .refresh_responses import Refresh, RefreshResponse
from .shared_refresh import FAILURE_SECONDS, REPLAY_SECONDS, UNVERIFIED_SECONDS, SharedRefresh, result_name

logger = logging.getLogger("oidc_async.tokens")

MAX_REPLAYS = 10_000
MAX_UNVERIFIED = 1_000
MAX_SPENT = 10_000


class Requests(Protocol):
    """The steps that need the provider. `RefreshRequests` implements them."""

    async def request_tokens(self, refresh_token: str) -> RefreshResponse: ...

    async def verify(self, response: RefreshResponse) -> Refresh: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replay:
    """What callers get again until `until`; `since` and `until` are monotonic."""

    result: Refresh | OIDCError
    since: float
    until: float


@dataclass(slots=True, kw_only=True, eq=False)
class _Call:
    """One call of `Refreshes.refresh`. `leads` becomes true when it is this call that runs the steps."""

    key: bytes
    refresh_token: str = field(repr=False)
    replaces: str | None = field(repr=False)
    on_request: Callable[[], object] | None
    leads: bool = False

    def announce_request(self) -> None:
        if self.on_request is not None:
            self.on_request()


class Refreshes:
    """The refreshes of one client: one at a time for each refresh token, here and, with a store, in all processes.

    Ten requests of one page have the same refresh token, and a provider that rotates refresh tokens treats a second
    use as theft (RFC 9700 4.14). So all of them share one refresh, which has three steps:

    1. `_request_tokens`: the token request. When the provider has answered 200, the refresh token is spent.
    2. `_keep_response`: the response is kept in this process and, sealed, in the store, before anything else can
       fail. From here on the new refresh token can't be lost.
    3. `_verify_response`: the ID token. If that fails because of something that passes, such as keys that can't be
       fetched, the next caller verifies the kept response again. No caller sends the refresh token a second time.

    Around them are two locks: a single flight for the callers in this process, and a distributed lock for the
    processes, under which steps 1 and 2 run. Nothing holds the distributed lock while an ID token is verified.
    """

    def __init__(self, runtime: Runtime, store: Store | None, client: str, requests: Requests) -> None:
        self._runtime = runtime
        self._store = store
        self._requests = requests
        # Several clients may share a store, and two providers may issue the same refresh token.
        self._client = f"{client}\n"
        self._replays = GenerationalCache[_Replay](MAX_REPLAYS, MAX_REPLAYS, REPLAY_SECONDS, lambda _: 1)
        self._former = GenerationalCache[bytes](MAX_REPLAYS, MAX_REPLAYS, REPLAY_SECONDS, lambda _: 1)
        self._unverified = GenerationalCache[tuple[float, RefreshResponse]](
            MAX_UNVERIFIED, MAX_UNVERIFIED, UNVERIFIED_SECONDS, lambda _: 1
        )
        self._spent = _SpentTokens()
        self._invalidations = Invalidations()

    async def refresh(
        self,
        refresh_token: str,
        *,
        replaces: str | None = None,
        on_request: Callable[[], object] | None = None,
    ) -> Refresh:
        """Return the result for this refresh token: of the refresh under way, of a recent one, or of a new one.

        Args:
            refresh_token: the refresh token.
            replaces: the access token that the caller has. If the provider doesn't rotate refresh tokens, the caller
                does not get a recent result that has this very token.
            on_request: called if this call sends the request, or verifies a response that was kept.

        Raises:
            OIDCError: what the steps raise. `ends_refresh_token` tells whether to drop the refresh token.
            RefreshTokenSpent: the refresh token was exchanged, and the response is no longer kept.
            StoreUnavailable: the store can't be reached.
        """
        call = _Call(
            key=self._key(refresh_token), refresh_token=refresh_token, replaces=replaces, on_request=on_request
        )
        result = self._replay(call) or await self._join(call)
        if call.leads or result.is_rotated or result.tokens.access_token != replaces:
            return result
        # This caller joined a refresh that returned the very token to be replaced, so it needs another refresh.
        return await self._join(call)

    async def invalidate(self, refresh_token: str) -> None:
        """Delete the results of this refresh token, those under way, and those that it came from.

        A store that is down is logged: its results can be opened with the old refresh token only, and end with
        REPLAY_SECONDS, as they do in the memory of other processes. The note that the refresh token is spent stays.
        """
        keys = self._line(self._key(refresh_token))
        for key in keys:
            self._invalidations.add(key, self._runtime.monotonic())
        await self._drop(keys)

    def _join(self, call: _Call) -> Awaitable[Refresh]:
        # Detached: a response that arrives after all callers have given up is kept as well, since the refresh token
        # is spent by then.
        return self._runtime.share(("refresh", call.key), partial(self._lead, call), detached=True)

    async def _lead(self, call: _Call) -> Refresh:
        """Run the steps for all callers of the single flight."""
        call.leads = True
        # A refresh that ended between the look at the replays and the start of this one has done the work.
        result = self._replay(call)
        if result is not None:
            return result
        # An invalidation that comes while the steps run applies to their result: it is dropped when they end.
        invalidation = self._invalidations.latest(call.key)
        shared = None
        if self._store is not None:
            shared = SharedRefresh(self._store, self._runtime, call.key, call.refresh_token)
        try:
            response = self._unverified_response(call) or await self._obtain_response(call, shared)
            return await self._verify_response(call.key, response, shared)
        finally:
            if self._invalidations.latest(call.key) is not invalidation:
                await self._drop([call.key])

    def _unverified_response(self, call: _Call) -> RefreshResponse | None:
        until, response = self._unverified.get(call.key) or (0.0, None)
        if response is None or self._runtime.monotonic() >= until:
            return None
        call.announce_request()
        return response

    async def _obtain_response(self, call: _Call, shared: SharedRefresh | None) -> RefreshResponse:
        """Return the response of this process, or the one that another process has kept in the store."""
        self._spent.require_unspent(call.key)
        request = partial(self._request_tokens, call, shared)
        try:
            if shared is None:
                return await request()
            response = await shared.find_or_request(call.replaces, request)
        except OIDCError as error:
            self._keep_failure(call.key, error)
            raise
        self._keep_response(call.key, response)
        return response

    async def _request_tokens(self, call: _Call, shared: SharedRefresh | None) -> RefreshResponse:
        """Step 1, and what must follow it under the distributed lock: step 2."""
        call.announce_request()
        try:
            response = await self._requests.request_tokens(call.refresh_token)
        except OIDCError as error:
            if shared is not None:
                await shared.keep_failure(error)
            raise
        # In memory first: the store may fail or take long.
        self._keep_response(call.key, response)
        if shared is not None:
            await shared.keep(response)
        return response

    def _keep_response(self, key: bytes, response: RefreshResponse) -> None:
        """Step 2. Without rotation nothing needs to be kept: the refresh token can be used again."""
        if response.is_rotated:
            now = self._runtime.monotonic()
            self._spent.add(key, now)
            self._unverified.put(key, (now + UNVERIFIED_SECONDS, response), now)

    def _keep_failure(self, key: bytes, error: OIDCError) -> None:
        if is_spent(error):
            self._spent.add(key, self._runtime.monotonic())
            self._keep_replay(key, copy_error(error), REPLAY_SECONDS)
        elif isinstance(error, OAuthError):
            self._keep_replay(key, copy_error(error), FAILURE_SECONDS)

    async def _verify_response(self, key: bytes, response: RefreshResponse, shared: SharedRefresh | None) -> Refresh:
        """Step 3."""
        try:
            result = await self._requests.verify(response)
        except OIDCError as error:
            await self._keep_unverified(key, response, error, shared)
            raise
        if not response.is_late:
            self._unverified.pop(key)
        self._keep_replay(key, result, REPLAY_SECONDS)
        if result.is_rotated and result.tokens.refresh_token is not None:
            self._former.put(self._key(result.tokens.refresh_token), key, self._runtime.monotonic())
        return result

    async def _keep_unverified(
        self, key: bytes, response: RefreshResponse, error: OIDCError, shared: SharedRefresh | None
    ) -> None:
        """Decide what becomes of a response whose verification failed with `error`."""
        if not response.is_rotated:
            # The next caller sends the refresh token again, FAILURE_SECONDS later.
            self._keep_replay(key, copy_error(error), FAILURE_SECONDS)
            if shared is not None:
                await shared.delete()
        elif may_be_valid_later(error):
            if shared is not None:
                await shared.keep_longer(response)
        else:
            self._unverified.pop(key)
            self._keep_failure(key, mark_spent(error))

    def _replay(self, call: _Call) -> Refresh | None:
        """Return the recent result that serves this call, or raise the recent failure."""
        replay = self._replays.get(call.key)
        now = self._runtime.monotonic()
        if replay is None or now >= replay.until:
            return None
        result = replay.result
        if isinstance(result, OIDCError):
            raise copy_error(result)
        response = RefreshResponse(tokens=result.tokens, at=result.at, is_rotated=result.is_rotated)
        return result if response.is_wanted(call.replaces, now - replay.since) else None

    def _keep_replay(self, key: bytes, result: Refresh | OIDCError, seconds: float) -> None:
        now = self._runtime.monotonic()
        self._replays.put(key, _Replay(result=result, since=now, until=now + seconds), now)

    def _key(self, refresh_token: str) -> bytes:
        return sha256((self._client + refresh_token).encode("utf-8", "surrogatepass")).digest()

    def _line(self, key: bytes) -> list[bytes]:
        """The key of a refresh token, and of those that it came from in the last seconds."""
        keys = [key]
        while (former := self._former.get(keys[-1])) is not None and former not in keys:
            keys.append(former)
        return keys

    async def _drop(self, keys: Sequence[bytes]) -> None:
        for key in keys:
            self._replays.pop(key)
            self._unverified.pop(key)
        try:
            if self._store is not None:
                await self._store.delete([result_name(key) for key in keys])
        except StoreError as error:
            logger.warning("the result of a refresh could not be deleted: %s (%s)", error, error.code)


class _SpentTokens:
    """The last refresh tokens, by key, that the provider has exchanged for others. They must not be sent again."""

    def __init__(self) -> None:
        self._keys = GenerationalCache[bool](MAX_SPENT, MAX_SPENT, float("inf"), lambda _: 1)

    def add(self, key: bytes, now: float) -> None:
        self._keys.put(key, True, now)

    def require_unspent(self, key: bytes) -> None:
        """Raise RefreshTokenSpent for one of them."""
        if self._keys.get(key):
            raise RefreshTokenSpent.result_expired()
