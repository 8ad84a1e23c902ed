"""A relying party by hand, in its most naive form: nothing of the library's own protocol code is in it."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jws
from joserfc.jwk import JWKRegistry, OctKey

from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.testing import Callback, SimulatedProvider

REDIRECT_URI = "https://rp.example/callback"
AFTER_LOGOUT = "https://rp.example/bye"
VERIFIER = "a-verifier-of-the-tests-that-is-long-enough-123"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class MiniRelyingParty:
    """One client at one provider."""

    send: Callable[[HttpRequest], HttpResponse]
    issuer: str
    client_id: str = "client1"
    client_secret: str | None = "secret1"
    auth_method: str = "client_secret_basic"
    alg: str = "RS256"
    scope: str = "openid"
    parameters: dict[str, str] = field(default_factory=dict[str, str])

    def get(self, path: str) -> HttpResponse:
        return self.send(HttpRequest(method="GET", url=self.issuer.rstrip("/") + path))

    def discover(self) -> dict[str, Any]:
        response = self.get("/.well-known/openid-configuration")
        assert response.status == 200
        return read(response)

    def authorization_parameters(self) -> dict[str, str]:
        return {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": self.scope,
            "state": "state1",
            "nonce": "nonce1",
            "code_challenge": unpadded(hashlib.sha256(VERIFIER.encode()).digest()),
            "code_challenge_method": "S256",
            **self.parameters,
        }

    def authorization_url(self, **changes: str | None) -> str:
        return f"{self.issuer.rstrip('/')}/authorize?{urlencode(changed(self.authorization_parameters(), changes))}"

    def code_form(self, callback: Callback) -> dict[str, str]:
        return {
            "grant_type": "authorization_code",
            "code": callback.get("code") or "none",
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }

    def ask_for_tokens(self, form: Mapping[str, str]) -> HttpResponse:
        headers = dict(FORM)
        fields = dict(form)
        if self.auth_method == "client_secret_basic":
            headers["Authorization"] = basic(self.client_id, self.client_secret or "")
        else:
            fields["client_id"] = self.client_id
        if self.auth_method == "client_secret_post":
            fields["client_secret"] = self.client_secret or ""
        url = self.issuer.rstrip("/") + "/token"
        return self.send(HttpRequest(method="POST", url=url, headers=headers, body=urlencode(fields).encode()))

    def ask_who(self, access_token: str) -> HttpResponse:
        url = self.issuer.rstrip("/") + "/userinfo"
        return self.send(HttpRequest(method="GET", url=url, headers={"Authorization": f"Bearer {access_token}"}))

    def log_in(self, provider: SimulatedProvider) -> "MiniLogin":
        """A login from end to end, with every check that Core 3.1.3.7 asks of a plain client."""
        metadata = self.discover()
        assert metadata["issuer"] == self.issuer
        callback = provider.authorize(self.authorization_url())
        assert callback.get("state") == "state1"
        response = self.ask_for_tokens(self.code_form(callback))
        assert response.status == 200, response.body
        tokens = read(response)
        claims = self.verified(tokens["id_token"])
        userinfo = self.ask_who(tokens["access_token"])
        assert userinfo.status == 200, userinfo.body
        return MiniLogin(callback=callback, tokens=tokens, claims=claims, userinfo=read(userinfo))

    def verified(self, id_token: str) -> dict[str, Any]:
        header = segment(id_token, 0)
        assert header["alg"] == self.alg
        verify(id_token, self.key_for(header))
        claims = segment(id_token, 1)
        assert claims["iss"] == self.issuer
        assert self.client_id in (claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]])
        assert claims["nonce"] == "nonce1"
        return claims

    def key_for(self, header: Mapping[str, Any]) -> Mapping[str, Any]:
        if header["alg"].startswith("HS"):
            return {"kty": "oct", "k": unpadded((self.client_secret or "").encode())}
        response = self.get("/jwks")
        assert response.status == 200
        keys: list[dict[str, Any]] = read(response)["keys"]
        return next(
            key
            for key in keys
            if key.get("kid") == header.get("kid") and key.get("alg") == header["alg"] and key["use"] == "sig"
        )

    def tokens(self, provider: SimulatedProvider) -> HttpResponse:
        """What the token endpoint answers after a good authorization."""
        return self.ask_for_tokens(self.code_form(provider.authorize(self.authorization_url())))

    def published(self, alg: str) -> dict[str, Any]:
        """The first key for this algorithm."""
        keys: list[dict[str, Any]] = read(self.get("/jwks"))["keys"]
        return next(key for key in keys if key["alg"] == alg)


@dataclass(frozen=True)
class MiniLogin:
    callback: Callback
    tokens: dict[str, Any]
    claims: dict[str, Any]
    userinfo: dict[str, Any]


def changed(values: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """The values with these changes; None takes one away."""
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def read(response: HttpResponse) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(response.body)
    return document


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def segment(token: str, number: int) -> dict[str, Any]:
    part: dict[str, Any] = json.loads(decoded(token.split(".")[number]))
    return part


def basic(client_id: str, secret: str) -> str:
    credentials = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def verify(token: str, jwk: Mapping[str, Any]) -> None:
    """Raises unless this key signed the token with the algorithm that its header names."""
    alg = segment(token, 0)["alg"]
    if alg in ("EdDSA", "Ed25519"):
        signing_input, _, signature = token.rpartition(".")
        key = Ed25519PublicKey.from_public_bytes(decoded(jwk["x"]))
        return key.verify(decoded(signature), signing_input.encode())
    kinds = {"kty", "n", "e", "crv", "x", "y", "k"}
    material = {name: value for name, value in jwk.items() if name in kinds}
    # joserfc advises longer secrets by a warning: OctKey takes them as they are only when they are long enough
    key_object = OctKey.import_key(material) if jwk["kty"] == "oct" else JWKRegistry.import_key(material)
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    registry.max_header_length = 10_000
    registry.max_payload_length = 2_000_000
    jws.deserialize_compact(token, key_object, registry=registry)
    return None
