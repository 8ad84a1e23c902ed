"""Interfaces of the provider, so that its surroundings need not import it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from oidc_async.protocol.http_message import HttpRequest

from .clock import Clock
from .reply import Reply
from .stages import Answer
from .users import CurrentUser


class Reachable(Protocol):
    """A provider that a simulated network leads to."""

    @property
    def issuer(self) -> str: ...

    @property
    def clock(self) -> Clock: ...

    def handle(self, request: HttpRequest, *, user: str | CurrentUser | None = ...) -> Reply: ...


class AsksUsers(Reachable, Protocol):
    """A provider whose login page checks passwords and keeps sessions."""

    def answer_authorization(
        self, request: HttpRequest, *, username: str | None, consent: bool = ..., ask: Reply | None = ...
    ) -> Answer | Reply: ...

    def requested_parameters(self, request: HttpRequest) -> Mapping[str, str]: ...

    def is_login_older_than(self, username: str, max_age: str | None) -> bool: ...

    def is_password(self, username: str, password: str) -> bool: ...

    def sign_in(self, username: str) -> None: ...

    def browser_state(self, username: str) -> str | None: ...


class Servable(AsksUsers, Protocol):
    """A provider that can be served over HTTP, at an origin that the server chooses."""

    def moved_to(self, origin: str) -> AbstractContextManager[str]: ...
