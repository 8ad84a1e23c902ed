"""Refreshes whose answer comes late, or can't be verified: one request all the same. threat model 353 to 356, 359."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from oidc_async.errors import (
    ClaimInvalid,
    JWKSInvalid,
    KeyNotFound,
    OIDCError,
    ProviderError,
    ProviderTimeout,
    ProviderUnreachable,
    RefreshTokenSpent,
    StoreUnavailable,
    TokenExpired,
)
from oidc_async.http.settings import HttpSettings
from oidc_async.relying_party import refresh_requests, refresh_responses, shared_refresh
from oidc_async.relying_party import token_refresh as refreshes
from oidc_async.relying_party.refresh_failures import ends_refresh_token
from oidc_async.relying_party.refresh_responses import Refresh
from oidc_async.relying_party.shared_refresh import PURPOSE, REPLAY_SECONDS, UNVERIFIED_SECONDS, result_name
from oidc_async.runtime import single_flight
from oidc_async.sealing import Sealer
from oidc_async.stores import MemoryStore
from oidc_async.testing import REFRESH_FAULTS, Fault, Misbehaviour
from oidc_async.testing.stages import REFRESH, TOKEN_REPLY, harmless
from tests.core.realm import new_provider
from tests.core.refreshing import Refreshing, logged_in, tokens_of
from tests.core.test_refresh_with_store import Shelf
from tests.core.worlds import AsyncWorld, World

HOUR = 3600.0
CROWD = 20
PAUSE = 2.0
"""Seconds after which a failed refresh is tried again."""
KEYS_ARE_AWAY = [
    (Fault.JWKS_500, JWKSInvalid),
    (Fault.JWKS_RESET, ProviderUnreachable),
    (Fault.JWKS_SLOW, ProviderTimeout),
    (Fault.JWKS_HTML, JWKSInvalid),
    (Fault.JWKS_ENDLESS, ProviderError),
    (Fault.JWKS_OUTDATED, KeyNotFound),
]
FINAL = [fault for fault in REFRESH_FAULTS if fault.rejected and fault is not Fault.REFRESH_ID_TOKEN_TAMPERED]
DRIPS = harmless("a body that comes too slowly", TOKEN_REPLY(lambda reply, scene: replace(reply, drips=True)))
CUT = harmless("half a body", TOKEN_REPLY(lambda reply, scene: replace(reply, breaks_after=5)))
BROKEN = [
    Fault.TOKEN_HTML,
    Fault.TOKEN_TRUNCATED,
    Fault.TOKEN_TYPE_DPOP,
    Fault.TOKEN_ARRAY,
    Fault.TOKEN_EMPTY,
    Fault.TOKEN_ENDLESS,
    DRIPS,
    CUT,
    Fault.ID_TOKEN_ALG_NONE,
    Fault.ID_TOKEN_PAYLOAD_ARRAY,
]


@pytest.fixture
def user(either_world: World) -> Refreshing:
    return logged_in(either_world)


def continues(user: Refreshing, refresh: Refresh) -> bool:
    """Whether the new refresh token can be used for the next refresh."""
    return user.refresh(refresh.tokens.refresh_token).tokens.access_token != refresh.tokens.access_token


# What passes


@pytest.mark.parametrize(("fault", "error"), KEYS_ARE_AWAY)
def test_what_can_not_be_verified_is_verified_later(
    user: Refreshing, fault: Misbehaviour, error: type[OIDCError]
) -> None:
    """threat model 354: the keys were rotated, and can't be had for a moment"""
    user.provider.rotate_keys()
    with user.provider.misbehaving(fault):
        failure = user.rejection()
        assert isinstance(failure, error)
        assert not ends_refresh_token(failure)
    user.provider.clock.advance(PAUSE)
    refresh = user.refresh()
    assert user.asked() == 1
    assert continues(user, refresh)


