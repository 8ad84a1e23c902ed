"""Shared by all tests: the profiles of Hypothesis, ids of cases, and routes that are compiled once."""

import gc
from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

import tests.hypothesis_profiles  # noqa: F401
from tests.ids import id_of


def pytest_make_parametrize_id(val: object) -> str | None:
    return id_of(val)


def _compile_routes_once() -> None:
    """Make Werkzeug reuse the code that builds the URL of a route, as hundreds of test sites have the same routes.

    Compiling it is three quarters of what a site costs.
    """
    compile_builder: Callable[..., Any] = Rule._compile_builder
    compiled: dict[tuple[object, ...], Any] = {}

    def compile_builder_once(rule: Rule, append_unknown: bool = True) -> Any:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        key = (rule.rule, tuple(rule._trace), append_unknown)
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    Rule._compile_builder = compile_builder_once  # type: ignore[method-assign,assignment]


_compile_routes_once()


def pytest_collection_finish() -> None:
    """Take the collected tests out of the garbage collector's sight: it would visit all of them again and again."""
    gc.collect()
    gc.freeze()
