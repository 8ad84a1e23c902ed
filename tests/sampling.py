"""A pytest plugin that runs a sample of the tests, as `make test` does: `pytest -p tests.sampling`.

Many cases check one fact in several environments: Flask and Quart, async and blocking, each HTTP library, each
session storage. Of the cases of a test that differ only in these, one runs. Of a table with more than ROWS rows, ROWS
run, and ENVIRONMENT_ROWS if the test needs an environment: such a test is slow, and tests of the parts have the same
rows. A hash with a salt chooses. The salt is today's date unless the environment has a SALT: another day runs another
sample, and a failure can be repeated.
"""

import os
from collections.abc import Generator, Iterable, Sequence
from datetime import date
from hashlib import sha256
from itertools import islice
from typing import Protocol, TypeVar

import pytest

AXES = frozenset(
    {
        "adapter",
        "base_url",
        "either_world",
        "framework",
        "is_async",
        "kept",
        "own_world",
        "sessions_in",
        "storage",
        "world",
    }
)
"""Arguments that choose an environment, not a fact."""
ROWS = 40
ENVIRONMENT_ROWS = 6


class Call(Protocol):
    """One case of a test, as pytest's CallSpec: `indices` are those of its arguments in their tables."""

    @property
    def indices(self) -> dict[str, int]: ...

    @property
    def id(self) -> str: ...


C = TypeVar("C", bound=Call)
T = TypeVar("T")

_running = False


def pytest_configure() -> None:
    global _running
    _running = True
    # the workers of pytest-xdist inherit it
    os.environ.setdefault("SALT", date.today().isoformat())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    whole = [item for item in items if item.get_closest_marker("whole")]
    if whole:
        config.hook.pytest_deselected(items=whole)
        items[:] = [item for item in items if not item.get_closest_marker("whole")]


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    salt = os.environ["SALT"]
    terminalreporter.write_line(f"A sample of the tests: SALT={salt} repeats it, make test-all runs them all.")


@pytest.hookimpl(wrapper=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None, None, None]:
    yield
    metafunc._calls[:] = sample(metafunc._calls, f"{os.environ['SALT']} {metafunc.definition.nodeid}")


def sample(calls: Sequence[C], salt: str) -> list[C]:
    """Choose one call of each row, and no more rows than a sample has.

    It works on the calls, not on the arguments of `parametrize`, so that each row has an environment of its own.
    """
    chosen: dict[tuple[tuple[str, int], ...], C] = {}
    for call in sorted(calls, key=lambda call: _rank(salt, call.id)):
        row = tuple((name, index) for name, index in call.indices.items() if name not in AXES)
        chosen.setdefault(row, call)
    rows = ENVIRONMENT_ROWS if calls and AXES & calls[0].indices.keys() else ROWS
    kept = {id(call) for call in islice(chosen.values(), rows)}
    return [call for call in calls if id(call) in kept]


def is_sample() -> bool:
    """Whether a sample runs, for the few tests that repeat something many times."""
    return _running


def thinned(values: Iterable[T]) -> list[T]:
    """Return all values, or ROWS of them if a sample runs: for a test that goes through a table by itself."""
    values = list(values)
    if not _running:
        return values
    ranked = sorted(range(len(values)), key=lambda index: _rank(os.environ["SALT"], str(values[index])))
    return [values[index] for index in sorted(ranked[:ROWS])]


def _rank(salt: str, name: str) -> bytes:
    return sha256(f"{salt} {name}".encode()).digest()
