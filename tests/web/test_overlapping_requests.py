"""What becomes of a session in a store when requests that use it overlap."""

from collections.abc import Callable

import pytest

from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.web.sessions.session_record import SessionRecord
from oidc_async.web.sessions.stored_sessions import TRIES
from oidc_async.web.sessions.user_session import UserSession

from .keeper import SID, VALUES, Change, Keeper
from .web_request import NOW, Jar


def test_requests_that_change_different_things_both_keep_theirs() -> None:
    """threat model 243"""
    keeper = Keeper(session_idle_seconds=600.0)
    jar = keeper.log_in()
    first, second = keeper.open(jar), keeper.open(jar, NOW + 100)
    first["userinfo"] = {"name": "Alice"}
    second["access_token"] = "access 2"
    keeper.keep(second, jar, NOW + 100)
    keeper.keep(first, jar)
    both = keeper.open(jar, NOW + 101)
    assert (both["userinfo"], both["access_token"]) == ({"name": "Alice"}, "access 2")
    assert both.seen_at == NOW + 100


def test_what_one_request_took_away_another_one_does_not_bring_back() -> None:
    keeper = Keeper()
    jar = keeper.log_in({**VALUES, "userinfo": {"name": "Alice"}})
    slow = keeper.open(jar)
    slow["access_token"] = "access 2"
    other = keeper.open(jar)
    del other["userinfo"]
    keeper.keep(other, jar)
    keeper.keep(slow, jar)
    assert "userinfo" not in keeper.open(jar)
    late = keeper.open(jar)
    del late["refresh_token"]
    keeper.change(jar, lambda user: user.update(userinfo={"name": "Alice"}))
    keeper.keep(late, jar)
    kept = keeper.open(jar)
    assert ("refresh_token" in kept, kept["userinfo"]) == (False, {"name": "Alice"})


def refreshed(number: int, now: float) -> Change:
    return lambda user: user.update(access_token=f"access {number}", refresh_token=f"refresh {number}", now=now)


@pytest.mark.parametrize("late", [0, 1, 40], ids=["in the same second", "a second later", "much later"])
def test_a_request_that_saves_late_overwrites_no_newer_refresh_token(late: float) -> None:
    """threat model 243: though its refresh, a replay of the first one, seems to be the last one"""
    keeper = Keeper()
    jar = keeper.log_in()
    slow = keeper.open(jar)
    keeper.change(jar, refreshed(2, NOW))
    keeper.change(jar, refreshed(3, NOW))
    refreshed(2, NOW + late)(UserSession(slow))
    slow["userinfo"] = {"name": "Alice"}
    keeper.keep(slow, jar)
    kept = keeper.open(jar)
    assert (kept["access_token"], kept["refresh_token"]) == ("access 3", "refresh 3")
    assert (kept["last_session_refresh"], kept["userinfo"]) == (NOW, {"name": "Alice"})


def test_a_refresh_is_not_lost_to_a_change_of_something_else_in_the_same_second() -> None:
    """threat model 243: the token of before is spent"""
    keeper = Keeper()
    jar = keeper.log_in()
    slow = keeper.open(jar)
    refreshed(2, NOW)(UserSession(slow))
    keeper.change(jar, lambda user: user.update(userinfo={"name": "Alice"}, now=NOW))
    keeper.keep(slow, jar)
    kept = keeper.open(jar)
    assert (kept["refresh_token"], kept["userinfo"]) == ("refresh 2", {"name": "Alice"})


def dropped(keeper: Keeper, record: SessionRecord) -> SessionRecord:
    keeper.sessions.drop_refresh_token(record, NOW)
    return record


def test_a_refresh_token_that_is_dropped_late_leaves_a_newer_one_alone() -> None:
    """threat model 74, 243: another process had more luck with the old one"""
    keeper = Keeper()
    jar = keeper.log_in()
    slow = dropped(keeper, keeper.open(jar))
    keeper.change(jar, refreshed(2, NOW))
    keeper.keep(slow, jar)
    kept = keeper.open(jar)
    assert (kept["access_token"], kept["refresh_token"]) == ("access 2", "refresh 2")


