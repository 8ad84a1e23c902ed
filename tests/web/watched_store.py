"""A store that notes what it is asked, and that fails or is interfered with on demand."""

from collections.abc import Callable, Sequence

from oidc_async.errors import StoreUnavailable
from oidc_async.stores import MemoryStore

ALL_CALLS = frozenset({"get_many", "put", "put_if_absent", "replace", "delete", "delete_if"})


class WatchedStore(MemoryStore):
    """`calls` are their names, in order; those in `broken` fail. Each replacement first lets one of `meanwhile` be.

    `values` is what was ever put below a key.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.values: dict[str, bytes] = {}
        self.meanwhile: list[Callable[[], None]] = []
        self.broken: frozenset[str] = frozenset()

    def break_down(self, *calls: str) -> None:
        """Let these calls fail, or all of them."""
        self.broken = frozenset(calls) or ALL_CALLS

    def come_back(self) -> None:
        self.broken = frozenset()

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        self._note("get_many")
        return await super().get_many(keys)

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        self._note("put")
        self.values[key] = value
        await super().put(key, value, seconds)

    async def put_if_absent(self, key: str, value: bytes, seconds: float) -> bool:
        self._note("put_if_absent")
        self.values.setdefault(key, value)
        return await super().put_if_absent(key, value, seconds)

    async def replace(self, key: str, expected: bytes, value: bytes, seconds: float) -> bool:
        self._note("replace")
        if self.meanwhile:
            self.meanwhile.pop(0)()
        self.values[key] = value
        return await super().replace(key, expected, value, seconds)

    async def delete(self, keys: Sequence[str]) -> None:
        self._note("delete")
        await super().delete(keys)

    async def delete_if(self, key: str, expected: bytes) -> bool:
        self._note("delete_if")
        return await super().delete_if(key, expected)

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if call in self.broken:
            raise StoreUnavailable("The store is down.")
