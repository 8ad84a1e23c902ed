"""What is Redis's own: keys, lifetimes, clients, secrets."""

import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel

from oidc_async.errors import ConfigurationError, StoreUnavailable
from oidc_async.stores import RedisStore, store_from_url
from tests.certificates import make_certificate
from tests.core.worlds import AsyncWorld, World
from tests.stores.kept import Kept
from tests.stores.redis.server import RedisServer, free_port, wait_until_it_answers

SECRET = "hunter2-is-secret"
Keep = Callable[[RedisStore], Kept]


def test_keys_have_the_prefix_and_values_their_lifetime(keep: Keep, redis_server: RedisServer) -> None:
    kept = keep(RedisStore.from_url(redis_server.url, prefix="app1:"))
    kept.put("a", b"1", 60)
    assert redis_server.cli("GET", "app1:a") == "1"
    assert 59_000 < int(redis_server.cli("PTTL", "app1:a")) <= 60_000


def test_stores_with_different_prefixes_do_not_meet(keep: Keep, redis_server: RedisServer) -> None:
    one = keep(RedisStore.from_url(redis_server.url, prefix="one:"))
    other = Kept(one.world, RedisStore.from_url(redis_server.url, prefix="other:"), one.later)
    one.put("a", b"1")
    assert other.get("a") == [None]
    one.run(other.store.close())


def test_a_replaced_value_has_its_lifetime(keep: Keep, redis_server: RedisServer) -> None:
    kept = keep(RedisStore.from_url(redis_server.url))
    kept.put("a", b"1", 60)
    assert kept.run(kept.store.replace("a", b"1", b"2", 600))
    assert 599_000 < int(redis_server.cli("PTTL", "oidc:a")) <= 600_000


@pytest.mark.parametrize(
    "rejection",
    [("--requirepass", "another"), ("--rename-command", "MGET", "")],
    ids=["wrong password", "unknown command"],
)
def test_no_secret_is_shown(start_server: Callable[..., RedisServer], keep: Keep, rejection: tuple[str, ...]) -> None:
    server = start_server(*rejection)
    credentials = f"user:{SECRET}@" if rejection[0] == "--requirepass" else ""
    kept = keep(RedisStore.from_url(f"redis://{credentials}127.0.0.1:{server.port}/0", prefix=SECRET))
    with pytest.raises(StoreUnavailable) as caught:
        kept.get(SECRET)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.evidence)
    assert SECRET not in told
    assert f"127.0.0.1:{server.port}" in told
    choice = RedisStore.from_url(f"redis://user:{SECRET}@127.0.0.1:{server.port}/0")
    assert SECRET not in repr(choice)


def test_a_password_lets_in(start_server: Callable[..., RedisServer], keep: Keep) -> None:
    server = start_server("--requirepass", "p@ss word")
    kept = keep(RedisStore.from_url(f"redis://:p%40ss%20word@127.0.0.1:{server.port}/0"))
    kept.put("a", b"1")
    assert kept.get("a") == [b"1"]


def test_the_url_may_choose_the_database(keep: Keep, redis_server: RedisServer) -> None:
    kept = keep(RedisStore.from_url(redis_server.url.removesuffix("0") + "3"))
    kept.put("a", b"three")
    assert redis_server.cli("-n", "3", "GET", "oidc:a") == "three"


def test_a_unix_socket_will_do(start_server: Callable[..., RedisServer], keep: Keep, tmp_path: Path) -> None:
    path = str(tmp_path / "redis.sock")
    start_server("--unixsocket", path)
    kept = keep(RedisStore.from_url(f"unix://{path}"))
    kept.put("a", b"1")
    assert kept.get("a") == [b"1"]


