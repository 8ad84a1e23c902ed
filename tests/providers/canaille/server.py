"""Canaille with everything in memory. Runs in its own environment, which has none of our packages in it.

PORT: where to listen. APPS: the base URLs of the applications, separated by spaces.
GUESTS: how many people there are beside those with a name. CLIENT_JWKS: the public keys of those who sign requests.
"""

import datetime
import logging
import os
import secrets
from typing import Any

import canaille
from canaille.app import models
from canaille.backends import Backend
from canaille.backends.memory.backend import MemoryBackend
from canaille.oidc.provider import JWTAuthenticationRequest
from flask import Flask
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

PORT = int(os.environ["PORT"])
APPS = os.environ.get("APPS", "").split()
GUESTS = int(os.environ.get("GUESTS", "0"))
CLIENTS = {
    "basic": ("client_secret_basic", "basic-secret-0123456789abcdef"),
    "post": ("client_secret_post", "post-secret-0123456789abcdef"),
    "public": ("none", None),
    "portal": ("client_secret_basic", "portal-secret-0123456789abcdef"),
    "api": ("client_secret_basic", "api-secret-0123456789abcdef"),
    "requests": ("client_secret_basic", "requests-secret-0123456789abcdef"),
}
CLIENT_JWKS = os.environ.get("CLIENT_JWKS", '{"keys":[]}')
# whom the tokens of a client are for, beside itself
AUDIENCES = {"portal": ["api"]}


class ExactMemoryBackend(MemoryBackend):
    """Canaille's own takes what matches any filter: one consent would count for all people."""

    __module__ = MemoryBackend.__module__  # next to which canaille looks for its models

    def do_query(self, model: Any, *args: object, **filters: object) -> list[Any]:
        if len(filters) < 2:
            return list(super().do_query(model, *args, **filters))
        first, *others = (self._by_id(model, name, value) for name, value in filters.items())
        return [each for key, each in first.items() if all(key in other for other in others)]

    def _by_id(self, model: Any, name: str, value: object) -> dict[str, Any]:
        return {each.id: each for each in super().do_query(model, **{name: value})}


def is_of_an_application(_: object, request_uri: str, client: models.Client) -> bool:
    return any(request_uri.startswith(f"{app}/request/") for app in APPS)


# whom it fetches request objects from is for every deployment to say: from nobody by default
JWTAuthenticationRequest.validate_request_uri = is_of_an_application


def configuration() -> dict[str, object]:
    key = RSAKey.generate_key(2048, {"alg": "RS256", "use": "sig"}, auto_kid=True)
    return {
        "SECRET_KEY": os.urandom(32).hex(),
        "SERVER_NAME": f"127.0.0.1:{PORT}",
        "PREFERRED_URL_SCHEME": "http",
        "OAUTH2_TOKEN_EXPIRES_IN": {"authorization_code": 3600},  # as long as what a refresh brings
        "CANAILLE": {
            "DATABASE": "memory",
            "NAME": "Canaille",
            "JAVASCRIPT": False,
            "HTMX": False,
            "SMTP": None,
            "LOGGING": {"version": 1, "disable_existing_loggers": False},
            "ACL": {"DEFAULT": {"PERMISSIONS": ["use_oidc", "edit_self"]}},
        },
        "CANAILLE_OIDC": {
            "ACTIVE_JWKS": [key.as_dict(private=True)],
            "DYNAMIC_CLIENT_REGISTRATION_OPEN": True,
            "TRUSTED_DOMAINS": ["trusted.invalid"],  # so that everybody is asked for consent
        },
    }


def add_person(name: str, password: str) -> models.User:
    given_name, family_name = name.split(" ")
    person = models.User(
        user_name=given_name.lower(),
        formatted_name=name,
        given_name=given_name,
        family_name=family_name,
        emails=[f"{given_name.lower()}@example.com"],
        password=password,
    )
    Backend.instance.save(person)
    return person


def add_people() -> None:
    alice = add_person("Alice Liddell", "correct-horse")
    bob = add_person("Bob Manifold", "battery-staple")
    add_person("Carol Reticent", "paper-clip")
    for number in range(GUESTS):
        add_person(f"Guest{number} Visiting", "let-me-in")
    Backend.instance.save(models.Group(display_name="staff", members=[alice]))
    for number in range(200):
        name = f"team-{number:03}-{secrets.token_hex(2)}"
        Backend.instance.save(models.Group(display_name=name, members=[bob]))


def add_client(client_id: str, authentication: str, secret: str | None) -> None:
    client = models.Client(
        client_id=client_id,
        client_secret=secret,
        client_id_issued_at=datetime.datetime.now(datetime.UTC),
        client_name="Demo",
        client_uri="https://app.example",
        contacts=["admin@example.com"],
        redirect_uris=[f"{app}/callback" for app in APPS],
        post_logout_redirect_uris=[f"{app}/{page}" for app in APPS for page in ("logout", "logged-out")],
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
        response_types=["code"],
        scope=["openid", "profile", "email", "groups"],
        token_endpoint_auth_method=authentication,
        jwks=CLIENT_JWKS if client_id == "requests" else None,
    )
    Backend.instance.save(client)


def add_audience(client_id: str) -> None:
    client, *others = (
        Backend.instance.get(models.Client, client_id=each) for each in (client_id, *AUDIENCES.get(client_id, []))
    )
    client.audience = [client, *others]
    Backend.instance.save(client)


def create() -> Flask:
    settings = configuration()
    app: Flask = canaille.create_app(config=settings, env_file=None, backend=ExactMemoryBackend(settings))
    with app.app_context():
        add_people()
        for client_id, (authentication, secret) in CLIENTS.items():
            add_client(client_id, authentication, secret)
        for client_id in CLIENTS:
            add_audience(client_id)
    return app


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    make_server("127.0.0.1", PORT, create(), threaded=True).serve_forever()
