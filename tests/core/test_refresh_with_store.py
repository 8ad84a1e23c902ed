"""Refreshes in several processes that share a store: still one request.

threat model 74, 243, 244, 249, 250, 353, 355.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oidc_async import ClientMetadata
from oidc_async.errors import OAuthError, ProviderTimeout, ProviderUnreachable, RefreshTokenSpent, StoreUnavailable
from oidc_async.relying_party import shared_refresh
from oidc_async.relying_party.refresh_failures import ends_refresh_token
from oidc_async.relying_party.refresh_responses import REUSE_SECONDS, Refresh
from oidc_async.relying_party.shared_refresh import FAILURE_SECONDS, LOCK_SECONDS, REPLAY_SECONDS, SPENT_SECONDS
from oidc_async.sealing import Sealer
from oidc_async.stores import MemoryStore, SQLiteStore, Store, StoreChoice
from oidc_async.testing import Clock, Fault, Misbehaviour
from oidc_async.testing.stages import TOKEN_REPLY, harmless
from tests.core.broken_store import Broken
from tests.core.realm import REDIRECT_URI, SECRET, new_provider
from tests.core.refreshing import logged_in, tokens_of
from tests.core.worlds import AsyncWorld, World

PROCESSES = 4
CALLERS = 12
"""For each of them."""
START = 1_700_000_000.0


def face(choice: StoreChoice, world: World) -> Store:
    return choice.asynchronous() if isinstance(world, AsyncWorld) else choice.blocking()


@pytest.fixture(params=["memory", "sqlite"])
def new_face(request: pytest.FixtureRequest, tmp_path: Path, either_world: World) -> Iterator[Callable[[], Store]]:
    """Opens one store more often, as processes do: of a file, each has a connection of its own."""
    memory = MemoryStore()
    opened: list[Store] = []

    def new() -> Store:
        choice = memory if request.param == "memory" else SQLiteStore(tmp_path / "store.db")
        opened.append(face(choice, either_world))
        return opened[-1]

    yield new
    for store in opened:
        either_world.run(store.close())


class Shelf:
    """Two processes with one store in memory; they share a simulated clock."""

    def __init__(self, world: World, **register: Any) -> None:
        self.clock = Clock(START)
        self.provider = new_provider(clock=self.clock)
        if register:
            self.provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], **register)
        self.store = Broken(MemoryStore(monotonic=self.clock.monotonic))
        self.user = logged_in(world, self.provider, party={"store": self.store})
        self.other = self.user.elsewhere(party={"store": self.store})

    def entries(self) -> dict[str, bytes]:
        return {key: value for key, (_, value) in self.store.store._table().entries.items()}

    def results(self) -> dict[str, bytes]:
        """Those that have not ended."""
        kept, now = self.store.store._table().entries, self.clock.monotonic() * 1000
        return {key: value for key, (end, value) in kept.items() if key.startswith("refresh:") and end > now}


@pytest.fixture
def shelf(either_world: World) -> Shelf:
    return Shelf(either_world)


# One refresh for all


def test_one_refresh_serves_all_processes(either_world: World, new_face: Callable[[], Store]) -> None:
    """threat model 244"""
    provider = new_provider()
    with provider.serve(login_page=False):
        runtimes = [either_world.runtime() for _ in range(PROCESSES)]
        first = logged_in(either_world, provider, runtime=runtimes[0], party={"store": new_face()})
        others = [first.elsewhere(runtime=runtime, party={"store": new_face()}) for runtime in runtimes[1:]]
        users = [first, *others] * CALLERS
        outcomes = either_world.run_together([user.refreshing for user in users])
        assert (len(tokens_of(outcomes)), first.asked()) == (1, 1)
        for runtime in runtimes:
            either_world.close_runtime(runtime)


def test_an_invalid_answer_to_a_refresh_token_that_stays_is_not_left_for_others(either_world: World) -> None:
    """Another process asks the provider again: the refresh token is as good as before."""
    shelf = Shelf(either_world, rotates_refresh_tokens=False)
    with shelf.provider.misbehaving(Fault.REFRESH_ISS_OTHER, times=1):
        shelf.user.rejection()
    assert shelf.results() == {}
    assert shelf.other.refresh().id_token is not None
    assert shelf.user.asked() == 2


def test_latecomers_of_another_process_get_the_same_for_a_while(shelf: Shelf) -> None:
    """threat model 243, 244, 353: claims, tokens and time"""
    first = shelf.user.refresh()
    shelf.clock.advance(REPLAY_SECONDS - 1)
    late = shelf.other.refresh()
    assert (late.at, dict(late.id_token or {}), dict(late.tokens)) == (
        first.at,
        dict(first.id_token or {}),
        dict(first.tokens),
    )
    assert shelf.user.asked() == 1
    shelf.clock.advance(REPLAY_SECONDS + 1)
    newcomer = shelf.user.elsewhere(party={"store": shelf.store})
    assert [type(user.rejection()) for user in (shelf.other, newcomer)] == [RefreshTokenSpent] * 2
    assert shelf.user.asked() == 1


def test_the_result_without_rotation_is_replayed_briefly(either_world: World) -> None:
    shelf = Shelf(either_world, rotates_refresh_tokens=False)
    first = shelf.user.refresh()
    assert shelf.other.refresh().tokens.access_token == first.tokens.access_token
    shelf.clock.advance(2 * REUSE_SECONDS + 0.1)
    assert shelf.other.refresh().tokens.access_token != first.tokens.access_token
    assert shelf.user.asked() == 2


def test_a_refresh_without_id_token_is_replayed_as_that(shelf: Shelf) -> None:
    with shelf.provider.misbehaving(Fault.REFRESH_ID_TOKEN_MISSING, Fault.REFRESH_EXPIRES_IN_MISSING):
        shelf.user.refresh()
    late = shelf.other.refresh()
    assert (late.id_token, late.tokens.expires_in, shelf.user.asked()) == (None, None, 1)


def test_a_process_that_knows_asks_no_store(shelf: Shelf) -> None:
    shelf.user.refresh()
    shelf.store.calls.clear()
    shelf.user.refresh()
    assert shelf.store.calls == []


def test_a_refresh_costs_five_calls_of_the_store(shelf: Shelf) -> None:
    shelf.user.refresh()
    assert shelf.store.calls == ["put_if_absent", "get_many", "put", "put", "delete_if"]
    assert sorted(key.partition(":")[0] for key in shelf.entries()) == ["refresh", "refresh-lock"]
    shelf.clock.advance(SPENT_SECONDS + 1)
    shelf.other.rejection()
    assert shelf.user.asked() == 2


def test_a_rejection_is_shared_with_all_processes_briefly(shelf: Shelf) -> None:
    """threat model 74, 229"""
    with shelf.provider.misbehaving(Fault.TOKEN_INVALID_GRANT):
        mine, others = shelf.user.rejection(), shelf.other.rejection()
        assert (type(others), str(others), others.evidence) == (OAuthError, str(mine), mine.evidence)
        assert shelf.provider.count("token") == 2  # with that of the login
        shelf.clock.advance(2 * FAILURE_SECONDS + 0.1)
        shelf.other.rejection()
    assert shelf.provider.count("token") == 3


def test_a_leader_that_fails_lets_the_next_one_try(either_world: World) -> None:
    shelf = Shelf(either_world, rotates_refresh_tokens=False)
    with shelf.provider.misbehaving(Fault.TOKEN_500):
        assert isinstance(shelf.user.rejection(), ProviderUnreachable)
    assert shelf.entries() == {}
    assert shelf.other.refresh().tokens.access_token


def test_a_response_that_is_never_going_to_be_valid_fails_in_each_process(shelf: Shelf) -> None:
    """threat model 71, 355: and the provider is not asked again"""
    with shelf.provider.misbehaving(Fault.REFRESH_ISS_OTHER):
        mine, others = shelf.user.rejection(), shelf.other.rejection()
    assert (type(mine), str(mine)) == (type(others), str(others))
    assert [ends_refresh_token(error) for error in (mine, others)] == [True, True]
    shelf.clock.advance(REPLAY_SECONDS + 1)
    assert [type(user.rejection()) for user in (shelf.user, shelf.other)] == [RefreshTokenSpent] * 2
    assert shelf.user.asked() == 1


def test_a_response_that_is_invalid_costs_no_refresh_token_that_stays_good(either_world: World) -> None:
    """threat model 355"""
    shelf = Shelf(either_world, rotates_refresh_tokens=False)
    with shelf.provider.misbehaving(Fault.REFRESH_ISS_OTHER):
        assert [ends_refresh_token(user.rejection()) for user in (shelf.user, shelf.other)] == [False, False]
    shelf.clock.advance(2 * FAILURE_SECONDS + 0.1)
    assert shelf.user.refresh().tokens.access_token


# The distributed lock


def hold(shelf: Shelf, world: World) -> None:
    """As a process does that died while it refreshed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf.store.store, "delete_if", _nothing)
        with shelf.provider.misbehaving(Fault.TOKEN_INVALID_CLIENT, Fault.TOKEN_RESET):
            shelf.user.rejection()
    assert [key.partition(":")[0] for key in shelf.entries()] == ["refresh-lock"]
    shelf.provider.forget_requests()