def test_a_refresh_token_that_is_dropped_early_keeps_no_newer_one_away() -> None:
    """threat model 74, 243"""
    keeper = Keeper()
    jar = keeper.log_in()
    slow = keeper.open(jar)
    refreshed(2, NOW)(UserSession(slow))
    keeper.keep(dropped(keeper, keeper.open(jar)), jar)
    assert "refresh_token" not in keeper.open(jar)
    keeper.keep(slow, jar)
    kept = keeper.open(jar)
    assert (kept["access_token"], kept["refresh_token"]) == ("access 2", "refresh 2")


def test_a_refresh_token_that_was_dropped_is_not_restored_by_an_earlier_refresh() -> None:
    """threat model 243: the second one was dropped, and the third came after it"""
    keeper = Keeper()
    jar = keeper.log_in()
    slow = keeper.open(jar)
    refreshed(2, NOW)(UserSession(slow))
    keeper.change(jar, refreshed(3, NOW))
    keeper.keep(dropped(keeper, keeper.open(jar)), jar)
    keeper.keep(slow, jar)
    kept = keeper.open(jar)
    assert (kept["access_token"], "refresh_token" in kept) == ("access 3", False)


def test_what_the_refresh_token_is_of_stays_with_it() -> None:
    """threat model 71: a renewal that saves late leaves neither its ID token nor its nonce"""
    keeper = Keeper()
    jar = keeper.log_in({**VALUES, "id_token": {"sub": "alice", "nonce": "first"}})
    keeper.change(jar, lambda user: user.update(id_token={"sub": "alice"}, refresh_token="refresh 2", now=NOW))
    slow = keeper.open(jar)
    UserSession(slow).update(id_token={"sub": "alice", "nonce": "second"}, refresh_token="renewed", now=NOW)
    keeper.change(jar, lambda user: user.update(id_token={"sub": "alice"}, refresh_token="refresh 3", now=NOW))
    keeper.keep(slow, jar)
    kept = UserSession(keeper.open(jar))
    assert (kept.refresh_token, kept.claims_of_login) == ("refresh 3", {"sub": "alice", "nonce": "first"})


def test_tokens_of_one_provider_never_come_below_the_name_of_another() -> None:
    """threat model 46: an application that puts another login in the place of one, while a refresh is under way"""
    keeper = Keeper()
    jar = keeper.log_in()

    def switch(record: SessionRecord) -> None:
        UserSession(record, "second").update(access_token="of the second", now=NOW)

    slow = keeper.open(jar)
    refreshed(2, NOW)(UserSession(slow))
    switching = keeper.open(jar)
    switch(switching)
    keeper.keep(switching, jar)
    keeper.keep(slow, jar)
    kept = keeper.open(jar)
    assert kept == {**kept, "current_provider": "second", "access_token": "of the second"}
    assert "refresh_token" not in kept

    jar = keeper.log_in({name: VALUES[name] for name in VALUES if name != "refresh_token"})
    switching = keeper.open(jar)
    switch(switching)
    keeper.change(jar, refreshed(2, NOW))
    keeper.keep(switching, jar)
    kept = keeper.open(jar)
    assert (kept["current_provider"], kept["access_token"]) == ("second", "of the second")
    assert "refresh_token" not in kept


def end(keeper: Keeper, jar: Jar) -> None:
    record = keeper.open(jar)
    record.clear()
    keeper.keep(record, jar)


def test_a_logout_deletes_the_record_and_the_cookie() -> None:
    keeper = Keeper()
    jar = keeper.log_in()
    before = Jar(jar)
    end(keeper, jar)
    assert jar == {}
    assert keeper.open(before) == {}
    assert len(keeper.store) == 0


