"""Measure all figures, or some of them.

python -m benchmarks                             all of them, into results.json, README.md and throughput.svg
python -m benchmarks --quick                     the headline in three minutes
python -m benchmarks --only cached jwt           some of them, only printed
python -m benchmarks --profile new "ours on uvicorn"
python -m benchmarks --report                    README.md and throughput.svg from results.json
"""

import argparse
import resource
import signal
import sys
import time
from pathlib import Path

from benchmarks import machine, plan
from benchmarks.contenders import Contender
from benchmarks.plan import FIGURES, FULL, QUICK, Effort
from benchmarks.plot import draw
from benchmarks.profiling import profile_load, profile_logins
from benchmarks.report import as_text, figures, headline, is_under_load, load_table, plain_table, write_readme
from benchmarks.series import Results, read_results

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    options = read_options()
    # an end by a signal has to stop the servers, too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    allow_many_connections()
    if options.report:
        publish(read_results(RESULTS))
    elif options.profile:
        print(profile_of(*options.profile))
    else:
        run(options)


def run(options: argparse.Namespace) -> None:
    effort = QUICK if options.quick else FULL
    begun, results = time.monotonic(), measure(effort, options.only or names(effort))
    print_tables(results)
    print(f"\n{time.monotonic() - begun:.0f} s on {machine_line(results)}")
    if not options.quick and not options.only:
        results.write(RESULTS)
        publish(results)


def names(effort: Effort) -> list[str]:
    return [name for name in FIGURES if not (effort.quick and name in plan.SKIPPED_WHEN_QUICK)]


def measure(effort: Effort, wanted: list[str]) -> Results:
    results = Results(machine=machine.facts())
    for name in wanted:
        begun = time.monotonic()
        results.series.extend(FIGURES[name](effort))
        print(f"-- {name}: {time.monotonic() - begun:.0f} s", flush=True)
    return results


def print_tables(results: Results) -> None:
    for figure in figures(results):
        table = load_table if is_under_load(results, figure) else plain_table
        print(f"\n{figure}\n\n{as_text(table(results, figure))}")
    print(f"\n{as_text(headline(results))}")


def machine_line(results: Results) -> str:
    return f"{results.machine['processor']}, Python {results.machine['Python']}"


def publish(results: Results) -> None:
    draw(results)
    write_readme(results)


def profile_of(figure: str, view: str) -> str:
    loads = {
        "cached": plan.cached_tokens_load(FULL),
        **{name: plan.new_tokens_load(FULL, delay) for name, delay in plan.DELAYS.items()},
    }
    if figure == "login":
        return profile_logins(chosen(plan.login_contenders(), view))
    if figure not in loads:
        sys.exit(f"There is a profile of {', '.join(loads)} and login only.")
    under = loads[figure]
    return profile_load(chosen(under.contenders, view), under.load, under.delay_ms)


def chosen(contenders: list[Contender], view: str) -> Contender:
    named = {f"{who.name} on {who.server}": who for who in contenders}
    return named.get(view) or sys.exit(f"{view} is none of: {', '.join(named)}")


def allow_many_connections() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What bearer tokens and logins cost.")
    parser.add_argument("--quick", action="store_true", help="the headline in three minutes")
    parser.add_argument("--only", nargs="+", choices=FIGURES, metavar="FIGURE", help=", ".join(FIGURES))
    parser.add_argument("--profile", nargs=2, metavar=("FIGURE", "VIEW"), help="such as: new 'ours on uvicorn'")
    parser.add_argument("--report", action="store_true", help="write the report again from the results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
