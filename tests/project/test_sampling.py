"""The sample that `make test` runs, and the ids of all cases."""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sampling import AXES, ENVIRONMENT_ROWS, ROWS, sample

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Case:
    """One case of a test, as `tests.project.collected` writes it down."""

    test: str
    id: str
    indices: dict[str, int]

    @property
    def row(self) -> tuple[tuple[str, int], ...]:
        return tuple((name, index) for name, index in self.indices.items() if name not in AXES)


def table(rows: int) -> list[Case]:
    """The cases of a test with so many rows, in two frameworks, with sessions in two places."""
    return [
        Case("test", f"{row}-{framework}-{place}", {"row": row, "framework": framework, "sessions_in": place})
        for row in range(rows)
        for framework in range(2)
        for place in range(2)
    ]


def test_each_row_runs_in_one_environment() -> None:
    chosen = sample(table(6), "salt")
    assert [case.indices["row"] for case in chosen] == list(range(6))
    assert (
        {case.indices["framework"] for case in chosen} == {case.indices["sessions_in"] for case in chosen} == {0, 1}
    )


def test_of_a_long_table_forty_rows_run() -> None:
    chosen = sample([Case("test", str(row), {"row": row}) for row in range(100)], "salt")
    rows = [case.indices["row"] for case in chosen]
    assert len(set(rows)) == len(rows) == ROWS == 40
    assert rows == sorted(rows) != list(range(ROWS))


def test_of_a_long_table_in_several_environments_six_rows_run() -> None:
    rows = [case.indices["row"] for case in sample(table(100), "salt")]
    assert len(set(rows)) == len(rows) == ENVIRONMENT_ROWS == 6


def test_the_salt_decides() -> None:
    assert sample(table(100), "salt") == sample(table(100), "salt") != sample(table(100), "another salt")


def test_a_test_without_arguments_has_nothing_to_choose_from() -> None:
    assert sample([], "salt") == []


TESTS = """
import pytest

@pytest.mark.parametrize("framework", ["flask", "quart"])
@pytest.mark.parametrize("row", range(50))
def test_table(row, framework): ...

@pytest.mark.whole
def test_slow():
    raise AssertionError

def test_one(): ...
"""


def test_the_plugin_says_how_its_run_is_repeated(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    quick = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *quick, "-p", "tests.sampling", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "SALT": "monday"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == pytest.ExitCode.OK, result.stdout + result.stderr
    assert "7 passed, 1 deselected" in result.stdout
    assert "SALT=monday repeats it" in result.stdout


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """All cases of all tests that need nothing but Python."""
    written = tmp_path_factory.mktemp("collected") / "cases.jsonl"
    command = [sys.executable, "-m", "pytest", "-qq", "--collect-only", "-p", "tests.project.collected", "tests"]
    environ = {**os.environ, "COLLECTED_CASES": str(written)}
    result = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert result.returncode == pytest.ExitCode.OK, result.stdout[-2000:] + result.stderr
    return [Case(**json.loads(line)) for line in written.read_text().splitlines()]


@pytest.mark.whole
def test_the_sample_has_every_value_of_every_axis(cases: list[Case]) -> None:
    of_each_test: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        of_each_test[case.test].append(case)
    for salt in ("2026-01-01", "2026-01-02", "2026-01-03"):
        sampled = [case for test, its in of_each_test.items() for case in sample(its, f"{salt} {test}")]
        assert {case.test for case in sampled} == set(of_each_test)
        for axis in AXES:
            whole = {case.indices[axis] for case in cases if axis in case.indices}
            assert {case.indices[axis] for case in sampled if axis in case.indices} == whole, (axis, salt)


@pytest.mark.whole
def test_every_id_is_of_words(cases: list[Case]) -> None:
    automatic = {f"{case.test}[{case.id}]" for case in cases if is_automatic(case)}
    assert not automatic, "give these cases ids:\n" + "\n".join(sorted(automatic))


def is_automatic(case: Case) -> bool:
    """Whether pytest had to number an argument, because its value has no name."""
    if "<lambda>" in case.id or re.search("at 0x[0-9a-f]+>", case.id):
        return True
    return any(f"{name}{index}" in case.id.split("-") for name, index in case.indices.items())
