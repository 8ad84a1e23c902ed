"""Puts load on a server with wrk and the tokens of `tokens.lua`, and reads its figures."""

import json
import resource
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processor_time import LOAD_CORES, on_cores

SCRIPT = Path(__file__).with_name("tokens.lua")
CACHED_TOKENS = [f"cached-{number:036d}" for number in range(1000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`tokens` is "cached" (1,000 of them in turn) or "new" (every one for the first time)."""

    tokens: str
    clients: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a load came to. Latencies in milliseconds; only answers with the status 2xx are counted in `requests`."""

    requests: int
    seconds: float
    failures: int
    p50: float
    p99: float
    cpu_seconds: float


def run(load: Load, url: str) -> Served:
    """Put the load on the server at `url`, and wait for its end."""
    choice = str(len(CACHED_TOKENS)) if load.tokens == "cached" else secrets.token_hex(6)
    wrk = f"wrk -t1 -c{load.clients} -d{load.seconds}s --timeout 60s -s".split()
    command = on_cores(LOAD_CORES, [*wrk, str(SCRIPT), url, "--", load.tokens, choice])
    before = _children_seconds()
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seen = json.loads(output.splitlines()[-1])
    return Served(
        requests=seen["requests"] - seen["rejected"],
        seconds=seen["microseconds"] / 1e6,
        failures=seen["rejected"] + seen["broken"],
        p50=seen["p50"] / 1000,
        p99=seen["p99"] / 1000,
        cpu_seconds=_children_seconds() - before,
    )


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
