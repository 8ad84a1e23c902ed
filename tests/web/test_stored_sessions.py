"""Sessions in a store: what the browser has, what the store has, and what becomes of requests that overlap."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from oidc_async.blocking import finish
from oidc_async.errors import SessionTooLarge, StoreUnavailable
from oidc_async.sealing import Sealer
from oidc_async.user_session import UserSession
from oidc_async.web.cookies import Cookies
from oidc_async.web.session_record import SessionRecord
from oidc_async.web.stored_sessions import TRIES, StoredSessions

from .watched_store import WatchedStore
from .web_request import NOW, ORIGIN, REDIRECT_URI, SECRET, Jar, settings

VALUES: dict[str, Any] = {
    "current_provider": "default",
    "last_authenticated": 1,
    "last_session_refresh": 1,
    "access_token": "access 1",
    "refresh_token": "refresh 1",
}
CLIENTS = {"default": "client1 at https://op.example", "second": "client1 at https://second.example"}
SID = Cookies(REDIRECT_URI).name("sid")
Change = Callable[[UserSession], None]


class Keeper:
    """One process of an application, as its requests use it."""

    def __init__(
        self,
        store: WatchedStore | None = None,
        clients: Mapping[str, str] = CLIENTS,
        redirect_uri: str = REDIRECT_URI,
        **changes: Any,
    ) -> None:
        chosen = settings(**changes)
        self.store = WatchedStore() if store is None else store
        self.cookies = Cookies(redirect_uri)
        sealer = Sealer(chosen.secret_keys)
        self.sessions = StoredSessions(self.store, chosen, sealer, self.cookies, clients)

    def log_in(self, values: Mapping[str, Any] = VALUES, jar: Jar | None = None, now: float = NOW) -> Jar:
        jar = Jar() if jar is None else jar
        record = self.sessions.new(jar, now)
        record.update(values)
        return jar.keep(finish(self.sessions.begin(record, self.open(jar, now), jar, now)))

    def open(self, jar: Mapping[str, str], now: float = NOW) -> SessionRecord:
        return finish(self.sessions.open(jar, now))

    def keep(self, record: SessionRecord, jar: Jar, now: float = NOW) -> None:
        jar.keep(finish(self.sessions.keep(record, jar, now)))

    def change(self, jar: Jar, change: Change, now: float = NOW) -> None:
        """A whole request."""
        record = self.open(jar, now)
        change(UserSession(record))
        self.keep(record, jar, now)


# What the browser has


def test_the_browser_has_an_id_of_256_bits_for_this_host_only() -> None:
    """security.md 157"""
    keeper = Keeper()
    record = keeper.sessions.new({}, NOW)
    record.update(VALUES)
    (cookie,) = finish(keeper.sessions.begin(record, keeper.open({}), {}, NOW))
    assert (cookie.name, len(cookie.value)) == (SID, 43)
    assert cookie.name.startswith("__Host-")
    assert (cookie.secure, cookie.httponly, cookie.samesite, cookie.path) == (True, True, "Lax", "/")


def test_no_two_sessions_have_the_same_id() -> None:
    keeper = Keeper()
    assert len({keeper.log_in()[SID] for _ in range(100)}) == 100


def test_a_login_has_a_new_id_and_the_record_of_before_is_gone() -> None:
    """security.md 156"""
    keeper = Keeper()
    jar = keeper.log_in()
    before = Jar(jar)
    keeper.log_in({**VALUES, "access_token": "of another"}, jar)
    assert jar[SID] != before[SID]
    assert keeper.open(before) == {}
    assert keeper.open(jar)["access_token"] == "of another"
    assert len(keeper.store) == 1


def test_an_id_that_was_planted_becomes_no_session() -> None:
    """security.md 156: neither by a login nor by what an application keeps itself"""
    keeper = Keeper()
    planted = "A" * 43
    jar = keeper.log_in(jar=Jar({SID: planted}))
    assert jar[SID] != planted
    jar = Jar({SID: planted})
    record = keeper.open(jar)
    record.update(VALUES)
    keeper.keep(record, jar)
    assert jar[SID] != planted
    assert keeper.open({SID: planted}) == {}


@pytest.mark.parametrize(
    "session_id",
    [
        "",
        "A",
        "A" * 42,
        "A" * 44,
        "A" * 100_000,
        "A" * 42 + "=",
        "A" * 42 + "\n",
        "A" * 43 + "\n",
        "\u0661" * 43,
        "../" + "A" * 40,
        "\x00" * 43,
        "*" * 43,
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_what_can_not_be_an_id_is_nobody_and_asks_nobody(session_id: str) -> None:
    """security.md 160, 161, 162"""
    keeper = Keeper()
    assert not keeper.sessions.is_present({SID: session_id})
    assert keeper.open({SID: session_id}) == {}
    assert keeper.store.calls == []


def test_an_id_that_was_altered_is_nobody() -> None:
    """security.md 160"""
    keeper = Keeper()
    session_id = keeper.log_in()[SID]
    altered = ("A" if session_id[0] != "A" else "B") + session_id[1:]
    assert keeper.open({SID: altered}) == {}
    assert keeper.open({SID: session_id}) == VALUES


# What the store has


def test_nothing_of_a_login_can_be_read_in_the_store() -> None:
    """security.md 164"""
    keeper = Keeper()
    values = {**VALUES, "userinfo": {"sub": "alice", "name": "Alice"}}
    session_id = keeper.log_in(values)[SID]
    dump = b"\n".join(key.encode() + b" " + value for key, value in keeper.store.values.items())
    assert dump
    told = [session_id, "access 1", "refresh 1", "alice", "Alice", "access_token", "https://op.example"]
    assert [secret for secret in told if secret.encode() in dump] == []


def test_a_record_below_another_key_is_no_session() -> None:
    """security.md 160: who may write to the store can't hand a session on"""
    keeper = Keeper()
    alice, bob = keeper.log_in(), keeper.log_in({**VALUES, "access_token": "of bob"})
    first, second = keeper.store.values
    finish(keeper.store.put(second, keeper.store.values[first], 60))
    assert keeper.open(bob) == {}
    assert keeper.open(alice) == VALUES


