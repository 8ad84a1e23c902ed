"""The cost of a cached token, by the size of the cache.

    python -m benchmarks.in_process.cached_token ROUNDS

Three measurements: a whole request to a protected view in Flask; the look-up alone for 1,000 of the tokens, which fit
into the caches of a processor; and the look-up of all of them, which do not. The order of tokens is random. The
sizes take turns of some milliseconds, and the median turn of a round counts, so that other load disturbs all of them
alike.
"""

import gc
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle, islice

from flask import Flask
from flask_oidc_async import OIDCAuthentication

from benchmarks.in_process import wsgi
from benchmarks.in_process.memory import token
from benchmarks.in_process.simulated import configuration
from oidc_async import AsyncResourceServer
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.web.app_registry import installed_application

SIZES = (10, 1_000, 100_000)
ASKED = 1_000
TURNS = 25
REQUESTS = 100
LOOK_UPS = 5_000
SETTINGS = {
    "SECRET_KEY": "a secret of the benchmark 0123456789",
    "OIDC_REDIRECT_URI": "https://rp.example/callback",
    "OIDC_TOKEN_CACHE_SECONDS": 3600,
    "OIDC_TOKEN_CACHE_ENTRIES": 2 * max(SIZES),  # none is to be pushed out
}


def new_app() -> Flask:
    app = Flask(__name__)
    app.config.update(SETTINGS)
    auth = OIDCAuthentication({"provider": configuration("introspection")}, app)

    @app.get("/")
    @auth.token_auth("provider", scopes_required=["read"])
    def view() -> dict[str, str]:
        return {"hello": "world"}

    return app


def filled(app: Flask, tokens: Sequence[str]) -> AsyncResourceServer:
    server = installed_application(app.extensions).resource_servers["provider"]
    for each in tokens:
        run_without_loop(server.verify(each))
    return server


def cpu(call: Callable[[str], object], tokens: Iterator[str], calls: int) -> float:
    """Seconds of CPU of one call."""
    chosen = list(islice(tokens, calls))
    begun = time.thread_time()
    for each in chosen:
        call(each)
    return (time.thread_time() - begun) / calls


def request(app: Flask, each: str) -> None:
    assert wsgi.call(app, "/", {"HTTP_AUTHORIZATION": f"Bearer {each}"}) == 200


class Crowd:
    """An app with so many tokens in its cache."""

    def __init__(self, size: int) -> None:
        tokens = [token(number) for number in range(size)]
        self._app = new_app()
        self._server = filled(self._app, tokens)
        every = random.Random(1).sample(tokens, size)
        self._all, self._some = cycle(every), cycle(every[:ASKED])

    def measure(self) -> dict[str, float]:
        before = self._server.statistics().upstream_calls
        found = {
            "request_us": cpu(lambda each: request(self._app, each), self._some, REQUESTS) * 1e6,
            "ns": cpu(self._server.known, self._some, LOOK_UPS) * 1e9,
            "every_ns": cpu(self._server.known, self._all, LOOK_UPS) * 1e9,
        }
        assert self._server.statistics().upstream_calls == before, "a token was not cached any more"
        return found


def one_round(crowds: Mapping[int, Crowd]) -> dict[int, dict[str, float]]:
    turns = [{size: crowd.measure() for size, crowd in crowds.items()} for _ in range(TURNS)]
    return {
        size: {measure: statistics.median(turn[size][measure] for turn in turns) for measure in turns[0][size]}
        for size in crowds
    }


if __name__ == "__main__":
    crowds = {size: Crowd(size) for size in SIZES}
    gc.collect()
    # the first one warms the processor and the interpreter
    _, *rounds = (one_round(crowds) for _ in range(1 + int(sys.argv[1])))
    found = {
        size: {measure: [each[size][measure] for each in rounds] for measure in rounds[0][size]} for size in SIZES
    }
    print(json.dumps(found))
