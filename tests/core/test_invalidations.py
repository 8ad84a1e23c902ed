"""Invalidations after a logout: of cached results, and of those that are under way. threat model 237, 243."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oidc_async.caching import invalidations
from oidc_async.errors import OAuthError, RefreshTokenSpent, TokenInactive
from oidc_async.protocol.token import TokenResponse
from oidc_async.relying_party.refresh_responses import Refresh, RefreshResponse
from oidc_async.relying_party.token_refresh import Refreshes
from oidc_async.stores import MemoryStore, SQLiteStore, Store
from oidc_async.testing import Clock, Fault
from tests.core.api import before_the_answer_arrives, new_api, simulated
from tests.core.realm import REDIRECT_URI, SECRET, new_provider
from tests.core.refreshing import Refreshing, logged_in
from tests.core.worlds import AsyncWorld, World

# Access tokens


@pytest.mark.parametrize("verification", ["introspection", "jwt"])
def test_an_answer_that_was_under_way_is_not_kept(
    either_world: World, verification: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threat model 237: the token was good when the provider said so, and somebody logged out in that moment"""
    api = new_api(either_world, audience="api", access_token_verification=verification)
    token = api.issue(jwt=verification == "jwt")

    async def log_out() -> None:
        await api.invalidating(token)

    path = "/introspect" if verification == "introspection" else "/jwks"
    before_the_answer_arrives(monkeypatch, api.server, path, log_out)
    assert api.verify(token).subject == "alice"
    assert api.server.known(token) is None
    assert api.verify(token).subject == "alice"
    assert api.server.known(token) is not None


