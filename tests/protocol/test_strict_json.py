"""The strict JSON reader."""

import traceback

import pytest

from oidc_async.protocol.strict_json import read_object

WIDE = b'{"a": [' + b"[], " * 40
"""Enough brackets to be looked at closely, and not too deep."""

NESTED_IN_TEXT = b'{"text": "' + b"[{" * 100 + b'\\"[["}'


@pytest.mark.parametrize(
    ("data", "value"),
    [
        pytest.param(b"{}", {}, id="an empty object"),
        pytest.param(b' \r\n\t{"a": [1, 2.5, true, null, "x"]} ', {"a": [1, 2.5, True, None, "x"]}, id="blanks"),
        pytest.param('{"name": "Zoë 𝄞"}'.encode(), {"name": "Zoë 𝄞"}, id="UTF-8"),
        pytest.param(b'{"name": "\\ud834\\udd1e"}', {"name": "𝄞"}, id="an escaped surrogate pair"),
        pytest.param(b'{"a": {"b": 1}, "c": {"b": 2}}', {"a": {"b": 1}, "c": {"b": 2}}, id="same name elsewhere"),
        pytest.param(b'{"a": ' + b"9" * 300 + b"}", {"a": 10**300 - 1}, id="an integer of 300 digits"),
        pytest.param(b'{"a": 1e308}', {"a": 1e308}, id="a large float"),
        pytest.param(NESTED_IN_TEXT, {"text": "[{" * 100 + '"[['}, id="brackets inside a string"),
        pytest.param(b'{"a": [' + b"[], " * 99 + b"[]]}", {"a": [[] for _ in range(100)]}, id="wide, not deep"),
    ],
)
def test_an_object_is_read(data: bytes, value: object) -> None:
    assert read_object(data) == value


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="threat model 108: nothing"),
        pytest.param(b"[]", id="threat model 8, 108: a list"),
        pytest.param(b'"text"', id="threat model 8, 108: a string"),
        pytest.param(b"1", id="threat model 8, 108: a number"),
        pytest.param(b"null", id="threat model 8: null"),
        pytest.param(b'{"a": 1', id="an object without end"),
        pytest.param(b'{"a": 1} {}', id="two objects"),
        pytest.param(b'{"a": 1}]', id="a bracket too many"),
        pytest.param(b'{"a": 1}\0', id="a zero byte behind"),
        pytest.param(b" \r\n\t", id="nothing but blanks"),
        pytest.param(b'\f{"a": 1}', id="a form feed before: no blank of JSON"),
        pytest.param(b'{"a": 1}\x1f', id="a unit separator behind: no blank of JSON"),
        pytest.param('{"a": 1}\u00a0'.encode(), id="a no-break space behind: no blank of JSON"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b'{"a": 1,}', id="a trailing comma"),
        pytest.param(b'{"a": "\n"}', id="a bare line break in a string"),
        pytest.param(b'{"a": 01}', id="a leading zero"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', id="threat model 61: a byte order mark"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="threat model 108: UTF-16"),
        pytest.param('{"a": 1}'.encode("utf-16-le"), id="threat model 108: UTF-16 without a mark"),
        pytest.param('{"a": 1}'.encode("utf-32"), id="UTF-32"),
        pytest.param(b'{"a": "\xff"}', id="threat model 108: invalid UTF-8"),
        pytest.param(b'{"a": "\xc0\xaf"}', id="overlong UTF-8"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        pytest.param(b'{"a": "\\ud800"}', id="threat model 96: a lone surrogate"),
        pytest.param(b'{"a": ["\\uDC00\\uD800"]}', id="a reversed surrogate pair"),
        pytest.param(b'{"\\udfff": 1}', id="a lone surrogate in a name"),
        pytest.param(b'{"a": 1, "a": 1}', id="threat model 61, 108: a duplicate member"),
        pytest.param(b'{"a": 1, "\\u0061": 2}', id="a duplicate member, escaped"),
        pytest.param(b'{"b": {"a": 1, "a": 2}}', id="a duplicate member further in"),
        pytest.param(b'{"a": NaN}', id="threat model 61, 92: NaN"),
        pytest.param(b'{"a": Infinity}', id="threat model 92: Infinity"),
        pytest.param(b'{"a": -Infinity}', id="threat model 92: -Infinity"),
        pytest.param(b'{"a": 1e400}', id="threat model 92: a float that overflows"),
        pytest.param(b'{"a": -1e400}', id="threat model 92: a negative float that overflows"),
        pytest.param(b'{"a": ' + b"1" * 400 + b".0}", id="a long float that overflows"),
        pytest.param(b'{"a": ' + b"9" * 301 + b"}", id="an integer of 301 digits"),
        pytest.param(b'{"a": -' + b"9" * 300 + b"}", id="a negative integer of 301 characters"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", id="threat model 228: an integer of 5000 digits"),
        pytest.param(b'{"a":' * 40_000 + b"1" + b"}" * 40_000, id="threat model 227: 40,000 objects deep"),
        pytest.param(b'{"a":' + b"[" * 40_000, id="threat model 227: 40,000 lists deep, without end"),
    ],
)
def test_anything_else_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^[\w -]+$"):
        read_object(data)


@pytest.mark.parametrize(
    ("depth", "limit", "accepted"),
    [(32, 32, True), (33, 32, False), (3, 3, True), (4, 3, False), (1, 1, True), (2, 1, False)],
)
def test_nesting_is_bounded_by_the_caller(depth: int, limit: int, accepted: bool) -> None:
    data = b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)
    if accepted:
        assert list(read_object(data, max_depth=limit)) == (["a"] if depth > 1 else [])
    else:
        with pytest.raises(ValueError, match=f"deeper than {limit}"):
            read_object(data, max_depth=limit)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"canary": "canary", "canary": 1}', id="a duplicate member"),
        pytest.param(b'{"canary": canary}', id="no JSON"),
        pytest.param(b'{"canary": "canary\xff"}', id="no UTF-8"),
        pytest.param(b'{"canary": "canary\\ud800"}', id="a lone surrogate"),
    ],
)
def test_the_error_shows_nothing_of_the_data(data: bytes) -> None:
    with pytest.raises(ValueError, match="JSON") as caught:
        read_object(data)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"a": ' + b'"' * 262_144, id="quotes"),
        pytest.param(WIDE + b'"' + b'\\"' * 262_144, id="an endless string of escaped quotes"),
        pytest.param(WIDE + b"\\" * 262_144, id="backslashes"),
        pytest.param(b"[" * 524_288, id="brackets"),
        pytest.param(b'{"a": [' + b"[]," * 170_000 + b"1}", id="many small lists"),
        pytest.param(b'{"a": 0.' + b"1" * 524_288 + b"e999}", id="a long float"),
    ],
)
def test_hostile_documents_of_half_a_megabyte_take_no_time(data: bytes) -> None:
    with pytest.raises(ValueError, match="JSON"):
        read_object(data)
