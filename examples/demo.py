"""Start a provider and two applications on this machine, test them, and leave them to you (`make demo`)."""

import argparse
import re
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.providers.canaille_provider import CanailleProvider
from tests.providers.processes import LOGS, ROOT, ServerFailed, ServerProcess, free_port, leashed
from tests.providers.visitor import Lost, Page, Visitor, left_for

FRAMEWORKS = ("flask", "quart")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the test")
    once: bool = parser.parse_args().once
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        with ExitStack() as stack:
            demo(stack, once)
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.")
    except (ServerFailed, StepFailed) as failure:
        print(f"\n{failure}\nThe logs are in {LOGS}.", file=sys.stderr)
        return 1
    return 0


def demo(stack: ExitStack, once: bool) -> None:
    addresses = {framework: f"http://127.0.0.1:{free_port()}" for framework in FRAMEWORKS}
    provider = CanailleProvider(list(addresses.values()), log_name="demo-canaille")
    servers = [provider.server]
    store = f"sqlite://{stack.enter_context(tempfile.TemporaryDirectory())}/sessions.db"
    with step("canaille, an identity provider, is up"):
        stack.enter_context(provider)
    for framework in addresses:
        app = application(framework, addresses, provider, log_name=f"demo-{framework}", OIDC_STORE=store)
        servers.append(app)
        with step(f"examples/{framework}_app.py is up"):
            stack.enter_context(app)
    for framework, address in addresses.items():
        check(framework, address, provider)
    if not once:
        invite(addresses, provider)
        wait_while_running(servers)


def application(
    framework: str, addresses: dict[str, str], provider: CanailleProvider, *, log_name: str, **more: str
) -> ServerProcess:
    """One of the examples, with `more` settings. Both are the same client, so each accepts the other's tokens."""
    client, address = provider.clients["basic"], addresses[framework]
    settings = {
        "SECRET_KEY": secrets.token_urlsafe(32),
        "OIDC_REDIRECT_URI": f"{address}/callback",
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": client.client_id,
        "OIDC_CLIENT_SECRET": client.client_secret or "",
        "OIDC_SCOPE": "openid profile email groups",
        "APIS": " ".join(f"{each}/api" for each in addresses.values()),
        "NO_PROXY": "127.0.0.1",
        **more,
    }
    script = ROOT / "examples" / f"{framework}_app.py"
    return ServerProcess(log_name, leashed(script), ready_url=address, environment=settings)


def check(framework: str, address: str, provider: CanailleProvider) -> None:
    """Log in and out without a browser, as bob: the first login of alice is yours."""
    with Visitor() as visitor:
        with step(f"{framework}: the profile page redirects to the provider"):
            authorization_url = left_for(visitor.open(f"{address}/profile", within=address))
        with step(f"{framework}: bob logs in there"):
            callback = provider.login(visitor, authorization_url, provider.bob)
        with step(f"{framework}: the profile page shows Bob and his {provider.bob.groups} groups"):
            require(visitor.open(callback, within=address), "Bob Manifold", "team-199-")
        with step(f"{framework}: both APIs accept his access token"):
            before = api_hits(visitor.open(f"{address}/call-apis", within=address))
        with step(f"{framework}: both answer the second call from their cache"):
            require_growth(before, api_hits(visitor.open(f"{address}/call-apis", within=address)))
        with step(f"{framework}: bob refreshes his tokens, and the provider replaces both"):
            # within one second canaille issues the same access token again, so nothing would be replaced
            time.sleep(1.1)
            button = visitor.open(f"{address}/profile", within=address).form()
            require(visitor.submit(button, within=address), "the provider has replaced the refresh token")
        with step(f"{framework}: both APIs accept the new access token"):
            api_hits(visitor.open(f"{address}/call-apis", within=address))
        with step(f"{framework}: bob logs out, here and at the provider"):
            end_session_url = left_for(visitor.open(f"{address}/logout", within=address))
            require(visitor.open(provider.logout(visitor, end_session_url), within=address), "Goodbye")
        with step(f"{framework}: bob has to log in again"):
            again = left_for(visitor.open(f"{address}/profile", within=address))
            if not provider.requires_login(visitor.open(again, within=provider.issuer)):
                raise StepFailed("the provider did not ask for a login")


def require(page: Page, *texts: str) -> None:
    missing = [text for text in texts if text not in page.text]
    if page.status != 200 or missing:
        raise StepFailed(f"{page.url} answered {page.status} without {', '.join(missing)}:\n{page.text}")


def api_hits(page: Page) -> list[int]:
    """The cache hits that each API reports."""
    require(page, *(f'id="{framework}-api"' for framework in FRAMEWORKS))
    return [int(hits) for hits in re.findall(r'data-counter="hits">([0-9]+)<', page.text)]


def require_growth(before: list[int], after: list[int]) -> None:
    if after != [hits + 1 for hits in before] or len(after) != len(FRAMEWORKS):
        raise StepFailed(f"the APIs reported {before} cache hits, and after another call {after}")


class StepFailed(Exception):
    """A step of the test failed."""


@contextmanager
def step(what: str) -> Iterator[None]:
    start = time.monotonic()
    try:
        yield
    except (Lost, StepFailed, OSError) as error:
        print(f"  failed  {what}", flush=True)
        raise StepFailed(str(error)) from error
    print(f"  {time.monotonic() - start:5.2f} s  {what}", flush=True)


def invite(addresses: dict[str, str], provider: CanailleProvider) -> None:
    alice, bob = provider.alice, provider.bob
    print("\nEverything works. Try it in your browser:\n")
    for framework, address in addresses.items():
        print(f"  {framework.capitalize():8} {address}")
    print(f"  {'Canaille':8} {provider.issuer}")
    print(f"\n  log in as {alice.username} with {alice.password}")
    print(f"  or as {bob.username} (in {bob.groups} groups) with {bob.password}")
    print("  then press 'Call the APIs' twice, and 'Refresh the tokens'")
    print("\nPress Ctrl-C to stop.", flush=True)


def wait_while_running(servers: list[ServerProcess]) -> None:
    while True:
        for server in servers:
            if not server.is_running():
                raise ServerFailed(f"{server.name} ended:\n{server.log()}")
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
