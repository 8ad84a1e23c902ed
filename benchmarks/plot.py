"""The plot in `README.md`."""

from pathlib import Path

import matplotlib as mpl  # type: ignore[import-not-found]

from benchmarks import plan
from benchmarks.report import of_figure
from benchmarks.series import Results, spread

PLOT = Path(__file__).with_name("throughput.svg")
COLOURS = {"bare": "#9aa0a6", "ours": "#1a73e8", "raw sockets": "#34a853"}


def draw(results: Results) -> None:
    """Requests per second of each view: the median, and from the least to the most."""
    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "benchmarks", "font.size": 9})
    from matplotlib import pyplot

    titles = {
        plan.CACHED: "cached tokens, 64 clients, provider 5 ms",
        plan.new_tokens(20): "uncached tokens, 256 clients, provider 20 ms",
    }
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 5), constrained_layout=True)
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        found = of_figure(results, name)[::-1]
        spreads = [spread(series.values["requests_per_second"]) for series in found]
        medians = [seen.median for seen in spreads]
        errors = [[s.median - s.low for s in spreads], [s.high - s.median for s in spreads]]
        labels = [f"{series.contender} on {series.group}" for series in found]
        colours = [colour_of(series.contender) for series in found]
        axis.barh(labels, medians, xerr=errors, color=colours, ecolor="#444", capsize=2)
        axis.set(title=title, xlabel="requests per second")
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(PLOT, metadata={"Date": None})


def colour_of(contender: str) -> str:
    return COLOURS.get(contender) or ("#8ab4f8" if contender.startswith("ours") else "#e8710a")
