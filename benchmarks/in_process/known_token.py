"""What a known token costs when so many are remembered.

    python -m benchmarks.in_process.known_token ROUNDS

In three ways: a whole request to a guarded view in Flask; the look-up alone, for 1,000 of the tokens, which the
caches of a processor can hold; and for each of them, which they can not. Tokens come in no order.
"""

import gc
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice

from flask import Flask
from flask_oidc_async import OIDCAuthentication

from benchmarks.in_process import wsgi
from benchmarks.in_process.memory import token
from benchmarks.in_process.simulated import configuration
from oidc_async import AsyncResourceServer
from oidc_async.blocking import finish
from oidc_async.web.extension import installed_application

SIZES = (10, 1_000, 100_000)
ASKED = 1_000
REQUESTS = 2_000
LOOK_UPS = 100_000
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
        finish(server.verify(each))
    return server


def cpu(call: Callable[[str], object], tokens: Sequence[str], calls: int) -> float:
    """Seconds of CPU of one call."""
    chosen = list(islice(cycle(tokens), calls))
    begun = time.thread_time()
    for each in chosen:
        call(each)
    return (time.thread_time() - begun) / calls


def request(app: Flask, each: str) -> None:
    assert wsgi.call(app, "/", {"HTTP_AUTHORIZATION": f"Bearer {each}"}) == 200


class Crowd:
    """An app that remembers so many tokens."""

    def __init__(self, size: int) -> None:
        tokens = [token(number) for number in range(size)]
        self._app = new_app()
        self._server = filled(self._app, tokens)
        self._all = random.Random(1).sample(tokens, size)
        self._some = self._all[:ASKED]

    def measure(self) -> dict[str, float]:
        before = self._server.statistics().upstream_calls
        found = {
            "request_us": cpu(lambda each: request(self._app, each), self._some, REQUESTS) * 1e6,
            "ns": cpu(self._server.known, self._some, LOOK_UPS) * 1e9,
            "every_ns": cpu(self._server.known, self._all, LOOK_UPS) * 1e9,
        }
        assert self._server.statistics().upstream_calls == before, "a token was not known any more"
        return found


if __name__ == "__main__":
    crowds = {size: Crowd(size) for size in SIZES}
    gc.collect()
    runs = [{size: crowd.measure() for size, crowd in crowds.items()} for _ in range(1 + int(sys.argv[1]))]
    # the first one warms the processor and the interpreter
    print(
        json.dumps(
            {size: {measure: [run[size][measure] for run in runs[1:]] for measure in runs[0][size]} for size in SIZES}
        )
    )
