"""The guide to logging names each of our loggers with each of its levels, and no other."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
GUIDE = "docs/guides/logging.md"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
CHOSEN = "a level that is chosen"


def said(source: str) -> set[str]:
    """The levels at which a module logs."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = {
        call.attr
        for call in calls
        if isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name) and call.value.id == "logger"
    }
    return {CHOSEN if name == "log" else name for name in names & (LEVELS | {"log"})}


def loggers() -> dict[str, set[str]]:
    named: dict[str, set[str]] = {}
    for folder in (ROOT / "oidc_async", *(ROOT / "adapters").iterdir()):
        for path in sorted(folder.rglob("*.py")):
            source = path.read_text()
            if levels := said(source):
                (name,) = re.findall(r'^logger = logging.getLogger\("([a-z_.]+)"\)$', source, re.MULTILINE)
                named.setdefault(name, set()).update(levels)
    return named


def documented() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `(oidc_async[\w.]*)` \| (\w+) \|", (ROOT / GUIDE).read_text(), re.MULTILINE)
    names = {name for name, _ in rows}
    return {name: {level for logger, level in rows if logger == name} for name in names}


def test_every_logger_is_in_the_guide_with_its_levels() -> None:
    table, used = documented(), loggers()
    for name, levels in used.items():
        expected = table.get(name, set())
        # one that chooses has several, and those are in the guide
        levels = levels - {CHOSEN} | (expected if CHOSEN in levels else set())
        assert (name, expected) == (name, levels), f"{GUIDE} has to tell what {name} logs at which level"
        assert expected
    assert table.keys() == used.keys()


def test_a_level_is_read_off_the_source() -> None:
    assert said("logger.debug('x')\nlogger.error('y')\nother.info('z')\nlogger.setLevel(1)") == {"debug", "error"}
    assert said("logger.log(level, 'x')") == {CHOSEN}
