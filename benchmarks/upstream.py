"""Starts the stand-in for the provider, and reads its counters."""

import json
import time
import urllib.request
from dataclasses import dataclass

from benchmarks.processor_time import LOAD_CORES, on_cores
from tests.providers.processes import ROOT, ServerProcess, free_port, leashed

QUIET_SECONDS = 0.3
PROVIDER = ROOT / "benchmarks" / "provider.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    introspections: int
    cpu_seconds: float


class Upstream(ServerProcess):
    """A context manager; it introspects after `delay_ms` milliseconds."""

    def __init__(self, delay_ms: float) -> None:
        port = free_port()
        self.issuer = f"http://127.0.0.1:{port}"
        super().__init__(
            f"bench-provider-{delay_ms:g}ms",
            on_cores(LOAD_CORES, [*leashed(PROVIDER), str(port), str(delay_ms)]),
            ready_url=f"{self.issuer}/stats",
            environment={"PYTHONPATH": str(ROOT)},
        )

    def settle(self) -> None:
        """Wait until no requests arrive: a slow view continues for a while after the end of the load."""
        last = -1
        while last != (last := self.statistics().introspections):
            time.sleep(QUIET_SECONDS)

    def statistics(self) -> Statistics:
        with urllib.request.urlopen(f"{self.issuer}/stats") as response:
            seen = json.load(response)
        return Statistics(introspections=seen["calls"].get("/introspect", 0), cpu_seconds=seen["cpu_seconds"])
