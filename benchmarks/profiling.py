"""Where the CPU of a server goes: py-spy looks at it while it is under load."""

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
from benchmarks.upstream import Upstream
from tests.providers.processes import LOGS

PY_SPY = Path(sys.executable).with_name("py-spy")
SECONDS = 6
RATE = 500
LINES = 30


def profile_load(contender: Contender, under: Load, delay_ms: float) -> str:
    """The functions that most of the CPU went into, and where the flame graph is."""
    under = replace(under, seconds=SECONDS + 2)
    return _profile(contender, delay_ms, lambda server: load.run(under, server.address))


def profile_logins(contender: Contender) -> str:
    """As profile_load, of logins one after the other."""

    def log_in_often(server: Server) -> None:
        until = time.monotonic() + SECONDS + 2
        while time.monotonic() < until:
            login.log_in(server.address)

    return _profile(contender, 0, log_in_often)


def _profile(contender: Contender, delay_ms: float, work: Callable[[Server], object]) -> str:
    target = LOGS / f"profile-{contender.server}-{contender.app}"
    stacks, graph = target.with_suffix(".txt"), target.with_suffix(".svg")
    with Upstream(delay_ms) as upstream, Server(contender, upstream.issuer) as server:
        watchers = [_watch(server.pid, form, path) for form, path in (("raw", stacks), ("flamegraph", graph))]
        work(server)
        for watcher in watchers:
            watcher.wait()
    return f"{summary(stacks.read_text())}\n\n{graph}"


def _watch(pid: int, form: str, path: Path) -> subprocess.Popen[bytes]:
    options = ["--subprocesses", "--gil", "--rate", str(RATE), "--duration", str(SECONDS)]
    command = [str(PY_SPY), "record", "--pid", str(pid), "--format", form, "--output", str(path), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def summary(stacks: str) -> str:
    """Of stacks as py-spy writes them: by function, the share in itself and the share with all that it calls."""
    own, whole = Counter[str](), Counter[str]()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        functions = [frame.rpartition(":")[0] or frame for frame in stack.split(";")]
        own[functions[-1]] += int(count)
        whole.update(dict.fromkeys(functions, int(count)))
    total = own.total()
    rows = [f"{whole[name] / total:6.1%} {own[name] / total:6.1%}  {name}" for name, _ in whole.most_common(LINES)]
    return "\n".join([" whole    own  function", *rows])
