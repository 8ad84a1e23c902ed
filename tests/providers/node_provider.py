"""node-oidc-provider: a certified implementation on Node.js, with its pages for development."""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from .client_keys import CLIENT_KEYS, SIGNING_KEYS
from .processes import ServerProcess, free_port
from .real_provider import Person, RegisteredClient
from .tls import Tls, tls_clients
from .visitor import Page, Visitor, left_for

SCRIPT = Path(__file__).with_name("node") / "provider.mjs"
INITIAL_ACCESS_TOKEN = "initial-access-token"
"""Lets a client register itself."""
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
        RegisteredClient(
            client_id="hybrid",
            client_secret="hybrid-secret-0123456789abcdef0123456789abcdef",
            authentication="client_secret_basic",
        ),
    )
}

SECRET = "protected-secret-0123456789abcdef0123456789abcdef0123456789abcdef"
PROTECTED_CLIENTS: Mapping[str, Mapping[str, str]] = {
    **{f"id-token-{alg}": {"id_token_signed_response_alg": alg} for alg in ("PS256", "ES256", "ES512", "EdDSA")},
    **{f"id-token-{alg}": {"id_token_signed_response_alg": alg} for alg in ("HS256", "HS512")},
    "encrypted-rsa": {
        "id_token_encrypted_response_alg": "RSA-OAEP",
        "id_token_encrypted_response_enc": "A256CBC-HS512",
    },
    "encrypted-ecdh": {"id_token_signed_response_alg": "ES256", "id_token_encrypted_response_alg": "ECDH-ES"},
    "encrypted-wrapped": {
        "id_token_encrypted_response_alg": "ECDH-ES+A256KW",
        "id_token_encrypted_response_enc": "A128GCM",
    },
    "encrypted-secret": {
        "id_token_encrypted_response_alg": "dir",
        "id_token_encrypted_response_enc": "A256CBC-HS512",
    },
    "encrypted-secret-wrapped": {
        "id_token_encrypted_response_alg": "A192KW",
        "id_token_encrypted_response_enc": "A256GCM",
    },
    "userinfo-signed": {"userinfo_signed_response_alg": "PS256"},
    "userinfo-encrypted": {  # this provider encrypts nothing that is not signed
        "userinfo_signed_response_alg": "RS256",
        "userinfo_encrypted_response_alg": "RSA-OAEP-256",
    },
    "userinfo-signed-encrypted": {
        "userinfo_signed_response_alg": "EdDSA",
        "userinfo_encrypted_response_alg": "ECDH-ES",
        "userinfo_encrypted_response_enc": "A256GCM",
    },
}
CLIENTS |= {
    name: RegisteredClient(
        client_id=name, client_secret=SECRET, authentication="client_secret_basic", registered=registered
    )
    for name, registered in PROTECTED_CLIENTS.items()
}

CLIENTS |= {
    name: RegisteredClient(
        client_id=name,
        client_secret="told-secret-0123456789abcdef0123456789abcdef",
        authentication="client_secret_basic",
    )
    for name in ("told-which", "told-whose")
}

KEY_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
ASSERTING_CLIENTS: Mapping[str, RegisteredClient] = {
    "secret-jwt": RegisteredClient(client_id="secret-jwt", client_secret=SECRET, authentication="client_secret_jwt"),
    **{
        f"key-jwt-{alg}": RegisteredClient(
            client_id=f"key-jwt-{alg}",
            authentication="private_key_jwt",
            registered={"token_endpoint_auth_signing_alg": alg},
            keys=SIGNING_KEYS,
        )
        for alg in KEY_ALGORITHMS
    },
}
CLIENTS |= ASSERTING_CLIENTS

REQUESTING_CLIENTS: Mapping[str, RegisteredClient] = {
    f"request-{name}": RegisteredClient(
        client_id=f"request-{name}",
        client_secret=SECRET,
        authentication="client_secret_basic",
        registered=registered,
        keys=SIGNING_KEYS,
    )
    for name, registered in {
        "any": {},
        **{alg: {"request_object_signing_alg": alg} for alg in ("HS256", *KEY_ALGORITHMS)},
        "encrypted-rsa": {
            "request_object_signing_alg": "RS256",
            "request_object_encryption_alg": "RSA-OAEP-256",
            "request_object_encryption_enc": "A256GCM",
        },
        "encrypted-ecdh": {"request_object_signing_alg": "ES256", "request_object_encryption_alg": "ECDH-ES"},
        "encrypted-secret": {"request_object_encryption_alg": "dir"},
        "encrypted-wrapped": {"request_object_encryption_alg": "A192KW", "request_object_encryption_enc": "A128GCM"},
    }.items()
}
CLIENTS |= REQUESTING_CLIENTS


