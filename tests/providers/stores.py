"""Stores that several processes share, for as long as a context lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stores.redis.server import RedisServer


@contextmanager
def shared_store(kind: str, directory: Path) -> Iterator[str]:
    """The setting OIDC_STORE, for `sqlite` or `redis`. What it needs is in the directory."""
    if kind == "sqlite":
        yield f"sqlite://{directory}/sessions.db"
        return
    server = RedisServer(directory)
    try:
        yield server.url
    finally:
        server.stop()
