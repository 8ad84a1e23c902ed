"""Several visits at the same time: threads in front of Flask, tasks in front of Quart."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import httpx

from oidc_async.runtime.sync_facade import run_without_loop

from .site import Browser, Page, Site, WsgiTransport

T = TypeVar("T")


class Fetch(Protocol):
    """Asks for a URL as one browser does, with its cookies."""

    def __call__(self, url: str, *, headers: dict[str, str] | None = None) -> Awaitable[Page]: ...


Visiting = Callable[[Fetch], Awaitable[T]]
THREADS = 16


def at_once(
    site: Site, visits: Sequence[Visiting[T]], browsers: Sequence[Browser] = (), *, threads: int = THREADS
) -> list[T]:
    """What the visits give, each made by a browser of its own, or by the browser of the same place in `browsers`."""
    jars = [browser.cookies for browser in browsers] or [httpx.Cookies() for _ in visits]
    if site.framework.name == "flask":
        return _in_threads(site, visits, jars, threads)
    return asyncio.run(_in_tasks(site, visits, jars))


def _in_threads(site: Site, visits: Sequence[Visiting[T]], jars: Sequence[httpx.Cookies], threads: int) -> list[T]:
    def run(visit: Visiting[T], jar: httpx.Cookies) -> T:
        with httpx.Client(transport=WsgiTransport(site.app, site.root_path), cookies=jar) as client:

            async def fetch(url: str, *, headers: dict[str, str] | None = None) -> Page:
                return client.get(url, headers=headers)

            async def visited() -> T:
                return await visit(fetch)

            return run_without_loop(visited())

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, visits, jars))


async def _in_tasks(site: Site, visits: Sequence[Visiting[T]], jars: Sequence[httpx.Cookies]) -> list[T]:
    transport = httpx.ASGITransport(app=site.app, root_path=site.root_path)

    async def run(visit: Visiting[T], jar: httpx.Cookies) -> T:
        async with httpx.AsyncClient(transport=transport, cookies=jar) as client:
            return await visit(client.get)

    return list(await asyncio.gather(*map(run, visits, jars)))
