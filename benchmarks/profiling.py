"""Profiles of a server under load, by py-spy."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks import load, login
from benchmarks.contenders import Contender, Server
from benchmarks.load import Load
from benchmarks.under_load import warm
from benchmarks.upstream import Upstream
from tests.providers.processes import LOGS

PY_SPY = Path(sys.executable).with_name("py-spy")
SECONDS = 6
RATE = 500
LINES = 100


def profile_load(contender: Contender, under: Load, delay_ms: float) -> str:
    """The functions that most of the CPU went into, and where all the stacks are."""
    under = replace(under, seconds=SECONDS + 2)
    return _profile(
        contender,
        delay_ms,
        lambda server: load.run(under, server.address),
        prepare=lambda server: warm(server, under),
    )


def profile_logins(contender: Contender) -> str:
    """As profile_load, of logins one after the other."""

    def log_in_often(server: Server) -> None:
        until = time.monotonic() + SECONDS + 2
        while time.monotonic() < until:
            login.log_in(server.address)

    return _profile(contender, 0, log_in_often, prepare=lambda server: login.log_in(server.address))


def _profile(
    contender: Contender, delay_ms: float, work: Callable[[Server], object], prepare: Callable[[Server], object]
) -> str:
    stacks = LOGS / f"profile-{contender.server}-{contender.app}.txt"
    with Upstream(delay_ms) as upstream, Server(contender, upstream.issuer) as server:
        prepare(server)
        watcher = _watch(server.pid, stacks)
        work(server)
        watcher.wait()
    return f"{summary(stacks.read_text())}\n\nAll stacks, for a flame graph at speedscope.app: {stacks}"


def _watch(pid: int, path: Path) -> subprocess.Popen[bytes]:
    options = ["--subprocesses", "--gil", "--rate", str(RATE), "--duration", str(SECONDS)]
    command = [str(PY_SPY), "record", "--pid", str(pid), "--format", "raw", "--output", str(path), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def summary(stacks: str) -> str:
    """Of stacks as py-spy writes them, by function: the share with all that it calls, and the share in itself."""
    own, whole = Counter[str](), Counter[str]()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        functions = [_function(frame) for frame in stack.split(";") if not frame.startswith("process ")] or ["?"]
        own[functions[-1]] += int(count)
        whole.update(dict.fromkeys(functions, int(count)))
    total = own.total()
    rows = [f"{whole[name] / total:6.1%} {own[name] / total:6.1%}  {name}" for name, _ in whole.most_common(LINES)]
    return "\n".join([f"{total} samples", " whole    own  function", *rows])


def _function(frame: str) -> str:
    """Without the number of the line."""
    name, colon, _ = frame.rpartition(":")
    return f"{name})" if colon else frame
