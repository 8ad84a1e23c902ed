"""A process that registers its client from several callers at once: WORLD PLACE ISSUER PATH.

It says that it is ready, waits for a line, and tells the client_id that each caller got.
"""

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from oidc_async import AsyncRelyingParty, ClientRegistrationInfo, ProviderConfiguration, RelyingParty
from oidc_async.sealing import Sealer
from oidc_async.stores import SQLiteStore

CALLERS = 10


def main(world: str, place: str, issuer: str, path: str) -> None:
    configuration = ProviderConfiguration(
        issuer,
        client_registration_info=ClientRegistrationInfo(client_name="A worker"),
        registration_file=path if place == "file" else None,
    )
    options: dict[str, Any] = {"redirect_uri": "https://rp.example/redirect_uri", "sealer": Sealer([b"of the tests"])}
    store = SQLiteStore(path) if place == "store" else None
    run = in_asyncio if world == "asyncio" else in_threads
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(run(configuration, store, options)))


def in_asyncio(configuration: ProviderConfiguration, store: SQLiteStore | None, options: dict[str, Any]) -> list[str]:
    async def ask() -> list[str]:
        party = AsyncRelyingParty(configuration, store=store.asynchronous() if store else None, **options)
        logins = await asyncio.gather(*(party.begin_login() for _ in range(CALLERS)))
        return [client_of(login.url) for login in logins]

    return asyncio.run(ask())


def in_threads(configuration: ProviderConfiguration, store: SQLiteStore | None, options: dict[str, Any]) -> list[str]:
    party = RelyingParty(configuration, store=store.blocking() if store else None, **options)
    with ThreadPoolExecutor(CALLERS) as threads:
        logins = list(threads.map(lambda _: party.begin_login(), range(CALLERS)))
    return [client_of(login.url) for login in logins]


def client_of(url: str) -> str:
    return next(part for part in url.split("&") if "client_id=" in part)


if __name__ == "__main__":
    main(*sys.argv[1:])
