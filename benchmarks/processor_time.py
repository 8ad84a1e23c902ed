"""The CPU time of processes, and their assignment to cores."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORES = CORES[:1]
LOAD_CORES = CORES[1:] or CORES


def on_cores(cores: list[int], command: list[str]) -> list[str]:
    """The command, kept on these cores."""
    return ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]


def tree_seconds(pid: int) -> float:
    """CPU seconds that this process and all that descend from it have used so far."""
    return _seconds(pid) + sum(tree_seconds(child) for child in _children(pid))


def _seconds(pid: int) -> float:
    # the name of the program, in brackets, may hold spaces; fields 14 to 17 of proc(5) are ours and dead children's
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def _children(pid: int) -> list[int]:
    lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for text in lists for child in text.split()]
