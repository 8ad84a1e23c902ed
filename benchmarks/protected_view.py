"""The cost of `oidc_auth` with a session: CPU per request, compared with a bare view in the same run.

    python -m benchmarks.protected_view

The apps are called in this process, without sockets, so that the cost of a server does not hide it. CPU time
of this thread, not wall-clock time, which would include other work of the machine.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from http.cookies import SimpleCookie
from statistics import median
from typing import Any

from benchmarks.in_process import wsgi
from tests.adapters.site import Browser, FlaskFramework, Framework, QuartFramework, new_site

RUNS = 7
CALLS = 500
ORIGIN = "https://rp.example"


def cookie_header(browser: Browser) -> str:
    cookies = SimpleCookie({name: value or "" for name, value in browser.cookies.items()})
    return cookies.output(attrs=[], header="", sep=";")


def asgi_call(app: Any, path: str, cookies: str, runner: asyncio.Runner) -> Callable[[], int]:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"rp.example"), (b"cookie", cookies.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("rp.example", 443),
        "extensions": {},
    }

    async def once() -> int:
        status = 0
        ended = asyncio.Event()

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                ended.set()

        messages = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Any:
            if messages:
                return messages.pop()
            await ended.wait()
            return {"type": "http.disconnect"}

        await app({**scope}, receive, send)
        return status

    return lambda: runner.run(once())


def microseconds(call: Callable[[], int]) -> float:
    """CPU per call."""
    begun = time.thread_time()
    for _ in range(CALLS):
        assert call() == 200
    return (time.thread_time() - begun) / CALLS * 1e6


def measure(framework: Framework, groups: int) -> str:
    site = new_site(framework)
    site.provider.add_user("alice", claims={"groups": [f"group-{number}" for number in range(groups)]})
    browser = site.browser()
    browser.log_in()
    cookies = cookie_header(browser)
    with asyncio.Runner() as runner:
        calls = [
            partial(wsgi.call, site.app, path, {"HTTP_COOKIE": cookies})
            if framework.name == "flask"
            else asgi_call(site.app, path, cookies, runner)
            for path in ("/", "/private")
        ]
        runs = [[microseconds(call) for call in calls] for _ in range(RUNS)]
    site.close()
    costs = sorted(protected - bare for bare, protected in runs)
    bare, protected = (median(run[column] for run in runs) for column in (0, 1))
    return (
        f"{framework.name:6} {groups:4} groups, {len(cookies):6} bytes of cookies: bare {bare:4.0f} us, protected "
        f"{protected:4.0f} us, the protection {median(costs):4.0f} us ({costs[0]:.0f} to {costs[-1]:.0f})"
    )


if __name__ == "__main__":
    for chosen in (FlaskFramework(), QuartFramework()):
        for size in (0, 200):
            print(measure(chosen, size), flush=True)
