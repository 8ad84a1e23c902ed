"""The blocks of Python code in the documentation, and a type check of all of them.

`python -m tests.docs.blocks` writes each block of each page into a module of its own, below `build/doc-blocks`, and
runs mypy over them. A name that a block uses and does not define comes from an earlier block of its page, or from one
of the modules in `tests/docs/preludes`: what the reader has at hand, such as `app` and `auth`.
"""

import ast
import builtins
import re
import shutil
import subprocess
import symtable
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import indent

ROOT = Path(__file__).resolve().parents[2]
PRELUDES = Path(__file__).parent / "preludes"
OUTPUT = ROOT / "build" / "doc-blocks"
OUTSIDE_OF_DOCS = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benchmarks/README.md",
    "examples/README.md",
)

BLOCK = re.compile(r"^( *)```(?:python|py)\b[^\n]*\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
LEFT_OUT = re.compile(r"(?<=[(\[=,\s])\.\.\.(?=[,)\]])")
"""`...` in the place of an argument, or of an item of a list."""


@dataclass(frozen=True)
class Block:
    """One block of code; `line` is the line of the page on which the code begins."""

    page: str
    number: int
    line: int
    code: str

    @property
    def module(self) -> str:
        return f"{_module_of(self.page)}_{self.number}"


def _module_of(page: str) -> str:
    return re.sub(r"\W+", "_", page.removeprefix("docs/").removesuffix(".md")).lower()


def pages() -> list[str]:
    """All pages of the documentation, as paths from the root of the repository."""
    return [*OUTSIDE_OF_DOCS, *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]


def blocks_of(page: str) -> list[Block]:
    """The blocks of Python code of a page, in their order."""
    return list(blocks_in(page, (ROOT / page).read_text()))


def blocks_in(page: str, text: str) -> Iterator[Block]:
    for number, match in enumerate(BLOCK.finditer(text)):
        code = re.sub(f"^{match[1]}", "", match[2], flags=re.MULTILINE)
        yield Block(page=page, number=number, line=text.count("\n", 0, match.start(2)) + 1, code=code)


def module_text(block: Block, earlier: Mapping[str, str]) -> str:
    """The block as a module, with its lines where they are in the page: so mypy names the line of the page.

    `earlier` maps the names that earlier blocks of the page define to their modules.
    """
    code = re.sub(r"\(\s*anything,", "(**anything,", LEFT_OUT.sub("anything", block.code))
    tree = parsed(code)
    sources = {**prelude_for(tree), **earlier}
    missing = sorted(name for name in missing_names(code, tree) if name in sources)
    head = "; ".join(f"from {sources[name]} import {name}" for name in missing)
    if has_top_level_await(tree):
        # what the block itself assigns is a local variable here, so it starts as a parameter
        parameters = ", ".join(f"{name}={name}" for name in missing if name in defined_names(tree))
        return head + "\n" * (block.line - 2) + f"async def block({parameters}) -> None:\n" + indent(code, "    ")
    return head + "\n" * (block.line - 1) + code


def parsed(code: str) -> ast.Module:
    tree = compile(code, "a block", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def has_top_level_await(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)
        for statement in tree.body
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for node in ast.walk(statement)
    )


def defined_names(tree: ast.Module) -> set[str]:
    """Names that code binds at its top level."""
    names = set[str]()
    for statement in tree.body:
        names |= _bound_by(statement)
    return names


def _bound_by(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    nodes = list(ast.walk(statement))
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return stored | {node.asname or node.name.partition(".")[0] for node in nodes if isinstance(node, ast.alias)}


def missing_names(code: str, tree: ast.Module) -> set[str]:
    """Names that code uses and does not define, or uses before it defines them."""
    missing = _global_names(symtable.symtable(code, "a block", "exec")) - defined_names(tree)
    defined = set[str]()
    for statement in tree.body:
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            # an assignment evaluates its value first
            own = set[str]() if isinstance(statement, ast.Assign) else _bound_by(statement)
            missing |= (_read_by(statement) & defined_names(tree)) - defined - own
        defined |= _bound_by(statement)
    return missing - set(dir(builtins))


def _global_names(table: symtable.SymbolTable) -> set[str]:
    is_module = table.get_type() == "module"
    names = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    if not is_module:
        names = {name for name in names if table.lookup(name).is_global()}
    return names.union(*(_global_names(child) for child in table.get_children()))


def _read_by(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


@cache
def _names_of_prelude(module: str) -> frozenset[str]:
    tree = ast.parse((PRELUDES / f"{module}.py").read_text())
    return frozenset(defined_names(tree))


def framework_of(tree: ast.Module) -> str | None:
    """The framework that code is written for; None if it shows in nothing."""
    code = ast.unparse(tree).lower()
    if re.search(r"\b(await|quart\w*|hypercorn)\b", code):
        return "quart"
    return "flask" if re.search(r"\bflask", code) else None


def prelude_for(tree: ast.Module) -> dict[str, str]:
    """The modules of the names that a reader of this block has at hand."""
    framework = f"{framework_of(tree) or 'flask'}_app"
    return {name: module for module in ("any_app", framework) for name in _names_of_prelude(module)}


def write_modules(folder: Path) -> dict[str, Block]:
    """Write a module for each block, beside copies of the preludes; return the blocks by module."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PRELUDES, folder)
    written = dict[str, Block]()
    for page in pages():
        earlier: dict[str, dict[str, str]] = {"flask": {}, "quart": {}}
        for block in blocks_of(page):
            tree = parsed(block.code)
            framework = framework_of(tree)
            (folder / f"{block.module}.py").write_text(module_text(block, earlier[framework or "flask"]))
            written[block.module] = block
            if not has_top_level_await(tree):
                for names in [earlier[framework]] if framework else earlier.values():
                    names |= dict.fromkeys(defined_names(tree), block.module)
    return written


def check_types(folder: Path = OUTPUT) -> tuple[int, list[str]]:
    """How many blocks there are, and what mypy says of them, with the page and line of each error."""
    blocks = write_modules(folder)
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "."]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if run.returncode not in (0, 1):
        raise RuntimeError(run.stdout + run.stderr)
    return len(blocks), [_in_page(line, blocks) for line in run.stdout.splitlines() if ": error: " in line]


def _in_page(line: str, blocks: Mapping[str, Block]) -> str:
    module, number, text = line.split(":", 2)
    block = blocks.get(module.removesuffix(".py"))
    return line if block is None else f"{block.page}:{number}:{text}"


def main() -> None:
    number, errors = check_types()
    if errors:
        sys.exit("\n".join([*errors, f"{len(errors)} errors in the Python code of the documentation"]))
    print(f"No type errors in the {number} blocks of Python code of the documentation")


if __name__ == "__main__":
    main()
