"""Many requests in several processes with one session whose token has expired, at a provider that takes no refresh
token twice: security.md 243, 244.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from oidc_async import BlockingRuntime, OAuthError, RelyingParty
from tests.stores.redis.server import RedisServer

from .configurations import configuration_of
from .node_provider import NodeProvider
from .processes import ROOT, ServerProcess, leashed
from .tokens import alices_tokens
from .visitor import Visitor, left_for

PROCESSES = 4
REQUESTS = 50
"""At the same time, to each of the processes."""
LIFETIME = 2
"""Seconds for which the access token of the login is good."""


@pytest.fixture(scope="module")
def node(apps: list[str]) -> Iterator[NodeProvider]:
    """A provider of its own, whose log holds the refreshes of this module only."""
    with NodeProvider(apps, log_name="test-node-refresh", access_token_seconds=LIFETIME) as provider:
        yield provider


@pytest.fixture(params=["redis", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The setting OIDC_STORE."""
    if request.param == "sqlite":
        yield f"sqlite://{tmp_path}/sessions.db"
        return
    server = RedisServer(tmp_path)
    try:
        yield server.url
    finally:
        server.stop()


@pytest.fixture(params=["flask", "quart"])
def fleet(request: pytest.FixtureRequest, apps: list[str], node: NodeProvider, store: str) -> Iterator[list[str]]:
    """The addresses of an application's processes. A browser has the same cookies for each: all are on one host."""
    with ExitStack() as stack:
        for number, address in enumerate(apps[:PROCESSES]):
            stack.enter_context(worker(request.param, number, address, apps[0], node, store))
        yield apps[:PROCESSES]


def worker(framework: str, number: int, address: str, first: str, node: NodeProvider, store: str) -> ServerProcess:
    client = node.clients["basic"]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return ServerProcess(
        f"test-refresh-{framework}-{number}",
        leashed(Path(__file__).with_name("refresh_worker.py")),
        ready_url=f"{address}/token",
        environment={
            "PYTHONPATH": path,
            "FRAMEWORK": framework,
            "ADDRESS": address,
            "REDIRECT_URI": f"{first}/callback",
            "STORE": store,
            "ISSUER": node.issuer,
            "CLIENT_ID": client.client_id,
            "CLIENT_SECRET": client.client_secret or "",
        },
    )


def log_in(visitor: Visitor, app: str, node: NodeProvider) -> None:
    callback = node.login(visitor, left_for(visitor.open(app, within=app)), node.alice)
    page = visitor.open(callback, within=app)
    assert (page.status, page.text) == (200, "logged in")


def ask_all(fleet: list[str], cookies: httpx.Cookies, path: str, times: int = 1) -> list[httpx.Response]:
    """The answers of all processes, asked at the same time as often as this, each time with the same cookies."""

    async def asking() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(cookies=cookies, limits=limits, trust_env=False, timeout=60) as http:
            return await asyncio.gather(*(http.get(f"{app}{path}") for app in fleet for _ in range(times)))

    begun = time.perf_counter()
    answers = asyncio.run(asking())
    print(f"{len(answers)} answers in {time.perf_counter() - begun:.2f} s")
    return answers


def token_in(answers: list[httpx.Response]) -> str:
    """The one token that is in all the answers."""
    assert {answer.status_code for answer in answers} == {200}
    (token,) = {answer.json()["token"] for answer in answers}
    assert isinstance(token, str)
    return token


def whose(node: NodeProvider, token: str) -> Any:
    """Of whom the provider takes this token to be."""
    answer = httpx.get(f"{node.issuer}/me", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    return answer.json().get("sub")


def test_four_processes_with_fifty_requests_each_refresh_once_and_lose_nothing(
    fleet: list[str], node: NodeProvider, visitor: Visitor
) -> None:
    granted, refused = node.refreshes()
    log_in(visitor, fleet[0], node)
    cookies = httpx.Cookies(visitor.cookies)
    time.sleep(LIFETIME + 1)
    assert node.refreshes() == (granted, refused)

    answers = ask_all(fleet, cookies, "/token", REQUESTS)
    token = token_in(answers)
    assert len(answers) == PROCESSES * REQUESTS
    assert whose(node, token) == "alice"
    assert node.refreshes() == (granted + 1, refused)
    # the session is where it was: no answer took it away or put an older one in its place
    assert {answer.headers.get("set-cookie") for answer in answers} == {None}

    assert token_in(ask_all(fleet, cookies, "/token", REQUESTS)) == token
    # each process in turn, with the refresh token that the one before it was given
    for number, app in enumerate(fleet, start=2):
        token = token_in(ask_all([app], cookies, "/token/new"))
        assert token_in(ask_all(fleet, cookies, "/token")) == token
        assert node.refreshes() == (granted + number, refused)
    assert whose(node, token) == "alice"


def test_the_provider_takes_no_refresh_token_twice(apps: list[str], node: NodeProvider) -> None:
    """What the test above would meet if two processes refreshed."""
    tokens = alices_tokens(node, "basic", apps[0])
    configuration = configuration_of(node, node.clients["basic"])
    with contextlib.closing(BlockingRuntime()) as runtime:
        first, second = (
            RelyingParty(configuration, redirect_uri=f"{apps[0]}/callback", runtime=runtime) for _ in range(2)
        )
        renewed = first.refresh(tokens["refresh_token"]).tokens
        assert whose(node, renewed.access_token) == "alice"
        with pytest.raises(OAuthError, match="invalid_grant"):
            second.refresh(tokens["refresh_token"])
        assert whose(node, renewed.access_token) is None
