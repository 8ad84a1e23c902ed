"""JSON read without benefit of the doubt: what two parsers could read in two ways is refused."""

import json
import math
import re
from contextlib import suppress
from typing import Any, NoReturn, cast

MAX_DEPTH = 32
"""Objects and lists inside each other, unless the caller says otherwise."""

MAX_INTEGER_LENGTH = 300
"""Characters. float() of a longer integer may overflow, and Python itself refuses thousands of digits."""

_BLANKS = " \t\r\n"

# The closing quote is optional: an endless string is passed over once, not once for each of its quotes.
_STRINGS_AND_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)


def read_object(data: bytes, *, max_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """The one JSON object that `data` holds (RFC 8259).

    The caller bounds the size. Besides what is no JSON, these are refused: encodings other than UTF-8, a byte
    order mark, duplicate members, NaN and infinities (also by overflow: 1e400), integers of more than 300
    characters, strings that are no Unicode text (lone surrogates), nesting deeper than `max_depth`.

    Raises ValueError; its message holds nothing of the data.
    """
    value = read_value(data, max_depth=max_depth)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return cast(dict[str, Any], value)


def read_value(data: bytes, *, max_depth: int = MAX_DEPTH) -> object:
    """The one JSON value that `data` holds, under the same rules as `read_object`. Raises ValueError."""
    text = _read_text(data)
    if _is_deeper(text, max_depth):
        raise ValueError(f"JSON nested deeper than {max_depth}")
    value = _decode(text)
    if "\\u" in text:
        _require_unicode(value)
    return value


class _Refused(ValueError):
    """A refusal of ours: safe to show, unlike the decoder's error, which holds the document."""


# Each ValueError is raised after its `except`: those of Python carry the document, and would stay as its context.


def _read_text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise ValueError("JSON that is not UTF-8")


def _is_deeper(text: str, limit: int) -> bool:
    if text.count("{") + text.count("[") <= limit:
        return False
    depth = 0
    for match in _STRINGS_AND_BRACKETS.finditer(text):
        first = text[match.start()]
        depth += (first in "{[") - (first in "}]")
        if depth > limit:
            return True
    return False


def _decode(text: str) -> object:
    document, problem = text.strip(_BLANKS), "not JSON"
    try:
        value, end = _DECODER.raw_decode(document)
        if end == len(document):
            return value
    except _Refused as refused:
        problem = str(refused)
    except (ValueError, RecursionError):
        pass
    raise ValueError(problem)


def _require_unicode(value: object) -> None:
    with suppress(UnicodeEncodeError):
        json.dumps(value, ensure_ascii=False).encode("utf-8")
        return
    raise ValueError("JSON string with a lone surrogate")


def _read_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(members)
    if len(result) != len(members):
        raise _Refused("JSON object with a duplicate member")
    return result


def _read_integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_LENGTH:
        raise _Refused("JSON integer that is too long")
    return int(digits)


def _read_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Refused("JSON number that is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise _Refused("JSON with NaN or Infinity")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_read_members,
    parse_int=_read_integer,
    parse_float=_read_float,
    parse_constant=_refuse_constant,
)
