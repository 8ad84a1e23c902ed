"""Many requests of one browser at the same time."""

import asyncio
import time
from collections.abc import Sequence

import httpx


def ask_all(apps: Sequence[str], cookies: httpx.Cookies, path: str, times: int = 1) -> list[httpx.Response]:
    """The answers of all processes, asked at the same time as often as this, each time with the same cookies."""

    async def asking() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(cookies=cookies, limits=limits, trust_env=False, timeout=60) as http:
            return await asyncio.gather(*(http.get(f"{app}{path}") for app in apps for _ in range(times)))

    begun = time.perf_counter()
    answers = asyncio.run(asking())
    print(f"{len(answers)} answers in {time.perf_counter() - begun:.2f} s")
    return answers
