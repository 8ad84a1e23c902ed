"""What an observer is given to see: calls to an API, and an exchange over a runtime that does one thing."""

from typing import Any

from oidc_async.errors import OIDCError
from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.runtime.telemetry import exchange
from oidc_async.testing import Fault
from tests.core.api import API


def know(api: API) -> None:
    token = api.issue()
    for _ in range(3):
        api.verify(token)


def reject(api: API) -> None:
    for _ in range(3):
        api.rejection("guessed")


def join(api: API) -> None:
    api.together([api.issue()] * 10)


def fail(api: API) -> None:
    with api.provider.misbehaving(Fault.INTROSPECTION_RESET):
        for token in ("one", "two", "three"):
            api.rejection(token)


class Scripted:
    """A runtime that does one thing, on a clock that only this moves."""

    def __init__(self, outcome: Any, *, takes: float = 0.0) -> None:
        self._outcome, self._takes, self._time = outcome, takes, 0.0

    async def send(self, request: HttpRequest) -> Any:
        self._time += self._takes
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return await self._outcome() if callable(self._outcome) else self._outcome

    def monotonic(self) -> float:
        return self._time


async def asking(runtime: Any, url: str = "https://op.example/userinfo") -> HttpResponse:
    return await exchange(runtime, HttpRequest(method="GET", url=url), "userinfo")


async def outcome_of(work: Any) -> Any:
    try:
        return await work
    except (OIDCError, RuntimeError) as error:
        return error
