"""Parameters that an application adds to token requests, as they arrive there (RFC 8707 2.2), in both worlds."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_async.testing import SimulatedProvider
from tests.core.api import new_service
from tests.core.realm import new_realm
from tests.core.refreshing import SCOPE, Refreshing
from tests.core.worlds import World

RESOURCES = ["https://a.example", "https://b.example"]
DETAILS = [{"type": "payment"}]
OF_TOKENS: Mapping[str, Any] = {"resource": RESOURCES, "audience": "api", "authorization_details": DETAILS}
OF_LOGINS: Mapping[str, Any] = {"scope": SCOPE, "resource": RESOURCES, "authorization_details": DETAILS}


def last_form(provider: SimulatedProvider, grant_type: str) -> dict[str, list[str]]:
    return parse_qs(
        next(
            seen.request.body.decode()
            for seen in reversed(provider.requests)
            if f"grant_type={grant_type}" in seen.request.body.decode()
        )
    )


def test_a_code_and_a_refresh_token_are_exchanged_with_them(either_world: World) -> None:
    realm = new_realm(either_world, token_request_params=OF_TOKENS, auth_request_params=OF_LOGINS)
    user = Refreshing(realm, realm.log_in())
    user.refresh()
    for grant_type, credential in (("authorization_code", "code"), ("refresh_token", "refresh_token")):
        form = last_form(realm.provider, grant_type)
        assert (form["resource"], form["audience"]) == (RESOURCES, ["api"])
        assert json.loads(form["authorization_details"][0]) == DETAILS
        assert len(form[credential]) == 1


def test_without_the_setting_nothing_is_added(either_world: World) -> None:
    """What the login asked for isn't repeated by itself: a token request names resources to get a narrower token."""
    realm = new_realm(either_world, auth_request_params=OF_LOGINS)
    begun = realm.begin()
    asked = parse_qs(urlsplit(begun.url).query)
    assert (asked["resource"], json.loads(asked["authorization_details"][0])) == (RESOURCES, DETAILS)
    realm.complete(begun.pending, realm.provider.authorize(begun.url))
    assert last_form(realm.provider, "authorization_code").keys() == {
        "grant_type",
        "code",
        "redirect_uri",
        "code_verifier",
    }


@pytest.mark.parametrize("how", ["grant", "token"])
def test_a_token_of_the_client_itself_is_asked_for_by_json_too(either_world: World, how: str) -> None:
    """RFC 9396 6; and a service token is kept for each value."""
    service = new_service(either_world)
    for number in (1, 2):
        getattr(service, how)(authorization_details=[{"type": "payment", "amount": number}])
        form = last_form(service.provider, "client_credentials")
        assert json.loads(form["authorization_details"][0]) == [{"type": "payment", "amount": number}]
    assert service.asked() == 2
