"""What tests and demo want from a real provider: a running server, clients, people, and a way through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from oidc_async import ClientKeys
from tests.certificates import Certificate

from .processes import ServerProcess
from .visitor import Page, Visitor


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredClient:
    """A client that the provider knows, with the redirect URI `/callback` below each application."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    authentication: str
    registered: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Other metadata of it, by the names of OIDC Registration."""
    keys: ClientKeys | None = None
    """What it signs with."""
    certificate: Certificate | None = None
    """What it shows in the TLS handshake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account at the provider."""

    username: str
    password: str
    groups: int
    """How many groups the claim `groups` lists."""


class RealProvider(Protocol):
    """A provider in its own process, and how a visitor gets through its pages.

    Each of `login`, `deny` and `logout` starts at a URL of the provider and returns the one of the
    application to which the provider sends the browser back, without opening that.
    """

    name: str
    issuer: str
    ca: str | None
    """The PEM file of the authority behind its certificate; None when it speaks http."""
    server: ServerProcess
    clients: Mapping[str, RegisteredClient]
    alice: Person
    bob: Person
    carol: Person
    """Never gives consent, so that she is always asked for it."""

    def login(self, visitor: Visitor, authorization_url: str, person: Person) -> str: ...

    def deny(self, visitor: Visitor, authorization_url: str, person: Person) -> str:
        """Rejects consent. For a person who has not given it to this client before."""
        ...

    def logout(self, visitor: Visitor, end_session_url: str) -> str: ...

    def requires_login(self, page: Page) -> bool:
        """Whether this is the provider's page that asks who one is."""
        ...
