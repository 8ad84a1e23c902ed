"""What is SQLite's own: the file, other processes, sudden ends, forks, locks."""

import asyncio
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from oidc_async.errors import ConfigurationError, StoreUnavailable
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.stores import SQLiteStore, Store
from oidc_async.stores.sqlite_table import SWEEP_ROWS, SWEEP_SECONDS
from tests.sampling import is_sample


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "entries.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = SQLiteStore(path, timeout=1).blocking()
    yield store
    run_without_loop(store.close())


def get(store: Store, *keys: str) -> list[bytes | None]:
    return list(run_without_loop(store.get_many(keys)))


def rows(path: Path, query: str = "SELECT count(*) FROM entries") -> int:
    connection = sqlite3.connect(path)
    try:
        (number,) = connection.execute(query).fetchone()
    finally:
        connection.close()
    assert isinstance(number, int)
    return number


def test_a_file_without_wal_mode_is_not_a_store(path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """threat model 369: without it, a writer would hold up every reader, and a reader every writer."""
    connect = sqlite3.connect
    # a database in memory allows none, as a network file system does
    monkeypatch.setattr(sqlite3, "connect", lambda _, **options: connect(":memory:", **options))
    with pytest.raises(StoreUnavailable, match="does not support WAL mode"):
        run_without_loop(store.put("key", b"value", 60))


def python(source: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", source, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def require_success(process: subprocess.Popen[str]) -> None:
    try:
        _, complaint = process.communicate(timeout=60)
    finally:
        # with its children, which might never end
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert (process.returncode, complaint) == (0, "")


# --- the file ----------------------------------------------------------------------------------------------------


def test_the_file_and_those_beside_it_are_for_the_owner_only(store: Store, path: Path) -> None:
    before = os.umask(0)
    try:
        run_without_loop(store.put("a", b"1", 60))
    finally:
        os.umask(before)
    modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}
    assert modes == {f"entries.sqlite3{end}": 0o600 for end in ("", "-wal", "-shm")}


def test_nothing_is_made_before_the_first_use(store: Store, path: Path) -> None:
    assert not path.exists()
    assert get(store, "a") == [None]
    assert path.exists()


def test_contents_outlive_the_store(store: Store, path: Path) -> None:
    run_without_loop(store.put("a", b"1", 60))
    run_without_loop(store.close())
    later = SQLiteStore(path).blocking()
    assert get(later, "a") == [b"1"]
    run_without_loop(later.close())


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("CREATE TABLE invoices (id)", "the database of another application"),
        ("PRAGMA application_id = 7", "the database of another application"),
        ("PRAGMA user_version = 3", "the database of another application"),
    ],
)
def test_the_database_of_another_application_is_not_changed(
    store: Store, path: Path, statement: str, complaint: str
) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=complaint):
        run_without_loop(store.put("a", b"1", 60))
    assert path.read_bytes() == before


def test_a_file_of_another_version_is_rejected(store: Store, path: Path) -> None:
    run_without_loop(store.put("a", b"1", 60))
    run_without_loop(store.close())
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(ConfigurationError, match="is version 2 of the store, not version 1"):
        get(store, "a")


def spoil(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def make_directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("happens", "reason"),
    [(spoil, "SQLITE_NOTADB"), (make_directory, "SQLITE_CANTOPEN")],
    ids=["spoilt", "directory"],
)
def test_what_cannot_be_used_is_unavailable_until_it_can(
    store: Store, path: Path, happens: Callable[[Path], None], reason: str
) -> None:
    happens(path)
    with pytest.raises(StoreUnavailable, match=reason):
        get(store, "a")
    path.rmdir() if path.is_dir() else path.unlink()
    assert get(store, "a") == [None]


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "missing" / "entries.sqlite3").blocking()
    with pytest.raises(StoreUnavailable, match="No such file or directory"):
        get(store, "a")


def test_what_has_ended_is_swept_away(path: Path) -> None:
    now = [1e9]
    store = SQLiteStore(path, clock=lambda: now[0]).blocking()
    for number in range(SWEEP_ROWS + 20):
        run_without_loop(store.put(f"{number}", b"1", 10))
    run_without_loop(store.put("lasting", b"1", 1e6))
    now[0] += SWEEP_SECONDS + 1
    run_without_loop(store.put("new", b"1", 60))
    assert rows(path) == 22, "some at a time"
    run_without_loop(store.put("new", b"1", 60))
    assert rows(path) == 2
    assert get(store, "lasting", "new", "0") == [b"1", b"1", None]
    run_without_loop(store.close())


# --- locks -------------------------------------------------------------------------------------------------------


def test_a_lock_that_is_not_given_back_is_an_outage_for_writers_only(store: Store, path: Path) -> None:
    run_without_loop(store.put("a", b"1", 60))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
        run_without_loop(store.put("a", b"2", 60))
    assert 0.9 < time.monotonic() - begun < 10
    assert get(store, "a") == [b"1"]
    other.execute("ROLLBACK")
    other.close()
    run_without_loop(store.put("a", b"3", 60))
    assert get(store, "a") == [b"3"]


