"""Sessions in a store: what the browser has, what the store has, for how long, and what an outage does to them."""

import json
from collections.abc import Callable

import pytest

from oidc_async.errors import SessionTooLarge, StoreUnavailable
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.web.sessions.session_record import SessionRecord

from .keeper import SID, VALUES, Keeper
from .watched_store import WatchedStore
from .web_request import NOW, ORIGIN, SECRET, Jar

# What the browser has


def test_the_browser_has_an_id_of_256_bits_for_this_host_only() -> None:
    """threat model 157"""
    keeper = Keeper()
    record = keeper.sessions.new({}, NOW)
    record.update(VALUES)
    (cookie,) = run_without_loop(keeper.sessions.begin(record, {}, NOW))
    assert (cookie.name, len(cookie.value)) == (SID, 43)
    assert cookie.name.startswith("__Host-")
    assert (cookie.secure, cookie.httponly, cookie.samesite, cookie.path) == (True, True, "Lax", "/")


def test_no_two_sessions_have_the_same_id() -> None:
    keeper = Keeper()
    assert len({keeper.log_in()[SID] for _ in range(100)}) == 100


def test_a_login_has_a_new_id_and_the_record_of_before_is_gone() -> None:
    """threat model 156"""
    keeper = Keeper()
    jar = keeper.log_in()
    before = Jar(jar)
    keeper.log_in({**VALUES, "access_token": "of another"}, jar)
    assert jar[SID] != before[SID]
    assert keeper.open(before) == {}
    assert keeper.open(jar)["access_token"] == "of another"
    assert len(keeper.store) == 1


def test_an_id_that_was_planted_becomes_no_session() -> None:
    """threat model 156: neither by a login nor by what an application keeps itself"""
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
    """threat model 160, 161, 162"""
    keeper = Keeper()
    assert not keeper.sessions.is_present({SID: session_id})
    assert keeper.open({SID: session_id}) == {}
    assert keeper.store.calls == []


def test_an_id_that_was_altered_is_nobody() -> None:
    """threat model 160"""
    keeper = Keeper()
    session_id = keeper.log_in()[SID]
    altered = ("A" if session_id[0] != "A" else "B") + session_id[1:]
    assert keeper.open({SID: altered}) == {}
    assert keeper.open({SID: session_id}) == VALUES


# What the store has


def test_nothing_of_a_login_can_be_read_in_the_store() -> None:
    """threat model 164"""
    keeper = Keeper()
    values = {**VALUES, "userinfo": {"sub": "alice", "name": "Alice"}}
    session_id = keeper.log_in(values)[SID]
    dump = b"\n".join(key.encode() + b" " + value for key, value in keeper.store.values.items())
    assert dump
    told = [session_id, "access 1", "refresh 1", "alice", "Alice", "access_token", "https://op.example"]
    assert [secret for secret in told if secret.encode() in dump] == []


def test_a_record_below_another_key_is_not_a_session() -> None:
    """threat model 160: who may write to the store can't hand a session on"""
    keeper = Keeper()
    alice, bob = keeper.log_in(), keeper.log_in({**VALUES, "access_token": "of bob"})
    first, second = keeper.store.values
    run_without_loop(keeper.store.put(second, keeper.store.values[first], 60))
    assert keeper.open(bob) == {}
    assert keeper.open(alice) == VALUES


@pytest.mark.parametrize("value", [b"", b"A", b"A" * 1000, b"\xff\x00", json.dumps(VALUES).encode()])
def test_a_record_of_nonsense_is_not_a_session(value: bytes) -> None:
    """threat model 160"""
    keeper = Keeper()
    jar = keeper.log_in()
    (key,) = keeper.store.values
    run_without_loop(keeper.store.put(key, value, 60))
    assert keeper.open(jar) == {}


def test_a_record_of_another_secret_is_not_a_session_but_one_of_a_former_secret_is() -> None:
    """threat model 160"""
    store, former = WatchedStore(), b"the former secret of the tests"
    jar = Keeper(store, secret_keys=(former,)).log_in()
    assert Keeper(store).open(jar) == {}
    assert Keeper(store, secret_keys=(SECRET, former)).open(jar) == VALUES


def test_a_change_is_sealed_with_the_present_secret() -> None:
    """threat model 160: the former one can be given up"""
    store, former = WatchedStore(), b"the former secret of the tests"
    jar = Keeper(store, secret_keys=(former,)).log_in()
    Keeper(store, secret_keys=(SECRET, former)).change(jar, lambda user: user.update(userinfo={"sub": "alice"}))
    assert Keeper(store).open(jar)["userinfo"] == {"sub": "alice"}


def test_a_record_of_a_client_that_was_replaced_is_not_a_session() -> None:
    """threat model 235"""
    store = WatchedStore()
    jar = Keeper(store).log_in()
    assert Keeper(store, {"default": "client1 at https://other.example"}).open(jar) == {}


def test_the_session_of_one_application_is_none_at_another_with_the_same_store_secret_and_client() -> None:
    """threat model 37, 160: the cookies of applications on one host are seen by all of them"""
    store = WatchedStore()
    shop, admin = Keeper(store), Keeper(store, redirect_uri=f"{ORIGIN}/admin/redirect_uri")
    session_id = shop.log_in()[SID]
    stolen = {admin.cookies.name("sid"): session_id}
    assert shop.open({SID: session_id}) == VALUES
    assert admin.open(stolen) == {}
    run_without_loop(admin.sessions.begin(admin.sessions.new({}, NOW), stolen, NOW))
    assert shop.open({SID: session_id}) == VALUES


def test_a_session_may_be_much_larger_than_cookies_but_not_endless() -> None:
    """threat model 165"""
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
    ids=["delete", "replace"],
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
