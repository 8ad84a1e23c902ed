"""One registration for all processes and for the next start: in a store, or in a file. threat model 243, 244, 250."""

import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oidc_async import ClientMetadata
from oidc_async.errors import ConfigurationError, OAuthError, ProviderError, ProviderTimeout, StoreUnavailable
from oidc_async.provider.registration_store import LOCK_SECONDS
from oidc_async.sealing import Sealer
from oidc_async.stores import MemoryStore, SQLiteStore, Store
from oidc_async.testing import Fault, SimulatedProvider
from oidc_async.testing.faults.responses import status
from oidc_async.testing.stages import REGISTRATION_REPLY, rejected
from tests.core.broken_store import Broken
from tests.core.registering import Registering, new_registering, open_provider, registrations
from tests.core.test_refresh_with_store import face
from tests.core.worlds import World

KEYS = (b"a secret of the application, long enough", b"the one before")
PROCESSES = 4
CALLERS = 8
"""In each of them."""
Process = Callable[..., Registering]
BUSY = rejected("too many requests", REGISTRATION_REPLY(status(429)))
ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("registering_worker.py")


@pytest.fixture
def provider() -> SimulatedProvider:
    return open_provider()


@pytest.fixture(params=["memory", "sqlite", "file"])
def new_process(
    request: pytest.FixtureRequest, tmp_path: Path, either_world: World, provider: SimulatedProvider
) -> Iterator[Process]:
    """Makes what several processes have: each its own connection to one place."""
    memory, opened = MemoryStore(monotonic=provider.clock.monotonic), list[Store]()

    def new(info: dict[str, Any] | None = None, **options: Any) -> Registering:
        if request.param == "file":
            return new_registering(either_world, provider, info, registration_file=tmp_path / "client.db", **options)
        choice = memory if request.param == "memory" else SQLiteStore(tmp_path / "store.db")
        opened.append(face(choice, either_world))
        party = {"store": opened[-1], "sealer": Sealer(KEYS), **options.pop("party", {})}
        return new_registering(either_world, provider, info, party=party, **options)

    yield new
    for store in opened:
        either_world.run(store.close())


def test_many_in_many_processes_register_one_client(
    new_process: Process, either_world: World, provider: SimulatedProvider
) -> None:
    """threat model 244: and when the secret has expired, again one"""
    provider.open_registration(secret_seconds=3600)
    with provider.serve(login_page=False):
        runtimes = [either_world.runtime(clock=provider.clock) for _ in range(PROCESSES)]
        processes = [new_process(runtime=runtime) for runtime in runtimes]
        for count in (1, 2):
            outcomes = either_world.run_together([process.asking for process in processes * CALLERS])
            assert {type(outcome) for outcome in outcomes} == {ClientMetadata}
            assert len({process.known["client_id"] for process in processes}) == 1
            assert registrations(provider) == count
            provider.clock.advance(3600)
        for runtime in runtimes:
            either_world.close_runtime(runtime)


def test_who_starts_later_asks_nobody(new_process: Process, provider: SimulatedProvider) -> None:
    first = new_process().client()
    provider.forget_requests()
    # with the provider down, too
    with provider.misbehaving(Fault.REGISTRATION_500, Fault.DISCOVERY_RESET):
        again = new_process()
        assert again.client() == first
    assert provider.requests == ()
    assert again.realm.log_in().id_token["aud"] == first["client_id"]


def test_a_login_may_be_finished_by_another_process(new_process: Process) -> None:
    one, other = new_process(), new_process()
    begun = one.realm.begin()
    login = other.realm.complete(begun.pending, one.provider.authorize(begun.url))
    assert login.id_token["aud"] == one.known["client_id"] == other.known["client_id"]


@pytest.mark.parametrize(
    "change",
    [
        {"info": {"client_uri": "https://rp.example/"}},
        {"info": {"contacts": ["dev@rp.example"], "token_endpoint_auth_method": "client_secret_post"}},
        {"auth_request_params": {"scope": "openid offline_access"}},
    ],
    ids=str,
)
def test_another_configuration_updates_the_client(
    new_process: Process, provider: SimulatedProvider, change: dict[str, Any]
) -> None:
    """RFC 7592 2.2"""
    first = new_process(info={"logo_uri": "https://rp.example/logo"}).client()
    changed = new_process(**change)
    assert changed.client()["client_id"] == first["client_id"]
    assert "logo_uri" not in changed.client()
    assert changed.realm.log_in().id_token["aud"] == first["client_id"]
    assert (registrations(provider), registrations(provider, "PUT")) == (1, 1)
    # and the next start with it finds it done
    assert new_process(**change).client() == changed.client()
    assert registrations(provider, "PUT") == 1


def test_where_it_cannot_be_updated_another_client_is_registered(
    new_process: Process, provider: SimulatedProvider
) -> None:
    provider.open_registration(is_managed=False)
    first = new_process().client()
    changed = new_process(info={"client_uri": "https://rp.example/"})
    assert changed.client()["client_id"] != first["client_id"]
    assert registrations(provider) == 2


