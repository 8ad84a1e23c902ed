"""What the package index shows: one version, one address of the repository, and a description with absolute links."""

import re
import tomllib
from importlib.metadata import metadata, version
from pathlib import Path

import pytest

import oidc_async

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
REPOSITORY = PYPROJECT["project"]["urls"]["Repository"]


def test_there_is_one_version() -> None:
    assert oidc_async.__version__ == version("oidc-async")


def test_the_description_is_the_readme_with_absolute_links() -> None:
    description = metadata("oidc-async")["Description"]
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert links
    for link in links:
        absolute = (
            link
            if link.startswith("https://")
            else f"{REPOSITORY}/{'raw' if link.endswith('.png') else 'blob'}/main/{link}"
        )
        assert f"]({absolute})" in description


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    links = re.findall(r"\]\((?!https://)([^)#]+)", (ROOT / "README.md").read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize(
    "name",
    [
        "pyproject.toml",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "README.md",
        ".github/ISSUE_TEMPLATE/config.yml",
    ],
)
def test_there_is_one_address_of_the_repository(name: str) -> None:
    addresses = re.findall(r"https://github\.com/(?:oidc|[\w-]+/oidc)[\w-]*/?[\w-]*", (ROOT / name).read_text())
    assert all(address.startswith(REPOSITORY) for address in addresses)
