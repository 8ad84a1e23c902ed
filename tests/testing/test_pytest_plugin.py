"""The fixtures, as an application's tests would use them."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

TESTS = """
import urllib.request

def test_a_provider(oidc_provider):
    assert oidc_provider.user == "alice"
    assert oidc_provider.is_password("alice", "password")

def test_a_served_provider(served_oidc_provider):
    with urllib.request.urlopen(served_oidc_provider.issuer + "/jwks") as response:
        assert response.status == 200
"""


def test_the_fixtures_are_there_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["oidc_async.testing.pytest_plugin"]\n')
    (tmp_path / "test_app.py").write_text(TESTS)
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
    ]
    result = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "2 passed" in result.stdout, result.stdout + result.stderr


def test_the_fixtures_are_not_there_unasked() -> None:
    assert not [entry for entry in entry_points(group="pytest11") if entry.value.startswith("oidc_async")]
