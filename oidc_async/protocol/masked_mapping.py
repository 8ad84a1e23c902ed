"""A read-only mapping that may be logged: its text never shows a secret."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

SECRET_NAMES = frozenset(
    {
        "access_token",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "id_token",
        "initial_access_token",
        "jwks",
        "refresh_token",
        "registration_access_token",
        "registration_token",
        "software_statement",
    }
)


class MaskedMapping(Mapping[str, Any]):
    """Metadata and parameters by name; what is None counts as absent."""

    __slots__ = ("_values",)

    def __init__(self, **values: Any) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        shown = {name: "<masked>" if name in SECRET_NAMES else value for name, value in self._values.items()}
        return f"{type(self).__name__}({shown})"

    def copy(self, **changes: Any) -> Self:
        """The same with `changes`; a change to None removes."""
        return type(self)(**{**self._values, **changes})

    def to_dict(self) -> dict[str, Any]:
        """A plain dict, secrets included."""
        return dict(self._values)
