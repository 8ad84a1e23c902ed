"""Canaille: a whole identity provider in Python, with everything in memory."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from .client_keys import REQUEST_KEYS
from .processes import ROOT, ServerProcess, free_port, leashed
from .real_provider import Person, RegisteredClient
from .visitor import Page, Visitor, left_for

PYTHON = Path(os.environ.get("CANAILLE_PYTHON", ROOT / ".venv-canaille" / "bin" / "python"))
SCRIPT = Path(__file__).with_name("canaille") / "server.py"
CLIENTS = {
    client.client_id: client
    for client in (
        RegisteredClient(
            client_id="basic",
            client_secret="basic-secret-0123456789abcdef",
            authentication="client_secret_basic",
        ),
        RegisteredClient(
            client_id="post",
            client_secret="post-secret-0123456789abcdef",
            authentication="client_secret_post",
        ),
        RegisteredClient(client_id="public", authentication="none"),
        RegisteredClient(
            client_id="portal",
            client_secret="portal-secret-0123456789abcdef",
            authentication="client_secret_basic",
        ),
        RegisteredClient(
            client_id="api",
            client_secret="api-secret-0123456789abcdef",
            authentication="client_secret_basic",
        ),
        RegisteredClient(
            client_id="requests",
            client_secret="requests-secret-0123456789abcdef",
            authentication="client_secret_basic",
            registered={"request_object_signing_alg": "RS256"},
            keys=REQUEST_KEYS,
        ),
    )
}


class CanailleProvider:
    """A context manager. `apps` are the base URLs of the applications that may use it.

    `guests` people, of whom the provider knows nothing yet, can be had one by one from `next_guest`.
    """

    name = "canaille"
    ca: str | None = None
    alice = Person(username="alice", password="correct-horse", groups=1)
    bob = Person(username="bob", password="battery-staple", groups=200)
    carol = Person(username="carol", password="paper-clip", groups=0)
    clients: Mapping[str, RegisteredClient] = CLIENTS

    def __init__(self, apps: Sequence[str], *, log_name: str = "canaille", guests: int = 0) -> None:
        port = free_port()
        self.issuer = f"http://127.0.0.1:{port}"
        self.server = ServerProcess(
            log_name,
            leashed(SCRIPT, PYTHON),
            ready_url=f"{self.issuer}/.well-known/openid-configuration",
            environment={
                "PORT": str(port),
                "APPS": " ".join(apps),
                "GUESTS": str(guests),
                "CLIENT_JWKS": json.dumps(REQUEST_KEYS.jwks()),
            },
        )
        self._guests = (Person(username=f"guest{n}", password="let-me-in", groups=0) for n in range(guests))

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def next_guest(self) -> Person:
        """Somebody who has not given consent to anything."""
        return next(self._guests)

    def login(self, visitor: Visitor, authorization_url: str, person: Person) -> str:
        page = self.enter_password(visitor, authorization_url, person, person.password)
        return left_for(self._answer(visitor, page, "accept"))

    def deny(self, visitor: Visitor, authorization_url: str, person: Person) -> str:
        page = self.enter_password(visitor, authorization_url, person, person.password)
        return left_for(self._answer(visitor, page, "deny"))

    def logout(self, visitor: Visitor, end_session_url: str) -> str:
        page = visitor.open(end_session_url, within=self.issuer)
        if page.leads_to is None:
            page = visitor.submit(page.form("csrf_token"), within=self.issuer, answer="logout")
        return left_for(page)

    def enter_password(self, visitor: Visitor, authorization_url: str, person: Person, password: str) -> Page:
        """The page after the password form; the password may be a wrong one."""
        page = visitor.open(authorization_url, within=self.issuer)
        if not self.requires_login(page):
            return page
        page = visitor.submit(page.form("login"), within=self.issuer, login=person.username)
        return visitor.submit(page.form("password"), within=self.issuer, password=password)

    def requires_login(self, page: Page) -> bool:
        return any("login" in form.fields for form in page.forms)

    def _answer(self, visitor: Visitor, page: Page, answer: str) -> Page:
        if page.leads_to is not None:  # consent was given before
            return page
        return visitor.submit(page.form("csrf_token"), within=self.issuer, answer=answer)
