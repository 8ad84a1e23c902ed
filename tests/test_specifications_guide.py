"""The guide to specifications names tests that are there, and is found from the README."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
GUIDE = "docs/reference/specifications.md"


def test_each_test_that_the_guide_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / GUIDE).read_text())
    assert len(named) > 30
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_what_is_implemented_is_shown_by_a_test() -> None:
    rows = [line.split("|")[1:-1] for line in (ROOT / GUIDE).read_text().splitlines() if line.startswith("| ")]
    claims = [(name.strip(), what.strip(), tests) for name, what, tests, _ in rows if what.strip() != "implemented"]
    assert [name for name, what, tests in claims if what and "`tests/" not in tests] == []


def test_the_readme_leads_to_it() -> None:
    assert f"]({GUIDE})" in (ROOT / "README.md").read_text()