def registration(client: RegisteredClient) -> dict[str, Any]:
    """Metadata of a client that signs assertions or requests, or shows a certificate."""
    return {
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "token_endpoint_auth_method": client.authentication,
        "jwks": client.keys.jwks() if client.keys else None,
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        **client.registered,
    }


class NodeProvider:
    """A context manager. `apps` are the base URLs of the applications that may use it.

    `access_token_seconds` is how long the access tokens of a login live, until they are refreshed. With `tls` it
    speaks https, and has clients with certificates.
    """

    name = "node-oidc-provider"
    alice = Person(username="alice", password="any", groups=1)
    bob = Person(username="bob", password="any", groups=200)
    carol = Person(username="carol", password="any", groups=0)

    def __init__(
        self,
        apps: Sequence[str],
        *,
        log_name: str = "node-oidc-provider",
        access_token_seconds: int = 600,
        tls: Tls | None = None,
    ) -> None:
        port = free_port()
        self.issuer = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        self.ca = tls.ca if tls else None
        with_certificates = tls_clients(tls) if tls else {}
        self.clients: Mapping[str, RegisteredClient] = {**CLIENTS, **with_certificates}
        registered = (*ASSERTING_CLIENTS.values(), *REQUESTING_CLIENTS.values(), *with_certificates.values())
        self.server = ServerProcess(
            log_name,
            [shutil.which("node") or "node", str(SCRIPT)],
            ready_url=f"{self.issuer}/.well-known/openid-configuration",
            ca=self.ca,
            environment={
                "PORT": str(port),
                **(tls.environment() if tls else {}),
                "APPS": " ".join(apps),
                "CLIENT_JWKS": json.dumps(CLIENT_KEYS.jwks()),
                "REGISTERED_CLIENTS": json.dumps([registration(client) for client in registered]),
                "PROTECTED_CLIENTS": json.dumps(PROTECTED_CLIENTS),
                "ACCESS_TOKEN_SECONDS": str(access_token_seconds),
            },
        )

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def refreshes(self) -> tuple[int, int]:
        """How many requests with refresh tokens were granted, and how many were rejected."""
        lines = self.server.log().splitlines()
        return lines.count("granted refresh_token"), lines.count("rejected refresh_token")

    def told(self) -> list[tuple[str, str]]:
        """The clients that took note of the end of a session, each with its `sid`, in order."""
        return re.findall(r"^told (\S+) of (\S+)$", self.server.log(), re.MULTILINE)

    def login(self, visitor: Visitor, authorization_url: str, person: Person) -> str:
        return left_for(self.answer(visitor, authorization_url, person))

    def answer(self, visitor: Visitor, authorization_url: str, person: Person) -> Page:
        """What the provider says in the end: a redirect to the application, or a page with a form for it."""
        page = self._identify(visitor, authorization_url, person)
        if any("prompt" in form.fields for form in page.forms):
            page = visitor.submit(page.form("prompt"), within=self.issuer)
        return page

    def deny(self, visitor: Visitor, authorization_url: str, person: Person) -> str:
        page = self._identify(visitor, authorization_url, person)
        return left_for(visitor.open(f"{page.url}/abort", within=self.issuer))

    def logout(self, visitor: Visitor, end_session_url: str) -> str:
        page = visitor.open(end_session_url, within=self.issuer)
        return left_for(visitor.submit(page.form("xsrf"), within=self.issuer, logout="yes"))

    def logout_there(self, visitor: Visitor) -> Page:
        """Begun by the user at the provider, with nothing from any application."""
        page = visitor.open(f"{self.issuer}/session/end", within=self.issuer)
        return visitor.submit(page.form("xsrf"), within=self.issuer, logout="yes")

    def requires_login(self, page: Page) -> bool:
        return any("login" in form.fields for form in page.forms)

    def _identify(self, visitor: Visitor, authorization_url: str, person: Person) -> Page:
        page = visitor.open(authorization_url, within=self.issuer)
        if not self.requires_login(page):
            return page
        form = page.form("login")
        return visitor.submit(form, within=self.issuer, login=person.username, password=person.password)
