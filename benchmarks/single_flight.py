"""1,000 concurrent requests with one uncached token: how many introspection requests are there?"""

import secrets
from collections.abc import Mapping
from contextlib import ExitStack

from benchmarks.at_once import send_at_once
from benchmarks.contenders import Contender, Server
from benchmarks.series import Series, by_measure
from benchmarks.upstream import Upstream

FIGURE = "single flight"
REQUESTS = 1000
# all requests are there before the first answer is
DELAY_MS = 1000


def measure(contenders: list[Contender], rounds: int) -> list[Series]:
    with ExitStack() as stack:
        upstream = stack.enter_context(Upstream(DELAY_MS))
        servers = [stack.enter_context(Server(who, upstream.issuer, threads=REQUESTS)) for who in contenders]
        runs: list[list[Mapping[str, float]]] = [[] for _ in servers]
        for _ in range(rounds):
            for server, seen in zip(servers, runs, strict=True):
                seen.append(_run(server, upstream))
                print(f"{FIGURE}: {server.contender.name} on {server.contender.server}: {seen[-1]}", flush=True)
    return [
        Series(figure=FIGURE, group=who.server, contender=who.name, values=by_measure(seen))
        for who, seen in zip(contenders, runs, strict=True)
    ]


def _run(server: Server, upstream: Upstream) -> Mapping[str, float]:
    # what is fetched once, metadata for instance, is not what is counted
    send_at_once(server.address, [secrets.token_urlsafe(32)])
    before = upstream.statistics().introspections
    statuses = send_at_once(server.address, [secrets.token_urlsafe(32)] * REQUESTS)
    return {"introspections": upstream.statistics().introspections - before, "granted": statuses[200]}
