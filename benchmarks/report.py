"""The results as tables, for the terminal and for `README.md`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.goals import GOALS
from benchmarks.series import Results, Series, spread

README = Path(__file__).with_name("README.md")
SUMMARY, DETAILS = "summary", "details"
"""The two parts of `README.md` that are generated."""
Row = Sequence[str]

MEASURES = {
    "introspections": ("calls to the provider", 0),
    "granted": ("answered with 200", 0),
    "us": ("CPU of one call, us", 1),
    "ns": ("1,000 of them in turn, ns", 0),
    "every_ns": ("all of them in turn, ns", 0),
    "request_us": ("CPU of a whole request in Flask, us", 1),
    "tracemalloc_bytes": ("bytes by tracemalloc", 0),
    "resident_bytes": ("bytes of resident memory", 0),
    "cpu_ms": ("CPU, ms", 2),
    "ms": ("on the clock, ms", 0),
}


def headline(results: Results) -> list[Row]:
    rows: list[Row] = [("figure", "median (min to max)", "goal", "reached")]
    for goal in GOALS:
        seen = goal.reach(results)
        if seen is not None:
            reached = "yes" if goal.is_met(seen) else "**no**"
            rows.append((goal.what, shown(goal.values(results), goal.digits), goal.to_reach, reached))
    return rows


def load_table(results: Results, figure: str) -> list[Row]:
    rows: list[Row] = [
        (
            "server",
            "view",
            "requests/s",
            "ratio to bare",
            "CPU per request, us",
            "ratio",
            "p99, ms",
            "failed",
            "calls",
        )
    ]
    for series in of_figure(results, figure):
        ratios = [
            results.ratios(figure, series.group, series.contender, "bare", measure)
            for measure in ("requests_per_second", "cpu_us")
        ]
        rows.append(
            (
                series.group,
                series.contender,
                shown(series.values["requests_per_second"], 0),
                shown(ratios[0], 3),
                shown(series.values["cpu_us"], 0),
                shown(ratios[1], 2),
                f"{spread(series.values['p99_ms']).median:.0f}",
                f"{sum(series.values['failures']):.0f}",
                f"{spread(series.values['introspections_per_request']).median:.2f}",
            )
        )
    return rows


def busy_table(results: Results) -> list[Row]:
    """The highest load of each process: neither the stand-in nor wrk was the bottleneck."""
    rows: list[Row] = [("figure", "busiest server", "busiest provider", "busiest wrk")]
    for figure in figures(results):
        found = of_figure(results, figure)
        if is_under_load(results, figure):
            shares = (
                max(max(series.values[f"{who}_busy"]) for series in found) for who in ("server", "provider", "load")
            )
            rows.append((figure, *(f"{share:.0%}" for share in shares)))
    return rows


def plain_table(results: Results, figure: str) -> list[Row]:
    found = of_figure(results, figure)
    measures = list(found[0].values)
    rows: list[Row] = [("", *(MEASURES[measure][0] for measure in measures))]
    for series in found:
        name = f"{series.contender} on {series.group}" if series.group else series.contender
        rows.append((name, *(shown(series.values[measure], MEASURES[measure][1]) for measure in measures)))
    return rows


def of_figure(results: Results, figure: str) -> list[Series]:
    """The series of a figure, grouped by server in the order of their first series."""
    found = [series for series in results.series if series.figure == figure]
    groups = list(dict.fromkeys(series.group for series in found))
    return sorted(found, key=lambda series: groups.index(series.group))


def is_under_load(results: Results, figure: str) -> bool:
    return "requests_per_second" in of_figure(results, figure)[0].values


def figures(results: Results) -> list[str]:
    return list(dict.fromkeys(series.figure for series in results.series))


def shown(values: Sequence[float], digits: int) -> str:
    if not values:
        return ""
    seen = spread(values)
    texts = [f"{number:,.{digits}f}" for number in (seen.median, seen.low, seen.high)]
    return texts[0] if len(set(texts)) == 1 else f"{texts[0]} ({texts[1]} to {texts[2]})"


def summary(results: Results) -> str:
    picture = "![Requests per second of each view, with cached and with uncached tokens](throughput.svg)"
    return "\n\n".join([as_markdown(headline(results)), picture, machine(results.machine)])


def details(results: Results) -> str:
    return "\n\n".join(_sections(results))


def _sections(results: Results) -> Iterator[str]:
    if busy := busy_table(results)[1:]:
        yield "### How busy the processes were, of one core"
        yield as_markdown([busy_table(results)[0], *busy])
    for figure in figures(results):
        table = load_table if is_under_load(results, figure) else plain_table
        yield f"### {figure[0].upper()}{figure[1:]}"
        yield as_markdown(table(results, figure))


def machine(facts: Any) -> str:
    return ", ".join(f"{name}: {value}" for name, value in facts.items())


def as_markdown(rows: Sequence[Row]) -> str:
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, f"|{'---|' * len(rows[0])}", *body])


def as_text(rows: Sequence[Row]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def write_readme(results: Results) -> None:
    """Replace the generated parts."""
    text = README.read_text()
    for part, content in ((SUMMARY, summary(results)), (DETAILS, details(results))):
        begin, end = f"<!-- generated: {part} -->", f"<!-- end of {part} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n\n{content}\n\n{end}{after}"
    README.write_text(text)