@pytest.mark.parametrize(("jump", "error"), [(2 * HOUR, TokenExpired), (-2 * HOUR, ClaimInvalid)])
def test_a_clock_that_is_wrong_for_a_moment_costs_no_tokens(
    user: Refreshing, jump: float, error: type[OIDCError]
) -> None:
    """threat model 354"""
    with user.provider.misbehaving(_then(lambda: user.provider.clock.jump(jump))):
        failure = user.rejection()
        assert isinstance(failure, error)
        assert not ends_refresh_token(failure)
    user.provider.clock.jump(-jump)
    user.provider.clock.advance(PAUSE)
    assert continues(user, user.refresh())
    assert user.asked() == 2


def _then(happens: Callable[[], object]) -> Misbehaviour:
    """Something happens once, when the provider has made its answer."""
    events = [happens]

    def answer(reply: Any, scene: Any) -> Any:
        if events:
            events.pop()()
        return reply

    return harmless("time passes", TOKEN_REPLY(answer))


def test_all_waiting_callers_get_the_same_result(either_world: World) -> None:
    """threat model 353, 354: a wave while the keys can't be had, and one afterwards"""
    user = logged_in(either_world, latency=0.05)
    user.provider.rotate_keys()
    with user.provider.misbehaving(Fault.JWKS_500):
        outcomes = user.together(CROWD)
    assert {type(outcome) for outcome in outcomes} == {JWKSInvalid}
    user.provider.clock.advance(PAUSE)
    assert len(tokens_of(user.together(CROWD))) == 1
    assert user.asked() == 1


def test_who_verifies_leads(user: Refreshing) -> None:
    """`on_request` is called for the caller who verifies what another one has got, too."""
    led = list[str]()

    async def refreshing(name: str) -> None:
        work: Any = user.realm.party.refresh(user.token, on_request=lambda: led.append(name))
        if not isinstance(work, Refresh):
            await work

    user.provider.rotate_keys()
    with user.provider.misbehaving(Fault.JWKS_500), pytest.raises(JWKSInvalid):
        user.realm.world.run(refreshing("first"))
    user.provider.clock.advance(PAUSE)
    for name in ("second", "third"):
        user.realm.world.run(refreshing(name))
    assert led == ["first", "second"]


def test_a_fault_of_our_own_costs_no_tokens(user: Refreshing, monkeypatch: pytest.MonkeyPatch) -> None:
    """threat model 353: neither does another exception than OIDCError"""
    party: Any = getattr(user.realm.party, "_origin", user.realm.party)
    with monkeypatch.context() as patch:
        patch.setattr(party._userinfo._claim_sources, "resolve", None)
        with pytest.raises(TypeError):
            user.refresh()
    assert continues(user, user.refresh())
    assert user.asked() == 2


def test_the_answer_is_kept_for_some_minutes(user: Refreshing) -> None:
    """threat model 353, 354: then the refresh token is given up, and not sent again"""
    user.provider.rotate_keys()
    with user.provider.misbehaving(Fault.JWKS_500):
        user.rejection()
        user.provider.clock.advance(UNVERIFIED_SECONDS - 1)
        assert isinstance(user.rejection(), JWKSInvalid)
        user.provider.clock.advance(2)
        failure = user.rejection()
    assert isinstance(failure, RefreshTokenSpent)
    assert ends_refresh_token(failure)
    assert user.asked() == 1


# An answer that comes late


@pytest.mark.parametrize("store", [None, "memory"], ids=str)
def test_a_response_that_arrives_after_all_callers_left_is_kept(
    either_world: World, monkeypatch: pytest.MonkeyPatch, store: str | None
) -> None:
    """threat model 359: the provider has rotated the refresh token, and answers too late, as after a restart."""
    for module, name, value in (
        (single_flight, "REPEATING_SECONDS", 0.0),
        (single_flight, "_MARGIN", 0.0),
        (refresh_requests, "RESPONSE_SECONDS", 5.0),
        (refresh_responses, "LATE_SECONDS", 0.3),
        (shared_refresh, "REPLAY_SECONDS", 0.1),
        (refreshes, "REPLAY_SECONDS", 0.1),
    ):
        monkeypatch.setattr(module, name, value)
    provider, party = new_provider(), {} if store is None else {"store": MemoryStore()}
    slow = harmless("0.6 seconds", TOKEN_REPLY(lambda reply, scene: replace(reply, delay=0.6)))
    with provider.serve(login_page=False):
        runtime = either_world.runtime(HttpSettings(deadline=0.3))
        user = logged_in(either_world, provider, runtime=runtime, party=party)
        with provider.misbehaving(slow):
            failures = user.together(5)
            assert {type(failure) for failure in failures} == {ProviderTimeout}
            assert isinstance(user.rejection(), ProviderTimeout)
            either_world.run(runtime.sleep(1.0))
        # longer ago than results are replayed
        refresh = user.refresh()
        assert user.asked() == 1
        if store:
            other = user.elsewhere(runtime=runtime, party=party)
            assert other.refresh().tokens.access_token == refresh.tokens.access_token
            assert user.asked() == 1
        assert continues(user, refresh)
        either_world.close_runtime(runtime)


