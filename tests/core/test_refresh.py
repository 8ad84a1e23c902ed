"""Refreshes of tokens in one process: one request for each refresh token. threat model 71 to 74, 229, 243, 250."""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest

from oidc_async.errors import (
    ClaimInvalid,
    OAuthError,
    OIDCError,
    ProviderError,
    ProviderUnreachable,
    RefreshTokenSpent,
    TokenError,
)
from oidc_async.relying_party.refresh_responses import REUSE_SECONDS
from oidc_async.relying_party.shared_refresh import FAILURE_SECONDS, REPLAY_SECONDS
from oidc_async.testing import REFRESH_FAULTS, Fault, Misbehaviour
from tests.core.api import twice_in_a_row
from tests.core.realm import REDIRECT_URI, SECRET, new_provider
from tests.core.refreshing import Refreshing, logged_in, tokens_of
from tests.core.worlds import AsyncWorld, World

CROWD = {True: 50, False: 20}
"""Tasks in the async world, threads in the other."""


@pytest.fixture
def user(either_world: World) -> Refreshing:
    return logged_in(either_world)


# What a refresh brings


def test_a_refresh_is_one_request_with_the_refresh_token(user: Refreshing) -> None:
    """RFC 6749 6; threat model 73: the new refresh token comes with it."""
    refresh = user.refresh()
    sent = user.provider.requests[-1]
    assert dict(parse_qsl(sent.request.body.decode())) == {
        "grant_type": "refresh_token",
        "refresh_token": user.token,
    }
    assert sent.client_id == "client1"
    assert refresh.tokens.access_token != user.login.tokens.access_token
    assert refresh.tokens.refresh_token not in (None, user.token)
    assert refresh.id_token is not None
    assert refresh.id_token["sub"] == "alice"


def test_each_new_refresh_token_is_good_for_the_next(user: Refreshing) -> None:
    """threat model 73"""
    token = user.token
    seen = {token}
    for _ in range(5):
        token = user.refresh(token).tokens.refresh_token or ""
        seen.add(token)
    assert (len(seen), user.asked()) == (6, 5)


def test_without_a_new_refresh_token_the_result_has_none(either_world: World) -> None:
    """threat model 73"""
    provider = new_provider()
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], rotates_refresh_tokens=False)
    user = logged_in(either_world, provider)
    first = user.refresh()
    assert first.tokens.refresh_token is None
    assert (user.refresh(), user.asked()) == (first, 1)
    # it may be used again, and what was got with it may have expired: it is not replayed for as long
    provider.clock.advance(REUSE_SECONDS)
    assert user.refresh().tokens.access_token != first.tokens.access_token
    assert user.asked() == 2


@pytest.mark.parametrize("fault", [fault for fault in REFRESH_FAULTS if fault.rejected], ids=str)
def test_an_id_token_of_another_login_is_rejected(user: Refreshing, fault: Misbehaviour) -> None:
    """threat model 71, 72; OIDC Core 12.2"""
    with user.provider.misbehaving(fault):
        assert isinstance(user.rejection(), TokenError)
    assert user.asked() == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault.ID_TOKEN_SIGNATURE_FOREIGN,
        Fault.ID_TOKEN_EXP_PAST,
        Fault.ID_TOKEN_IAT_FUTURE,
        Fault.ID_TOKEN_AZP_OTHER,
        Fault.ID_TOKEN_AT_HASH_WRONG,
        Fault.ID_TOKEN_EVENTS,
    ],
    ids=str,
)
def test_it_is_checked_as_at_login(user: Refreshing, fault: Misbehaviour) -> None:
    """threat model 72"""
    with user.provider.misbehaving(fault):
        assert isinstance(user.rejection(), TokenError)


@pytest.mark.parametrize("fault", [fault for fault in REFRESH_FAULTS if fault.harmless], ids=str)
def test_members_that_a_provider_may_omit_or_repeat_are_accepted(user: Refreshing, fault: Misbehaviour) -> None:
    """threat model 71: the nonce of the login is right; OIDC Core 12.2, RFC 6749 5.1"""
    with user.provider.misbehaving(fault):
        refresh = user.refresh()
    assert refresh.tokens.access_token
    assert (refresh.id_token is None) is (fault is Fault.REFRESH_ID_TOKEN_MISSING)


def test_the_user_is_checked_only_against_a_login_that_is_given(user: Refreshing) -> None:
    with user.provider.misbehaving(Fault.REFRESH_SUB_OTHER):
        refresh = user.realm.world.run(user.checking(user.token, None))
    assert refresh.id_token is not None
    assert refresh.id_token["sub"] == "somebody else"


def test_each_caller_has_a_check_of_its_own(user: Refreshing) -> None:
    """threat model 71: a result of one caller is rejected for the session of another user."""
    user.refresh()
    other = {**user.login.id_token, "sub": "mallory"}
    with pytest.raises(ClaimInvalid):
        user.realm.world.run(user.checking(user.token, other))
    assert user.asked() == 1


# One for each refresh token


def test_one_refresh_serves_a_crowd(either_world: World) -> None:
    """threat model 243"""
    user = logged_in(either_world, latency=0.05)
    crowd = CROWD[isinstance(either_world, AsyncWorld)]
    refreshes = user.together(crowd)
    assert (len(refreshes), len(tokens_of(refreshes)), user.asked()) == (crowd, 1, 1)


