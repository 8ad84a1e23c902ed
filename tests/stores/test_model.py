"""Any sequence of calls has the results that a dict with lifetimes would give."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.stores import MemoryStore, SQLiteStore, StoreChoice
from tests.hypothesis_profiles import examples

KEYS = ["", "a", "b", "A", "ab"]
keys = st.sampled_from(KEYS)
values = st.sampled_from([b"", b"1", b"2", b"\x00\xff"])
# lifetimes and steps whose sums meet exactly, in milliseconds
seconds = st.sampled_from([0.001, 0.5, 1.0, 2.5, 10.0])


class Model(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000.0
        self.known: dict[str, tuple[float, bytes]] = {}
        self.store = self.choose().blocking()

    def choose(self) -> StoreChoice:
        raise NotImplementedError

    def clock(self) -> float:
        return self.now

    def expected(self, key: str) -> bytes | None:
        end, value = self.known.get(key, (0.0, b""))
        return value if end > self.now else None

    @rule(step=seconds)
    def time_passes(self, step: float) -> None:
        # binary fractions of a second, so that both count alike
        self.now += step if step > 0.001 else 0.5

    @rule(key=keys, value=values, lifetime=seconds)
    def put(self, key: str, value: bytes, lifetime: float) -> None:
        run_without_loop(self.store.put(key, value, lifetime))
        self.known[key] = self.now + lifetime, value

    @rule(key=keys, value=values, lifetime=seconds)
    def put_if_absent(self, key: str, value: bytes, lifetime: float) -> None:
        is_absent = self.expected(key) is None
        assert run_without_loop(self.store.put_if_absent(key, value, lifetime)) is is_absent
        if is_absent:
            self.known[key] = self.now + lifetime, value

    @rule(key=keys, old=values, new=values, lifetime=seconds)
    def replace(self, key: str, old: bytes, new: bytes, lifetime: float) -> None:
        is_there = self.expected(key) == old
        assert run_without_loop(self.store.replace(key, old, new, lifetime)) is is_there
        if is_there:
            self.known[key] = self.now + lifetime, new

    @rule(some=st.lists(keys, max_size=3))
    def delete(self, some: Sequence[str]) -> None:
        run_without_loop(self.store.delete(some))
        for key in some:
            self.known.pop(key, None)

    @rule(key=keys, value=values)
    def delete_if(self, key: str, value: bytes) -> None:
        is_there = self.expected(key) == value
        assert run_without_loop(self.store.delete_if(key, value)) is is_there
        if is_there:
            del self.known[key]

    @invariant()
    def it_has_the_entries_of_the_model(self) -> None:
        assert list(run_without_loop(self.store.get_many(KEYS))) == [self.expected(key) for key in KEYS]

    def teardown(self) -> None:
        run_without_loop(self.store.close())


class MemoryModel(Model):
    def choose(self) -> StoreChoice:
        return MemoryStore(monotonic=self.clock)


class SQLiteModel(Model):
    def choose(self) -> StoreChoice:
        self.directory = tempfile.TemporaryDirectory()
        return SQLiteStore(Path(self.directory.name) / "entries.sqlite3", clock=self.clock)

    def teardown(self) -> None:
        super().teardown()
        self.directory.cleanup()


TestMemoryModel = MemoryModel.TestCase
TestMemoryModel.settings = settings(max_examples=examples(100), stateful_step_count=40, deadline=None)
TestSQLiteModel = SQLiteModel.TestCase
TestSQLiteModel.settings = settings(max_examples=examples(25), stateful_step_count=40, deadline=None)
