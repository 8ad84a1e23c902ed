"""What is measured: who against whom, under which load, how often."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks import in_turn, login, one_flight
from benchmarks.contenders import authlib, bare, flask_pyoidc, naive, ours, raw_sockets
from benchmarks.in_turn import Process, measure_within
from benchmarks.load import Load
from benchmarks.series import Series
from benchmarks.under_load import UnderLoad

KNOWN = "known tokens"
JWT, MEMORY, CACHE_SIZE, IMPORT_TIME = "JWT", "memory", "cache size", "import time"
IN_PROCESS = "benchmarks.in_process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """`rounds` is how often each contender has its turn, `seconds` how long it is under load each time."""

    rounds: int
    seconds: float
    logins: int
    imports: int
    quick: bool


FULL = Effort(rounds=5, seconds=4, logins=100, imports=15, quick=False)
QUICK = Effort(rounds=3, seconds=2, logins=50, imports=5, quick=True)


def new_tokens(delay_ms: float) -> str:
    return f"new tokens, provider {delay_ms:g} ms"


def known_tokens_load(effort: Effort) -> UnderLoad:
    more = [] if effort.quick else [raw_sockets("uvicorn"), naive("uvicorn"), bare("hypercorn"), ours("hypercorn")]
    flask = (
        [] if effort.quick else [authlib("gunicorn"), bare("waitress"), ours("waitress"), flask_pyoidc("waitress")]
    )
    return UnderLoad(
        figure=KNOWN,
        load=Load(tokens="known", clients=64, seconds=effort.seconds),
        delay_ms=5,
        contenders=[
            *(bare("uvicorn"), ours("uvicorn"), *more),
            *(bare("gunicorn"), ours("gunicorn"), flask_pyoidc("gunicorn"), *flask),
        ],
    )


def new_tokens_load(effort: Effort, delay_ms: float) -> UnderLoad:
    quart, flask = [ours("uvicorn")], [ours("gunicorn")]
    if not effort.quick:
        for variant, server in ((quart, "uvicorn"), (flask, "gunicorn")):
            variant += [
                ours(server, "ours, 256 at once", OURS_AT_ONCE="256"),
                ours(server, "ours over httpx", OURS_CLIENT="httpx"),
                ours(server, "ours over httpx2", OURS_CLIENT="httpx2"),
            ]
        flask.append(authlib("gunicorn"))
    return UnderLoad(
        figure=new_tokens(delay_ms),
        load=Load(tokens="new", clients=256, seconds=effort.seconds + 1),
        delay_ms=delay_ms,
        contenders=[
            *(bare("uvicorn"), *quart, naive("uvicorn"), raw_sockets("uvicorn")),
            *(bare("gunicorn"), *flask, flask_pyoidc("gunicorn")),
        ],
    )


def measure_one_flight(effort: Effort) -> list[Series]:
    peers = [] if effort.quick else [naive("uvicorn"), flask_pyoidc("gunicorn")]
    return one_flight.measure([ours("uvicorn"), ours("gunicorn"), *peers], effort.rounds)


def measure_logins(effort: Effort) -> list[Series]:
    return login.measure([ours("gunicorn"), flask_pyoidc("gunicorn")], effort.rounds, effort.logins)


def measure_memory(effort: Effort) -> list[Series]:
    return [
        series
        for kind in (("resident",) if effort.quick else ("resident", "tracemalloc"))
        for series in in_turn.measure(
            f"{MEMORY}, {kind}",
            [Process(contender=who, arguments=_module("memory", who, kind)) for who in ("ours", "dict")],
            1 if effort.quick else effort.rounds,
        )
    ]


def measure_imports(effort: Effort) -> list[Series]:
    script = "benchmarks/in_process/import_time.py"
    alone = ("flask", "httpx", "joserfc.jwk", "joserfc.jws", "joserfc.jwt")
    return in_turn.measure(
        IMPORT_TIME,
        [
            Process(contender="flask, httpx and joserfc alone", arguments=(script, *alone)),
            Process(contender="ours", arguments=(script, "flask_oidc_async")),
            Process(contender="flask-pyoidc", arguments=(script, "flask_pyoidc"), environment="flask-pyoidc"),
        ],
        effort.imports,
    )


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return ("-m", f"{IN_PROCESS}.{name}", *arguments)


FIGURES: Mapping[str, Callable[[Effort], list[Series]]] = {
    "known": lambda effort: known_tokens_load(effort).measure(effort.rounds),
    "new": lambda effort: new_tokens_load(effort, 20).measure(effort.rounds),
    "new-5": lambda effort: new_tokens_load(effort, 5).measure(effort.rounds),
    "new-0": lambda effort: new_tokens_load(effort, 0).measure(effort.rounds),
    "one-flight": measure_one_flight,
    "jwt": lambda effort: measure_within(JWT, Process(contender="", arguments=_module("jwt", str(effort.rounds)))),
    "memory": measure_memory,
    "cache-size": lambda effort: measure_within(
        CACHE_SIZE, Process(contender="", arguments=_module("known_token", str(effort.rounds)))
    ),
    "import": measure_imports,
    "login": measure_logins,
}
"""By the names that the command line takes."""

SKIPPED_WHEN_QUICK = ("new-5", "new-0")
