"""The figures: which contenders are compared, under which load, and how often."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks import in_turn, login, single_flight
from benchmarks.contenders import Contender, authlib, bare, flask_pyoidc, naive, ours, raw_sockets
from benchmarks.in_turn import Process, measure_within
from benchmarks.load import Load
from benchmarks.series import Series
from benchmarks.under_load import UnderLoad

CACHED = "cached tokens"
JWT, MEMORY, CACHE_SIZE, IMPORT_TIME = "JWT", "memory", "cache size", "import time"
DELAYS = {"new": 20, "new-5": 5, "new-0": 0}
"""Milliseconds that the provider takes, in the figures of new tokens."""
SERVERS = ("uvicorn", "hypercorn", "gunicorn", "waitress")
OVER_AIOHTTP = "ours over aiohttp"
IN_PROCESS = "benchmarks.in_process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How many turns each contender has, and the seconds of load in each.

    With calls to the provider the load lasts longer: requests that wait at its end are not counted, and a pool needs
    some seconds until it collapses.
    """

    rounds: int
    cached_seconds: int
    new_rounds: int
    new_seconds: int
    logins: int
    imports: int
    quick: bool


JWT_TURNS = 5
"""A turn takes a tenth of a second."""
FULL = Effort(rounds=5, cached_seconds=3, new_rounds=5, new_seconds=10, logins=100, imports=15, quick=False)
QUICK = Effort(rounds=3, cached_seconds=2, new_rounds=2, new_seconds=3, logins=50, imports=5, quick=True)


def new_tokens(delay_ms: float) -> str:
    return f"uncached tokens, provider {delay_ms:g} ms"


def cached_tokens_load(effort: Effort) -> UnderLoad:
    quick = [
        *(bare("uvicorn"), ours("uvicorn")),
        *(bare("gunicorn"), ours("gunicorn"), flask_pyoidc("gunicorn")),
    ]
    full = [
        *(raw_sockets("uvicorn"), naive("uvicorn")),
        *(bare("hypercorn"), ours("hypercorn")),
        authlib("gunicorn"),
        *(bare("waitress"), ours("waitress"), flask_pyoidc("waitress")),
    ]
    return UnderLoad(
        figure=CACHED,
        load=Load(tokens="cached", clients=64, seconds=effort.cached_seconds),
        delay_ms=5,
        contenders=quick if effort.quick else [*quick, *full],
    )


def new_tokens_load(effort: Effort, delay_ms: float) -> UnderLoad:
    quick = [
        *(bare("uvicorn"), ours("uvicorn"), ours("uvicorn", OVER_AIOHTTP, engine="aiohttp")),
        *(raw_sockets("uvicorn"), naive("uvicorn")),
        *(bare("gunicorn"), ours("gunicorn"), flask_pyoidc("gunicorn")),
    ]
    full = [*variants("uvicorn"), *variants("gunicorn"), authlib("gunicorn")]
    # the other delays show the share of the delay
    is_headline = delay_ms == DELAYS["new"]
    return UnderLoad(
        figure=new_tokens(delay_ms),
        load=Load(tokens="new", clients=256, seconds=effort.new_seconds if is_headline else effort.cached_seconds),
        delay_ms=delay_ms,
        contenders=[*quick, *full] if is_headline and not effort.quick else quick,
    )


def variants(server: str) -> list[Contender]:
    return [
        ours(server, "ours over httpx2", environment="ours-httpx2"),
        ours(server, "ours, 256 at once", max_concurrency=256),
    ]


def measure_single_flight(effort: Effort) -> list[Series]:
    # not on gunicorn: its own work for so many threads would be measured
    mine = [ours("uvicorn"), ours("waitress")]
    if effort.quick:
        return single_flight.measure(mine, rounds=1)
    return single_flight.measure([*mine, naive("uvicorn"), flask_pyoidc("waitress")], effort.new_rounds)


def login_contenders() -> list[Contender]:
    return [ours("gunicorn"), flask_pyoidc("gunicorn")]


def measure_logins(effort: Effort) -> list[Series]:
    return login.measure(login_contenders(), effort.rounds, effort.logins)


def measure_new_tokens(delay_ms: float) -> Callable[[Effort], list[Series]]:
    return lambda effort: new_tokens_load(effort, delay_ms).measure(effort.new_rounds)


def measure_memory(effort: Effort) -> list[Series]:
    kinds = ("resident",) if effort.quick else ("resident", "tracemalloc")
    return [series for kind in kinds for series in _memory(kind, 1 if effort.quick else effort.rounds)]


def _memory(kind: str, rounds: int) -> list[Series]:
    processes = [Process(contender=who, arguments=_module("memory", who, kind)) for who in ("ours", "dict")]
    return in_turn.measure(f"{MEMORY}, {kind}", processes, rounds)


def measure_imports(effort: Effort) -> list[Series]:
    script = "benchmarks/in_process/import_time.py"
    alone = ("flask", "httpx", "joserfc.jwk", "joserfc.jws", "joserfc.jwt")
    processes = [
        Process(contender="flask, httpx and joserfc alone", arguments=(script, *alone)),
        Process(contender="ours", arguments=(script, "flask_oidc_async")),
        Process(contender="flask-pyoidc", arguments=(script, "flask_pyoidc"), environment="flask-pyoidc"),
    ]
    in_turn.warm(processes)
    return in_turn.measure(IMPORT_TIME, processes, effort.imports)


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return ("-m", f"{IN_PROCESS}.{name}", *arguments)


FIGURES: Mapping[str, Callable[[Effort], list[Series]]] = {
    "cached": lambda effort: cached_tokens_load(effort).measure(effort.rounds),
    **{name: measure_new_tokens(delay) for name, delay in DELAYS.items()},
    "single-flight": measure_single_flight,
    "jwt": lambda effort: measure_within(
        JWT, Process(contender="", arguments=_module("jwt", str(JWT_TURNS * effort.rounds)))
    ),
    "memory": measure_memory,
    "cache-size": lambda effort: measure_within(
        CACHE_SIZE, Process(contender="", arguments=_module("cached_token", str(effort.rounds)))
    ),
    "import": measure_imports,
    "login": measure_logins,
}
"""By their names on the command line."""

SKIPPED_WHEN_QUICK = ("new-5", "new-0")
