"""Where sessions may live besides cookies: memory, an SQLite file, Redis or Valkey, behind one port."""

from .memory import MemoryStore
from .port import Store, StoreChoice
from .redis import RedisStore
from .sqlite import SQLiteStore
from .store_url import store_from_url

__all__ = ["MemoryStore", "RedisStore", "SQLiteStore", "Store", "StoreChoice", "store_from_url"]