def test_a_request_that_was_under_way_during_a_logout_revives_nothing() -> None:
    """threat model 248"""
    keeper = Keeper()
    jar = keeper.log_in()
    slow, slow_jar = keeper.open(jar), Jar(jar)
    slow["access_token"] = "access 2"
    end(keeper, jar)
    keeper.keep(slow, slow_jar)
    assert keeper.open(slow_jar) == {}
    assert len(keeper.store) == 0


def test_a_logout_between_two_looks_of_a_save_wins() -> None:
    """threat model 248"""
    keeper = Keeper()
    jar = keeper.log_in()
    slow, slow_jar = keeper.open(jar), Jar(jar)
    slow["access_token"] = "access 2"
    keeper.store.meanwhile = [lambda: end(keeper, jar)]
    keeper.keep(slow, slow_jar)
    assert len(keeper.store) == 0


def test_a_logout_wins_against_a_save_that_was_quicker() -> None:
    """threat model 248"""
    keeper = Keeper()
    jar = keeper.log_in()
    leaving, leaving_jar = keeper.open(jar), Jar(jar)
    keeper.change(jar, refreshed(2, NOW))
    leaving.clear()
    keeper.keep(leaving, leaving_jar)
    assert len(keeper.store) == 0


def test_a_change_is_tried_again_a_few_times_and_not_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    keeper = Keeper()
    jar = keeper.log_in()

    def interfere(number: int) -> Callable[[], None]:
        def change() -> None:
            pending, keeper.store.meanwhile = keeper.store.meanwhile, []
            keeper.change(jar, lambda user: user.update(userinfo={"number": number}))
            keeper.store.meanwhile = pending

        return change

    def save(interferences: int) -> SessionRecord:
        record = keeper.open(jar)
        record["access_token"] = f"after {interferences}"
        keeper.store.meanwhile = [interfere(number) for number in range(interferences)]
        keeper.keep(record, jar)
        return keeper.open(jar)

    kept = save(TRIES - 1)
    assert (kept["access_token"], kept["userinfo"]) == (f"after {TRIES - 1}", {"number": TRIES - 2})
    assert caplog.text == ""
    assert save(TRIES)["access_token"] == f"after {TRIES - 1}"
    assert "the changes of one request to a session are lost" in caplog.text


@pytest.mark.parametrize("slow_is", ["of the former user", "of the new user"])
def test_nothing_of_one_user_is_merged_into_the_session_of_another(slow_is: str) -> None:
    """threat model 347: an application may clear a session and begin one itself, at the same provider"""
    keeper = Keeper()
    jar = keeper.log_in({**VALUES, "userinfo": {"name": "Alice"}})
    alice, bob, late = (keeper.open(jar) for _ in range(3))
    alice["userinfo"] = {"name": "Alice", "email": "alice@example.com"}
    UserSession(bob).clear()
    UserSession(bob, "default").update(access_token="of bob", now=NOW)
    late["userinfo"] = {"name": "Alice, late"}
    for record in (bob, alice) if slow_is == "of the former user" else (alice, bob):
        keeper.keep(record, jar)
    keeper.keep(late, jar)
    kept = keeper.open(jar)
    assert (kept["access_token"], kept.get("userinfo"), kept.get("refresh_token")) == ("of bob", None, None)


def test_what_a_hook_changes_after_a_login_is_the_same_session() -> None:
    keeper = Keeper()
    jar = Jar()
    record = keeper.sessions.new(jar, NOW)
    record.update(VALUES)
    jar.keep(run_without_loop(keeper.sessions.begin(record, jar, NOW)))
    record.settle()
    session_id = jar[SID]
    record["userinfo"] = {"name": "Alice"}
    keeper.keep(record, jar)
    assert (jar[SID], len(keeper.store)) == (session_id, 1)
    assert keeper.open(jar)["userinfo"] == {"name": "Alice"}