@pytest.mark.parametrize("value", [b"", b"A", b"A" * 1000, b"\xff\x00", json.dumps(VALUES).encode()])
def test_a_record_of_nonsense_is_no_session(value: bytes) -> None:
    """security.md 160"""
    keeper = Keeper()
    jar = keeper.log_in()
    (key,) = keeper.store.values
    finish(keeper.store.put(key, value, 60))
    assert keeper.open(jar) == {}


def test_a_record_of_another_secret_is_no_session_and_one_of_a_former_secret_is() -> None:
    """security.md 160"""
    store, former = WatchedStore(), b"the former secret of the tests"
    jar = Keeper(store, secret_keys=(former,)).log_in()
    assert Keeper(store).open(jar) == {}
    assert Keeper(store, secret_keys=(SECRET, former)).open(jar) == VALUES


def test_a_change_is_sealed_with_the_present_secret() -> None:
    """security.md 160: the former one can be given up"""
    store, former = WatchedStore(), b"the former secret of the tests"
    jar = Keeper(store, secret_keys=(former,)).log_in()
    Keeper(store, secret_keys=(SECRET, former)).change(jar, lambda user: user.update(userinfo={"sub": "alice"}))
    assert Keeper(store).open(jar)["userinfo"] == {"sub": "alice"}


def test_a_record_of_a_client_that_was_configured_anew_is_no_session() -> None:
    """security.md 235"""
    store = WatchedStore()
    jar = Keeper(store).log_in()
    assert Keeper(store, {"default": "client1 at https://other.example"}).open(jar) == {}


def test_the_session_of_one_application_is_none_at_another_with_the_same_store_secret_and_client() -> None:
    """security.md 37, 160: the cookies of applications on one host are seen by all of them"""
    store = WatchedStore()
    shop, admin = Keeper(store), Keeper(store, redirect_uri=f"{ORIGIN}/admin/redirect_uri")
    session_id = shop.log_in()[SID]
    stolen = {admin.cookies.name("sid"): session_id}
    assert shop.open({SID: session_id}) == VALUES
    assert admin.open(stolen) == {}
    finish(admin.sessions.begin(admin.sessions.new({}, NOW), admin.open(stolen), stolen, NOW))
    assert shop.open({SID: session_id}) == VALUES


def test_a_session_may_be_much_larger_than_cookies_but_not_endless() -> None:
    """security.md 165"""
    keeper = Keeper()
    groups = [f"{number * 7919:032x}" for number in range(6000)]
    jar = keeper.log_in({**VALUES, "userinfo": {"groups": groups}})
    assert keeper.open(jar)["userinfo"]["groups"] == groups
    assert len(jar[SID]) == 43
    with pytest.raises(SessionTooLarge):
        keeper.log_in({**VALUES, "userinfo": {"groups": groups * 2}}, jar)
    assert keeper.open(jar)["userinfo"]["groups"] == groups


# For how long


@pytest.mark.parametrize(
    ("idle", "after", "is_alive"),
    [(None, 3600, True), (None, 3601, False), (600.0, 600, True), (600.0, 601, False)],
)
def test_a_session_ends(idle: float | None, after: float, is_alive: bool) -> None:
    """contract.md 2"""
    keeper = Keeper(session_seconds=3600.0, session_idle_seconds=idle)
    assert bool(keeper.open(keeper.log_in(), NOW + after)) is is_alive


