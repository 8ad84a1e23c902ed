"""Refresh tokens that a provider doesn't rotate: whose access token is replaced decides. threat model 357."""

from functools import partial
from typing import Any

import pytest

from oidc_async.relying_party.refresh_responses import REUSE_SECONDS, Refresh
from oidc_async.testing import Misbehaviour
from oidc_async.testing.faults.documents import put
from oidc_async.testing.stages import REFRESH, TOKEN, harmless
from tests.core.realm import REDIRECT_URI, SECRET, new_provider
from tests.core.refreshing import Refreshing, logged_in, tokens_of
from tests.core.test_refresh_with_store import Shelf
from tests.core.worlds import AsyncWorld, World

LIFETIME = 10.0


def same_refresh_token(token: str) -> Misbehaviour:
    return harmless("the refresh token that was sent", REFRESH(put(refresh_token=token)))


@pytest.fixture(params=["left out", "the same"])
def user(request: pytest.FixtureRequest, either_world: World) -> Any:
    provider = new_provider()
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], rotates_refresh_tokens=False)
    user = logged_in(either_world, provider, latency=0.02)
    faults = [harmless("it lasts 10 seconds", TOKEN(put(expires_in=LIFETIME)))]
    if request.param == "the same":
        # RFC 6749 6: it may issue a new one, and need not
        faults.append(same_refresh_token(user.token))
    with provider.misbehaving(*faults):
        yield user


async def replacing(user: Refreshing, access_token: str | None) -> Refresh:
    work: Any = user.realm.party.refresh(user.token, id_token=user.login.id_token, access_token=access_token)
    return work if isinstance(work, Refresh) else await work


def replace(user: Refreshing, access_token: str | None) -> Refresh:
    return user.realm.world.run(replacing(user, access_token))


def test_it_is_not_taken_for_a_rotated_one(user: Refreshing) -> None:
    first = user.refresh()
    assert not first.is_rotated
    user.provider.clock.advance(REUSE_SECONDS)
    assert user.refresh().tokens.access_token != first.tokens.access_token
    assert user.asked() == 2


def test_who_has_the_last_access_token_gets_another_one(user: Refreshing) -> None:
    """Also at once: the API has just rejected it."""
    held = {user.login.tokens.access_token}
    last = user.login.tokens.access_token
    for _ in range(4):
        last = replace(user, last).tokens.access_token
        held.add(last)
    assert (len(held), user.asked()) == (5, 4)


def test_who_has_an_older_one_gets_the_last_while_it_lasts(user: Refreshing) -> None:
    old = user.login.tokens.access_token
    first = replace(user, old)
    user.provider.clock.advance(LIFETIME - 1)
    assert replace(user, old) == first
    assert user.asked() == 1
    user.provider.clock.advance(1)
    assert replace(user, old).tokens.access_token != first.tokens.access_token
    assert user.asked() == 2


def test_callers_with_the_same_access_token_join(user: Refreshing) -> None:
    crowd = 50 if isinstance(user.realm.world, AsyncWorld) else 20
    held = user.login.tokens.access_token
    outcomes = user.realm.world.run_together([partial(replacing, user, held)] * crowd)
    (last,) = tokens_of(outcomes)
    assert user.asked() == 1
    (other,) = tokens_of(user.realm.world.run_together([partial(replacing, user, last)] * crowd))
    assert (other != last, user.asked()) == (True, 2)


def test_a_provider_that_gives_the_same_access_token_is_not_asked_for_ever(user: Refreshing) -> None:
    with user.provider.misbehaving(harmless("always the same", REFRESH(put(access_token="A", id_token=None)))):
        assert replace(user, "A").tokens.access_token == "A"
        assert user.asked() == 1
        outcomes = user.realm.world.run_together([partial(replacing, user, "A")] * 10)
    assert tokens_of(outcomes) == {"A"}
    assert user.asked() <= 4


def test_other_processes_follow_the_same_rule(either_world: World) -> None:
    shelf = Shelf(either_world, rotates_refresh_tokens=False)
    old = shelf.user.login.tokens.access_token
    first = replace(shelf.user, old).tokens.access_token
    shelf.clock.advance(2 * REUSE_SECONDS)
    assert replace(shelf.other, old).tokens.access_token == first
    assert shelf.user.asked() == 1
    second = replace(shelf.other, first).tokens.access_token
    assert (second != first, shelf.user.asked()) == (True, 2)
