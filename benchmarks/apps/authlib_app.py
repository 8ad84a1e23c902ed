"""Authlib's ResourceProtector with the introspection that its documentation shows, over requests."""

import os
from typing import Any

import requests  # type: ignore[import-untyped]
from authlib.integrations.flask_oauth2 import ResourceProtector  # type: ignore[import-untyped]
from authlib.oauth2.rfc7662 import IntrospectTokenValidator  # type: ignore[import-untyped]
from flask import Flask

from benchmarks.credentials import CLIENT_ID, CLIENT_SECRET

INTROSPECTION_ENDPOINT = f"{os.environ['ISSUER']}/introspect"


class Introspection(IntrospectTokenValidator):  # type: ignore[misc]
    def introspect_token(self, token_string: str) -> Any:
        response = requests.post(
            INTROSPECTION_ENDPOINT, data={"token": token_string}, auth=(CLIENT_ID, CLIENT_SECRET), timeout=10
        )
        response.raise_for_status()
        return response.json()


app = Flask(__name__)
require_oauth = ResourceProtector()
require_oauth.register_token_validator(Introspection())


def view() -> dict[str, str]:
    return {"hello": "world"}


app.add_url_rule("/", "view", require_oauth("read")(view))
