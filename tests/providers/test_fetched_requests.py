"""Requests that a provider fetches from an application, in both frameworks."""

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from .apps import serving
from .canaille_provider import CanailleProvider
from .client_keys import new_signing_keys
from .configurations import configuration_of
from .visitor import Visitor, left_for


@pytest.fixture(scope="module", params=["flask", "quart"])
def app(request: pytest.FixtureRequest, apps: list[str], canaille: CanailleProvider) -> Iterator[str]:
    client = canaille.clients["requests"]
    configurations = {
        "fetched": configuration_of(canaille, client, request_object="reference"),
        "foreign": configuration_of(canaille, client, request_object="reference", client_keys=new_signing_keys()),
    }
    address = apps[["flask", "quart"].index(request.param)]
    with serving(request.param, configurations, address):
        yield address


def request_uri_of(app: str, name: str, visitor: Visitor) -> tuple[str, str]:
    """Where the browser goes, and what the provider fetches."""
    to_the_provider = left_for(visitor.open(f"{app}/{name}", within=app))
    query = parse_qs(urlsplit(to_the_provider).query)
    assert set(query) == {"client_id", "response_type", "scope", "request_uri"}
    return to_the_provider, query["request_uri"][0]


def test_a_request_is_fetched_and_believed(app: str, canaille: CanailleProvider, visitor: Visitor) -> None:
    to_the_provider, request_uri = request_uri_of(app, "fetched", visitor)
    page = visitor.open(canaille.login(visitor, to_the_provider, canaille.alice), within=app)
    assert page.status == 200, page.text
    known = json.loads(page.text)
    assert known["id_token"]["sub"] == "alice"
    assert httpx.get(request_uri, trust_env=False).headers["content-type"] == "application/oauth-authz-req+jwt"


def test_one_of_another_key_is_rejected(app: str, canaille: CanailleProvider, visitor: Visitor) -> None:
    to_the_provider, _ = request_uri_of(app, "foreign", visitor)
    # this provider asks who one is before it looks at the request
    page = canaille.enter_password(visitor, to_the_provider, canaille.alice, canaille.alice.password)
    assert (page.status, page.leads_to) == (400, None)
    assert "The request you made is invalid" in page.text
