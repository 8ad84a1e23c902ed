"""Request parameters: text, JSON, or repeated values (RFC 6749 3.1, RFC 8707, RFC 9396)."""

import json
from collections.abc import Mapping
from typing import Any, cast

from .strict_json import read_value


class JSONText(str):
    """A JSON value, serialized for a URL or a form. A request object contains the value itself (RFC 9101 4)."""

    __slots__ = ()


Parameter = str | tuple[str, ...]
"""A value, or the values of a repeated parameter (RFC 8707 2)."""
Parameters = Mapping[str, Parameter]

JSON_PARAMETERS = frozenset({"claims", "authorization_details"})
"""Parameters that are JSON by specification, even if an application passes them as text."""


def single_text(parameters: Parameters, name: str, default: str = "") -> str:
    """Return the value of a parameter that occurs once."""
    value = parameters.get(name, default)
    return value if isinstance(value, str) else " ".join(value)


def all_values(value: Parameter) -> tuple[str, ...]:
    """Return all values of a parameter."""
    return (value,) if isinstance(value, str) else value


def json_text(value: object) -> JSONText:
    """Serialize a value. Raises TypeError or ValueError for values that JSON doesn't have, such as NaN."""
    return JSONText(json.dumps(value, allow_nan=False))


def json_claim(name: str, value: Parameter) -> Any:
    """Return a parameter as a claim of a request object (OIDC Core 6.1, RFC 9101 4)."""
    if isinstance(value, tuple):
        return value[0] if len(value) == 1 else list(value)
    if name == "max_age":
        return int(value)
    return json.loads(value) if isinstance(value, JSONText) or name in JSON_PARAMETERS else value


def authorization_details_problem(value: str) -> str | None:
    """Return the reason why `authorization_details` is invalid; None if it is valid (RFC 9396 2)."""
    try:
        details = read_value(value.encode())
    except ValueError as error:
        return f"must be a JSON array: {error}"
    if not isinstance(details, list) or not details:
        return "must be a JSON array of at least one object"
    for detail in cast("list[object]", details):
        members = cast("dict[str, object]", detail) if isinstance(detail, dict) else {}
        if not isinstance(members.get("type"), str):
            return "must be a JSON array of objects, each with the member type, a string"
    return None
