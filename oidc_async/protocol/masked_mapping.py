"""A read-only mapping that is safe to log: its repr masks secrets."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

_SECRET = re.compile(r"(?:.*_)?(?:assertion|code|jwks|key|password|secret|statement|token|verifier)", re.I | re.S)


class MaskedMapping(Mapping[str, Any]):
    """Metadata or parameters by name. A member that is None is absent."""

    __slots__ = ("_values",)

    # `self` is positional-only, because a provider may send a member with this name.
    def __init__(self, /, **values: Any) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    # The methods of Mapping raise and catch KeyError for absent members, which is slow. Their types are kept.
    if not TYPE_CHECKING:

        def get(self, name, default=None, /):
            return self._values.get(name, default)

        def __contains__(self, name):
            return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        shown = {name: "<masked>" if self._is_secret(name) else value for name, value in self._values.items()}
        return f"{type(self).__name__}({shown})"

    def _is_secret(self, name: str) -> bool:
        return _SECRET.fullmatch(name) is not None

    def copy(self, /, **changes: Any) -> Self:
        """Return a copy with `changes`; None removes a member."""
        return type(self)(**{**self._values, **changes})

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dict, including secrets."""
        return dict(self._values)
