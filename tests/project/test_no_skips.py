"""Where everything is to run, a skipped test fails."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TESTS = """
import pytest

def test_inside():
    pytest.skip("no node here")

@pytest.mark.skip(reason="no browser here")
def test_marked(): ...

@pytest.mark.xfail(strict=True)
def test_expected_failure():
    assert False
"""
WHOLE_FILE = "import pytest\npytest.skip('no provider here', allow_module_level=True)\n"


def outcome_with(*options: str, folder: Path) -> tuple[int, str]:
    (folder / "test_some.py").write_text(TESTS)
    (folder / "test_file.py").write_text(WHOLE_FILE)
    quick = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    command = [sys.executable, "-m", "pytest", *quick, *options, str(folder)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout


def test_with_the_plugin_every_skip_fails_and_says_why(tmp_path: Path) -> None:
    code, output = outcome_with("-p", "tests.no_skips", "--continue-on-collection-errors", folder=tmp_path)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 1 xfailed, 2 errors" in output
    assert all(f"no {what} here" in output for what in ("node", "browser", "provider"))


def test_without_the_plugin_a_skip_is_a_skip(tmp_path: Path) -> None:
    code, output = outcome_with(folder=tmp_path)
    assert code == pytest.ExitCode.OK
    assert "3 skipped, 1 xfailed" in output
