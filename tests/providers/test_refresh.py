"""Many requests in several processes with one session whose token has expired, at a provider that takes no refresh
token twice: threat model 243, 244.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from oidc_async import BlockingRuntime, OAuthError, RelyingParty

from .at_once import ask_all
from .configurations import configuration_of
from .node_provider import NodeProvider
from .processes import ROOT, ServerProcess, leashed
from .stores import shared_store
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
    with shared_store(request.param, tmp_path) as setting:
        yield setting


@pytest.fixture(params=["werkzeug", "gunicorn", "hypercorn"])
def fleet(request: pytest.FixtureRequest, apps: list[str], node: NodeProvider, store: str) -> Iterator[list[str]]:
    """Addresses of an application in four processes. A browser has the same cookies for each: all are on one host."""
    addresses, environment = apps[:PROCESSES], settings(apps[0], node, store)
    with ExitStack() as stack:
        if request.param == "gunicorn":
            stack.enter_context(gunicorn(addresses, environment))
        else:
            for number, address in enumerate(addresses):
                stack.enter_context(worker(request.param, number, address, environment))
        yield addresses


def settings(first: str, node: NodeProvider, store: str) -> dict[str, str]:
    client = node.clients["basic"]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "REDIRECT_URI": f"{first}/callback",
        "STORE": store,
        "ISSUER": node.issuer,
        "CLIENT_ID": client.client_id,
        "CLIENT_SECRET": client.client_secret or "",
    }


def worker(server: str, number: int, address: str, environment: dict[str, str]) -> ServerProcess:
    return ServerProcess(
        f"test-refresh-{server}-{number}",
        leashed(Path(__file__).with_name("refresh_worker.py")),
        ready_url=f"{address}/token",
        environment={**environment, "SERVER": server, "ADDRESS": address},
    )


def gunicorn(addresses: list[str], environment: dict[str, str]) -> ServerProcess:
    """Its workers, as many as there are addresses, listen at all of them."""
    binds = [f"--bind={urlsplit(address).netloc}" for address in addresses]
    options = [f"--workers={len(addresses)}", "--threads=8", "--no-control-socket", *binds]
    program = Path(sys.executable).with_name("gunicorn")
    return ServerProcess(
        "test-refresh-gunicorn",
        [*leashed(program), *options, "tests.providers.refresh_worker:flask_app()"],
        ready_url=f"{addresses[0]}/token",
        environment=environment,
    )


def log_in(visitor: Visitor, app: str, node: NodeProvider) -> None:
    callback = node.login(visitor, left_for(visitor.open(app, within=app)), node.alice)
    page = visitor.open(callback, within=app)
    assert (page.status, page.text) == (200, "logged in")


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
    granted, rejected = node.refreshes()
    log_in(visitor, fleet[0], node)
    cookies = httpx.Cookies(visitor.cookies)
    time.sleep(LIFETIME + 1)
    assert node.refreshes() == (granted, rejected)

    answers = ask_all(fleet, cookies, "/token", REQUESTS)
    token = token_in(answers)
    assert len(answers) == PROCESSES * REQUESTS
    assert len({answer.json()["process"] for answer in answers}) == PROCESSES
    assert whose(node, token) == "alice"
    assert node.refreshes() == (granted + 1, rejected)
    # the session is where it was: no answer took it away or put an older one in its place
    assert {answer.headers.get("set-cookie") for answer in answers} == {None}

    assert token_in(ask_all(fleet, cookies, "/token", REQUESTS)) == token
    # each process in turn, with the refresh token that the one before it was given
    for number, app in enumerate(fleet, start=2):
        token = token_in(ask_all([app], cookies, "/token/new"))
        assert token_in(ask_all(fleet, cookies, "/token")) == token
        assert node.refreshes() == (granted + number, rejected)
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
