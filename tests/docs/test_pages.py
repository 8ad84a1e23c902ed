"""The pages of the documentation: their code, and the lists that have to be complete."""

import re
from pathlib import Path

import flask_oidc_async
import pytest
import quart_oidc_async

import oidc_async
import oidc_async.stores
import oidc_async.testing
from oidc_async import errors
from tests.docs import blocks

ROOT = Path(__file__).resolve().parents[2]
API = "\n".join(page.read_text() for page in sorted((ROOT / "docs/reference/api").glob("*.md")))
TROUBLESHOOTING = (ROOT / "docs/guides/troubleshooting.md").read_text()
EXPORTS = [
    (module.__name__, name)
    for module in (oidc_async, flask_oidc_async, quart_oidc_async, oidc_async.stores, oidc_async.testing)
    for name in module.__all__
]
ERRORS = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.OIDCError)]
WITHOUT_CODE = {
    "docs/explanations/threat-model.md": "a table of tests",
    "docs/reference/specifications.md": "a table of specifications",
}
SUBJECTS = ("docs/tutorials/", "docs/guides/", "docs/explanations/", "docs/reference/")


@pytest.mark.parametrize("page", blocks.pages())
def test_every_block_of_python_is_type_checked(page: str) -> None:
    """`make types` checks what is found here."""
    fences = re.findall(
        r"^\s*(?:```|~~~|:::)\s*\{?(?:code-block\} )?(?:py|python)\w*\b", (ROOT / page).read_text(), re.M
    )
    found = blocks.blocks_of(page)
    assert len(found) == len(fences), f"a block of {page} is not found: begin it with ```python"
    for block in found:
        assert blocks.parsed(blocks.module_text(block, {}))


@pytest.mark.parametrize("page", [page for page in blocks.pages() if page.startswith(SUBJECTS)])
def test_a_page_has_code(page: str) -> None:
    if page.endswith("/index.md") or page == "docs/tutorials/examples.md":
        return
    assert blocks.blocks_of(page) or page in WITHOUT_CODE


@pytest.mark.parametrize(("module", "name"), EXPORTS)
def test_the_api_reference_has_every_exported_name(module: str, name: str) -> None:
    is_error = getattr(oidc_async, name, None) in ERRORS  # listed by automodule
    assert is_error or f"{module}.{name}\n" in API or f"`{name}`" in API or f"`oidc_async.{name}`" in API


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_troubleshooting_has_every_code(error: type[errors.OIDCError]) -> None:
    assert f"`{error.code}`" in TROUBLESHOOTING


PAGE = """
```python
from flask import Flask

app = Flask(__name__)
```

Text.

1. A list:

   ```python
   @app.get("/")
   def index(): ...


   client = make(..., name=...)
   ```

```console
$ no code
```

```python
token = await auth.valid_access_token()
token = token or None
```
"""


def test_a_block_is_a_module_with_its_lines_in_place() -> None:
    first, second, third = blocks.blocks_in("docs/guides/a-page.md", PAGE)
    assert (first.module, first.line, second.line) == ("guides_a_page_0", 3, 13)
    text = blocks.module_text(second, {"app": first.module}).splitlines()
    assert text[0] == "from any_app import anything; from guides_a_page_0 import app"
    assert text[12] == '@app.get("/")'
    assert text[13] == "def index(): ..."
    assert text[16] == "client = make(**anything, name=anything)"
    text = blocks.module_text(third, {}).splitlines()
    assert text[0] == "from quart_app import auth"
    assert text[third.line - 2 :] == [
        "async def block() -> None:",
        "    token = await auth.valid_access_token()",
        "    token = token or None",
    ]


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("import os\nprint(os.name, x)", {"x"}),
        ("def f(a):\n    return a + b", {"b"}),
        ("x = x + 1", {"x"}),
        ("print(x)\nx = 1", {"x"}),
        ("with y as z:\n    print(z)", {"y"}),
        ("for i in items:\n    total = i", {"items"}),
        ("def f():\n    return g()\n\n\ndef g(): ...", set()),
        ("class C:\n    a = b\n    def m(self): return c", {"b", "c"}),
    ],
)
def test_missing_names(code: str, missing: set[str]) -> None:
    assert blocks.missing_names(code, blocks.parsed(code)) == missing