def test_a_client_that_the_provider_forgot_is_not_updated_but_registered_again(
    new_process: Process, provider: SimulatedProvider, caplog: pytest.LogCaptureFixture
) -> None:
    first = new_process().client()
    provider._registry.registrations.clear()
    with caplog.at_level(logging.WARNING):
        again = new_process(info={"client_uri": "https://rp.example/"}).client()
    assert again["client_id"] != first["client_id"]
    assert "registered again" in caplog.text
    assert first["registration_access_token"] not in caplog.text


def test_while_the_provider_is_down_nothing_is_lost(new_process: Process, provider: SimulatedProvider) -> None:
    first = new_process().client()
    changed = new_process(info={"client_uri": "https://rp.example/"})
    with provider.misbehaving(Fault.DISCOVERY_RESET):
        assert isinstance(changed.rejection(), ProviderError)
        assert changed.known == first
    provider.clock.advance(2)
    assert changed.client()["client_id"] == first["client_id"]
    assert registrations(provider) == 1


def test_a_provider_that_is_busy_has_lost_no_client(new_process: Process, provider: SimulatedProvider) -> None:
    new_process().client()
    changed = new_process(info={"client_uri": "https://rp.example/"})
    with provider.misbehaving(BUSY):
        error = changed.rejection()
    assert isinstance(error, OAuthError)
    assert (error.status, registrations(provider)) == (429, 1)


def test_changes_reach_the_next_start_with_all_that_came_of_them(new_process: Process) -> None:
    """RFC 7592 3: each change brings another registration access token"""
    one, other = new_process(), new_process()
    assert one.client() == other.client()
    one.update(client_name="By one")
    # what this process knows is the former access token, and the place has the new one
    assert other.update(contacts=["dev@rp.example"])["client_name"] == "By one"
    assert one.read()["contacts"] == ["dev@rp.example"]
    assert new_process().client()["client_name"] == "By one"


def test_after_an_end_the_next_start_registers_again(new_process: Process, provider: SimulatedProvider) -> None:
    first = new_process()
    client_id = first.client()["client_id"]
    new_process().delete()
    assert provider.registered_clients == ()
    assert new_process().client()["client_id"] != client_id


# In a store


class Shared:
    """Two processes with one store in memory, which may break."""

    def __init__(self, world: World) -> None:
        self.provider = open_provider()
        self.store = Broken(MemoryStore(monotonic=self.provider.clock.monotonic))
        self.world = world
        self.one, self.other = self.process(), self.process()

    def process(self, sealer: Sealer | None = None, info: dict[str, Any] | None = None) -> Registering:
        party = {"store": self.store, "sealer": sealer or Sealer(KEYS)}
        return new_registering(self.world, self.provider, info, party=party)

    def entries(self) -> dict[str, bytes]:
        return {key: value for key, (_, value) in self.store.store._table().entries.items()}


@pytest.fixture
def shared(either_world: World) -> Shared:
    return Shared(either_world)


def test_the_store_holds_nothing_that_can_be_read(shared: Shared) -> None:
    """threat model 251"""
    client = shared.one.client()
    ((key, value),) = shared.entries().items()
    hidden = [client["client_id"], client["client_secret"], client["registration_access_token"], "op.example"]
    assert [text for text in hidden if text.encode() in value or text in key] == []
    assert key.startswith("registration:")


def test_a_former_secret_still_opens_it_and_a_strange_one_does_not(shared: Shared) -> None:
    first = shared.process(Sealer(KEYS[1:])).client()
    assert shared.process(Sealer(KEYS)).client() == first
    assert shared.process(Sealer([b"of another application"])).client()["client_id"] != first["client_id"]


def test_applications_with_one_store_have_a_client_each(either_world: World, shared: Shared) -> None:
    mine = shared.one.client()
    party: dict[str, Any] = {"store": shared.store, "sealer": Sealer(KEYS)}
    provider, two = shared.provider, ["https://other.example/cb", "https://rp.example/redirect_uri"]
    other = new_registering(either_world, provider, {"redirect_uris": two}, party=party)
    other._origin._registration = type(other._origin)(
        other._origin.configuration, redirect_uri=two[0], **party
    )._registration
    assert other._origin._registration is not None
    theirs = either_world.run(other._origin._registration.client(other._origin.provider.metadata))
    assert theirs["client_id"] != mine["client_id"]
    assert registrations(provider, "PUT") == 0


def test_garbage_in_the_store_is_not_a_client(shared: Shared) -> None:
    shared.one.client()
    (key,) = shared.entries()
    for garbage in (b"", b"garbage", Sealer(KEYS).seal("registration", key, b'{"client":{}}').encode()):
        shared.world.run(shared.store.store.put(key, garbage, 60))
        assert shared.process().client()["client_id"]
    assert registrations(shared.provider) == 4