# What is final


@pytest.mark.parametrize("fault", [*FINAL, *BROKEN], ids=str)
def test_a_refresh_token_is_not_sent_again_after_an_answer_that_is_invalid(
    user: Refreshing, fault: Misbehaviour
) -> None:
    """threat model 353, 355: the provider said 200, so it has most likely rotated the refresh token"""
    with user.provider.misbehaving(fault):
        failure = user.rejection()
        assert ends_refresh_token(failure)
    user.provider.clock.advance(PAUSE)
    again = user.rejection()
    assert (type(again), ends_refresh_token(again)) == (type(failure), True)
    user.provider.clock.advance(REPLAY_SECONDS)
    spent = user.rejection()
    assert isinstance(spent, RefreshTokenSpent)
    # No valid result was ever cached, so the message must not say that one has expired.
    assert "expired" not in spent.message
    assert user.asked() == 1


@pytest.mark.parametrize("fault", [Fault.TOKEN_RESET, Fault.TOKEN_SLOW, Fault.TOKEN_500, Fault.TOKEN_BUSY], ids=str)
def test_without_an_answer_the_next_caller_tries(user: Refreshing, fault: Misbehaviour) -> None:
    """Nobody knows what became of the request: the provider may not have seen it."""
    with user.provider.misbehaving(fault):
        assert not ends_refresh_token(user.rejection())
    user.provider.clock.advance(PAUSE)
    user.rejection()
    assert user.asked() == 2


@pytest.mark.parametrize("changes", [{"refresh_token": None}, {"refresh_token": "same"}], ids=str)
def test_an_invalid_answer_that_rotates_nothing_costs_nothing(user: Refreshing, changes: dict[str, Any]) -> None:
    """threat model 355"""

    def answer(document: Any, scene: Any) -> Any:
        token = user.token if changes["refresh_token"] == "same" else None
        return {**document, "refresh_token": token, "token_type": "DPoP"}

    with user.provider.misbehaving(harmless("no bearer token", REFRESH(answer))):
        assert not ends_refresh_token(user.rejection())
    user.provider.clock.advance(PAUSE)
    user.rejection()
    assert user.asked() == 2


# Who goes away


def test_a_caller_who_is_cancelled_loses_nothing() -> None:
    """threat model 353: the next caller gets the response of the provider"""
    world = AsyncWorld()
    user = logged_in(world, latency=0.1)

    async def begun_and_cancelled() -> Refresh:
        caller = asyncio.ensure_future(user.refreshing())
        await asyncio.sleep(0.05)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        return await user.refreshing()

    refresh = world.run(begun_and_cancelled())
    assert user.asked() == 1
    assert continues(user, refresh)
    world.close()


# Several processes


def test_another_process_verifies_what_this_one_could_not(either_world: World) -> None:
    """threat model 354: also after the time for which results are replayed"""
    shelf = Shelf(either_world)
    shelf.provider.rotate_keys()
    with shelf.provider.misbehaving(Fault.JWKS_500):
        assert isinstance(shelf.user.rejection(), JWKSInvalid)
    shelf.clock.advance(2 * REPLAY_SECONDS)
    refresh = shelf.other.refresh()
    assert shelf.user.asked() == 1
    assert shelf.user.refresh().tokens.access_token == refresh.tokens.access_token
    assert continues(shelf.other, refresh)