def test_a_client_of_the_other_kind_is_rejected(redis_server: RedisServer) -> None:
    blocking = redis.Redis.from_url(redis_server.url)
    asynchronous = redis.asyncio.Redis.from_url(redis_server.url)
    with pytest.raises(ConfigurationError, match=r"event loops \(Quart\) need a redis\.asyncio\.Redis"):
        RedisStore(blocking).asynchronous()
    with pytest.raises(ConfigurationError, match=r"threads \(Flask\) need a redis\.Redis"):
        RedisStore(asynchronous).blocking()


def test_a_client_of_the_callers_is_never_closed(redis_server: RedisServer, world: World, keep: Keep) -> None:
    library: Any = redis.asyncio if isinstance(world, AsyncWorld) else redis
    client = library.Redis.from_url(redis_server.url)
    kept = keep(RedisStore(client))
    kept.put("a", b"1")
    before = redis_server.cli("CLIENT", "LIST", "TYPE", "normal").count("cmd=set")
    kept.run(kept.store.close())
    assert redis_server.cli("CLIENT", "LIST", "TYPE", "normal").count("cmd=set") == before > 0
    if isinstance(world, AsyncWorld):
        world.run(client.aclose(close_connection_pool=True))
    else:
        client.close()


FORKING = """
import os, sys
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.stores import RedisStore

store = RedisStore.from_url(sys.argv[1], prefix="fork:").blocking()
run_without_loop(store.put("before", b"parent", 60))
child = os.fork()
mine = b"child" if child == 0 else b"parent"
for turn in range(300):
    run_without_loop(store.put(mine.decode(), mine + b"%d" % turn, 60))
    values = run_without_loop(store.get_many([mine.decode(), "before"]))
    if values != [mine + b"%d" % turn, b"parent"]:
        os._exit(3)
if child == 0:
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_process_has_connections_of_its_own(redis_server: RedisServer) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKING, redis_server.url], timeout=30, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_url_form_is_the_same_store(keep: Keep, redis_server: RedisServer) -> None:
    choice = store_from_url(redis_server.url)
    assert isinstance(choice, RedisStore)
    kept = keep(choice)
    kept.put("a", b"1")
    assert redis_server.cli("GET", "oidc:a") == "1"


def test_tls_is_spoken_and_the_server_has_to_be_trusted(
    start_server: Callable[..., RedisServer], keep: Keep, tmp_path: Path
) -> None:
    made, port = make_certificate(tmp_path, "server"), free_port()
    start_server(
        *("--tls-port", f"{port}", "--tls-auth-clients", "no"),
        *("--tls-cert-file", made.certificate, "--tls-key-file", made.key, "--tls-ca-cert-file", made.certificate),
    )
    url = f"rediss://127.0.0.1:{port}/0"
    trusting = keep(RedisStore.from_url(f"{url}?ssl_ca_certs={made.certificate}"))
    trusting.put("a", b"1")
    assert trusting.get("a") == [b"1"]
    strict = Kept(trusting.world, RedisStore.from_url(url), trusting.later)
    with pytest.raises(StoreUnavailable, match="SSLCertVerificationError"):
        strict.get("a")
    strict.run(strict.store.close())


def test_sentinel_chooses_the_server(redis_server: RedisServer, world: World, keep: Keep, tmp_path: Path) -> None:
    config, port = tmp_path / "sentinel.conf", free_port()
    config.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor main 127.0.0.1 {redis_server.port} 1\n"
    )
    process = subprocess.Popen(["redis-server", str(config), "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        wait_until_it_answers(port)
        library: Any = redis.asyncio.sentinel if isinstance(world, AsyncWorld) else redis.sentinel
        sentinel = library.Sentinel([("127.0.0.1", port)])
        client = sentinel.master_for("main")
        kept = keep(RedisStore(client, prefix="sentinel:"))
        kept.put("a", b"1")
        assert redis_server.cli("GET", "sentinel:a") == "1"
        for opened in (client, *sentinel.sentinels):
            if isinstance(world, AsyncWorld):
                world.run(opened.aclose(close_connection_pool=True))
            else:
                opened.close()
    finally:
        process.kill()
        process.wait(10)