def test_a_caller_whose_flight_starts_late_finds_the_work_done(
    user: Refreshing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threat model 243"""
    twice_in_a_row(monkeypatch, user.realm.party)
    user.refresh()
    assert user.asked() == 1


def test_latecomers_get_the_same_for_a_while(user: Refreshing) -> None:
    """threat model 243, 353: afterwards the provider isn't asked either, since it would take that for theft"""
    first = user.refresh()
    user.provider.clock.advance(REPLAY_SECONDS - 1)
    assert user.refresh() == first
    assert user.asked() == 1
    user.provider.clock.advance(2)
    assert isinstance(user.rejection(), RefreshTokenSpent)
    assert user.asked() == 1


@pytest.mark.parametrize("jump", [86_400, -86_400], ids=str)
def test_a_clock_that_is_set_changes_nothing(user: Refreshing, jump: float) -> None:
    """threat model 236"""
    first = user.refresh()
    user.provider.clock.jump(jump)
    assert user.refresh() == first


def test_a_replayed_result_has_the_time_of_its_request(user: Refreshing) -> None:
    """What expires in 600 seconds does so from the refresh on, and not from when somebody hears of it."""
    begun = user.provider.clock()
    first = user.refresh()
    user.provider.clock.advance(20)
    assert user.refresh().at == first.at
    assert begun <= first.at <= begun + 10


def test_sessions_are_refreshed_each_by_itself(either_world: World) -> None:
    """threat model 235, 249"""
    user = logged_in(either_world, latency=0.05)
    others = [Refreshing(user.realm, user.realm.log_in(scope="openid offline_access")) for _ in range(5)]
    refreshes = either_world.run_together([other.refreshing for other in others])
    assert (len(tokens_of(refreshes)), user.asked()) == (5, 5)


def test_each_process_asks_for_itself_without_a_store(user: Refreshing) -> None:
    """threat model 244: the limit of sealed cookies, which docs/guides/refreshing-access-tokens.md tells"""
    user.refresh()
    assert isinstance(user.elsewhere().rejection(), OAuthError)
    assert user.asked() == 2


# Failures


def test_a_rejection_is_replayed_and_not_requested_again_at_once(user: Refreshing) -> None:
    """threat model 74, 229"""
    with user.provider.misbehaving(Fault.TOKEN_INVALID_GRANT):
        for _ in range(5):
            rejection = user.rejection()
            assert isinstance(rejection, OAuthError)
            assert (rejection.error, rejection.status) == ("invalid_grant", 400)
        user.provider.clock.advance(FAILURE_SECONDS - 0.1)
        user.rejection()
        assert user.provider.count("token") == 2  # with that of the login
        user.provider.clock.advance(0.2)
        user.rejection()
    assert user.provider.count("token") == 3


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.TOKEN_RESET, ProviderUnreachable),
        (Fault.TOKEN_500, ProviderUnreachable),
        (Fault.TOKEN_BUSY, ProviderError),
        (Fault.TOKEN_HTML, ProviderError),
        (Fault.TOKEN_TYPE_DPOP, ProviderError),
    ],
)
def test_a_refresh_that_fails_is_tried_once(user: Refreshing, fault: Misbehaviour, error: type[OIDCError]) -> None:
    """threat model 69: a second one could be taken for theft"""
    with user.provider.misbehaving(fault):
        assert isinstance(user.rejection(), error)
    assert user.provider.count("token") == 2


def test_a_failure_is_shared_by_those_who_wait(either_world: World) -> None:
    user = logged_in(either_world, latency=0.05)
    with user.provider.misbehaving(Fault.TOKEN_500):
        outcomes = user.together(20)
    assert {type(outcome) for outcome in outcomes} == {ProviderUnreachable}
    assert user.provider.count("token") == 2


def test_after_a_failure_of_the_network_the_next_one_may_try(either_world: World) -> None:
    provider = new_provider()
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], rotates_refresh_tokens=False)
    user = logged_in(either_world, provider)
    with user.provider.misbehaving(Fault.TOKEN_500):
        user.rejection()
    user.provider.clock.advance(2)
    assert user.refresh().tokens.access_token


@pytest.mark.parametrize("token", ["", "ü" * 5000, "a\r\nb", "&refresh_token=x"], ids=ascii)
def test_a_refresh_token_may_be_anything(user: Refreshing, token: str) -> None:
    assert isinstance(user.realm.world.run(_outcome(user, token)), OIDCError)


async def _outcome(user: Refreshing, token: str) -> BaseException | None:
    try:
        await user.checking(token, None)
    except Exception as error:
        return error
    return None


# Secrets


@pytest.mark.parametrize("fault", [None, Fault.TOKEN_INVALID_GRANT, *REFRESH_FAULTS], ids=str)
def test_no_token_shows(user: Refreshing, fault: Misbehaviour | None, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 250 to 253"""
    outcome: Any
    with caplog.at_level(logging.DEBUG), user.provider.misbehaving(*([fault] if fault else [])):
        try:
            outcome = user.refresh()
        except OIDCError as error:
            outcome = error
    party: Any = getattr(user.realm.party, "_origin", user.realm.party)
    evidence: Mapping[str, Any] = getattr(outcome, "evidence", {})
    texts = [repr(outcome), str(outcome), repr(dict(evidence)), repr(vars(party)), caplog.text]
    texts += [repr(vars(party._refreshes)), repr(party._refreshes)]
    registry = user.provider._registry
    tokens = {*registry.access_tokens, *registry.refresh_tokens, *registry.spent_refresh_tokens, *registry.id_tokens}
    assert len(tokens) >= 4
    assert [token for token in tokens if any(token in text for text in texts)] == []
