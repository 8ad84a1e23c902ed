"""Session revocations: which sessions they end, which they leave, and that none is lost."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from oidc_async.errors import StoreUnavailable
from oidc_async.protocol.logout_token import LogoutToken
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.sealing import Sealer
from oidc_async.stores import MemoryStore, Store
from oidc_async.web.sessions.revocations import PURPOSE, Revocation, SessionRevocations
from oidc_async.web.sessions.session_record import LoginBegun

from .watched_store import WatchedStore
from .web_request import NOW, SECRET

CLIENT = "client1 at https://op.example"
ALICE = {"sub": "alice", "sid": "session 1"}
LEEWAY = 30.0


def token(iat: float = NOW, **about: Any) -> LogoutToken:
    named = {"sub": "alice", "sid": "session 1", "jti": "token 1", **about}
    return LogoutToken(iss="https://op.example", iat=iat, exp=iat + 120, valid_until=iat + 150, **named)


def new_revocations(store: Store | None = None, *secrets: bytes) -> SessionRevocations:
    sealers = [Sealer([secret]) for secret in secrets or (SECRET,)]
    return SessionRevocations(WatchedStore() if store is None else store, sealers, 86_400, LEEWAY)


def begun(here: float, at_provider: float | None = None) -> LoginBegun:
    return LoginBegun(here=here, at_provider=here if at_provider is None else at_provider)


def is_ended(
    kept: SessionRevocations, login: LoginBegun, claims: dict[str, Any] = ALICE, client: str = CLIENT
) -> bool:
    return kept.is_ended(run_without_loop(kept.find(client, claims)), login)


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
    """threat model 192: each time is compared with one of the same clock"""
    assert Revocation.new(NOW, NOW).ends(login, LEEWAY) is ended


@pytest.mark.parametrize(
    ("begun_after", "ended"), [(-3600, True), (-1, True), (10, True), (40, False), (200, False)], ids=str
)
def test_a_token_that_comes_late_ends_what_is_from_before_it_was_issued(begun_after: float, ended: bool) -> None:
    late = Revocation.new(NOW, NOW + 400)
    assert late.ends(begun(NOW + begun_after), LEEWAY) is ended


def test_an_older_logout_that_comes_later_takes_nothing_back() -> None:
    kept = new_revocations()
    run_without_loop(kept.end(CLIENT, token(NOW), NOW + 1))
    run_without_loop(kept.end(CLIENT, token(NOW - 300), NOW + 2))
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
    """threat model 188"""
    kept = new_revocations()
    run_without_loop(kept.end(CLIENT, token(**about), NOW))
    assert is_ended(kept, begun(NOW - 60), claims) is ended
    assert not is_ended(kept, begun(NOW - 60), claims, "client1 at https://other.example")
    assert not is_ended(kept, begun(NOW - 60), claims, "client2 at https://op.example")


def test_a_token_is_used_once() -> None:
    """threat model 182"""
    kept = new_revocations()
    assert not run_without_loop(kept.is_used(token()))
    assert run_without_loop(kept.use(token(), NOW))
    assert run_without_loop(kept.is_used(token()))
    assert not run_without_loop(kept.use(token(), NOW))
    assert not run_without_loop(kept.is_used(token(jti="token 2")))


def test_marks_and_uses_end_when_they_are_of_no_use_any_more() -> None:
    """threat model 230"""
    now = 0.0
    kept = new_revocations(MemoryStore(monotonic=lambda: now))
    run_without_loop(kept.end(CLIENT, token(), NOW))
    run_without_loop(kept.use(token(), NOW))
    now = 150 + 59
    assert run_without_loop(kept.is_used(token()))
    now = 150 + 61
    assert not run_without_loop(kept.is_used(token()))
    now = 86_399
    assert is_ended(kept, begun(NOW - 60))
    now = 86_401
    assert not is_ended(kept, begun(NOW - 60))


def test_a_frame_ends_what_is_expected_and_nothing_else() -> None:
    kept = new_revocations()
    assert not run_without_loop(kept.end_expected(CLIENT, "session 1", NOW))
    run_without_loop(kept.expect(CLIENT, ALICE))
    assert not is_ended(kept, begun(NOW - 60))
    assert run_without_loop(kept.end_expected(CLIENT, "session 1", NOW))
    assert is_ended(kept, begun(NOW - 60))
    assert not is_ended(kept, begun(NOW + 60))


def test_to_expect_a_session_takes_no_logout_back() -> None:
    kept = new_revocations()
    run_without_loop(kept.end(CLIENT, token(), NOW))
    run_without_loop(kept.expect(CLIENT, ALICE))
    assert is_ended(kept, begun(NOW - 60))


def test_two_logouts_at_once_are_both_kept() -> None:
    store = WatchedStore()
    kept, other = new_revocations(store), new_revocations(store)
    run_without_loop(kept.expect(CLIENT, ALICE))
    store.meanwhile.append(lambda: run_without_loop(other.end(CLIENT, token(NOW + 100), NOW + 100)))
    run_without_loop(kept.end(CLIENT, token(NOW), NOW))
    assert is_ended(kept, begun(NOW + 50))
    assert is_ended(kept, begun(NOW - 50))


def test_a_mark_that_can_not_be_made_is_an_outage() -> None:
    store = WatchedStore()
    kept = new_revocations(store)
    run_without_loop(kept.expect(CLIENT, ALICE))
    (key,) = store.values
    (_, name), *_ = kept._keys(json.dumps((CLIENT, "sid", "session 1")))
    assert name == key
    mark = Sealer([SECRET])
    for _ in range(20):
        store.meanwhile.append(lambda: run_without_loop(store.put(key, mark.seal(PURPOSE, key, b"{}").encode(), 60)))
    with pytest.raises(StoreUnavailable):
        run_without_loop(kept.end(CLIENT, token(), NOW))


def started(kept: SessionRevocations, login: LoginBegun) -> LoginBegun:
    """The same login, as its session keeps it from the moment at which it begins."""
    found = run_without_loop(kept.find(CLIENT, ALICE))
    assert not kept.is_ended(found, login)
    return replace(login, revocations=tuple(revocation.version for revocation in found))


@pytest.mark.parametrize("difference", [-30.0, 0.0, 30.0])
@pytest.mark.parametrize("sign_ins", [1, 3])
def test_a_logout_ends_a_session_that_has_begun_whatever_the_clocks_say(difference: float, sign_ins: int) -> None:
    """threat model 348: the worker that receives the logout has a clock that is ahead or behind"""
    kept = new_revocations()
    for number in range(sign_ins):
        now = NOW + 100 * number
        session = started(kept, begun(now))
        run_without_loop(kept.end(CLIENT, token(now + 1), now + 1 + difference))
        assert is_ended(kept, session)


def test_a_logout_in_the_same_second_as_the_one_before_ends_what_began_between_them() -> None:
    """threat model 348"""
    kept = new_revocations()
    run_without_loop(kept.end(CLIENT, token(NOW), NOW))
    session = started(kept, begun(NOW + 0.1))
    assert not is_ended(kept, session)
    run_without_loop(kept.end(CLIENT, token(NOW), NOW - 30))
    assert is_ended(kept, session)


def test_an_older_logout_that_comes_later_ends_no_session_that_began_after_the_newer_one() -> None:
    kept = new_revocations()
    run_without_loop(kept.end(CLIENT, token(NOW), NOW))
    session = started(kept, begun(NOW + 5))
    run_without_loop(kept.end(CLIENT, token(NOW - 300), NOW + 10))
    assert not is_ended(kept, session)


@pytest.mark.parametrize(("apart", "ended"), [(0.1, True), (LEEWAY, True), (LEEWAY + 1, False)], ids=str)
def test_clocks_of_a_providers_machines_may_differ_between_two_logouts(apart: float, ended: bool) -> None:
    """threat model 348: the second logout may be by a machine whose clock is behind that of the first one"""
    kept = new_revocations()
    run_without_loop(kept.end(CLIENT, token(NOW), NOW))
    session = started(kept, begun(NOW + 5))
    run_without_loop(kept.end(CLIENT, token(NOW - apart), NOW + 10))
    assert is_ended(kept, session) is ended


def test_a_logout_after_that_of_a_frame_ends_what_began_between_them() -> None:
    kept = new_revocations()
    run_without_loop(kept.expect(CLIENT, ALICE))
    run_without_loop(kept.end_expected(CLIENT, "session 1", NOW))
    session = started(kept, begun(NOW + 5))
    run_without_loop(kept.expect(CLIENT, ALICE))
    assert not is_ended(kept, session)
    run_without_loop(kept.end(CLIENT, token(NOW + 10), NOW + 10))
    assert is_ended(kept, session)


# What else writes to the store

OTHERS = [b"", b"-", b"\x80", b"1", b"[1]", b"[null,null]", b'{"a":1}', b"[253402300799, 253402300799]"]
SHAPES = [b"", b"[]", b"1", b'{"a":1}', b'{"version":"a","issued_at":null,"received_at":1}', b"\x80"]


@pytest.mark.parametrize("value", OTHERS, ids=str)
def test_a_mark_that_somebody_else_wrote_is_an_outage(value: bytes) -> None:
    """threat model 351: it says neither that the session has ended, nor that it has not"""
    store = WatchedStore()
    kept = new_revocations(store)
    run_without_loop(kept.end(CLIENT, token(), NOW))
    (*_, key) = store.values
    run_without_loop(store.put(key, value, 60))
    for act in (kept.find(CLIENT, {"sub": "alice"}), kept.end(CLIENT, token(), NOW)):
        with pytest.raises(StoreUnavailable, match="altered"):
            run_without_loop(act)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_mark_of_another_shape_is_an_outage(shape: bytes) -> None:
    """threat model 351: though it was sealed with our key"""
    store = WatchedStore()
    kept = new_revocations(store)
    run_without_loop(kept.expect(CLIENT, ALICE))
    (key,) = store.values
    run_without_loop(store.put(key, Sealer([SECRET]).seal(PURPOSE, key, shape).encode(), 60))
    with pytest.raises(StoreUnavailable):
        run_without_loop(kept.find(CLIENT, ALICE))


def test_the_mark_of_one_user_is_none_of_another() -> None:
    """threat model 351"""
    store = WatchedStore()
    kept = new_revocations(store)
    run_without_loop(kept.end(CLIENT, token(sid=None), NOW))
    (of_alice,) = store.values.values()
    run_without_loop(kept.end(CLIENT, token(sub="bob", sid=None), NOW))
    run_without_loop(store.put(list(store.values)[-1], of_alice, 60))
    assert is_ended(kept, begun(NOW - 60))
    with pytest.raises(StoreUnavailable):
        is_ended(kept, begun(NOW - 60), {"sub": "bob"})


def test_while_the_key_is_replaced_no_logout_is_missed() -> None:
    """threat model 351: at one worker after the other; and a key that is gone locks nobody out"""
    old, new = b"the former secret of the tests", b"the present secret of the tests"
    store = WatchedStore()
    before, during, after = new_revocations(store, old), new_revocations(store, new, old), new_revocations(store, new)
    for teller, user in ((before, "alice"), (during, "carol")):
        run_without_loop(teller.end(CLIENT, token(sub=user, sid=None), NOW))
        for kept in (before, during):
            assert is_ended(kept, begun(NOW - 60), {"sub": user})
    assert is_ended(after, begun(NOW - 60), {"sub": "carol"})
    run_without_loop(before.end(CLIENT, token(sub="bob", sid=None), NOW))
    assert not is_ended(after, begun(NOW - 60), {"sub": "bob"})
    assert run_without_loop(before.use(token(), NOW))
    assert run_without_loop(during.is_used(token()))
    assert not run_without_loop(during.use(token(), NOW))


def test_the_store_tells_nobody_s_name() -> None:
    """threat model 351: nor can anybody who has no secret find the mark of a user"""
    store = WatchedStore()
    kept = new_revocations(store)
    run_without_loop(kept.expect(CLIENT, ALICE))
    run_without_loop(kept.end(CLIENT, token(), NOW))
    run_without_loop(kept.use(token(), NOW))
    assert len(store.values) == 3
    told = " ".join((*store.values, *(value.decode() for value in store.values.values())))
    assert not any(name in told for name in ("alice", "session 1", "token 1", str(int(NOW))))
    guessed = sha256(json.dumps((CLIENT, "sub without sid", "alice")).encode()).hexdigest()
    assert guessed not in told
    assert not set(store.values) & set(
        _written(new_revocations(other := WatchedStore(), b"another secret of the tests"), other)
    )


def _written(kept: SessionRevocations, store: WatchedStore) -> dict[str, bytes]:
    run_without_loop(kept.end(CLIENT, token(), NOW))
    return store.values
