"""The rules of the house, read off its source: which module may import which, and the tree of errors."""

import ast
import importlib.util
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from oidc_async import errors

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [
    ROOT / "oidc_async",
    *sorted(path for path in (ROOT / "adapters").iterdir() if path.is_dir() and any(path.glob("*.py"))),
]

# From the inside out: a module imports from its own layer and from those above it in this list.
LAYERS = [
    {"oidc_async.errors"},
    {"oidc_async.protocol", "oidc_async.caching", "oidc_async.sealing"},
    {"oidc_async.http"},
    {"oidc_async.runtime"},
    {"oidc_async.configuration", "oidc_async.stores"},
    {"oidc_async.provider"},
    {"oidc_async.relying_party", "oidc_async.resource_server"},
    {"oidc_async.web", "oidc_async"},
    {"oidc_async.testing"},
    {"flask_oidc_async", "quart_oidc_async"},
]

ASYNC = {"oidc_async.runtime.async_runtime", "oidc_async.http.httpcore_async"}
BLOCKING = {"oidc_async.runtime.blocking_runtime", "oidc_async.http.httpcore_sync", "oidc_async.http.deadline"}
FAMILY = {"oidc_async.http.httpx_compat"}
ASYNC_STORES = {"oidc_async.stores.async_redis", "oidc_async.stores.async_sqlite"}
TESTING = {"oidc_async.testing"}
OWNERS = {
    "asyncio": ASYNC | ASYNC_STORES | TESTING,
    "threading": BLOCKING
    | {"oidc_async.http.deadline", "oidc_async.stores.memory", "oidc_async.stores.sqlite_table"}
    | TESTING,
    "concurrent": BLOCKING | {"oidc_async.stores.async_sqlite"},
    "redis": {"oidc_async.stores.redis_connection"},
    "valkey": set[str](),
    "sqlite3": {"oidc_async.stores.sqlite_table"},
    "h11": set[str](),
    "httpcore": FAMILY,
    "httpcore2": FAMILY,
    "httpx": FAMILY,
    "httpx2": FAMILY,
    "certifi": set[str](),
    "joserfc": {f"oidc_async.protocol.jose.{name}" for name in ("jws", "jwe", "private_keys", "encryption_keys")},
    "opentelemetry": {"oidc_async.runtime.telemetry", "oidc_async.resource_server.metrics"},
    "blinker": {"oidc_async.web"},
    "flask": {"flask_oidc_async"},
    "werkzeug": {"flask_oidc_async"},
    "quart": {"quart_oidc_async"},
    "anyio": set[str](),
    "sniffio": set[str](),
    "trio": set[str](),
    "requests": set[str](),
    "aiohttp": {"oidc_async.http.aiohttp_client"},
    "yarl": {"oidc_async.http.aiohttp_client"},
    "urllib.request": set[str](),
    "flask_oidc_async": {"flask_oidc_async"},
    "quart_oidc_async": {"quart_oidc_async"},
    "oidc_async.testing": TESTING,
}

