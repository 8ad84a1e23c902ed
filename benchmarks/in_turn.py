"""Figures of single processes: each contender in its own process, in turn."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.series import Series, by_measure
from tests.providers.processes import ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """`arguments` of the environment's Python; what it prints at its end is JSON."""

    contender: str
    arguments: tuple[str, ...]
    environment: str = "ours"

    def run(self) -> Any:
        python = ROOT / f".venv-bench-{self.environment}" / "bin" / "python"
        # what is installed was compiled by pip; our own modules are here, at their first import
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(
            [python, *self.arguments], check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        )
        return json.loads(done.stdout)


def warm(processes: list[Process]) -> None:
    """Files are read, and modules compiled."""
    for process in processes:
        process.run()


def measure(figure: str, processes: list[Process], rounds: int) -> list[Series]:
    """One value for each measure and run of a process."""
    runs: list[list[Mapping[str, float]]] = [[] for _ in processes]
    for _ in range(rounds):
        for process, seen in zip(processes, runs, strict=True):
            seen.append(process.run())
    for process, seen in zip(processes, runs, strict=True):
        print(f"{figure}: {process.contender}: {seen[-1]}", flush=True)
    return [
        Series(figure=figure, group="", contender=process.contender, values=by_measure(seen))
        for process, seen in zip(processes, runs, strict=True)
    ]


def measure_within(figure: str, process: Process) -> list[Series]:
    """Of a process that takes its contenders in turn by itself."""
    found = process.run()
    print(f"{figure}: {found}", flush=True)
    return [Series(figure=figure, group="", contender=name, values=values) for name, values in found.items()]
