"""The goals, and whether they were reached."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import login, plan, single_flight
from benchmarks.series import Results, Spread, spread

PER_SECOND = "requests_per_second"
NEW = plan.new_tokens(20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """`values` returns a value for each run, none if there was no run; their median is compared with `bound`."""

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


def cached(server: str) -> Goal:
    framework = "Quart" if server in ("uvicorn", "hypercorn") else "Flask"
    return Goal(
        what=f"cached tokens: {framework} on {server}, times the unprotected view",
        bound=0.95,
        at_least=True,
        values=ratio(plan.CACHED, server, "ours", "bare", PER_SECOND),
    )


def cached_by_cpu(server: str) -> Goal:
    """As `cached`, by CPU time, which other load on the machine disturbs least."""
    return Goal(
        what=f"the same on {server}, by CPU per request",
        bound=0.95,
        at_least=True,
        values=ratio(plan.CACHED, server, "bare", "ours", "cpu_us"),
    )


def new(what: str, group: str, who: str, over: str, bound: float) -> Goal:
    return Goal(
        what=f"uncached tokens: {what}",
        bound=bound,
        at_least=True,
        values=ratio(NEW, group, who, over, PER_SECOND),
    )


def upstream_calls(framework: str, server: str) -> Goal:
    return Goal(
        what=f"1,000 concurrent requests, one uncached token: calls to the provider, {framework}",
        bound=1,
        at_least=False,
        values=values(single_flight.FIGURE, server, "ours", "introspections"),
        digits=0,
    )


def at_most(what: str, bound: float, found: Callable[[Results], list[float]], digits: int = 2) -> Goal:
    return Goal(what=what, bound=bound, at_least=False, values=found, digits=digits)


def unevenness(results: Results) -> list[float]:
    """The slowest of the cache sizes over the fastest, in each run."""
    costs = [results.values(plan.CACHE_SIZE, "", size, "request_us") for size in ("10", "1000", "100000")]
    return [max(run) / min(run) for run in zip(*costs, strict=True)]


GOALS = [
    *(goal(server) for server in plan.SERVERS for goal in (cached, cached_by_cpu)),
    new("Quart, times the naive shared client", "uvicorn", "ours", "naive httpx", 25),
    new("Quart, times raw sockets", "uvicorn", "ours", "raw sockets", 0.35),
    new("Quart over httpx2, times raw sockets", "uvicorn", "ours over httpx2", "raw sockets", 0.35),
    new("Quart over aiohttp, times raw sockets", "uvicorn", plan.OVER_AIOHTTP, "raw sockets", 0.5),
    new("Flask with 32 threads, times flask-pyoidc", "gunicorn", "ours", "flask-pyoidc", 2),
    upstream_calls("Quart", "uvicorn"),
    upstream_calls("Flask", "waitress"),
    at_most(
        "uncached RS256 JWT: CPU, times a hand-written verification",
        1.5,
        ratio(plan.JWT, "", "ours, uncached", "hand-written on cryptography", "us"),
    ),
    at_most(
        "cached RS256 JWT: CPU, times a cached token",
        1.15,
        ratio(plan.JWT, "", "ours, cached", "ours, cached, not a JWT", "us"),
    ),
    at_most(
        "memory per cached token with 12 claims, bytes (resident)",
        600,
        values(f"{plan.MEMORY}, resident", "", "ours", "resident_bytes"),
        digits=0,
    ),
    at_most("request with a cached token, 10 to 100,000 in the cache: slowest over fastest", 1.15, unevenness),
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
