"""Whole logins, from a view that needs one through the provider and back to it: CPU of the app's server."""

from collections.abc import Mapping
from contextlib import ExitStack
from http.cookiejar import CookieJar
from urllib.request import HTTPCookieProcessor, build_opener

from benchmarks.contenders import Contender, Server
from benchmarks.series import Series, by_measure
from benchmarks.upstream import Upstream

FIGURE = "login"


def measure(contenders: list[Contender], rounds: int, logins: int) -> list[Series]:
    with ExitStack() as stack:
        upstream = stack.enter_context(Upstream(delay_ms=0))
        servers = [stack.enter_context(Server(contender, upstream.issuer)) for contender in contenders]
        runs: list[list[Mapping[str, float]]] = [[] for _ in servers]
        for server in servers:
            log_in(server.address)
        for _ in range(rounds):
            for server, seen in zip(servers, runs, strict=True):
                seen.append({"cpu_ms": _run(server, logins)})
                print(f"{FIGURE}: {server.contender.name}: {seen[-1]['cpu_ms']:.2f} ms of CPU", flush=True)
    return [
        Series(figure=FIGURE, group=who.server, contender=who.name, values=by_measure(seen))
        for who, seen in zip(contenders, runs, strict=True)
    ]


def _run(server: Server, logins: int) -> float:
    begun = server.cpu_seconds()
    for _ in range(logins):
        log_in(server.address)
    return (server.cpu_seconds() - begun) / logins * 1000


def log_in(address: str) -> None:
    """As a new browser. Raises AssertionError when that doesn't lead to the view."""
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    with browser.open(f"{address}/private") as response:
        assert response.url.startswith(f"{address}/private"), response.url
        assert b"world" in response.read()
