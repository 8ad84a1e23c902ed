"""The `claims` parameter of an authentication request, and the claims that it requires (OIDC Core 5.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

from .strict_json import read_object


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredClaims:
    """The claims without which a login fails.

    Other claims may be missing from the ID token, even essential ones (OIDC Core 5.5.1).

    Args:
        acr_values: the accepted values of `acr`; empty accepts every value (5.5.1.1).
        subjects: the accepted values of `sub`; empty accepts every user (3.1.2.2, 5.5.1).
        auth_time: whether `auth_time` is required (2).
    """

    acr_values: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    auth_time: bool = False


def read_required_claims(claims: str) -> RequiredClaims:
    """Read the required claims from a `claims` parameter. Raises ValueError if it is malformed."""
    document = read_object(claims.encode())
    wanted, _ = (_member(document, name) for name in ("id_token", "userinfo"))
    acr, sub, auth_time = (_member(wanted, name) for name in ("acr", "sub", "auth_time"))
    acr_values = _values(acr, "acr")
    return RequiredClaims(
        acr_values=acr_values if _is_essential(acr) else (),
        # A request for a subject is always binding, essential or not.
        subjects=_values(sub, "sub"),
        auth_time=_is_essential(auth_time),
    )


def _member(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value: object = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object")
    return cast("Mapping[str, Any]", value)


def _is_essential(request: Mapping[str, Any]) -> bool:
    essential: object = request.get("essential", False)
    if not isinstance(essential, bool):
        raise ValueError("essential must be true or false")
    return essential


def _values(request: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the requested values; empty if every value is accepted."""
    if "value" not in request and "values" not in request:
        return ()
    values: object = request.get("values", [request.get("value")])
    if not _is_list_of_names(values):
        raise ValueError(f"values of {name} must be a list of strings")
    return tuple(values)


def _is_list_of_names(value: object) -> TypeGuard[list[str]]:
    names = cast("list[object]", value) if isinstance(value, list) else []
    return bool(names) and all(isinstance(name, str) and name for name in names)