def test_while_the_store_is_down_nobody_registers(shared: Shared) -> None:
    shared.store.methods, shared.store.left = ("get_many",), 0
    assert isinstance(shared.one.rejection(), StoreUnavailable)
    assert registrations(shared.provider) == 0


def test_who_knows_the_client_needs_no_store(shared: Shared) -> None:
    client = shared.one.client()
    shared.store.methods, shared.store.left = ("get_many", "put", "put_if_absent", "delete_if"), 0
    assert shared.one.client() is client


def test_a_client_that_could_not_be_kept_is_used_here(shared: Shared, caplog: pytest.LogCaptureFixture) -> None:
    shared.store.methods, shared.store.left = ("put", "delete_if"), 0
    with caplog.at_level(logging.WARNING):
        client = shared.one.client()
    assert shared.one.realm.log_in().id_token["aud"] == client["client_id"]
    assert "could not be kept" in caplog.text
    assert registrations(shared.provider) == 1


def test_a_process_that_dies_while_registering_is_waited_for_and_no_longer(shared: Shared) -> None:
    begun = shared.provider.clock.monotonic()
    shared.one.client()
    (key,) = shared.entries()
    lock = key.replace("registration:", "registration-lease:")
    shared.world.run(shared.store.store.delete([key]))
    shared.world.run(shared.store.store.put(lock, b"of a dead one", LOCK_SECONDS * 2))
    assert isinstance(shared.other.rejection(), ProviderTimeout)
    assert LOCK_SECONDS <= shared.provider.clock.monotonic() - begun < LOCK_SECONDS + 2
    shared.provider.clock.advance(LOCK_SECONDS)
    assert shared.other.client()["client_id"]


def test_a_rejection_frees_the_place_for_the_next_try(shared: Shared) -> None:
    with shared.provider.misbehaving(Fault.REGISTRATION_REJECTED):
        assert isinstance(shared.one.rejection(), OAuthError)
        assert isinstance(shared.other.rejection(), OAuthError)
    assert shared.entries() == {}
    assert registrations(shared.provider) == 2


@pytest.mark.parametrize("party", [{}, {"store": MemoryStore()}], ids=["nowhere", "unsealed"])
def test_who_keeps_it_nowhere_is_warned(
    either_world: World, party: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        process = new_registering(either_world, party=party)
    assert len([record for record in caplog.records if "registration_file" in record.getMessage()]) == 1
    assert process.client()["client_id"]


# In a file


def test_the_file_is_for_its_owner_alone(either_world: World, tmp_path: Path) -> None:
    registering = new_registering(either_world, registration_file=str(tmp_path / "client.db"))
    registering.client()
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_file_follows_its_application_to_another_redirect_uri(either_world: World, tmp_path: Path) -> None:
    provider, file = open_provider(), tmp_path / "client.db"
    first = new_registering(either_world, provider, registration_file=file).client()
    moved = new_registering(
        either_world,
        provider,
        {"redirect_uris": ["https://rp.example/redirect_uri", "https://rp.example/new"]},
        registration_file=file,
    )
    assert moved.client()["client_id"] == first["client_id"]
    assert registrations(provider, "PUT") == 1


def test_two_providers_may_share_a_file(either_world: World, tmp_path: Path) -> None:
    file, providers = tmp_path / "client.db", [open_provider(), open_provider("https://other.example")]
    clients = [new_registering(either_world, provider, registration_file=file).client() for provider in providers]
    assert clients[0]["client_id"] != clients[1]["client_id"]
    again = [new_registering(either_world, provider, registration_file=file).client() for provider in providers]
    assert again == clients


def test_a_file_that_cannot_be_used_says_so(either_world: World, tmp_path: Path) -> None:
    registering = new_registering(either_world, registration_file=tmp_path / "missing" / "client.db")
    assert isinstance(registering.rejection(), StoreUnavailable)
    (tmp_path / "text").write_text("no database " * 100)
    assert isinstance(
        new_registering(either_world, registration_file=tmp_path / "text").rejection(), StoreUnavailable
    )
    with pytest.raises(ConfigurationError, match="registration_file"):
        new_registering(either_world, registration_file=7)


# In processes


@pytest.mark.parametrize("world", ["asyncio", "threads"])
@pytest.mark.parametrize("storage", ["store", "file"])
def test_real_processes_register_one_client(storage: str, world: str, tmp_path: Path) -> None:
    provider = open_provider()
    with provider.serve(login_page=False) as issuer:
        command = [sys.executable, str(WORKER), world, storage, issuer, str(tmp_path / "kept.db")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        workers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
            for _ in range(2)
        ]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"ready\n"
        told = [worker.communicate(b"go\n", timeout=60)[0] for worker in workers]
        late = subprocess.run(command, input=b"go\n", capture_output=True, timeout=60, env=environment, check=True)
    clients = [json.loads(text) for text in (*told, late.stdout.removeprefix(b"ready\n"))]
    assert len({client for told_here in clients for client in told_here}) == 1
    assert registrations(provider) == 1
