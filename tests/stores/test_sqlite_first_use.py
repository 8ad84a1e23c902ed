"""The first use of an SQLite file: all workers of an application come at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.stores import SQLiteStore

WORKERS = 8
ROUNDS = 40


def test_all_who_come_first_at_the_same_time_find_a_store(tmp_path: Path) -> None:
    everybody_is_there = threading.Barrier(WORKERS, timeout=30)

    def begin(path: Path) -> bool:
        store = SQLiteStore(path).blocking()
        everybody_is_there.wait()
        try:
            return run_without_loop(store.put_if_absent("key", b"value", 60))
        finally:
            run_without_loop(store.close())

    with ThreadPoolExecutor(WORKERS) as workers:
        for number in range(ROUNDS):
            firsts = list(workers.map(begin, [tmp_path / f"{number}.db"] * WORKERS))
            assert firsts.count(True) == 1