async def _nothing(*_: object) -> bool:
    return True


def test_the_lock_of_a_dead_process_expires(either_world: World) -> None:
    shelf = Shelf(either_world, rotates_refresh_tokens=False)
    hold(shelf, either_world)
    begun = shelf.clock.monotonic()
    shelf.clock.advance(5)
    assert shelf.other.refresh().tokens.access_token
    assert LOCK_SECONDS <= shelf.clock.monotonic() - begun < LOCK_SECONDS + 1
    assert shelf.user.asked() == 1


def test_nobody_waits_for_ever(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, either_world: World) -> None:
    """A process that gives up does not ask the provider: another one may be about to."""
    hold(shelf, either_world)
    monkeypatch.setattr(shared_refresh, "LOCK_SECONDS", 1.0)
    rejection = shelf.other.rejection()
    assert isinstance(rejection, ProviderTimeout)
    assert "another process" in str(rejection)
    assert shelf.user.asked() == 0


def test_who_waits_takes_what_the_other_process_got(either_world: World) -> None:
    """One begins and takes its time; the other comes a moment later."""
    provider = new_provider()
    store = MemoryStore()
    late: Misbehaviour = harmless("half a second", TOKEN_REPLY(_half_a_second))
    with provider.serve(login_page=False), provider.misbehaving():
        runtimes = [either_world.runtime() for _ in range(2)]
        user = logged_in(either_world, provider, runtime=runtimes[0], party={"store": face(store, either_world)})
        other = user.elsewhere(runtime=runtimes[1], party={"store": face(store, either_world)})

        async def a_moment_later() -> Refresh:
            await runtimes[1].sleep(0.2)
            return await other.refreshing()

        with provider.misbehaving(late):
            outcomes = either_world.run_together([user.refreshing, a_moment_later])
        assert (len(tokens_of(outcomes)), user.asked()) == (1, 1)
        for runtime in runtimes:
            either_world.close_runtime(runtime)