def test_processes_that_can_not_verify_prolong_nothing(either_world: World) -> None:
    """threat model 354: the answer goes when its time is over, however often somebody tries"""
    shelf = Shelf(either_world)
    shelf.provider.rotate_keys()
    with shelf.provider.misbehaving(Fault.JWKS_500):
        for _ in range(9):
            shelf.user.rejection()
            shelf.clock.advance(UNVERIFIED_SECONDS / 9 - 1)
        assert shelf.results() != {}
        shelf.clock.advance(11)
        assert shelf.results() == {}
    assert isinstance(shelf.user.rejection(), RefreshTokenSpent)
    assert shelf.user.asked() == 1


@pytest.mark.parametrize("methods", [["put"], ["put", "delete_if"]], ids="-".join)
def test_a_store_that_fails_while_keys_are_away_costs_nobody_the_tokens(
    either_world: World, methods: list[str]
) -> None:
    """threat model 353"""
    shelf = Shelf(either_world)
    shelf.provider.rotate_keys()
    shelf.store.methods = methods
    with shelf.provider.misbehaving(Fault.JWKS_500):
        assert isinstance(shelf.user.rejection(), JWKSInvalid)
    shelf.clock.advance(PAUSE)
    assert continues(shelf.user, shelf.user.refresh())
    assert shelf.user.asked() == 2


def test_a_broken_response_is_shared_with_all_processes(either_world: World) -> None:
    """threat model 353, 355"""
    shelf = Shelf(either_world)
    with shelf.provider.misbehaving(Fault.TOKEN_HTML):
        mine, others = shelf.user.rejection(), shelf.other.rejection()
    assert (type(mine), str(mine), ends_refresh_token(mine)) == (
        type(others),
        str(others),
        ends_refresh_token(others),
    )
    shelf.clock.advance(REPLAY_SECONDS + 1)
    assert isinstance(shelf.other.rejection(), RefreshTokenSpent)
    assert shelf.user.asked() == 1


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"tokens": 5, "at": 1, "is_rotated": true, "is_late": false}',
        b'{"tokens": {}, "at": 1, "is_rotated": true, "is_late": false}',
        b'{"tokens": {"access_token": 5, "token_type": "Bearer"}, "at": 1, "is_rotated": true, "is_late": false}',
        b'{"tokens": {"access_token": "A", "token_type": "DPoP"}, "at": 1, "is_rotated": true, "is_late": false}',
        b'{"tokens": {"access_token": "A", "token_type": "Bearer"}, "at": "x", "is_rotated": true, "is_late": false}',
        b'{"tokens": {"access_token": "A", "token_type": "Bearer"}, "id_token": null, "at": 1, "is_late": false}',
        b'{"tokens": {"access_token": "A", "token_type": "Bearer"}, "at": 1, "is_rotated": true}',
        b'{"failure": 5}',
        b'{"failure": {"message": "no"}}',
        b'{"failure": {"message": "no", "is_spent": false, "oauth_error": {"error": "invalid_grant"}}}',
        b'{"failure": {"message": "no", "is_spent": false, "oauth_error": {"what": "is this"}}}',
        b'{"message": "no", "error": "invalid_grant", "error_description": null, "status": 400}',
    ],
    ids=repr,
)
def test_a_result_of_another_version_is_rejected(either_world: World, document: bytes) -> None:
    """threat model 356: sealed with the right key, it still may say anything"""
    shelf = Shelf(either_world)
    party: Any = getattr(shelf.user.realm.party, "_origin", shelf.user.realm.party)
    name = result_name(party._refreshes._key(shelf.user.token))
    sealed = Sealer([shelf.user.token.encode()]).seal(PURPOSE, name, document)
    either_world.run(shelf.store.store.put(name, sealed.encode(), 60))
    failure = shelf.user.rejection()
    assert isinstance(failure, StoreUnavailable)
    assert "version" in str(failure)
    assert shelf.user.asked() == 0
