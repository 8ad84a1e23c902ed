"""Refreshing tokens: one request for each refresh token however many callers ask, and none for a spent one."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from oidc_async.caching.generational_cache import GenerationalCache
from oidc_async.caching.invalidations import Invalidations
from oidc_async.errors import ClaimInvalid, OAuthError, OIDCError, RefreshTokenSpent, StoreError
from oidc_async.protocol.id_token import require_same_login
from oidc_async.protocol.token import TokenResponse
from oidc_async.runtime.port import Runtime
from oidc_async.runtime.single_flight import copy_error
from oidc_async.stores import Store

from .refresh_failures import is_spent, mark_spent, may_be_valid_later
from .refresh_responses import (
    FAILURE_SECONDS,
    REPLAY_SECONDS,
    UNVERIFIED_SECONDS,
    RefreshAnswer,
    SharedAnswer,
    result_name,
)

logger = logging.getLogger("oidc_async.tokens")

MOST_REPLAYS = 10_000
MOST_UNVERIFIED = 1_000
MOST_SPENT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """The result of a refresh: tokens, and the verified claims of the new ID token, if there is one.

    Attributes:
        tokens: the members of the token response.
        id_token: the claims of the new ID token.
        at: when the refresh was requested, in seconds since the epoch; `expires_in` counts from then.
        is_rotated: whether `tokens.refresh_token` replaces the refresh token that was used.
    """

    tokens: TokenResponse
    id_token: Mapping[str, Any] | None = field(default=None, repr=False)
    at: float
    is_rotated: bool

    def require_same_login(self, former: Mapping[str, Any] | None) -> None:
        """Raise ClaimInvalid when the ID token is not of the login of `former`, as far as there are both."""
        if self.id_token is None or former is None:
            return
        try:
            require_same_login(self.id_token, former)
        except ClaimInvalid as error:
            if self.is_rotated:
                mark_spent(error)
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshSteps:
    """The steps of a refresh that need the provider. The step between them, to keep the answer, is `Refreshes`' own.

    Attributes:
        ask: sends the refresh token to the provider and returns its answer, without any verification.
        verify: verifies the answer. It may run again for one that can't be verified yet, so it sends no refresh
            token.
        on_lead: called for the one caller who runs the steps; all others share the result.
    """

    ask: Callable[[], Awaitable[RefreshAnswer]]
    verify: Callable[[RefreshAnswer], Awaitable[Refresh]]
    on_lead: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replay:
    """What callers are told again until `until`; `since` and `until` are monotonic."""

    result: Refresh | OIDCError
    since: float
    until: float


class Refreshes:
    """The refreshes of one client: one at a time for each refresh token, here and, with a store, in all processes.

    Ten requests of one page have the same refresh token, and a provider that rotates refresh tokens takes a second
    use for theft (RFC 9700 4.14). So all of them share one refresh, which has three steps:

    1. ask: the token request. When the provider has answered 200, the refresh token is spent.
    2. keep: the answer is kept in this process and, sealed, in the store, before anything else can fail.
    3. verify: the ID token. If that fails because of something that passes, such as keys that can't be fetched,
       the next caller verifies the kept answer again. Nobody asks a second time.
    """

    def __init__(self, runtime: Runtime, store: Store | None, client: str) -> None:
        self._runtime, self._store = runtime, store
        # several clients may share a store, and nothing keeps two providers from issuing the same token
        self._client = f"{client}\n"
        self._replays = GenerationalCache[_Replay](MOST_REPLAYS, MOST_REPLAYS, REPLAY_SECONDS, lambda _: 1)
        self._former = GenerationalCache[bytes](MOST_REPLAYS, MOST_REPLAYS, REPLAY_SECONDS, lambda _: 1)
        self._unverified = GenerationalCache[tuple[float, RefreshAnswer]](
            MOST_UNVERIFIED, MOST_UNVERIFIED, UNVERIFIED_SECONDS, lambda _: 1
        )
        self._spent = _SpentTokens()
        self._invalidations = Invalidations()

    async def once(self, refresh_token: str, steps: RefreshSteps, *, replaces: str | None = None) -> Refresh:
        """Return the result for this refresh token: of the refresh under way, of a recent one, or of a new one.

        Args:
            refresh_token: the refresh token.
            steps: how to ask the provider, and how to verify its answer.
            replaces: the access token that the caller has. If the provider doesn't rotate refresh tokens, a recent
                refresh that brought this very token is no result for the caller.

        Raises what the steps raise, RefreshTokenSpent, and StoreUnavailable. `ends_refresh_token` tells whether the
        refresh token is of no use afterwards.
        """
        key, leads = self._key(refresh_token), list[bool]()

        async def lead() -> Refresh:
            leads.append(True)
            return await self._run(key, refresh_token, steps, replaces)

        result = self._replay(key, replaces) or await self._lead_or_join(key, lead)
        if leads or result.is_rotated or result.tokens.access_token != replaces:
            return result
        # The refresh that this caller joined brought the very token that is to be replaced: one more is due.
        return await self._lead_or_join(key, lead)

    def _lead_or_join(self, key: bytes, lead: Callable[[], Awaitable[Refresh]]) -> Awaitable[Refresh]:
        # An answer that comes after all callers have given up is kept, too: the refresh token is spent by then.
        return self._runtime.share(("refresh", key), lead, detached=True)

    async def forget(self, refresh_token: str) -> None:
        """Delete the results of this refresh token, those under way, and those that it came from.

        A store that is down is logged: its results can be opened with the old refresh token only, and end with
        REPLAY_SECONDS, as they do in the memory of other processes. That the refresh token is spent is not forgotten.
        """
        keys = self._line(self._key(refresh_token))
        for key in keys:
            self._invalidations.add(key, self._runtime.monotonic())
        await self._drop(keys)

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

    async def _run(self, key: bytes, refresh_token: str, steps: RefreshSteps, replaces: str | None) -> Refresh:
        # a refresh that ended between the look at the replays and the start of this one has done the work
        result = self._replay(key, replaces)
        if result is not None:
            return result
        forgotten = self._invalidations.latest(key)
        shared = None if self._store is None else SharedAnswer(self._store, self._runtime, key, refresh_token)
        try:
            answer = self._unverified_answer(key, steps) or await self._ask(key, steps, shared, replaces)
            return await self._verify(key, answer, steps, shared)
        finally:
            if self._invalidations.latest(key) is not forgotten:
                await self._drop([key])

    def _unverified_answer(self, key: bytes, steps: RefreshSteps) -> RefreshAnswer | None:
        until, answer = self._unverified.get(key) or (0.0, None)
        if answer is None or self._runtime.monotonic() >= until:
            return None
        _tell(steps.on_lead)
        return answer

    async def _ask(
        self, key: bytes, steps: RefreshSteps, shared: SharedAnswer | None, replaces: str | None
    ) -> RefreshAnswer:
        self._spent.require_unspent(key)

        async def ask() -> RefreshAnswer:
            _tell(steps.on_lead)
            answer = await steps.ask()
            # before the store is told, which may fail or take long
            self._keep(key, answer)
            return answer

        try:
            if shared is None:
                return await ask()
            answer = await shared.once(ask, replaces)
        except OIDCError as error:
            self._keep_failure(key, error)
            raise
        self._keep(key, answer)
        return answer

    def _keep(self, key: bytes, answer: RefreshAnswer) -> None:
        """Step two. What was not rotated needs no keeping: the provider gives it again."""
        if answer.is_rotated:
            now = self._runtime.monotonic()
            self._spent.add(key, now)
            self._unverified.put(key, (now + UNVERIFIED_SECONDS, answer), now)

    def _keep_failure(self, key: bytes, error: OIDCError) -> None:
        if is_spent(error):
            self._spent.add(key, self._runtime.monotonic())
            self._tell_again(key, copy_error(error), REPLAY_SECONDS)
        elif isinstance(error, OAuthError):
            self._tell_again(key, copy_error(error), FAILURE_SECONDS)

    async def _verify(
        self, key: bytes, answer: RefreshAnswer, steps: RefreshSteps, shared: SharedAnswer | None
    ) -> Refresh:
        try:
            result = await steps.verify(answer)
        except OIDCError as error:
            await self._unverifiable(key, answer, error, shared)
            raise
        if not answer.is_late:
            self._unverified.pop(key)
        self._tell_again(key, result, REPLAY_SECONDS)
        if result.is_rotated and result.tokens.refresh_token is not None:
            self._former.put(self._key(result.tokens.refresh_token), key, self._runtime.monotonic())
        return result

    async def _unverifiable(
        self, key: bytes, answer: RefreshAnswer, error: OIDCError, shared: SharedAnswer | None
    ) -> None:
        if not answer.is_rotated:
            # the provider is asked again, after a pause
            self._tell_again(key, copy_error(error), FAILURE_SECONDS)
            if shared is not None:
                await shared.forget()
        elif may_be_valid_later(error):
            if shared is not None:
                await shared.keep_longer(answer)
        else:
            self._unverified.pop(key)
            self._keep_failure(key, mark_spent(error))

    def _replay(self, key: bytes, replaces: str | None) -> Refresh | None:
        replay, now = self._replays.get(key), self._runtime.monotonic()
        if replay is None or now >= replay.until:
            return None
        result = replay.result
        if isinstance(result, OIDCError):
            raise copy_error(result)
        answer = RefreshAnswer(tokens=result.tokens, at=result.at, is_rotated=result.is_rotated)
        return result if answer.is_wanted(replaces, now - replay.since) else None

    def _tell_again(self, key: bytes, result: Refresh | OIDCError, seconds: float) -> None:
        now = self._runtime.monotonic()
        self._replays.put(key, _Replay(result=result, since=now, until=now + seconds), now)


class _SpentTokens:
    """The last refresh tokens, by key, for which the provider has given others. They must not be sent again."""

    def __init__(self) -> None:
        self._keys = GenerationalCache[bool](MOST_SPENT, MOST_SPENT, float("inf"), lambda _: 1)

    def add(self, key: bytes, now: float) -> None:
        self._keys.put(key, True, now)

    def require_unspent(self, key: bytes) -> None:
        """Raise RefreshTokenSpent for one of them."""
        if self._keys.get(key):
            raise RefreshTokenSpent.result_expired()


def _tell(on_lead: Callable[[], object] | None) -> None:
    if on_lead is not None:
        on_lead()