def test_a_caller_after_a_logout_does_not_get_an_earlier_result(
    either_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threat model 237, 241"""
    api = new_api(either_world)
    token, later = api.issue(), list[object]()

    async def log_out() -> None:
        api.provider.revoke_access_token(token)
        await api.invalidating(token)
        try:
            later.append(await api.verifying(token))
        except TokenInactive as error:
            later.append(error)

    before_the_answer_arrives(monkeypatch, api.server, "/introspect", log_out)
    assert api.verify(token).subject == "alice"
    assert [type(outcome) for outcome in later] == [TokenInactive]
    assert isinstance(api.rejection(token), TokenInactive)


def test_a_rejection_that_was_under_way_is_not_cached(either_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    api = new_api(either_world)
    token = api.issue()

    async def forget() -> None:
        await api.invalidating(token)

    before_the_answer_arrives(monkeypatch, api.server, "/introspect", forget)
    with api.provider.misbehaving(Fault.INTROSPECTION_INACTIVE_IN_FULL, times=1):
        assert isinstance(api.rejection(token), TokenInactive)
    assert api.verify(token).subject == "alice"


def test_other_tokens_stay_known(either_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    api = new_api(either_world)
    first, second, third = (api.issue(claims={"jti": name}) for name in "abc")
    api.verify(first)

    async def log_out() -> None:
        await api.invalidating(third)

    before_the_answer_arrives(monkeypatch, api.server, "/introspect", log_out)
    api.verify(second)
    assert [api.server.known(token) is None for token in (first, second)] == [False, False]


def test_an_invalidation_is_kept_for_a_bounded_time() -> None:
    """threat model 230"""
    notes: Any = invalidations.Invalidations()
    notes.add(b"first", 0)
    notes.add(b"last", invalidations.INVALIDATION_SECONDS - 1)
    assert notes.latest(b"first") is not None
    for number in range(3 * invalidations.MAX_INVALIDATIONS):
        notes.add(str(number).encode(), invalidations.INVALIDATION_SECONDS)
    assert notes.latest(b"first") is None

    assert len(notes._entries) <= invalidations.MAX_INVALIDATIONS


# Refresh tokens


@pytest.fixture(params=["nothing", "memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path, either_world: World) -> Iterator[Store | None]:
    if request.param == "nothing":
        yield None
        return
    choice = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "store.db")
    opened = choice.asynchronous() if isinstance(either_world, AsyncWorld) else choice.blocking()
    yield opened
    either_world.run(opened.close())


def forget(user: Refreshing, token: str) -> None:
    user.realm.world.run(invalidating(user, token))


async def invalidating(user: Refreshing, token: str) -> None:
    party: Any = user.realm.party
    # the blocking face has done it when it returns
    if (work := party.forget(token)) is not None:
        await work


def is_shared(user: Refreshing, store: Store | None, token: str) -> bool:
    """Whether another process finds in the store what this refresh token brought."""
    other, asked = user.elsewhere(party={"store": store}), user.asked()
    try:
        other.refresh(token)
    except (OAuthError, RefreshTokenSpent):
        return False
    return user.asked() == asked


def test_a_refresh_is_invalidated_here_and_in_the_store(either_world: World, store: Store | None) -> None:
    """threat model 243: nobody gets a result for the old refresh token"""
    user = logged_in(either_world, new_provider(clock=Clock()), party={"store": store})
    user.refresh()
    forget(user, user.token)
    assert not is_shared(user, store, user.token)
    assert isinstance(user.rejection(), RefreshTokenSpent)


def test_with_a_refresh_token_its_predecessors_are_invalidated(either_world: World, store: Store | None) -> None:
    """A session has the last refresh token only, for which the one before was exchanged."""
    user = logged_in(either_world, party={"store": store})
    second = user.refresh().tokens.refresh_token or ""
    third = user.refresh(second).tokens.refresh_token or ""
    forget(user, third)
    assert [is_shared(user, store, token) for token in (user.token, second)] == [False, False]
    assert isinstance(user.rejection(), RefreshTokenSpent)
    assert isinstance(user.rejection(second), RefreshTokenSpent)


def test_a_refresh_token_that_is_its_own_successor_is_invalidated(either_world: World) -> None:
    """Some providers send the refresh token along though it stays the same."""
    requests = SameRefreshToken()
    refreshes = Refreshes(simulated(either_world, new_provider()), None, "client1", requests)

    async def twice_and_between() -> None:
        await refreshes.refresh("R")
        await refreshes.refresh("R")
        await refreshes.invalidate("R")
        await refreshes.refresh("R")

    either_world.run(twice_and_between())
    assert requests.sent == 2


class SameRefreshToken:
    """The requests to a provider that sends the same refresh token along."""

    def __init__(self) -> None:
        self.sent = 0

    async def request_tokens(self, refresh_token: str) -> RefreshResponse:
        self.sent += 1
        tokens = TokenResponse(access_token="A", token_type="Bearer", refresh_token=refresh_token)
        return RefreshResponse(tokens=tokens, at=0.0, is_rotated=False)

    async def verify(self, response: RefreshResponse) -> Refresh:
        return Refresh(tokens=response.tokens, at=response.at, is_rotated=response.is_rotated)


def test_a_refresh_that_was_under_way_leaves_nothing(
    either_world: World, store: Store | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threat model 243: its callers get it, and no other caller does afterwards"""
    user = logged_in(either_world, party={"store": store})
    before_the_answer_arrives(monkeypatch, user.realm.party, "/token", lambda: invalidating(user, user.token))
    assert user.refresh().tokens.access_token
    assert not is_shared(user, store, user.token)
    assert isinstance(user.rejection(), RefreshTokenSpent)


def test_refreshes_of_other_sessions_stay_known(either_world: World, store: Store | None) -> None:
    user = logged_in(either_world, party={"store": store})
    other = Refreshing(user.realm, user.realm.log_in(scope="openid offline_access"))
    user.refresh()
    first = other.refresh()
    forget(user, user.token)
    assert other.refresh() == first


def test_a_refresh_token_without_rotation_is_exchanged_again(either_world: World, store: Store | None) -> None:
    provider = new_provider()
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], rotates_refresh_tokens=False)
    user = logged_in(either_world, provider, party={"store": store})
    first = user.refresh().tokens.access_token
    forget(user, user.token)
    assert user.refresh().tokens.access_token != first
