"""The logout request as the core makes it. threat model 199, 253; OIDC RP-Initiated Logout 2."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from oidc_async import RelyingParty
from oidc_async.errors import ConfigurationError
from oidc_async.protocol.end_session import EndSessionRequest
from oidc_async.testing import Fault
from tests.core.realm import Realm, new_realm
from tests.core.worlds import World

ENDPOINT = "https://op.example/end_session"


def made(realm: Realm, **parameters: Any) -> EndSessionRequest | None:
    async def making() -> EndSessionRequest | None:
        party = realm.party
        if isinstance(party, RelyingParty):
            return party.end_session_request(**parameters)
        return await party.end_session_request(**parameters)

    return realm.world.run(making())


def url_of(realm: Realm, **parameters: Any) -> str | None:
    async def making() -> str | None:
        party = realm.party
        if isinstance(party, RelyingParty):
            return party.end_session_url(**parameters)
        return await party.end_session_url(**parameters)

    return realm.world.run(making())


def parameters_of(realm: Realm, **parameters: Any) -> dict[str, str]:
    request = made(realm, **parameters)
    assert request is not None
    assert request.endpoint == ENDPOINT
    return dict(request.parameters)


@pytest.mark.parametrize(
    ("configured", "given", "expected"),
    [
        pytest.param({}, {}, {}, id="nothing"),
        pytest.param({}, {"logout_hint": "alice@example.com"}, {"logout_hint": "alice@example.com"}, id="a hint"),
        pytest.param({}, {"ui_locales": "de en"}, {"ui_locales": "de en"}, id="languages"),
        pytest.param({}, {"federated": ""}, {}, id="an empty one"),
        pytest.param({"ui_locales": ["de", "en"]}, {}, {"ui_locales": "de en"}, id="configured"),
        pytest.param({"ui_locales": "de"}, {"ui_locales": "fr"}, {"ui_locales": "fr"}, id="replaced"),
        pytest.param({"ui_locales": "de"}, {"ui_locales": None}, {}, id="taken away"),
        pytest.param({"again": True, "for": None}, {}, {"again": "true"}, id="as JSON says it"),
    ],
)
def test_further_parameters_are_sent(
    either_world: World, configured: dict[str, Any], given: dict[str, Any], expected: dict[str, str]
) -> None:
    realm = new_realm(either_world, end_session_params=configured)
    assert parameters_of(realm, **given) == {"client_id": "client1", **expected}


def test_the_url_and_the_form_say_the_same(either_world: World) -> None:
    """A provider takes either (OIDC RP-Initiated Logout 2)."""
    given = {"id_token_hint": "a.b.c", "logout_hint": "ü&=", "post_logout_redirect_uri": "https://rp", "state": "s"}
    realm = new_realm(either_world, end_session_params={"ui_locales": "de"})
    url = url_of(realm, **given) or ""
    assert url.partition("?")[0] == ENDPOINT
    assert dict(parse_qsl(urlsplit(url).query)) == parameters_of(realm, **given)
    assert parameters_of(realm, **given) == {"client_id": "client1", "ui_locales": "de", **given}


@pytest.mark.parametrize("name", ["client_id", "client_secret", "client_assertion"])
def test_no_caller_sets_what_is_ours(either_world: World, name: str) -> None:
    """threat model 199"""
    with pytest.raises(ConfigurationError, match=f"must not set {name}"):
        made(new_realm(either_world), **{name: "other"})


def test_a_provider_without_logout_has_no_request_for_it(either_world: World) -> None:
    """threat model 197"""
    realm = new_realm(either_world)
    with realm.provider.misbehaving(Fault.DISCOVERY_OPTIONAL_MISSING):
        assert (made(realm), url_of(realm)) == (None, None)


def test_a_logout_request_shows_nobody_the_id_token(either_world: World) -> None:
    """threat model 250, 253"""
    request = made(new_realm(either_world), id_token_hint="a.b.c", logout_hint="alice", state="the state")
    assert [secret for secret in ("a.b.c", "alice", "the state") if secret in repr(request)] == []
