"""A strict JSON parser: rejects duplicate members, NaN, deep nesting and invalid UTF-8.

Tokens and metadata are read by several parties. An attacker who finds a document that two parsers read differently
can show one value to the party that checks it and another one to the party that uses it. So everything ambiguous is
rejected.
"""

import json
import math
from contextlib import suppress
from typing import Any, NoReturn, cast

MAX_DEPTH = 32
"""The default limit for nested objects and arrays."""

MAX_INTEGER_LENGTH = 300
"""In characters. float() of a longer integer may overflow, and Python rejects thousands of digits itself."""

_BLANKS = " \t\r\n"

# For the depth, braces count as brackets. The decoder rejects pairs that don't match, such as {].
_AS_LISTS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def read_object(data: bytes, *, max_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """Parse a document that is one JSON object (RFC 8259).

    The caller limits the size. Besides invalid JSON, the parser rejects encodings other than UTF-8, a byte order
    mark, duplicate members, NaN and infinities (also by overflow: 1e400), integers of more than 300 characters, lone
    surrogates in strings, and deep nesting.

    Args:
        data: the encoded document.
        max_depth: the limit for nested objects and arrays.

    Raises:
        ValueError: the document is rejected. The message contains nothing of the document.
    """
    # An array or a string is valid JSON, but no specification uses one for a document.
    value = read_value(data, max_depth=max_depth)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return cast(dict[str, Any], value)


def read_value(data: bytes, *, max_depth: int = MAX_DEPTH) -> object:
    """Parse a document that is one JSON value, by the rules of `read_object`. Raises ValueError."""
    text = _read_text(data)
    if _is_deeper(data, max_depth):
        raise ValueError(f"JSON nested deeper than {max_depth}")
    value = _decode(text)
    # Only an escape can produce a lone surrogate: UTF-8 can't encode one.
    if "\\u" in text:
        _require_unicode(value)
    return value


class _Rejected(ValueError):
    """A rejection by the hooks below. Its message is safe to show; an error of the decoder contains the document."""


# Each ValueError is raised after its `except` block, not inside of it. Inside, Python would attach the decoder's
# error as its context, and a log with a traceback would show the document.


def _read_text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise ValueError("JSON that is not UTF-8")


def _is_deeper(data: bytes, limit: int) -> bool:
    """Return whether brackets nest deeper than `limit`, or don't pair up.

    The decoder is recursive, so the depth must be known before it runs. The data may come from an attacker, so each
    step is one pass of a bytes method: a loop over the brackets in Python takes 30 times as long. This works on the
    encoded text, because in UTF-8 a byte below 128 is always a character of its own.
    """
    if data.count(b"{") + data.count(b"[") <= limit:
        return False
    without_escapes = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Between quotes, every second part is outside of strings: brackets inside of strings don't count.
    brackets = b"".join(without_escapes.split(b'"')[::2]).translate(_AS_LISTS, _NO_BRACKETS)
    for _ in range(limit):
        # Each pass removes the innermost level.
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return False
    return True


def _decode(text: str) -> object:
    document, problem = text.strip(_BLANKS), "not JSON"
    try:
        value, end = _DECODER.raw_decode(document)
        if end == len(document):
            return value
    except _Rejected as rejected:
        problem = str(rejected)
    except (ValueError, RecursionError):
        pass
    raise ValueError(problem)


def _require_unicode(value: object) -> None:
    with suppress(UnicodeEncodeError):
        json.dumps(value, ensure_ascii=False).encode("utf-8")
        return
    raise ValueError("JSON string with a lone surrogate")


def _read_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if not members:
        return {}
    # RFC 8259 4 leaves duplicate names undefined: some parsers use the first value, some the last one. RFC 7515 4
    # requires that header parameters are unique.
    result = dict(members)
    if len(result) != len(members):
        raise _Rejected("JSON object with a duplicate member")
    return result


def _read_integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_LENGTH:
        raise _Rejected("JSON integer that is too long")
    return int(digits)


def _read_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Rejected("JSON number that is too large")
    return number


def _reject_constant(name: str) -> NoReturn:
    raise _Rejected("JSON with NaN or Infinity")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_read_members,
    parse_int=_read_integer,
    parse_float=_read_float,
    parse_constant=_reject_constant,
)
