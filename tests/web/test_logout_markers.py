"""Marks of ended sessions: whom they end, whom they leave, and that none is lost."""

from typing import Any

import pytest

from oidc_async.blocking import finish
from oidc_async.errors import StoreUnavailable
from oidc_async.protocol.logout_token import LogoutToken
from oidc_async.stores import MemoryStore, Store
from oidc_async.web.logout_markers import NOT_ENDED, LogoutMarkers, Marker
from oidc_async.web.session_record import LoginBegun

from .watched_store import WatchedStore
from .web_request import NOW

CLIENT = "client1 at https://op.example"
ALICE = {"sub": "alice", "sid": "session 1"}
LEEWAY = 30.0


def token(iat: float = NOW, **about: Any) -> LogoutToken:
    named = {"sub": "alice", "sid": "session 1", "jti": "token 1", **about}
    return LogoutToken(iss="https://op.example", iat=iat, exp=iat + 120, good_until=iat + 150, **named)


def markers(store: Store | None = None) -> LogoutMarkers:
    return LogoutMarkers(WatchedStore() if store is None else store, 86_400, LEEWAY)


def begun(here: float, at_provider: float | None = None) -> LoginBegun:
    return LoginBegun(here=here, at_provider=here if at_provider is None else at_provider)


def is_ended(kept: LogoutMarkers, login: LoginBegun, claims: dict[str, Any] = ALICE, client: str = CLIENT) -> bool:
    return finish(kept.is_ended(client, claims, login))


@pytest.mark.parametrize(
    ("login", "ended"),
    [
        pytest.param(begun(NOW - 3600), True, id="an old session"),
        pytest.param(begun(NOW - 0.001), True, id="under way when the logout came"),
        pytest.param(begun(NOW), True, id="in the same moment"),
        pytest.param(begun(NOW + 0.001), False, id="a new login in the same second"),
        pytest.param(begun(NOW + 3600), False, id="a new login"),
        pytest.param(begun(NOW - 60, NOW - 60 + 900), False, id="new by the provider's clock"),
        pytest.param(begun(NOW - 60, NOW + 20), True, id="two machines of the provider differ"),
        pytest.param(begun(NOW - 3600, NOW - 3600 - 900), True, id="our clock is ahead, an old session"),
        pytest.param(begun(NOW + 0.001, NOW - 900), False, id="our clock is ahead, a new login"),
        pytest.param(begun(NOW + 0.001, NOW + 0.001 + 900), False, id="our clock is behind, a new login"),
    ],
)
def test_a_mark_ends_what_is_from_before(login: LoginBegun, ended: bool) -> None:
    """security.md 192: each time is compared with one of the same clock"""
    assert Marker(issued_at=NOW, received_at=NOW).ends(login, LEEWAY) is ended


@pytest.mark.parametrize(
    ("begun_after", "ended"), [(-3600, True), (-1, True), (10, True), (40, False), (200, False)], ids=str
)
def test_a_token_that_comes_late_ends_what_is_from_before_it_was_issued(begun_after: float, ended: bool) -> None:
    late = Marker(issued_at=NOW, received_at=NOW + 400)
    assert late.ends(begun(NOW + begun_after), LEEWAY) is ended


def test_an_older_logout_that_comes_later_takes_nothing_back() -> None:
    kept = markers()
    finish(kept.end(CLIENT, token(NOW), NOW + 1))
    finish(kept.end(CLIENT, token(NOW - 300), NOW + 2))
    assert is_ended(kept, begun(NOW - 100))
    assert not is_ended(kept, begun(NOW + 200))


