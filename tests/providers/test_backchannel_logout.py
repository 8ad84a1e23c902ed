"""A real provider that ends sessions at an application with two workers (OIDC Back-Channel Logout 1.0)."""

import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from oidc_async.protocol.jose.private_keys import sign_compact

from .at_once import ask_all
from .client_keys import SIGNING_KEYS
from .node_provider import NodeProvider
from .processes import ROOT, ServerProcess, leashed
from .stores import shared_store
from .told_worker import ANSWERED_BY
from .visitor import Visitor, left_for

WORKERS = 2
COMMANDS = {
    "gunicorn": ["--threads=8", "--no-control-socket", "tests.providers.told_worker:flask_app()"],
    "hypercorn": ["tests.providers.told_worker:quart_app()"],
}
WHICH, WHOSE = "told-which", "told-whose"
"""The clients: one learns which session ended, by its `sid`, the other only whose it was."""
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture(scope="module", params=list(COMMANDS))
def app(
    request: pytest.FixtureRequest,
    apps: list[str],
    node_provider: NodeProvider,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of an application in two processes, which have nothing in common but a file."""
    with (
        shared_store("sqlite", tmp_path_factory.mktemp("store")) as store,
        server(request.param, apps[0], settings(apps[0], node_provider, store)),
    ):
        yield apps[0]


def settings(app: str, node: NodeProvider, store: str) -> dict[str, str]:
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "REDIRECT_URI": f"{app}/callback",
        "BACKCHANNEL_LOGOUT_URI": backchannel(app),
        "STORE": store,
        "ISSUER": node.issuer,
        "CLIENTS": json.dumps({name: node.clients[name].client_secret for name in (WHICH, WHOSE)}),
    }


def server(name: str, app: str, environment: dict[str, str]) -> ServerProcess:
    program = Path(sys.executable).with_name(name)
    arguments = [f"--workers={WORKERS}", f"--bind={urlsplit(app).netloc}", *COMMANDS[name]]
    return ServerProcess(f"test-told-{name}", [*leashed(program), *arguments], ready_url=app, environment=environment)


def backchannel(app: str) -> str:
    return f"{app}/backchannel_logout"


@pytest.fixture
def other_visitor() -> Iterator[Visitor]:
    """A second browser of the same person."""
    with Visitor() as someone:
        yield someone


def log_in(visitor: Visitor, app: str, node: NodeProvider, client: str) -> dict[str, Any]:
    """The ID token of this login, as both workers know it."""
    page = visitor.open(f"{app}/{client}", within=app)
    page = visitor.open(node.login(visitor, left_for(page), node.alice), within=app)
    assert (page.status, page.url) == (200, f"{app}/{client}"), page.text
    return known_at_both_workers(visitor, app, client)


def answers_of_both(visitor: Visitor, app: str, client: str) -> list[httpx.Response]:
    """Asked with this browser's cookies until both workers have answered."""
    answers, end = list[httpx.Response](), time.monotonic() + 30
    while len({answer.headers[ANSWERED_BY] for answer in answers}) < WORKERS:
        assert time.monotonic() < end, "one worker answers everything"
        answers += ask_all([app], httpx.Cookies(visitor.cookies), f"/{client}", 20)
    return answers


def known_at_both_workers(visitor: Visitor, app: str, client: str) -> dict[str, Any]:
    answers = answers_of_both(visitor, app, client)
    assert {answer.status_code for answer in answers} == {200}
    id_token: dict[str, Any] = answers[0].json()["id_token"]
    assert all(answer.json()["id_token"] == id_token for answer in answers)
    return id_token


def require_logged_out_at_both_workers(visitor: Visitor, app: str, node: NodeProvider, client: str) -> None:
    answers = answers_of_both(visitor, app, client)
    assert {answer.status_code for answer in answers} == {302}
    assert all(answer.headers["location"].startswith(f"{node.issuer}/auth?") for answer in answers)


def test_who_logs_out_at_the_provider_is_logged_out_here_and_another_browser_is_not(
    app: str, node_provider: NodeProvider, visitor: Visitor, other_visitor: Visitor
) -> None:
    first, other = (log_in(each, app, node_provider, WHICH) for each in (visitor, other_visitor))
    assert first["sub"] == other["sub"]
    told = node_provider.told()
    assert node_provider.logout_there(visitor).status == 200
    assert node_provider.told() == [*told, (WHICH, first["sid"])]
    require_logged_out_at_both_workers(visitor, app, node_provider, WHICH)
    assert known_at_both_workers(other_visitor, app, WHICH) == other

    again = log_in(visitor, app, node_provider, WHICH)
    assert node_provider.logout_there(other_visitor).status == 200
    require_logged_out_at_both_workers(other_visitor, app, node_provider, WHICH)
    assert known_at_both_workers(visitor, app, WHICH) == again


def test_a_provider_that_does_not_say_which_session_ended_ends_those_of_the_user_with_this_client(
    app: str, node_provider: NodeProvider, visitor: Visitor, other_visitor: Visitor
) -> None:
    with Visitor() as third_visitor:
        third = log_in(third_visitor, app, node_provider, WHICH)
        ids = [log_in(each, app, node_provider, WHOSE) for each in (visitor, other_visitor)]
        assert not any("sid" in id_token for id_token in ids)
        assert node_provider.logout_there(visitor).status == 200
        for each in (visitor, other_visitor):
            require_logged_out_at_both_workers(each, app, node_provider, WHOSE)
        assert known_at_both_workers(third_visitor, app, WHICH) == third
    assert log_in(visitor, app, node_provider, WHOSE)["sub"] == third["sub"]


def forged_logout_token(node: NodeProvider, sid: str) -> str:
    """As the provider's own are, by a key that is not the provider's."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": node.issuer,
        "aud": WHICH,
        "sub": "alice",
        "sid": sid,
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_urlsafe(),
        "events": {EVENT: {}},
    }
    header = {"alg": "RS256", "typ": "logout+jwt", "kid": "RS256-1"}
    return sign_compact(header, claims, SIGNING_KEYS.signing_key("RS256"))


def post_forged(app: str, node: NodeProvider, sid: str) -> httpx.Response:
    form = {"logout_token": forged_logout_token(node, sid)}
    return httpx.post(backchannel(app), data=form, trust_env=False, timeout=20)


def test_a_forged_logout_token_ends_nothing(app: str, node_provider: NodeProvider, visitor: Visitor) -> None:
    id_token = log_in(visitor, app, node_provider, WHICH)
    for _ in range(10):
        answer = post_forged(app, node_provider, id_token["sid"])
        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_request"
        assert "signature" in answer.json()["error_description"]
    assert known_at_both_workers(visitor, app, WHICH) == id_token
