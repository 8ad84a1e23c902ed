"""Where the CPU of a server goes: py-spy looks at it while it is under load."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from benchmarks import load
from benchmarks.contenders import Contender, Server
from benchmarks.load import Load
from benchmarks.upstream import Upstream
from tests.providers.processes import LOGS

PY_SPY = Path(sys.executable).with_name("py-spy")
SECONDS = 6
RATE = 500
LINES = 30


def profile(contender: Contender, under: Load, delay_ms: float) -> str:
    """The functions that most of the CPU went into, and where the flame graph is."""
    target = LOGS / f"profile-{contender.server}-{contender.app}"
    stacks, graph = target.with_suffix(".txt"), target.with_suffix(".svg")
    with Upstream(delay_ms) as upstream, Server(contender, upstream.issuer) as server:
        load.run(Load(tokens=under.tokens, clients=under.clients, seconds=2), server.address)
        watchers = [_watch(server.pid, form, path) for form, path in (("raw", stacks), ("flamegraph", graph))]
        load.run(Load(tokens=under.tokens, clients=under.clients, seconds=SECONDS + 2), server.address)
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