@pytest.mark.parametrize(
    ("about", "claims", "ended"),
    [
        ({}, ALICE, True),
        ({}, {"sub": "alice", "sid": "session 2"}, False),
        ({}, {"sub": "alice"}, True),
        ({}, {"sub": "bob"}, False),
        ({"sub": None}, ALICE, True),
        ({"sub": None}, {"sub": "alice"}, False),
        ({"sid": None}, ALICE, True),
        ({"sid": None}, {"sub": "alice", "sid": "session 2"}, True),
        ({"sid": None}, {"sub": "alice"}, True),
        ({"sid": None}, {"sub": "bob", "sid": "session 1"}, False),
        ({"sid": "alice", "sub": None}, {"sub": "alice", "sid": "session 1"}, False),
    ],
    ids=str,
)
def test_a_mark_is_of_those_whom_the_token_names(about: dict[str, Any], claims: dict[str, Any], ended: bool) -> None:
    """security.md 188"""
    kept = markers()
    finish(kept.end(CLIENT, token(**about), NOW))
    assert is_ended(kept, begun(NOW - 60), claims) is ended
    assert not is_ended(kept, begun(NOW - 60), claims, "client1 at https://other.example")
    assert not is_ended(kept, begun(NOW - 60), claims, "client2 at https://op.example")


def test_a_token_is_used_once() -> None:
    """security.md 182"""
    kept = markers()
    assert not finish(kept.is_used(token()))
    assert finish(kept.use(token(), NOW))
    assert finish(kept.is_used(token()))
    assert not finish(kept.use(token(), NOW))
    assert not finish(kept.is_used(token(jti="token 2")))


def test_marks_and_uses_end_when_they_are_of_no_use_any_more() -> None:
    """security.md 230"""
    now = 0.0
    kept = markers(MemoryStore(monotonic=lambda: now))
    finish(kept.end(CLIENT, token(), NOW))
    finish(kept.use(token(), NOW))
    now = 150 + 59
    assert finish(kept.is_used(token()))
    now = 150 + 61
    assert not finish(kept.is_used(token()))
    now = 86_399
    assert is_ended(kept, begun(NOW - 60))
    now = 86_401
    assert not is_ended(kept, begun(NOW - 60))


def test_a_frame_ends_what_is_expected_and_nothing_else() -> None:
    kept = markers()
    assert not finish(kept.end_expected(CLIENT, "session 1", NOW))
    finish(kept.expect(CLIENT, ALICE))
    assert not is_ended(kept, begun(NOW - 60))
    assert finish(kept.end_expected(CLIENT, "session 1", NOW))
    assert is_ended(kept, begun(NOW - 60))
    assert not is_ended(kept, begun(NOW + 60))


def test_to_expect_a_session_takes_no_logout_back() -> None:
    kept = markers()
    finish(kept.end(CLIENT, token(), NOW))
    finish(kept.expect(CLIENT, ALICE))
    assert is_ended(kept, begun(NOW - 60))


def test_two_logouts_at_once_are_both_kept() -> None:
    store = WatchedStore()
    kept, other = markers(store), markers(store)
    finish(kept.expect(CLIENT, ALICE))
    store.meanwhile.append(lambda: finish(other.end(CLIENT, token(NOW + 100), NOW + 100)))
    finish(kept.end(CLIENT, token(NOW), NOW))
    assert is_ended(kept, begun(NOW + 50))
    assert is_ended(kept, begun(NOW - 50))


def test_a_mark_that_can_not_be_made_is_an_outage() -> None:
    store = WatchedStore()
    kept = markers(store)
    finish(kept.expect(CLIENT, ALICE))
    (key,) = store.values
    values = iter(range(1000))
    for _ in range(20):
        store.meanwhile.append(lambda: finish(store.put(key, f"[{next(values)},0]".encode(), 60)))
    with pytest.raises(StoreUnavailable):
        finish(kept.end(CLIENT, token(), NOW))


def test_the_store_tells_nobody_s_name() -> None:
    store = WatchedStore()
    kept = markers(store)
    finish(kept.expect(CLIENT, ALICE))
    finish(kept.end(CLIENT, token(), NOW))
    finish(kept.use(token(), NOW))
    assert len(store.values) == 3
    told = " ".join((*store.values, *(value.decode() for value in store.values.values())))
    assert not any(name in told for name in ("alice", "session 1", "token 1"))
    assert NOT_ENDED.decode() in told
