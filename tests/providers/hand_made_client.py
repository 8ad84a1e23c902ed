"""The code flow by hand, over plain httpx: the drivers are tested with it, without any of our code."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import httpx

from .real_provider import RealProvider, RegisteredClient


@dataclass(frozen=True, slots=True, kw_only=True)
class HandMadeLogin:
    """One login under way."""

    provider: RealProvider
    client: RegisteredClient
    app: str
    state: str
    nonce: str
    verifier: str
    parameters: Mapping[str, str]
    """Added to those of the authorization request."""

    @classmethod
    def begin(cls, provider: RealProvider, client: RegisteredClient, app: str, **parameters: str) -> "HandMadeLogin":
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(
            provider=provider,
            client=client,
            app=app,
            state=state,
            nonce=nonce,
            verifier=verifier,
            parameters=parameters,
        )

    @property
    def authorization_url(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "client_id": self.client.client_id,
            "response_type": "code",
            "scope": "openid profile email groups",
            "redirect_uri": f"{self.app}/callback",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **self.parameters,
        }
        return f"{self.metadata()['authorization_endpoint']}?{urlencode(query)}"

    def end_session_url(self, id_token: str) -> str:
        query = {
            "id_token_hint": id_token,
            "client_id": self.client.client_id,
            "post_logout_redirect_uri": f"{self.app}/logged-out",
            "state": self.state,
        }
        return f"{self.metadata()['end_session_endpoint']}?{urlencode(query)}"

    def metadata(self) -> dict[str, Any]:
        url = f"{self.provider.issuer}/.well-known/openid-configuration"
        return _answer_of(httpx.get(url, trust_env=False))

    def redeem(self, code: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": f"{self.app}/callback",
            "code_verifier": self.verifier,
        }
        return self._token_request(form)

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        return self._token_request({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def userinfo(self, access_token: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {access_token}"}
        return _answer_of(httpx.get(self.metadata()["userinfo_endpoint"], headers=headers, trust_env=False))

    def _token_request(self, form: dict[str, str]) -> dict[str, Any]:
        headers: dict[str, str] = {}
        client = self.client
        if client.authentication == "client_secret_basic":
            credentials = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret or '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(credentials.encode()).decode()}"
        else:
            form = {**form, "client_id": client.client_id}
        if client.authentication == "client_secret_post":
            form = {**form, "client_secret": client.client_secret or ""}
        return _answer_of(httpx.post(self.metadata()["token_endpoint"], data=form, headers=headers, trust_env=False))


def _answer_of(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def query_of(url: str) -> dict[str, str]:
    """The query parameters, each of which must occur once."""
    parameters = parse_qs(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in parameters.values()), url
    return {name: values[0] for name, values in parameters.items()}
