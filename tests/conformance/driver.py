"""A driver of the application, and the provider that it lets it meet: what a conformance suite and its driver are."""

import ssl
from dataclasses import dataclass, field
from typing import Any

import httpx

from oidc_async.protocol.http_message import HttpResponse
from oidc_async.protocol.response_type import RESPONSE_TYPES
from oidc_async.testing import Callback, SimulatedProvider
from tests.adapters.site import relayed_fields

CLIENT_ID = "client1"
SECRET = "a client secret of the tests, as long as HS512 wants it: 64 bytes"


def new_provider() -> SimulatedProvider:
    """Its issuer has a path that ends in a slash, as those of the suite have."""
    provider = SimulatedProvider("https://op.example/test/a/oidc_async/")
    provider.add_user("alice", claims={"name": "Alice", "email": "alice@example.com"})
    return provider


@dataclass
class Driver:
    """One browser without scripts, in front of one application and one provider that is served over HTTP.

    Over https, `ca` is the PEM file of the only authority that browser, provider and application trust.
    """

    base_url: str
    provider: SimulatedProvider
    ca: str | None = None
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = self.new_client()

    def new_client(self) -> httpx.Client:
        """One without cookies."""
        return httpx.Client(verify=ssl.create_default_context(cafile=self.ca), trust_env=False, timeout=60)

    def get(self, path: str) -> httpx.Response:
        return self.http.get(self.base_url + path)

    def post(self, path: str, **arguments: Any) -> httpx.Response:
        return self.http.post(self.base_url + path, **arguments)

    def configure(self, registered: dict[str, Any] | None = None, **order: Any) -> dict[str, Any]:
        """A fresh client in the application, and the same one at the provider; `registered` goes to both."""
        client = {"client_id": CLIENT_ID, "client_secret": SECRET, **(registered or {})}
        told = self._order(client=client, **order)
        self._register(told, registered or {})
        return told

    def configure_dynamic(self, metadata: dict[str, Any] | None = None, **order: Any) -> dict[str, Any]:
        """A fresh client that registers itself, with `metadata`."""
        self.provider.open_registration()
        return self._order(client=metadata or {}, registration="dynamic", **order)

    def _order(self, **order: Any) -> dict[str, Any]:
        self.http.cookies.clear()
        self.provider.fetch = self._fetch
        answer = self.post("/ct/configure", json={"issuer": self.provider.issuer, "ca": self.ca, **order})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def _fetch(self, url: str) -> HttpResponse:
        """What the provider gets from the application, as nobody's browser."""
        with self.new_client() as nobody:
            page = nobody.get(url)
        return HttpResponse(status=page.status_code, headers=dict(page.headers), body=page.content)

    def _register(self, told: dict[str, Any], registered: dict[str, Any]) -> None:
        by_name = {name: value for name, value in registered.items() if name != "client_secret"}
        self.provider.register(
            CLIENT_ID,
            registered.get("client_secret", SECRET),
            redirect_uris=[told["redirect_uri"]],
            post_logout_redirect_uris=[told["post_logout_redirect_uri"]],
            response_types=RESPONSE_TYPES,
            backchannel_logout_uri=told["backchannel_logout_uri"],
            frontchannel_logout_uri=told["frontchannel_logout_uri"],
            jwks=self._published(told["jwks_uri"]),
            **by_name,
        )

    def _published(self, jwks_uri: str | None) -> dict[str, Any]:
        keys: dict[str, Any] = {} if jwks_uri is None else self.http.get(jwks_uri).json()
        return keys

    def rejection(self, **order: Any) -> dict[str, Any]:
        """The error of a configuration that must be rejected."""
        answer = self.post("/ct/configure", json={"issuer": self.provider.issuer, **order})
        assert answer.status_code == 400, answer.text
        error: dict[str, Any] = answer.json()["error"]
        return error

    def begin_login(self) -> Callback | None:
        """What the provider sends the browser back with; None when there is no way to it."""
        page = self.get("/ct/login")
        return self.provider.authorize(page.headers["location"]) if page.status_code == 302 else None

    def come_back(self, callback: Callback) -> httpx.Response:
        """Bring it to the redirect URI, and do what the page there makes a browser do."""
        if callback.method == "POST":
            # of another site's form our cookies, all of them SameSite=Lax, know nothing
            with self.new_client() as elsewhere:
                page = elsewhere.post(callback.url, data=callback.form)
        else:
            page = self.http.get(callback.url)
        fields = relayed_fields(page, callback.url)
        return self.http.post(callback.url.partition("#")[0], data=fields) if fields else page

    def log_in(self) -> dict[str, Any]:
        """A whole login, and its result."""
        callback = self.begin_login()
        if callback is not None:
            self.come_back(callback)
        return self.result()

    def refresh(self) -> dict[str, Any]:
        self.post("/ct/refresh")
        return self.result()

    def result(self) -> dict[str, Any]:
        result: dict[str, Any] = self.get("/ct/result").json()
        return result

    def session(self) -> dict[str, Any]:
        session: dict[str, Any] = self.get("/ct/session").json()
        return session


def asked(result: dict[str, Any]) -> list[str]:
    """The endpoints that were asked, in order, by the last part of their paths."""
    return [url.rpartition("/")[2] for _, url, _ in result["calls"]]
