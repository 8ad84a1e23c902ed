"""The threat model has a row for each number, and each row has tests that name it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDE = "docs/explanations/threat-model.md"
FIRST_ROWS = range(1, 267)
WITHOUT_A_TEST = ("not yet: ", "can't be: ")
"""How the result of a row begins that no test can show."""


def rows_of(guide: str) -> list[tuple[int, str, list[str]]]:
    """Number, result and test files of each row, in their order."""
    lines = re.findall(r"^\| (\d+) \| .+ \| (.+) \| (.*) \|$", guide, re.MULTILINE)
    return [(int(number), result, re.findall(r"`([\w/]+\.py)`", tests)) for number, result, tests in lines]


def numbers_named(source: str) -> set[int]:
    """The rows that the text of a test names: after `threat model`, or at the beginning of the name of a case."""
    numbers = {int(number) for number in re.findall(r'"(\d{1,3})[- ][a-zA-Z]', source)}
    for named in re.findall(r"threat model ((?:\d+(?: to \d+)?(?:, | and )?)+)", source):
        for first, last in re.findall(r"(\d+)(?: to (\d+))?", named):
            numbers |= set(range(int(first), int(last or first) + 1))
    return numbers


TABLE = rows_of((ROOT / GUIDE).read_text())


def test_the_guide_has_each_row_once() -> None:
    numbers = [number for number, _, _ in TABLE]
    assert len(numbers) == len(set(numbers))
    assert set(FIRST_ROWS) <= set(numbers)


@pytest.mark.parametrize(("number", "result", "files"), TABLE, ids=[str(number) for number, _, _ in TABLE])
def test_a_row_is_named_by_the_tests_that_it_names(number: int, result: str, files: list[str]) -> None:
    assert bool(files) != result.startswith(WITHOUT_A_TEST)
    named_by = [name for name in files if number in numbers_named((ROOT / "tests" / name).read_text())]
    assert named_by == files


def test_what_is_left_out_is_known() -> None:
    left_out = {number for number, _, files in TABLE if not files}
    assert left_out == {21}


def test_the_readme_leads_to_it() -> None:
    assert f"]({GUIDE})" in (ROOT / "README.md").read_text()


def test_numbers_are_read_as_they_are_written() -> None:
    source = """
    \'threat model 7, 12: redirects are not followed. threat model 20 to 22 and 30.\' id="88-audiences", "54 prefetch"
    timeout("5 seconds") threat models 99 \'threat model\' 98
    """
    assert numbers_named(source) == {5, 7, 12, 20, 21, 22, 30, 88, 54}


def test_a_row_is_read_as_it_is_written() -> None:
    assert rows_of("| 3 | what comes | rejected | `core/test_a.py`, `web/test_b.py` |\n| # | a | b | c |") == [
        (3, "rejected", ["core/test_a.py", "web/test_b.py"])
    ]