def _half_a_second(reply: Any, scene: Any) -> Any:
    from dataclasses import replace

    return replace(reply, delay=0.5)


def test_a_lock_that_was_lost_is_not_taken_from_its_new_holder(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one who was too slow gives back its own, and no other."""
    key = ""
    delete_if = shelf.store.store.delete_if

    async def after_another_took_it(name: str, expected: bytes) -> bool:
        nonlocal key
        key = name
        await shelf.store.store.put(name, b"another", 60)
        return await delete_if(name, expected)

    monkeypatch.setattr(shelf.store.store, "delete_if", after_another_took_it)
    shelf.user.refresh()
    assert shelf.entries()[key] == b"another"


# Who may read and who may not


def test_what_lies_in_the_store_needs_the_refresh_token(shelf: Shelf) -> None:
    """threat model 250: neither keys nor values tell a token, and no other token opens them"""
    refresh = shelf.user.refresh()
    ((key, value),) = shelf.results().items()
    names = ("access_token", "refresh_token", "id_token")
    tokens = [shelf.user.token, *(str(refresh.tokens[name]) for name in names)]
    assert [token for token in tokens if token in key or token.encode() in value] == []
    for secret in (refresh.tokens.refresh_token or "", refresh.tokens.access_token, SECRET):
        assert Sealer([secret.encode()]).open(shared_refresh.PURPOSE, key, value.decode()) is None
    opened = Sealer([shelf.user.token.encode()]).open(shared_refresh.PURPOSE, key, value.decode())
    assert json.loads(opened or b"null")["tokens"]["access_token"] == refresh.tokens.access_token


@pytest.mark.parametrize("value", [b"", b"x", b"\xff\xfe", b"e30" * 20], ids=repr)
def test_what_somebody_else_puts_there_is_nothing(shelf: Shelf, value: bytes, either_world: World) -> None:
    """Who writes into the store gives nobody tokens."""
    shelf.user.refresh()
    (key,) = shelf.results()
    either_world.run(shelf.store.store.put(key, value, 60))
    assert isinstance(shelf.other.rejection(), RefreshTokenSpent)


def test_a_result_is_good_for_its_own_refresh_token(shelf: Shelf, either_world: World) -> None:
    """Values that are exchanged in the store are nothing, too."""
    shelf.user.refresh()
    (mine,) = shelf.results()
    again = logged_in(either_world, shelf.provider, party={"store": shelf.store})
    again.refresh()
    (theirs,) = shelf.results().keys() - {mine}
    either_world.run(shelf.store.store.put(mine, shelf.results()[theirs], 60))
    assert isinstance(shelf.other.rejection(), RefreshTokenSpent)


@pytest.mark.parametrize("other", ["client", "issuer"])
def test_clients_that_share_a_store_do_not_meet(either_world: World, other: str) -> None:
    """threat model 235, 240: though a provider issued the refresh token of another one"""
    shelf = Shelf(either_world)
    shelf.user.refresh()
    elsewhere = new_provider("https://other.example") if other == "issuer" else shelf.provider
    elsewhere.register("client2", SECRET, redirect_uris=[REDIRECT_URI])
    client = ClientMetadata("client2" if other == "client" else "client1", SECRET)
    stranger = logged_in(either_world, elsewhere, party={"store": shelf.store}, client_metadata=client)
    assert isinstance(stranger.rejection(shelf.user.token), OAuthError)


# A store that is down


def test_without_the_store_no_refresh_is_sent(shelf: Shelf) -> None:
    """threat model 244: others may be at it"""
    shelf.store.methods = ["put_if_absent"]
    assert isinstance(shelf.user.rejection(), StoreUnavailable)
    assert shelf.user.asked() == 0


def test_without_a_look_at_what_others_did_no_refresh_is_sent(shelf: Shelf) -> None:
    shelf.store.methods = ["get_many"]
    assert isinstance(shelf.user.rejection(), StoreUnavailable)
    assert shelf.user.asked() == 0


@pytest.mark.parametrize("methods", [["put"], ["delete_if"], ["put", "delete_if"]], ids="-".join)
def test_a_store_that_fails_after_the_refresh_costs_nobody_the_tokens(
    shelf: Shelf, methods: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The old refresh token is spent: were the new one lost, so were the session."""
    shelf.store.methods = methods
    refresh = shelf.user.refresh()
    assert refresh.tokens.refresh_token
    assert shelf.user.refresh() == refresh
    assert shelf.user.asked() == 1
    assert "store_unavailable" in caplog.text


def test_a_rejection_is_raised_although_the_store_fails_after_it(shelf: Shelf) -> None:
    shelf.store.methods = ["put", "delete_if"]
    with shelf.provider.misbehaving(Fault.TOKEN_INVALID_GRANT):
        assert isinstance(shelf.user.rejection(), OAuthError)
