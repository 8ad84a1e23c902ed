"""The stores that need no server keep to the contract."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oidc_async.stores import MemoryStore, SQLiteStore, StoreChoice
from tests.core.worlds import AsyncWorld, BlockingWorld
from tests.stores.contract import StoreContract
from tests.stores.kept import Kept


class Clock:
    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def __call__(self) -> float:
        return self.time

    def later(self, seconds: float) -> None:
        self.time += seconds


def memory(_: Path, clock: Clock) -> StoreChoice:
    return MemoryStore(monotonic=clock)


def sqlite(directory: Path, clock: Clock) -> StoreChoice:
    return SQLiteStore(directory / "entries.sqlite3", clock=clock)


@pytest.fixture(params=[memory, sqlite])
def make(request: pytest.FixtureRequest) -> Callable[[Path, Clock], StoreChoice]:
    make: Callable[[Path, Clock], StoreChoice] = request.param
    return make


@pytest.fixture(params=[AsyncWorld, BlockingWorld], ids=["async", "blocking"])
def kept(
    request: pytest.FixtureRequest, make: Callable[[Path, Clock], StoreChoice], tmp_path: Path
) -> Iterator[Kept]:
    clock = Clock()
    kept = Kept(request.param(), make(tmp_path, clock), clock.later)
    yield kept
    kept.close()


class TestStoresWithoutAServer(StoreContract):
    pass
