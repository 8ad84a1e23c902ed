"""What is the memory's own: its bounds, and forks."""

import os

import pytest

from oidc_async.errors import ConfigurationError
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.stores import MemoryStore


def get(store: MemoryStore, *keys: str) -> list[bytes | None]:
    return list(run_without_loop(store.get_many(keys)))


def test_what_was_written_longest_ago_makes_room() -> None:
    store = MemoryStore(entries=3)
    for key in "abc":
        run_without_loop(store.put(key, b"1", 60))
    run_without_loop(store.put("a", b"2", 60))
    run_without_loop(store.put("d", b"1", 60))
    assert get(store, "a", "b", "c", "d") == [b"2", None, b"1", b"1"]


def test_what_has_ended_makes_room_first() -> None:
    now = [0.0]
    store = MemoryStore(entries=3, monotonic=lambda: now[0])
    run_without_loop(store.put("old", b"1", 600))
    run_without_loop(store.put("short", b"1", 5))
    run_without_loop(store.put("b", b"1", 600))
    now[0] = 10
    run_without_loop(store.put("c", b"1", 600))
    assert get(store, "old", "short", "b", "c") == [b"1", None, b"1", b"1"]
    assert len(store) == 3


def test_writing_one_entry_again_and_again_takes_no_memory() -> None:
    store = MemoryStore()
    for turn in range(2000):
        run_without_loop(store.put("a", b"%d" % turn, 60 + turn))
        run_without_loop(store.put("b", b"1", 60))
        run_without_loop(store.delete(["b"]))
    assert len(store._table()._expiries) < 100
    assert get(store, "a", "b") == [b"1999", None]


def test_no_room_at_all_is_rejected() -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        MemoryStore(entries=0)


def test_a_forked_process_begins_with_an_empty_one() -> None:
    store = MemoryStore()
    run_without_loop(store.put("a", b"1", 60))
    child = os.fork()
    if child == 0:
        os._exit(0 if get(store, "a") == [None] else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert get(store, "a") == [b"1"]
