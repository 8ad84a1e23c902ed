"""node-oidc-provider: a certified implementation on Node.js, with its pages for development."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from .processes import ServerProcess, free_port
from .real_provider import Person, RegisteredClient
from .visitor import Page, Visitor, left_for

SCRIPT = Path(__file__).with_name("node") / "provider.mjs"
CLIENTS = {
    client.client_id: client
    for client in (
        RegisteredClient(
            client_id="basic",
            client_secret="basic secret: 100% + a-b/0123456789",
            authentication="client_secret_basic",
        ),
        RegisteredClient(
            client_id="post",
            client_secret="post-secret-0123456789abcdef0123456789abcdef",
            authentication="client_secret_post",
        ),
        RegisteredClient(client_id="public", authentication="none"),
        RegisteredClient(
            client_id="signed",
            client_secret="signed-secret-0123456789abcdef0123456789abcdef",
            authentication="client_secret_basic",
        ),
    )
}


class NodeProvider:
    """A context manager. `apps` are the base URLs of the applications that may use it."""

    name = "node-oidc-provider"
    alice = Person(username="alice", password="any", groups=1)
    bob = Person(username="bob", password="any", groups=200)
    carol = Person(username="carol", password="any", groups=0)
    clients: Mapping[str, RegisteredClient] = CLIENTS

    def __init__(self, apps: Sequence[str], *, log_name: str = "node-oidc-provider") -> None:
        port = free_port()
        self.issuer = f"http://127.0.0.1:{port}"
        self.server = ServerProcess(
            log_name,
            [shutil.which("node") or "node", str(SCRIPT)],
            ready_url=f"{self.issuer}/.well-known/openid-configuration",
            environment={"PORT": str(port), "APPS": " ".join(apps)},
        )

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def login(self, visitor: Visitor, authorization_url: str, person: Person) -> str:
        page = self._identify(visitor, authorization_url, person)
        if page.leads_to is None:
            page = visitor.submit(page.form("prompt"), within=self.issuer)
        return left_for(page)

    def deny(self, visitor: Visitor, authorization_url: str, person: Person) -> str:
        page = self._identify(visitor, authorization_url, person)
        return left_for(visitor.open(f"{page.url}/abort", within=self.issuer))

    def logout(self, visitor: Visitor, end_session_url: str) -> str:
        page = visitor.open(end_session_url, within=self.issuer)
        return left_for(visitor.submit(page.form("xsrf"), within=self.issuer, logout="yes"))

    def requires_login(self, page: Page) -> bool:
        return any("login" in form.fields for form in page.forms)

    def _identify(self, visitor: Visitor, authorization_url: str, person: Person) -> Page:
        page = visitor.open(authorization_url, within=self.issuer)
        if not self.requires_login(page):
            return page
        form = page.form("login")
        return visitor.submit(form, within=self.issuer, login=person.username, password=person.password)
