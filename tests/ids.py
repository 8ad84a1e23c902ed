"""Ids of cases for values that pytest would number: `alg=RS256` in place of `settings3`."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

LENGTH = 60
# keys and tokens differ from process to process, and each worker must find the same ids
_IS_RANDOM = re.compile("(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9_.=-]{31,}").fullmatch


def id_of(value: object) -> str | None:
    """Return words for a collection, an error, a dataclass, a class or a long text; None for any other value."""
    match value:
        case str() | bytes() if len(value) <= LENGTH:
            return None
        case str() | bytes() | type() | Mapping() | Sequence() | Set() | Exception():
            return _shortened(_words(value))
        case _ if is_dataclass(value):
            return _shortened(_words(value))
        case _:
            return None


def _shortened(words: str) -> str:
    words = "".join(char if char.isprintable() else "?" for char in words)
    return words if len(words) <= LENGTH else f"{words[: LENGTH - 20]}... of {len(words)} characters"


def _words(value: Any) -> str:
    match value:
        case "":
            return "empty"
        case str() if _IS_RANDOM(value):
            return "..."
        case str():
            return value
        case Mapping():
            return ",".join(f"{_words(name)}={_words(member)}" for name, member in value.items()) or "nothing"
        case bytes():
            return repr(value) if len(value) <= LENGTH else f"{len(value)} bytes"
        case Set():
            return ",".join(sorted(map(_words, value))) or "nothing"
        case Sequence():
            return ",".join(map(_words, value)) or "nothing"
        case Exception():
            return f"{type(value).__name__}: {value}" if str(value) else type(value).__name__
        case type():
            return value.__name__
        case _ if _has_own(value, "__str__"):
            return str(value)
        case _ if is_dataclass(value):
            shown = {field.name: getattr(value, field.name) for field in fields(value) if _is_shown(field, value)}
            return f"{type(value).__name__} {_words(shown)}" if shown else type(value).__name__
        case _ if not _has_own(value, "__repr__"):
            return type(value).__name__
        case _:
            return repr(value)


def _is_shown(field: Field[Any], value: Any) -> bool:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return bool(getattr(value, field.name) != default)


def _has_own(value: object, method: str) -> bool:
    return getattr(type(value), method) is not getattr(object, method)
