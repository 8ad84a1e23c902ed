"""The memory of one cached token with 12 claims.

python -m benchmarks.in_process.memory ours|dict tracemalloc|resident
"""

import gc
import json
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from benchmarks import provider_answers as answers
from benchmarks.in_process.simulated import ISSUER, configuration
from oidc_async import AccessCache, ResourceServer

TOKENS = 50_000
PAGE = 4096


def token(number: int) -> str:
    return f"cached-{number:036d}"


def remember_ours() -> object:
    server = ResourceServer(configuration("introspection"), cache=AccessCache(seconds=3600))
    for number in range(TOKENS):
        server.verify(token(number))
    assert server.statistics().entries == TOKENS
    return server


def remember_dict() -> object:
    pieces = answers.introspection_pieces(ISSUER)
    names = map(token, range(TOKENS))
    return {name: json.loads(answers.introspection(pieces, name.encode())) for name in names}


def traced() -> int:
    return tracemalloc.get_traced_memory()[0]


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def bytes_per_token(remember: Callable[[], object], used: Callable[[], int]) -> float:
    gc.collect()
    before = used()
    kept = remember()
    gc.collect()
    after = used()
    del kept
    return (after - before) / TOKENS


if __name__ == "__main__":
    remember = {"ours": remember_ours, "dict": remember_dict}[sys.argv[1]]
    # modules that are loaded at the first use must not count
    ResourceServer(configuration("introspection")).verify(token(0))
    if sys.argv[2] == "tracemalloc":
        tracemalloc.start()
        print(json.dumps({"tracemalloc_bytes": bytes_per_token(remember, traced)}))
    else:
        print(json.dumps({"resident_bytes": bytes_per_token(remember, resident)}))