# The protocol is pure: no I/O, no clock, no chance.
IMPURE = {"os", "pathlib", "random", "secrets", "select", "socket", "ssl", "subprocess", "sys", "time", "http"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    name: str
    is_package: bool
    source: str

    def imported_by(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(names=names):
                origin = self._origin(node)
                yield from (f"{origin}.{alias.name}" for alias in names)
            case ast.Call(func=ast.Name(id="__import__" | "import_module"), args=[ast.Constant(value=str(name)), *_]):
                yield name
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
                yield name
            case _:
                pass

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name if self.is_package else self.name.rpartition(".")[0]
        return importlib.util.resolve_name("." * node.level + (node.module or ""), package)


@cache
def imports_of(module: Module) -> frozenset[str]:
    """The full names of what is imported, anywhere in the module and in whatever way."""
    return frozenset(name for node in ast.walk(ast.parse(module.source)) for name in module.imported_by(node))


def modules() -> Iterator[Module]:
    for package in PACKAGES:
        for path in sorted(package.rglob("*.py")):
            parts = path.relative_to(package.parent).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            yield Module(name=name, is_package=is_package, source=path.read_text())


HOUSE = list(modules())
NAMES = {module.name for module in HOUSE}


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def own_imports(module: Module) -> set[str]:
    """The modules of the house that `module` imports; `from package import name` may name one or something in one."""
    found = set[str]()
    for name in imports_of(module):
        while name and name not in NAMES:
            name = name.rpartition(".")[0]
        found.add(name)
    return found - {""}


def layer_of(name: str) -> int:
    for number, packages in enumerate(LAYERS):
        if any(name == package or (package != "oidc_async" and is_in(name, package)) for package in packages):
            return number
    raise AssertionError(f"{name} has no layer: give it one in LAYERS")


def outward_imports(house: list[Module]) -> list[str]:
    return [
        f"{module.name} imports {name}"
        for module in house
        for name in sorted(own_imports(module))
        if layer_of(name) > layer_of(module.name)
    ]


def trespassers(house: list[Module], package: str) -> list[str]:
    return [
        module.name
        for module in house
        if any(is_in(name, package) for name in imports_of(module))
        and not any(is_in(module.name, owner) for owner in OWNERS[package])
    ]


def test_every_module_has_a_layer() -> None:
    assert all(layer_of(module.name) >= 0 for module in HOUSE)
    named = set[str]().union(*LAYERS)
    assert named <= NAMES, "a layer names what does not exist"


def test_imports_point_inward() -> None:
    assert outward_imports(HOUSE) == []


@pytest.mark.parametrize("package", OWNERS)
def test_it_is_imported_by_its_owners_only(package: str) -> None:
    assert trespassers(HOUSE, package) == []


PROTOCOL = [module for module in HOUSE if is_in(module.name, "oidc_async.protocol")]


@pytest.mark.parametrize("module", PROTOCOL, ids=lambda module: module.name)
def test_the_protocol_is_pure(module: Module) -> None:
    waits = [
        node for node in ast.walk(ast.parse(module.source)) if isinstance(node, ast.AsyncFunctionDef | ast.Await)
    ]
    assert waits == []
    assert {name.partition(".")[0] for name in imports_of(module)} & IMPURE == set()


# Private by their name only: the standard library and Werkzeug document them.
DOCUMENTED = {"_replace", "_asdict", "_fields", "_get_current_object"}


def private_names(tree: ast.AST) -> Iterator[str]:
    """The private names that a module reads from an object other than its own `self` and `cls`, or imports."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                pass
            case ast.Attribute(attr=name):
                yield name
            case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[_, ast.Constant(value=str(name)), *_]):
                yield name
            case ast.ImportFrom(names=names):
                yield from (alias.name for alias in names)
                yield from (node.module or "").split(".")
            case ast.Import(names=names):
                yield from (part for alias in names for part in alias.name.split("."))
            case _:
                pass


def names_defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case _:
                pass


def foreign_internals(house: list[Module]) -> set[str]:
    """Which module reads a private name that none of our modules defines, so that it belongs to another library."""
    trees = {module.name: ast.parse(module.source) for module in house}
    ours = {name for tree in trees.values() for name in names_defined(tree)}
    return {
        f"{module} reads {name}"
        for module, tree in trees.items()
        for name in private_names(tree)
        if name.startswith("_") and not name.startswith("__") and name not in ours | DOCUMENTED
    }


def test_no_private_name_of_another_library_is_read() -> None:
    assert foreign_internals(HOUSE) == set()


# --- the rules have teeth ----------------------------------------------------------------------------------------


def planted(source: str, name: str = "oidc_async.protocol.claims", *, is_package: bool = False) -> Module:
    return Module(name=name, is_package=is_package, source=source)


@pytest.mark.parametrize(
    ("source", "imported"),
    [
        ("import httpx", "httpx"),
        ("import httpx._client as c, os", "httpx._client"),
        ("from httpx import Client", "httpx.Client"),
        ("def f():\n    import httpx", "httpx"),
        ("if TYPE_CHECKING:\n    import httpx", "httpx"),
        ("importlib.import_module('httpx')", "httpx"),
        ("import_module('httpx.x')", "httpx.x"),
        ("__import__('httpx')", "httpx"),
        ("from . import jose", "oidc_async.protocol.jose"),
        ("from .jose import x", "oidc_async.protocol.jose.x"),
        ("from .. import web", "oidc_async.web"),
        ("from ..web.login import x", "oidc_async.web.login.x"),
    ],
)
def test_each_way_to_import_is_seen(source: str, imported: str) -> None:
    assert imported in imports_of(planted(source))


@pytest.mark.parametrize(
    "module",
    [
        planted("from ..provider.cached_fetch import x"),
        planted("from .. import relying_party"),
        planted("from oidc_async import provider"),
        planted("import oidc_async"),
        planted("from ..web import views", "oidc_async.relying_party.relying_party"),
        planted("from ..relying_party import x", "oidc_async.provider.provider"),
        planted("import flask_oidc_async", "oidc_async.web.views.login_required"),
        planted("from ..testing import x", "oidc_async.web", is_package=True),
    ],
    ids=lambda module: f"{module.name}: {module.source}",
)
def test_an_import_that_points_outward_is_seen(module: Module) -> None:
    assert len(outward_imports([module])) == 1


@pytest.mark.parametrize("package", OWNERS)
def test_a_trespasser_is_seen(package: str) -> None:
    assert trespassers([planted(f"import {package}.x")], package) == ["oidc_async.protocol.claims"]


@pytest.mark.parametrize(
    "source",
    [
        "connection._h11_state.trailing_data",
        "self._connection._h11_state",
        "getattr(connection, '_h11_state', None)",
        "hasattr(connection, '_h11_state')",
        "from httpcore._async.http11 import x as _h11_state",
        "from httpcore import _h11_state",
        "import httpcore._h11_state",
    ],
)
def test_a_private_name_of_another_library_is_seen(source: str) -> None:
    assert foreign_internals([planted(source)])


@pytest.mark.parametrize(
    "source", ["self._own", "def f(self): self._own = 1\nother._own", "parts._replace(x=1)", "x.__name__"]
)
def test_a_private_name_of_the_library_itself_is_not_reported(source: str) -> None:
    assert foreign_internals([planted(source)]) == set()


def test_a_module_without_a_layer_is_seen() -> None:
    with pytest.raises(AssertionError, match="has no layer"):
        layer_of("oidc_async.utilities")


# --- errors ------------------------------------------------------------------------------------------------------


def drawn_tree(drawing: str) -> dict[str, str]:
    """Child and parent of each line that the docstring draws."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in drawing.splitlines():
        trunk, mark, rest = line.rpartition("── ")
        if not mark and line.strip() != "OIDCError":
            continue
        depth = 0 if not mark else len(trunk) // 4
        name = (rest if mark else line).split()[0]
        del path[depth:]
        if path:
            parents[name] = path[-1]
        path.append(name)
    return parents


def class_tree(root: type[errors.OIDCError]) -> dict[str, str]:
    children = [found for found in root.__subclasses__() if found.__module__ == errors.__name__]
    tree = {child.__name__: root.__name__ for child in children}
    for child in children:
        tree |= class_tree(child)
    return tree


def error_classes() -> list[type[errors.OIDCError]]:
    found = [member for _, member in inspect.getmembers(errors, inspect.isclass)]
    return [member for member in found if issubclass(member, errors.OIDCError)]


def test_the_errors_are_those_of_the_drawing() -> None:
    drawing = drawn_tree(errors.__doc__ or "")
    assert drawing == class_tree(errors.OIDCError)
    assert len(drawing) == len(error_classes()) - 1


def test_a_drawing_is_read_as_it_looks() -> None:
    drawing = """
    OIDCError
    ├── A                  who
    │   ├── B
    │   │   └── C
    │   └── D
    └── E"""
    assert drawn_tree(drawing) == {"A": "OIDCError", "B": "A", "C": "B", "D": "A", "E": "OIDCError"}


def test_each_error_has_a_code_of_its_own() -> None:
    codes = {found.__name__: vars(found).get("code") for found in error_classes()}
    assert [name for name, code in codes.items() if code is None] == []
    assert len(set(codes.values())) == len(codes)
