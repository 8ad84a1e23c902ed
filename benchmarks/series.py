"""The results: a list of series, stored as JSON."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One contender in one figure: for each measure its value in each run.

    Only those of the same `figure` and `group` ran in turn with each other.
    """

    figure: str
    group: str
    contender: str
    values: Mapping[str, list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    machine: Mapping[str, Any]
    series: list[Series] = field(default_factory=list[Series])

    def find(self, figure: str, group: str, contender: str) -> Series | None:
        return next(
            (s for s in self.series if (s.figure, s.group, s.contender) == (figure, group, contender)),
            None,
        )

    def values(self, figure: str, group: str, contender: str, measure: str) -> list[float]:
        """One for each run; none when it was not measured."""
        found = self.find(figure, group, contender)
        return list(found.values.get(measure, [])) if found else []

    def ratios(self, figure: str, group: str, contender: str, over: str, measure: str) -> list[float]:
        """What `contender` has over what `over` had in the same run."""
        pair = (self.values(figure, group, name, measure) for name in (contender, over))
        return [ours / theirs for ours, theirs in zip(*pair, strict=False) if theirs]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def read_results(path: Path) -> Results:
    document = json.loads(path.read_text())
    return Results(machine=document["machine"], series=[Series(**series) for series in document["series"]])


def spread(values: Iterable[float]) -> Spread:
    ordered = sorted(values)
    return Spread(median=median(ordered), low=ordered[0], high=ordered[-1])


def by_measure(runs: list[Mapping[str, float]]) -> dict[str, list[float]]:
    return {measure: [run[measure] for run in runs] for measure in runs[0]}
