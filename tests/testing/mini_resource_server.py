"""A resource server by hand, as naive as the mini relying party: it asks, and believes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from oidc_async.protocol.http_message import HttpRequest, HttpResponse

from .mini_relying_party import FORM, basic, read, segment, verify

JWT_MEDIA_TYPE = "application/token-introspection+jwt"


@dataclass
class MiniResourceServer:
    """One client that introspects at one provider."""

    send: Callable[[HttpRequest], HttpResponse]
    issuer: str
    client_id: str = "api"
    client_secret: str = "secret of the api"
    auth_method: str = "client_secret_basic"
    accept: str = "application/json"
    extra: dict[str, str] = field(default_factory=dict[str, str])

    def ask(self, token: str, **changes: str) -> HttpResponse:
        headers = {**FORM, "Accept": self.accept}
        form = {"token": token, **self.extra, **changes}
        if self.auth_method == "client_secret_basic":
            headers["Authorization"] = basic(self.client_id, self.client_secret)
        else:
            form["client_id"] = self.client_id
        if self.auth_method == "client_secret_post":
            form["client_secret"] = self.client_secret
        url = self.issuer.rstrip("/") + "/introspect"
        return self.send(HttpRequest(method="POST", url=url, headers=headers, body=urlencode(form).encode()))

    def introspect(self, token: str) -> dict[str, Any]:
        response = self.ask(token)
        assert (response.status, response.media_type) == (200, "application/json")
        return read(response)

    def published(self, alg: str = "RS256") -> dict[str, Any]:
        """The first key for this algorithm."""
        response = self.send(HttpRequest(method="GET", url=self.issuer.rstrip("/") + "/jwks"))
        keys: list[dict[str, Any]] = read(response)["keys"]
        return next(key for key in keys if key["alg"] == alg)

    def verified(self, token: str) -> dict[str, Any]:
        """The claims of a JWT that the provider signed with the key that the header names."""
        key = self.published(segment(token, 0)["alg"])
        assert segment(token, 0)["kid"] == key["kid"]
        verify(token, key)
        return segment(token, 1)
