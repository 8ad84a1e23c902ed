"""JSON read without benefit of the doubt: what two parsers could read in two ways is refused."""

import json
import math
from contextlib import suppress
from typing import Any, NoReturn, cast

MAX_DEPTH = 32
"""Objects and lists inside each other, unless the caller says otherwise."""

MAX_INTEGER_LENGTH = 300
"""Characters. float() of a longer integer may overflow, and Python itself refuses thousands of digits."""

_BLANKS = " \t\r\n"

# Depth does not depend on which kind of bracket opens and closes: the decoder rejects pairs that do not match.
_AS_LISTS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


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
    if _is_deeper(data, max_depth):
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


def _is_deeper(data: bytes, limit: int) -> bool:
    """Whether brackets nest deeper than `limit`, or do not pair up.

    Strangers choose the data, so each step is one pass of a bytes method: a loop over the brackets in Python takes
    30 times as long. Bytes of UTF-8 below 128 are always characters of their own.
    """
    if data.count(b"{") + data.count(b"[") <= limit:
        return False
    without_escapes = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    # every second part between quotes is outside of strings
    brackets = b"".join(without_escapes.split(b'"')[::2]).translate(_AS_LISTS, _NO_BRACKETS)
    for _ in range(limit):
        # takes the innermost level away
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
    if not members:
        return {}
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
