"""The headline: what is to be reached, and whether it was."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import login, one_flight, plan
from benchmarks.series import Results, Spread, spread

PER_SECOND = "requests_per_second"
NEW = plan.new_tokens(20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """`values` finds one value for each run, none when it was not measured; its median is held against `bound`."""

    what: str
    bound: float
    at_least: bool
    values: Callable[[Results], list[float]]
    digits: int = 2

    def reach(self, results: Results) -> Spread | None:
        values = self.values(results)
        return spread(values) if values else None

    def is_met(self, seen: Spread) -> bool:
        return seen.median >= self.bound if self.at_least else seen.median <= self.bound

    @property
    def to_reach(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:g}"


def ratio(figure: str, group: str, who: str, over: str, measure: str) -> Callable[[Results], list[float]]:
    return lambda results: results.ratios(figure, group, who, over, measure)


def values(figure: str, group: str, who: str, measure: str) -> Callable[[Results], list[float]]:
    return lambda results: results.values(figure, group, who, measure)


def known(server: str) -> Goal:
    framework = "Quart" if server in ("uvicorn", "hypercorn") else "Flask"
    return Goal(
        what=f"known tokens: {framework} on {server}, times the unprotected view",
        bound=0.95,
        at_least=True,
        values=ratio(plan.KNOWN, server, "ours", "bare", PER_SECOND),
    )


def known_by_cpu(server: str) -> Goal:
    """As `known`, by what disturbs the machine least."""
    return Goal(
        what=f"the same on {server}, by CPU per request",
        bound=0.95,
        at_least=True,
        values=ratio(plan.KNOWN, server, "bare", "ours", "cpu_us"),
    )


def new(what: str, group: str, who: str, over: str, bound: float) -> Goal:
    return Goal(
        what=f"every token new: {what}",
        bound=bound,
        at_least=True,
        values=ratio(NEW, group, who, over, PER_SECOND),
    )


def upstream_calls(framework: str, server: str) -> Goal:
    return Goal(
        what=f"1,000 concurrent requests, one unknown token: calls of the provider, {framework}",
        bound=1,
        at_least=False,
        values=values(one_flight.FIGURE, server, "ours", "introspections"),
        digits=0,
    )


def at_most(what: str, bound: float, found: Callable[[Results], list[float]], digits: int = 2) -> Goal:
    return Goal(what=what, bound=bound, at_least=False, values=found, digits=digits)


def unevenness(results: Results) -> list[float]:
    """The dearest of the cache sizes over the cheapest, in each run."""
    costs = [results.values(plan.CACHE_SIZE, "", size, "request_us") for size in ("10", "1000", "100000")]
    return [max(run) / min(run) for run in zip(*costs, strict=True)]


GOALS = [
    *(goal(server) for server in ("uvicorn", "hypercorn", "gunicorn", "waitress") for goal in (known, known_by_cpu)),
    new("Quart, times the naive shared client", "uvicorn", "ours", "naive httpx", 25),
    new("Quart, times raw sockets", "uvicorn", "ours", "raw sockets", 0.35),
    new("Quart over httpx2, times raw sockets", "uvicorn", "ours over httpx2", "raw sockets", 0.35),
    new("Quart over aiohttp, times raw sockets", "uvicorn", plan.OVER_AIOHTTP, "raw sockets", 0.5),
    new("Flask with 32 threads, times flask-pyoidc", "gunicorn", "ours", "flask-pyoidc", 2),
    upstream_calls("Quart", "uvicorn"),
    upstream_calls("Flask", "waitress"),
    at_most(
        "RS256 JWT at first sight: CPU, times a hand-made verify",
        1.5,
        ratio(plan.JWT, "", "ours, first sight", "by hand on cryptography", "us"),
    ),
    at_most(
        "RS256 JWT at second sight: CPU, times a known token",
        1.15,
        ratio(plan.JWT, "", "ours, second sight", "ours, known and not a JWT", "us"),
    ),
    at_most(
        "memory per cached token with 12 claims, bytes (resident)",
        600,
        values(f"{plan.MEMORY}, resident", "", "ours", "resident_bytes"),
        digits=0,
    ),
    at_most("request with a known token, 10 to 100,000 in the cache: dearest over cheapest", 1.15, unevenness),
    at_most(
        "import of the Flask adapter: CPU, times flask + httpx + joserfc alone",
        1.15,
        ratio(plan.IMPORT_TIME, "", "ours", "flask, httpx and joserfc alone", "cpu_ms"),
    ),
    at_most(
        "a whole login: CPU, times flask-pyoidc",
        0.5,
        ratio(login.FIGURE, "gunicorn", "ours", "flask-pyoidc", "cpu_ms"),
    ),
]
