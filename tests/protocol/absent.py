"""In the tables of tests: the claim is left out."""

from enum import Enum
from typing import Final


class Absent(Enum):
    """Its text is the same in every process: the names of tests are made of it."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "absent"

    __str__ = __repr__


ABSENT: Final = Absent.ABSENT
