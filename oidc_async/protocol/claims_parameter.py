"""The `claims` parameter of an authentication request, and what it requires of the ID token (OIDC Core 5.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

from .strict_json import read_object


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredClaims:
    """What the ID token must say: a login without it has failed.

    Other claims, essential ones too, are no error when they are missing (OIDC Core 5.5.1).

    Parameters:
        acr_values: authentication contexts of which it must name one; empty when any will do (5.5.1.1).
        subjects: users of whom it must be about one; empty when anybody will do (3.1.2.2, 5.5.1).
        auth_time: whether it must say when the user authenticated (2).
    """

    acr_values: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    auth_time: bool = False


def read_required_claims(claims: str) -> RequiredClaims:
    """What a `claims` parameter requires. Raises ValueError when `claims` is not what it must be."""
    document = read_object(claims.encode())
    wanted, _ = (_member(document, name) for name in ("id_token", "userinfo"))
    acr, sub, auth_time = (_member(wanted, name) for name in ("acr", "sub", "auth_time"))
    acr_values = _values(acr, "acr")
    return RequiredClaims(
        acr_values=acr_values if _is_essential(acr) else (),
        # whoever asks for a user wants no other one
        subjects=_values(sub, "sub"),
        auth_time=_is_essential(auth_time),
    )


def _member(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value: object = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{name} that is no object")
    return cast("Mapping[str, Any]", value)


def _is_essential(request: Mapping[str, Any]) -> bool:
    essential: object = request.get("essential", False)
    if not isinstance(essential, bool):
        raise ValueError("essential that is neither true nor false")
    return essential


def _values(request: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Those of which one is wanted; none when any will do."""
    if "value" not in request and "values" not in request:
        return ()
    values: object = request.get("values", [request.get("value")])
    if not _is_list_of_names(values):
        raise ValueError(f"{name} values that are no list of strings")
    return tuple(values)


def _is_list_of_names(value: object) -> TypeGuard[list[str]]:
    names = cast("list[object]", value) if isinstance(value, list) else []
    return bool(names) and all(isinstance(name, str) and name for name in names)
