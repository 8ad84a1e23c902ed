"""The configuration of the documentation site (Sphinx, MyST and Furo); `make docs` builds it."""

import os
import re
import tomllib
from importlib import metadata
from pathlib import Path
from posixpath import normpath, relpath
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from oidc_async.testing import Fault, Misbehaviour

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REPOSITORY = next((url for name, url in PROJECT.get("urls", {}).items() if name in ("Source", "Repository")), None)

project = "oidc_async"
author = "The oidc_async authors"
copyright = author
version = release = metadata.version("oidc-async")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
]
exclude_patterns = ["screenshots"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

# docstrings write `code` with one backtick
default_role = "code"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_google_docstring = True

# The inventories of other projects are fetched only on request: the build needs no network.
ONLINE = os.environ.get("DOCS_ONLINE", "0") not in ("", "0")
intersphinx_mapping = (
    {
        "python": ("https://docs.python.org/3", None),
        "flask": ("https://flask.palletsprojects.com/en/stable", None),
        "quart": ("https://quart.palletsprojects.com/en/latest", None),
    }
    if ONLINE
    else {}
)
# Types of other projects, and of modules that are not public, are shown as plain text.
nitpick_ignore_regex = [
    ("py:.*", r"(?!(?:oidc_async|flask_oidc_async|quart_oidc_async)\b).*"),
    ("py:.*", r"(?:flask_|quart_)?oidc_async\.(?!errors\.|stores\.[A-Z]|testing\.[A-Z])\w+\..*"),
]

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "oidc_async"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"source_repository": REPOSITORY, "source_branch": "main", "source_directory": "docs/"}
html_show_sphinx = False
html_copy_source = False
copybutton_exclude = ".linenos, .gp, .go"
linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_ignore = [r"https?://(localhost|127\.0\.0\.1|([\w-]+\.)*example(\.com|\.org)?)([:/].*)?$"]

LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#|/)([^)\s#]+)(#[^)\s]*)?(?=\))")
EXPECTED = {"harmless": "is not affected", "either": "may reject it"}
INCLUDED = {
    "CHANGELOG.md": "project/changelog",
    "CONTRIBUTING.md": "project/contributing",
    "SECURITY.md": "project/security",
    "benchmarks/README.md": "project/benchmarks",
    "examples/README.md": "tutorials/examples",
}
"""Pages of the site whose text is a file outside of `docs/`."""


def rewrite_links(text: str, file: str, page: str) -> str:
    """Adjust the relative links of `file` to the site, where its text is the page `page`.

    Files that are pages of the site are linked there. Other files of the repository are linked in the repository, or
    lose their link while `[project.urls]` does not say where that is.
    """
    folder, here = os.path.dirname(file), os.path.dirname(page)

    def target(link: re.Match[str]) -> str:
        path, anchor = normpath(f"{folder}/{link[1]}" if folder else link[1]), link[2] or ""
        if path in INCLUDED:
            return relpath(f"{INCLUDED[path]}.md", here or ".") + anchor
        if path.startswith("docs/") or (ROOT / path).suffix in (".svg", ".png"):
            return relpath(path, f"docs/{here}") + anchor
        if not (ROOT / path).exists():
            raise ValueError(f"{file} links to {path}, which does not exist.")
        return f"{REPOSITORY}/blob/main/{path}{anchor}" if REPOSITORY else "#"

    return LINK.sub(target, text)


def fault_tables() -> str:
    """A table of the simulated provider's faults for each part of a login."""
    lines = []
    for group in Fault.__mro__[1:-1]:
        faults = {name: fault for name, fault in vars(group).items() if isinstance(fault, Misbehaviour)}
        if not faults:
            continue
        words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", group.__name__.removesuffix("Faults"))
        lines += [f"## {words}", "", "| `Fault.` | what the provider does | the library |", "|---|---|---|"]
        lines += [
            f"| `{name}` | {fault.does} | {EXPECTED.get(fault.outcome, 'rejects it')} |"
            for name, fault in faults.items()
        ]
        lines += [""]
    return "\n".join(lines)


def read_page(app: Sphinx, page: str, source: list[str]) -> None:
    """Take the text of included pages from their files, and adjust links that leave `docs/`."""
    files = {included: file for file, included in INCLUDED.items()}
    if file := files.get(page):
        app.env.note_dependency(str(ROOT / file))
        source[0] = rewrite_links((ROOT / file).read_text(), file, page)
    elif page == "reference/faults":
        source[0] = source[0].replace("% FAULTS", fault_tables())
    elif "](../../" in source[0]:
        source[0] = rewrite_links(source[0], f"docs/{page}.md", page)


class InlinePictures(SphinxPostTransform):
    """Put the SVG files of `docs/images` into the page, so that they follow its light or dark theme."""

    default_priority = 5
    builders = ("html",)

    def run(self, **kwargs: Any) -> None:
        for image in list(self.document.findall(nodes.image)):
            path = ROOT / "docs" / image["uri"]
            if path.suffix == ".svg" and path.parent == ROOT / "docs" / "images":
                svg = re.sub(r"\s*<style>.*?</style>", "", path.read_text(), flags=re.DOTALL)
                picture = f'<div class="picture-frame" tabindex="0" role="group" aria-label="Picture">{svg}</div>'
                image.replace_self(nodes.raw("", picture, format="html"))


def leave_out_modules(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """The pages introduce modules themselves."""
    if what == "module":
        lines.clear()


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("autodoc-process-docstring", leave_out_modules)
    app.connect("source-read", read_page)
    app.add_post_transform(InlinePictures)
    return {"parallel_read_safe": True}