def test_a_writer_waits_for_a_short_lock(store: Store, path: Path) -> None:
    run_without_loop(store.put("a", b"1", 60))
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
    release.start()
    run_without_loop(store.put("a", b"2", 60))
    release.join()
    other.close()
    assert get(store, "a") == [b"2"]


def test_the_event_loop_never_waits_for_a_lock(path: Path) -> None:
    store = SQLiteStore(path, timeout=1).asynchronous()

    async def story() -> int:
        await store.put("a", b"1", 60)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(store.put("a", b"2", 60))
        turns = 0
        while not writing.done():
            assert list(await store.get_many(["a"])) == [b"1"]
            turns += 1
            await asyncio.sleep(0.01)
        with pytest.raises(StoreUnavailable):
            await writing
        other.close()
        await store.close()
        return turns

    assert asyncio.run(story()) > 5


def test_a_cancelled_caller_leaves_the_store_as_good_as_it_was(path: Path) -> None:
    store = SQLiteStore(path).asynchronous()

    async def story() -> None:
        for turn in range(50):
            calls = [asyncio.create_task(store.put(f"{number}", b"%d" % turn, 60)) for number in range(8)]
            await asyncio.sleep(0.0001 * (turn % 5))
            for call in calls[::2]:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            odd = await store.get_many(["1", "3", "5", "7"])
            assert list(odd) == [b"%d" % turn] * 4
        await store.close()

    asyncio.run(story())


# --- processes ---------------------------------------------------------------------------------------------------

WRITER = """
import sys, zlib
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.stores import SQLiteStore

store = SQLiteStore(sys.argv[1], timeout=30).blocking()
turn = 0
while True:
    turn += 1
    for slot in range(20):
        body = (b"%d," % turn) * (200 + turn % 900)
        run_without_loop(store.put(f"slot{slot}", zlib.crc32(body).to_bytes(4, "big") + body, 3600))
        if turn == 1 and slot == 3:
            print("writes", flush=True)
"""


def test_a_writer_may_be_killed_at_any_moment(path: Path) -> None:
    chance = random.Random(7)
    for _ in range(3 if is_sample() else 12):
        writers = [python(WRITER, path) for _ in range(2)]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "writes\n"
        time.sleep(chance.uniform(0, 0.15))
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.communicate(timeout=30)
        store = SQLiteStore(path).blocking()
        values = [value for value in get(store, *(f"slot{slot}" for slot in range(20))) if value is not None]
        assert len(values) >= 4
        assert [value for value in values if zlib.crc32(value[4:]).to_bytes(4, "big") != value[:4]] == []
        run_without_loop(store.put("after", b"1", 60))
        run_without_loop(store.close())
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


COUNTER = """
import sys
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.stores import SQLiteStore

store = SQLiteStore(sys.argv[1], timeout=30).blocking()
run_without_loop(store.put_if_absent("count", b"0", 3600))
done = 0
while done < 50:
    (value,) = run_without_loop(store.get_many(["count"]))
    done += run_without_loop(store.replace("count", value, b"%d" % (int(value) + 1), 3600))
"""


def test_processes_that_begin_at_once_lose_no_update(path: Path) -> None:
    processes = [python(COUNTER, path) for _ in range(4)]
    for process in processes:
        require_success(process)
    store = SQLiteStore(path).blocking()
    assert get(store, "count") == [b"200"]
    run_without_loop(store.close())


FORKING = """
import os, sys, threading
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.stores import SQLiteStore

store = SQLiteStore(sys.argv[1], timeout=30).blocking()
run_without_loop(store.put("before", b"parent", 3600))
goes_on = True

def keep_busy():
    while goes_on:
        run_without_loop(store.put("busy", b"x" * 5000, 3600))
        run_without_loop(store.get_many(["busy"]))

busy = threading.Thread(target=keep_busy)
busy.start()
children = []
for number in range(5):
    child = os.fork()
    if child == 0:
        for turn in range(50):
            run_without_loop(store.put(f"child{number}", b"%d" % turn, 3600))
            if run_without_loop(store.get_many([f"child{number}", "before"])) != [b"%d" % turn, b"parent"]:
                os._exit(3)
        run_without_loop(store.close())
        os._exit(0)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
goes_on = False
busy.join()
if run_without_loop(store.get_many([f"child{number}" for number in range(5)])) != [b"49"] * 5:
    sys.exit(4)
run_without_loop(store.close())
sys.exit(max(codes))
"""


def test_forked_processes_have_connections_of_their_own(path: Path) -> None:
    require_success(python(FORKING, path))
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


INHERITING = """
import os, sys
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.stores import SQLiteStore

def inode(place):
    try:
        return os.stat(place).st_ino
    except OSError:
        return None

store = SQLiteStore(sys.argv[1]).blocking()
run_without_loop(store.put("a", b"1", 3600))
child = os.fork()
if child == 0:
    inherited = [fd for fd in range(256) if inode(fd) == inode(sys.argv[1])]
    os._exit(3 if inherited else 0)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
run_without_loop(store.close())
sys.exit(code)
"""


def test_no_connection_is_carried_across_a_fork(path: Path) -> None:
    require_success(python(INHERITING, path))
