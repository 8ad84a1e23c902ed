"""The check of the built site finds links that lead nowhere, and what is loaded from other hosts."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
specification = importlib.util.spec_from_file_location("check_site", ROOT / "docs" / "check_site.py")
assert specification is not None
assert specification.loader is not None
check_site = importlib.util.module_from_spec(specification)
specification.loader.exec_module(check_site)


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ('<a href="other.html#here">', None),
        ('<a href="sub/">', None),
        ('<a href="#">', None),
        ('<a href="https://example.com/#x">', None),
        ('<img src="other.html">', None),
        ('<a href="missing.html">', "index.html: missing.html leads nowhere"),
        ('<a href="other.html#gone">', "index.html: other.html#gone leads to an anchor that does not exist"),
        ('<a href="#gone">', "index.html: #gone leads to an anchor that does not exist"),
        ('<script src="missing.js"></script>', "index.html: missing.js leads nowhere"),
        (
            '<script src="https://cdn.example/x.js"></script>',
            "index.html: loads https://cdn.example/x.js from another host",
        ),
        ('<link href="//fonts.example/x.css">', "index.html: loads //fonts.example/x.css from another host"),
    ],
)
def test_a_page(tmp_path: Path, html: str, problem: str | None) -> None:
    (tmp_path / "index.html").write_text(html)
    (tmp_path / "other.html").write_text('<h1 id="here">')
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "index.html").touch()
    assert list(check_site.problems(tmp_path)) == ([] if problem is None else [problem])


def test_a_style_sheet(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text(
        '@import "https://fonts.example/a";\nb { background: url(data:image/png;base64,x) }'
    )
    assert list(check_site.problems(tmp_path)) == ["a.css: loads https://fonts.example/a from another host"]
