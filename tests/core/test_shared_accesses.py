"""What processes with one store tell each other of tokens. threat model 129, 130, 132, 197, 237."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oidc_async import AccessCache
from oidc_async.errors import TokenInactive
from oidc_async.resource_server.shared_token_cache import PAUSE_SECONDS, PURPOSE
from oidc_async.sealing import Sealer
from oidc_async.stores import MemoryStore, SQLiteStore, Store
from oidc_async.testing import Fault
from tests.core.api import API, before_the_answer_arrives, new_api, new_provider, simulated
from tests.core.broken_store import Broken
from tests.core.worlds import AsyncWorld, World

SEALER = Sealer([b"the secret of all these processes"])
SECONDS = 60.0


class Fleet:
    """Any number of processes with one provider, one store and one simulated clock."""

    def __init__(self, world: World) -> None:
        self.world, self.provider = world, new_provider()
        self.store = Broken(MemoryStore(monotonic=self.provider.clock.monotonic))

    def process(self, sealer: Sealer | None = SEALER, **configuration: Any) -> API:
        cache = AccessCache(seconds=SECONDS)
        server = {"store": self.store, "sealer": sealer, "cache": cache}
        return new_api(self.world, self.provider, server=server, **configuration)

    def asked(self) -> int:
        return self.provider.count("introspection")

    def entries(self) -> dict[str, bytes]:
        return {key: value for key, (_, value) in self.store.store._table().entries.items()}


@pytest.fixture
def fleet(either_world: World) -> Fleet:
    return Fleet(either_world)


def test_what_one_process_found_out_the_others_do_not_ask(fleet: Fleet) -> None:
    one, other = fleet.process(), fleet.process()
    token = one.issue()
    assert one.verify(token).to_dict() == other.verify(token).to_dict()
    assert fleet.asked() == 1
    statistics = other.statistics
    assert (statistics.misses, statistics.store_hits, statistics.upstream_calls, statistics.entries) == (1, 1, 0, 1)
    assert one.statistics.store_hits == 0


@pytest.fixture(params=["memory", "sqlite"])
def new_face(request: pytest.FixtureRequest, tmp_path: Path, either_world: World) -> Iterator[Callable[[], Store]]:
    memory, opened = MemoryStore(), list[Store]()

    def new() -> Store:
        choice = memory if request.param == "memory" else SQLiteStore(tmp_path / "store.db")
        is_async = isinstance(either_world, AsyncWorld)
        opened.append(choice.asynchronous() if is_async else choice.blocking())
        return opened[-1]

    yield new
    for store in opened:
        either_world.run(store.close())


def test_it_goes_by_any_store(either_world: World, new_face: Callable[[], Store]) -> None:
    provider = new_provider()
    one, other = (new_api(either_world, provider, server={"store": new_face(), "sealer": SEALER}) for _ in range(2))
    token = one.issue()
    assert one.verify(token).scopes == other.verify(token).scopes == {"read"}
    assert one.asked() == 1


def test_all_together_trust_a_token_for_no_longer_than_one_does(fleet: Fleet) -> None:
    """threat model 129: each would otherwise add its own time"""
    first, second, third = (fleet.process() for _ in range(3))
    token = first.issue()
    first.verify(token)
    fleet.provider.clock.advance(SECONDS - 1)
    second.verify(token)
    assert fleet.asked() == 1
    fleet.provider.revoke_access_token(token)
    fleet.provider.clock.advance(1)
    for process in (first, second, third):
        assert isinstance(process.rejection(token), TokenInactive)


def test_a_token_is_trusted_until_it_expires(fleet: Fleet) -> None:
    """threat model 129"""
    one, other = fleet.process(), fleet.process()
    token = one.issue(lifetime=20)
    one.verify(token)
    fleet.provider.clock.advance(20)
    assert isinstance(other.rejection(token), TokenInactive)


def test_one_whose_clock_is_behind_trusts_a_token_no_longer(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = fleet.process(), fleet.process()
    token = one.issue()
    one.verify(token)
    runtime: Any = vars(getattr(other.server, "_origin", other.server))["_runtime"]
    now = runtime.now
    monkeypatch.setattr(runtime, "now", lambda: now() - 3600)
    other.verify(token)
    fleet.provider.clock.advance(SECONDS)
    assert other.server.known(token) is None


def test_nobody_can_read_what_the_store_holds(fleet: Fleet) -> None:
    one = fleet.process()
    token = one.issue()
    one.verify(token)
    ((name, value),) = fleet.entries().items()
    for secret in (token, "alice", "read", "client_id"):
        assert secret not in name
        assert secret.encode() not in value


def altered(value: bytes) -> bytes:
    # in the middle: some bits of the last character stand for nothing
    middle = len(value) // 2
    other = b"A" if value[middle : middle + 1] != b"A" else b"B"
    return value[:middle] + other + value[middle + 1 :]


@pytest.mark.parametrize(
    "forge",
    [altered, lambda _: b"", lambda _: b"\xff", lambda value: value[:30]],
    ids=["altered", "empty", "one byte", "cut off"],
)
def test_what_is_not_ours_is_not_believed(fleet: Fleet, forge: Callable[[bytes], bytes]) -> None:
    one, other = fleet.process(), fleet.process()
    token = one.issue()
    one.verify(token)
    ((name, value),) = fleet.entries().items()
    fleet.world.run(fleet.store.put(name, forge(value), 60))
    assert other.verify(token).subject == "alice"
    assert fleet.asked() == 2


@pytest.mark.parametrize(
    "data", [b"", b"1234567", b"12345678", b"12345678[]", b"12345678{", b"12345678\xff"], ids=str
)
def test_an_entry_of_another_version_is_none(fleet: Fleet, data: bytes) -> None:
    """threat model 352: though it was sealed with our key"""
    one, other = fleet.process(), fleet.process()
    token = one.issue()
    one.verify(token)
    ((name, _),) = fleet.entries().items()
    fleet.world.run(fleet.store.put(name, SEALER.seal(PURPOSE, name, data).encode(), 60))
    assert other.verify(token).subject == "alice"
    assert fleet.asked() == 2


def test_a_shared_response_counts_for_its_own_token_only(fleet: Fleet) -> None:
    one, other = fleet.process(), fleet.process()
    good, bad = one.issue(), one.issue(claims={"jti": "other"})
    one.verify(good)
    ((_, value),) = fleet.entries().items()
    one.verify(bad)
    ((name, _),) = [entry for entry in fleet.entries().items() if entry[1] != value]
    fleet.provider.revoke_access_token(bad)
    fleet.world.run(fleet.store.put(name, value, 60))
    assert isinstance(other.rejection(bad), TokenInactive)


OTHERS: dict[str, dict[str, Any]] = {
    "with another secret": {"sealer": Sealer([b"the secret of another application"])},
    "without a secret": {"sealer": None},
    "for another audience": {"audience": ["api", "else"]},
    "with another leeway": {"clock_skew_seconds": 5},
}


@pytest.mark.parametrize("options", OTHERS.values(), ids=OTHERS)
def test_who_would_judge_otherwise_asks(fleet: Fleet, options: dict[str, Any]) -> None:
    """threat model 132"""
    one, other = fleet.process(audience="api"), fleet.process(**{"audience": "api", **options})
    token = one.issue()
    one.verify(token)
    assert other.verify(token).subject == "alice"
    assert fleet.asked() == 2


def test_without_a_secret_nothing_is_kept_in_the_store(fleet: Fleet) -> None:
    one = fleet.process(sealer=None)
    one.verify(one.issue())
    assert fleet.store.calls == []


def test_nothing_is_kept_where_the_cache_keeps_nothing(fleet: Fleet) -> None:
    server = {"store": fleet.store, "sealer": SEALER, "cache": AccessCache(seconds=0)}
    api = new_api(fleet.world, fleet.provider, server=server)
    api.verify(api.issue())
    assert fleet.store.calls == []


def test_rejections_and_local_verifications_are_not_shared(fleet: Fleet) -> None:
    introspecting = fleet.process()
    assert isinstance(introspecting.rejection("guessed"), TokenInactive)
    verifying = fleet.process(audience="api", access_token_verification="jwt")
    token = verifying.issue(jwt=True)
    verifying.verify(token)
    verifying.forget(token)
    assert fleet.entries() == {}


def test_an_invalidated_token_is_introspected_by_other_processes_too(fleet: Fleet) -> None:
    """threat model 197, 237"""
    one, other = fleet.process(), fleet.process()
    token = one.issue()
    one.verify(token)
    fleet.provider.revoke_access_token(token)
    one.forget(token)
    assert isinstance(other.rejection(token), TokenInactive)
    assert isinstance(one.rejection(token), TokenInactive)


def test_an_answer_that_was_under_way_elsewhere_is_not_kept(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """threat model 237"""
    one, slow, third = fleet.process(), fleet.process(), fleet.process()
    token = one.issue()

    async def log_out() -> None:
        await one.invalidating(token)
        fleet.provider.revoke_access_token(token)
        fleet.provider.clock.advance(30)

    before_the_answer_arrives(monkeypatch, slow.server, "/introspect", log_out)
    assert slow.verify(token).subject == "alice"
    assert isinstance(third.rejection(token), TokenInactive)


@pytest.mark.parametrize("methods", [["get_many"], ["put_if_absent"]])
def test_while_the_store_is_down_each_process_asks_for_itself(fleet: Fleet, methods: list[str]) -> None:
    one, other = fleet.process(), fleet.process()
    token = one.issue()
    fleet.store.methods = methods
    assert one.verify(token).subject == other.verify(token).subject == "alice"
    assert fleet.asked() == 2
    # and doesn't wait for the store again and again
    calls = len(fleet.store.calls)
    for number in range(10):
        one.verify(one.issue(claims={"jti": str(number)}))
    assert len(fleet.store.calls) == calls


def test_a_store_that_is_back_is_used_again(fleet: Fleet) -> None:
    one, other = fleet.process(), fleet.process()
    fleet.store.methods = ["get_many"]
    one.verify(one.issue())
    fleet.store.methods = []
    fleet.provider.clock.advance(PAUSE_SECONDS)
    token = one.issue()
    one.verify(token)
    other.verify(token)
    assert (fleet.asked(), other.statistics.store_hits) == (2, 1)


def test_a_logout_succeeds_while_the_store_is_down(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    one = fleet.process()
    token = one.issue()
    one.verify(token)
    fleet.store.methods = ["put"]
    one.forget(token)
    assert one.server.known(token) is None
    assert "could not be deleted" in caplog.text
    assert token not in caplog.text


def test_a_failure_of_the_provider_is_not_shared(fleet: Fleet) -> None:
    """threat model 125"""
    one, other = fleet.process(), fleet.process()
    token = one.issue()
    with fleet.provider.misbehaving(Fault.INTROSPECTION_RESET):
        one.rejection(token)
    assert other.verify(token).subject == "alice"


def test_together_all_of_a_process_look_once(either_world: World) -> None:
    fleet = Fleet(either_world)
    fleet_runtime = simulated(either_world, fleet.provider, latency=0.01)
    api = fleet.process(runtime=fleet_runtime)
    token = api.issue()
    assert {type(access).__name__ for access in api.together([token] * 20)} == {"Access"}
    assert fleet.store.calls.count("get_many") == 1
    assert fleet.asked() == 1
