"""The examples with two workers on a shared store, deployed as examples/README.md says, at a real provider."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from .at_once import ask_all
from .canaille_provider import CanailleProvider
from .deployments import COMMANDS, Deployment
from .stores import shared_store
from .visitor import Visitor, left_for

GUNICORN = [
    pytest.param((name, options), id=f"{name}{options}")
    for name in COMMANDS
    if name.startswith("gunicorn")
    for options in ("", "--preload")
]
HYPERCORN = [pytest.param((name, ""), id=name) for name in COMMANDS if name.startswith("hypercorn")]
BROWSERS = 8
"""How many ask at the same time, each time on a new connection, which any worker may take."""


@pytest.fixture
def deployment(
    request: pytest.FixtureRequest, apps: list[str], canaille: CanailleProvider, tmp_path: Path
) -> Iterator[Deployment]:
    name, options = request.param
    with (
        shared_store(name.rpartition("-")[2], tmp_path) as store,
        Deployment(name, apps[0], canaille, store, options) as server,
    ):
        yield server


def log_in(visitor: Visitor, app: str, canaille: CanailleProvider) -> httpx.Cookies:
    """The cookies of then."""
    callback = canaille.login(visitor, left_for(visitor.open(f"{app}/profile", within=app)), canaille.alice)
    page = visitor.open(callback, within=app)
    assert (page.status, page.url) == (200, f"{app}/profile")
    return httpx.Cookies(visitor.cookies)


def log_out(visitor: Visitor, app: str, canaille: CanailleProvider) -> None:
    end_session_url = left_for(visitor.open(f"{app}/logout", within=app))
    assert "Goodbye" in visitor.open(canaille.logout(visitor, end_session_url), within=app).text


def wait_for(is_so: Callable[[], Any], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def answers_of_both(deployment: Deployment, cookies: httpx.Cookies) -> list[httpx.Response]:
    """Asked with these cookies until both workers have answered."""
    answers: list[httpx.Response] = []
    since = deployment.log_size()

    def have_both_answered() -> bool:
        answers.extend(ask_all([deployment.app], cookies, "/claims", 20))
        return len(deployment.who_answered("/claims", since)) == 2

    wait_for(have_both_answered)
    return answers


def require_alice(answers: list[httpx.Response]) -> None:
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["userinfo"]["name"] for answer in answers} == {"Alice Liddell"}


def test_the_page_has_each_server_with_each_store() -> None:
    assert set(COMMANDS) == {
        f"{server}-{store}" for server in ("gunicorn", "hypercorn") for store in ("sqlite", "redis")
    }


@pytest.mark.parametrize("deployment", GUNICORN + HYPERCORN, indirect=True)
def test_a_login_counts_at_both_workers_and_so_does_a_logout(
    deployment: Deployment, canaille: CanailleProvider, visitor: Visitor
) -> None:
    cookies = log_in(visitor, deployment.app, canaille)
    require_alice(answers_of_both(deployment, cookies))
    log_out(visitor, deployment.app, canaille)
    # also for a user who kept a copy of the cookies
    after = answers_of_both(deployment, cookies)
    assert {answer.status_code for answer in after} == {302}
    assert all(answer.headers["location"].startswith(f"{canaille.issuer}/") for answer in after)


def keep_asking(app: str, cookies: httpx.Cookies, is_over: threading.Event) -> list[int]:
    """The status of each answer; 0 when the connection was lost."""
    statuses: list[int] = []
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(cookies=cookies, limits=limits, trust_env=False, timeout=20) as http:
        while not is_over.is_set():
            try:
                statuses.append(http.get(f"{app}/claims").status_code)
            except httpx.TransportError:
                statuses.append(0)
                is_over.wait(0.1)
    return statuses


def kill_a_worker_under_load(
    deployment: Deployment, cookies: httpx.Cookies, is_settled: Callable[[int], Any]
) -> list[int]:
    """What the requests came to that were made until it `is_settled`, which is asked with the process id."""
    is_over = threading.Event()
    served = partial(deployment.who_answered, "/claims", deployment.log_size())
    with ThreadPoolExecutor(BROWSERS) as pool:
        load = [pool.submit(keep_asking, deployment.app, cookies, is_over) for _ in range(BROWSERS)]
        try:
            wait_for(lambda: len(served()) == 2 and served().total() >= 10 * BROWSERS)
            victim = min(served())
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda: is_settled(victim))
        finally:
            is_over.set()
    statuses = [status for asked in load for status in asked.result()]
    print(f"{statuses.count(200)} answers, {statuses.count(0)} lost connections")
    return statuses


@pytest.mark.parametrize("deployment", GUNICORN, indirect=True)
def test_gunicorn_replaces_a_killed_worker_and_the_new_one_knows_all_sessions(
    deployment: Deployment, canaille: CanailleProvider, visitor: Visitor
) -> None:
    cookies = log_in(visitor, deployment.app, canaille)
    since = deployment.log_size()

    def is_replaced(victim: int) -> bool:
        return len(deployment.who_answered("/claims", since)) == 3

    statuses = kill_a_worker_under_load(deployment, cookies, is_replaced)
    assert set(statuses) <= {200, 0}
    assert statuses.count(0) <= BROWSERS < statuses.count(200)
    require_alice(answers_of_both(deployment, cookies))


@pytest.mark.parametrize("deployment", HYPERCORN, indirect=True)
def test_hypercorn_ends_with_a_killed_worker_and_knows_all_sessions_when_it_is_started_again(
    deployment: Deployment, canaille: CanailleProvider, visitor: Visitor
) -> None:
    cookies = log_in(visitor, deployment.app, canaille)
    statuses = kill_a_worker_under_load(deployment, cookies, lambda _: not deployment.is_running())
    assert set(statuses) == {200, 0}
    deployment.stop()
    with deployment:
        require_alice(answers_of_both(deployment, cookies))
