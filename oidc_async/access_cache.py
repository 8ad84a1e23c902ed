"""What was found out about access tokens a moment ago, by the hash of the token: bounded in number, size and time."""

import math
import struct
from collections.abc import Callable
from typing import Generic, TypeVar

from .errors import ConfigurationError, TokenError
from .protocol.access import Access

V = TypeVar("V")

BYTES_PER_ENTRY = 1024
"""What an entry may weigh on average; where claims are larger, fewer are kept."""
MAX_SCOPES = 1000
_HEAD = struct.Struct("<dI")


class Generations(Generic[V]):
    """A mapping that forgets what was not used for longest: at most `entries`, of at most `weight` together.

    Two dicts: what is used goes into the young one; when that is half full, or `seconds` old, it becomes the old
    one, and all that was left in the old one goes. Nothing is kept about single entries, no lock is held, and what
    has expired leaves by itself. A value of more than half the weight is kept all the same, beside at most one more.
    """

    def __init__(self, entries: int, weight: int, seconds: float, weigh: Callable[[V], int]) -> None:
        self._entries = entries
        self._half, self._half_weight = max(entries // 2, 1), max(weight // 2, 1)
        self._seconds, self._weigh = seconds, weigh
        self._young: dict[bytes, V] = {}
        self._old: dict[bytes, V] = {}
        self._weight = 0
        self._turn_at = math.inf

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: bytes) -> V | None:
        value = self._young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                self._admit(key, value)
                self._old.pop(key, None)
        return value

    def put(self, key: bytes, value: V, now: float) -> None:
        """Keep it, unless there is no room at all; `now` is in seconds of a clock that never jumps."""
        if self._entries < 1:
            return
        if now >= self._turn_at:
            self._turn()
        self._turn_at = min(self._turn_at, now + self._seconds)
        self._admit(key, value)

    def _admit(self, key: bytes, value: V) -> None:
        weight = self._weigh(value)
        if len(self._young) >= self._half or self._weight + weight > self._half_weight:
            self._turn()
        self._young[key] = value
        self._weight += weight

    def _turn(self) -> None:
        self._old = self._young if self._entries > 1 else {}
        self._young, self._weight = {}, 0
        # counted anew from the next `put`: by then all that is old now has expired
        self._turn_at = math.inf

    def pop(self, key: bytes) -> None:
        self._young.pop(key, None)
        self._old.pop(key, None)


class AccessCache:
    """Which tokens were verified or refused a moment ago. Several resource servers may share one.

    Parameters:
        seconds: how long a good token is trusted without asking again; never beyond its `exp`. 0 keeps none.
        refused_seconds: how long a bad one is refused without asking again. 0 keeps none.
        entries: how many tokens are kept; those unused for longest go first. 0 keeps none.

    Raises ConfigurationError for what is no such number.
    """

    def __init__(self, *, seconds: float = 60.0, refused_seconds: float = 5.0, entries: int = 100_000) -> None:
        for name, value in (("seconds", seconds), ("refused_seconds", refused_seconds), ("entries", entries)):
            _require_number(name, value)
        self.seconds, self.refused_seconds = seconds, refused_seconds
        self._good: Generations[bytes] = Generations(entries, entries * BYTES_PER_ENTRY, seconds, len)
        # a flood of bad tokens must not push out the good ones
        bad = -(-entries // 10)
        self._bad: Generations[tuple[float, TokenError]] = Generations(bad, bad, refused_seconds, lambda _: 1)
        self._scopes: dict[bytes, frozenset[str]] = {}

    def __len__(self) -> int:
        return len(self._good)

    def find(self, key: bytes, now: float) -> Access | None:
        """The access of a token that was verified, while that holds; `now` on a clock that never jumps."""
        entry = self._good.get(key)
        if entry is None:
            return None
        deadline, length = _HEAD.unpack_from(entry)
        if now >= deadline:
            self._good.pop(key)
            return None
        end = _HEAD.size + length
        return Access(entry[end:], self._scopes_of(entry[_HEAD.size : end]))

    def keep(self, key: bytes, access: Access, seconds: float, now: float) -> None:
        """Trust `access` for so many seconds, at most as long as this cache does."""
        seconds = min(seconds, self.seconds)
        if seconds > 0:
            # one bytes object: small, and nothing for the garbage collector to look through
            scopes = " ".join(access.scopes).encode()
            entry = _HEAD.pack(now + seconds, len(scopes)) + scopes + access.document
            self._good.put(key, entry, now)

    def find_refusal(self, key: bytes, now: float) -> TokenError | None:
        """Why a token was refused a moment ago."""
        until, refusal = self._bad.get(key) or (now, None)
        return refusal if now < until else None

    def keep_refusal(self, key: bytes, refusal: TokenError, now: float) -> None:
        if self.refused_seconds > 0:
            self._bad.put(key, (now + self.refused_seconds, refusal), now)

    def forget(self, key: bytes) -> None:
        """Ask about this token again."""
        self._good.pop(key)
        self._bad.pop(key)

    def _scopes_of(self, text: bytes) -> frozenset[str]:
        # few combinations are granted to very many tokens
        scopes = self._scopes.get(text)
        if scopes is None:
            if len(self._scopes) >= MAX_SCOPES:
                self._scopes.clear()
            scopes = self._scopes[text] = frozenset(text.decode().split())
        return scopes


def _require_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ConfigurationError(f"{name} of AccessCache must be a number, not negative.", setting=name)
