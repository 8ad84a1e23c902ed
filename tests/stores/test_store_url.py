"""A store as one line: what is understood, and that nothing of the rest is shown."""

from pathlib import Path
from typing import Any

import pytest

from oidc_async.errors import ConfigurationError
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.stores import MemoryStore, RedisStore, SQLiteStore, store_from_url

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("memory:", "MemoryStore()"),
        ("memory://", "MemoryStore()"),
        ("sqlite:///var/lib/app/oidc.sqlite3", "SQLiteStore('/var/lib/app/oidc.sqlite3')"),
        ("sqlite:////var/lib/app/oidc.sqlite3", "SQLiteStore('/var/lib/app/oidc.sqlite3')"),
        ("sqlite:///var/my%20app/x", "SQLiteStore('/var/my app/x')"),
        ("redis://", "RedisStore(localhost, prefix='oidc:')"),
        (f"redis://user:{SECRET}@db.example:7000/2", "RedisStore(db.example:7000/2, prefix='oidc:')"),
        (f"rediss://:{SECRET}@db.example", "RedisStore(db.example:6379/0, prefix='oidc:')"),
        (f"redis://db.example?password={SECRET}", "RedisStore(db.example:6379/0, prefix='oidc:')"),
        ("unix:///run/redis.sock", "RedisStore(unix:/run/redis.sock, prefix='oidc:')"),
    ],
)
def test_a_url_names_a_store(url: str, shown: str) -> None:
    assert repr(store_from_url(url)) == shown


@pytest.mark.parametrize(
    "url",
    [
        "",
        SECRET,
        f"{SECRET}:x",
        f"/var/{SECRET}",
        f"mysql://u:{SECRET}@h/x",
        f"redis+sentinel://:{SECRET}@h/x",
        f"redis://:{SECRET}@h:port/x",
        f"redis://:a/{SECRET}@h",
        f"redis://h?db={SECRET}",
        f"redis://h?{SECRET}=1",
        f"redis://[{SECRET}",
        f"redis:{SECRET}",
        "sqlite:",
        "sqlite:///",
        "sqlite://",
        f"sqlite:{SECRET}.db",
        f"sqlite://{SECRET}/x",
        f"sqlite:///x?{SECRET}",
        f"memory:{SECRET}",
    ],
)
def test_anything_else_is_rejected_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        store_from_url(url)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.evidence)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_the_error_for_sentinel_names_the_alternative() -> None:
    with pytest.raises(ConfigurationError, match="master_for"):
        store_from_url("redis+sentinel://h/x")


@pytest.mark.parametrize("arguments", [{"timeout": 0}, {"timeout": float("nan")}, {"max_connections": 0}], ids=str)
def test_numbers_that_cannot_work_are_rejected(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(arguments))):
        RedisStore.from_url("redis://h", **arguments)


def test_a_timeout_of_sqlite_is_positive(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        SQLiteStore(tmp_path / "x", timeout=0)


@pytest.mark.parametrize("client", [None, "redis://h", object()], ids=["None", "a URL", "an object"])
def test_anything_but_a_client_is_rejected(client: object) -> None:
    with pytest.raises(ConfigurationError, match="a client of redis-py or valkey-py"):
        RedisStore(client)


def test_memory_from_a_url_works() -> None:
    store = store_from_url("memory:")
    assert isinstance(store, MemoryStore)
    run_without_loop(store.put("a", b"1", 60))
    assert list(run_without_loop(store.get_many(["a"]))) == [b"1"]
