"""Session storage besides cookies: memory, an SQLite file, Redis or Valkey, behind one port."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .port import Store, StoreChoice

if TYPE_CHECKING:
    from .from_url import store_from_url
    from .memory import MemoryStore
    from .redis import RedisStore
    from .sqlite import SQLiteStore

__all__ = ["MemoryStore", "RedisStore", "SQLiteStore", "Store", "StoreChoice", "store_from_url"]

# Imported on first use: most applications need no store, and these modules import asyncio and sqlite3.
_MODULES = {"MemoryStore": "memory", "RedisStore": "redis", "SQLiteStore": "sqlite", "store_from_url": "from_url"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