def test_use_prolongs_a_session_to_its_age_and_no_further() -> None:
    """contract.md 2"""
    keeper = Keeper(session_seconds=3600.0, session_idle_seconds=600.0)
    jar, alive_until = keeper.log_in(), NOW
    for now in range(int(NOW), int(NOW) + 7200, 100):
        record = keeper.open(jar, now)
        keeper.keep(record, jar, now)
        alive_until = now if record else alive_until
    assert alive_until == NOW + 3600


@pytest.mark.parametrize(("after", "calls"), [(60, ["get_many"]), (61, ["get_many", "replace"])])
def test_being_seen_is_written_now_and_then_and_nothing_else_is(after: float, calls: list[str]) -> None:
    keeper = Keeper(session_idle_seconds=600.0)
    jar = keeper.log_in()
    keeper.store.calls.clear()
    keeper.keep(keeper.open(jar, NOW + after), jar, NOW + after)
    assert keeper.store.calls == calls


# Requests that overlap


def test_requests_that_change_different_things_both_keep_theirs() -> None:
    """security.md 243"""
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
    """security.md 243: though its refresh, a replay of the first one, seems to be the last one"""
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
    """security.md 243: the token of before is spent"""
    keeper = Keeper()
    jar = keeper.log_in()
    slow = keeper.open(jar)
    refreshed(2, NOW)(UserSession(slow))
    keeper.change(jar, lambda user: user.update(userinfo={"name": "Alice"}, now=NOW))
    keeper.keep(slow, jar)
    kept = keeper.open(jar)
    assert (kept["refresh_token"], kept["userinfo"]) == ("refresh 2", {"name": "Alice"})


def test_tokens_of_one_provider_never_come_below_the_name_of_another() -> None:
    """security.md 46: an application that puts another login in the place of one, while a refresh is under way"""
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
    """security.md 248"""
    keeper = Keeper()
    jar = keeper.log_in()
    slow, slow_jar = keeper.open(jar), Jar(jar)
    slow["access_token"] = "access 2"
    end(keeper, jar)
    keeper.keep(slow, slow_jar)
    assert keeper.open(slow_jar) == {}
    assert len(keeper.store) == 0


def test_a_logout_between_two_looks_of_a_save_wins() -> None:
    """security.md 248"""
    keeper = Keeper()
    jar = keeper.log_in()
    slow, slow_jar = keeper.open(jar), Jar(jar)
    slow["access_token"] = "access 2"
    keeper.store.meanwhile = [lambda: end(keeper, jar)]
    keeper.keep(slow, slow_jar)
    assert len(keeper.store) == 0


def test_a_logout_wins_against_a_save_that_was_quicker() -> None:
    """security.md 248"""
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
    assert "the changes of one of them are lost" in caplog.text


def test_what_a_hook_changes_after_a_login_is_the_same_session() -> None:
    keeper = Keeper()
    jar = Jar()
    record = keeper.sessions.new(jar, NOW)
    record.update(VALUES)
    jar.keep(finish(keeper.sessions.begin(record, keeper.open(jar), jar, NOW)))
    record.settle()
    session_id = jar[SID]
    record["userinfo"] = {"name": "Alice"}
    keeper.keep(record, jar)
    assert (jar[SID], len(keeper.store)) == (session_id, 1)
    assert keeper.open(jar)["userinfo"] == {"name": "Alice"}


# Outages


@pytest.mark.parametrize("broken", ["put", "delete"])
def test_a_login_that_can_not_be_kept_leaves_the_session_that_there_is(broken: str) -> None:
    """contract.md 2, 4"""
    keeper = Keeper()
    jar = keeper.log_in()
    keeper.store.break_down(broken)
    with pytest.raises(StoreUnavailable):
        keeper.log_in({**VALUES, "access_token": "of another"}, jar)
    keeper.store.come_back()
    assert keeper.open(jar) == VALUES


@pytest.mark.parametrize(
    ("broken", "change"),
    [("delete", lambda record: record.clear()), ("replace", lambda record: record.update(userinfo={}))],
)
def test_what_can_not_be_saved_is_an_error_and_ends_nothing(
    broken: str, change: Callable[[SessionRecord], None]
) -> None:
    """contract.md 4"""
    keeper = Keeper()
    jar = keeper.log_in()
    record = keeper.open(jar)
    change(record)
    keeper.store.break_down(broken)
    with pytest.raises(StoreUnavailable):
        keeper.keep(record, jar)
    keeper.store.come_back()
    assert keeper.open(jar) == VALUES
