"""Servers under load, in turn: A, B, C, A, B, C, so that other load of the machine affects all of them."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import load
from benchmarks.at_once import send_in_turn
from benchmarks.contenders import Contender, Server
from benchmarks.load import Load
from benchmarks.series import Series, by_measure
from benchmarks.upstream import Upstream
from tests.providers.processes import ServerFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderLoad:
    """A figure: these contenders under this load, with a provider that takes `delay_ms` to introspect."""

    figure: str
    load: Load
    delay_ms: float
    contenders: list[Contender]

    def measure(self, rounds: int) -> list[Series]:
        with ExitStack() as stack:
            upstream = stack.enter_context(Upstream(self.delay_ms))
            servers = [stack.enter_context(Server(contender, upstream.issuer)) for contender in self.contenders]
            runs: list[list[Mapping[str, float]]] = [[] for _ in servers]
            for number in range(rounds):
                for server, seen in zip(servers, runs, strict=True):
                    seen.append(self._run(server, upstream))
                    print(f"{self.figure}, run {number + 1}: {_line(server.contender, seen[-1])}", flush=True)
        return [
            Series(figure=self.figure, group=who.server, contender=who.name, values=by_measure(seen))
            for who, seen in zip(self.contenders, runs, strict=True)
        ]

    def _run(self, server: Server, upstream: Upstream) -> Mapping[str, float]:
        upstream.settle()
        warm(server, self.load)
        asked, used = upstream.statistics(), server.cpu_seconds()
        served = load.run(self.load, server.address)
        used, after = server.cpu_seconds() - used, upstream.statistics()
        return {
            "requests_per_second": served.requests / served.seconds,
            "cpu_us": used / max(served.requests, 1) * 1e6,
            "p50_ms": served.p50,
            "p99_ms": served.p99,
            "failures": served.failures,
            "introspections_per_request": (after.introspections - asked.introspections) / max(served.requests, 1),
            "server_busy": used / served.seconds,
            "provider_busy": (after.cpu_seconds - asked.cpu_seconds) / served.seconds,
            "load_busy": served.cpu_seconds / served.seconds,
        }


def warm(server: Server, under: Load) -> None:
    """Open connections, fetch the metadata and, if the contender has a cache, fill it."""
    is_to_fill = under.tokens == "cached" and server.contender.has_cache
    tokens = load.CACHED_TOKENS if is_to_fill else load.CACHED_TOKENS[:64]
    statuses = send_in_turn(server.address, tokens)
    if set(statuses) != {200}:
        raise ServerFailed(f"{server.name} answered {dict(statuses)}:\n{server.log()}")


def _line(contender: Contender, run: Mapping[str, float]) -> str:
    return (
        f"{contender.name} on {contender.server}: {run['requests_per_second']:.0f}/s, {run['cpu_us']:.0f} us CPU, "
        f"busy: server {run['server_busy']:.0%}, provider {run['provider_busy']:.0%}, wrk {run['load_busy']:.0%}, "
        f"{run['failures']:.0f} failures"
    )
