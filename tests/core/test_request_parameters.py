"""The parameters of authentication requests, of a configuration and of one login (OIDC Core 3.1.2.1)."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from oidc_async import ConfigurationError
from oidc_async.errors import ClaimInvalid
from oidc_async.testing.faults.documents import put, without
from oidc_async.testing.stages import CLAIMS, refused
from tests.core.realm import Realm, new_realm
from tests.core.worlds import World


def sent(realm: Realm, **parameters: str) -> dict[str, str]:
    query = parse_qs(urlsplit(realm.begin(**parameters).url).query, strict_parsing=True)
    return {name: value for name, (value,) in query.items()}


PARAMETERS: list[tuple[str, Any, str]] = [
    ("ui_locales", "de-CH en", "de-CH en"),
    ("ui_locales", ["de-CH", "en"], "de-CH en"),
    ("claims_locales", "fr", "fr"),
    ("claims_locales", ("fr", "de"), "fr de"),
    ("display", "popup", "popup"),
    ("id_token_hint", "a.b.c", "a.b.c"),
    ("login_hint", "Älice & co+1", "Älice & co+1"),
    ("max_age", 0, "0"),
    ("max_age", "3600", "3600"),
    ("prompt", "login consent", "login consent"),
    ("prompt", ["login", "consent"], "login consent"),
    ("acr_values", ["gold", "silver"], "gold silver"),
    ("claims", {"userinfo": {"name": None}}, '{"userinfo": {"name": null}}'),
    ("resource", "https://api.example", "https://api.example"),
]


@pytest.mark.parametrize(("name", "value", "text"), PARAMETERS)
def test_a_parameter_of_the_configuration_is_sent(either_world: World, name: str, value: Any, text: str) -> None:
    assert sent(new_realm(either_world, auth_request_params={name: value}))[name] == text


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, _, text in PARAMETERS])
def test_a_parameter_of_one_login_takes_its_place(either_world: World, name: str, text: str) -> None:
    realm = new_realm(either_world, auth_request_params={name: 5 if name == "max_age" else None})
    assert sent(realm, **{name: text})[name] == text
    assert sent(realm).get(name) in (None, "5")


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("max_age", "soon", "max_age"),
        ("max_age", "-1", "max_age"),
        ("claims", "{", "claims"),
        ("claims", '{"id_token":{"sub":{"values":[]}}}', "claims"),
        ("claims", '{"userinfo":[]}', "claims"),
        ("prompt", "none login", "prompt"),
        ("display", "\ud800", "display"),
        ("login_hint", "\ud800", "login_hint"),
        ("state", "mine", "state"),
    ],
)
def test_what_can_not_be_is_refused_before_anybody_is_asked(
    either_world: World, name: str, value: str, word: str
) -> None:
    realm = new_realm(either_world)
    with pytest.raises(ConfigurationError, match=word):
        realm.begin(**{name: value})
    with pytest.raises(ConfigurationError, match=word):
        new_realm(either_world, auth_request_params={name: value})
    assert realm.provider.requests == ()


SUB = json.dumps({"id_token": {"sub": {"value": "alice"}}})
AUTH_TIME = json.dumps({"id_token": {"auth_time": {"essential": True}}})
OTHERS = json.dumps({"id_token": {"address": {"essential": True}}, "userinfo": {"picture": {"essential": True}}})
NO_AUTH_TIME = refused("no auth_time", CLAIMS(without("auth_time")))
BOB = refused("somebody else", CLAIMS(put(sub="bob")))


@pytest.mark.parametrize("response_type", ["code", "id_token", "code id_token"])
@pytest.mark.parametrize(("claims", "fault", "claim"), [(SUB, BOB, "sub"), (AUTH_TIME, NO_AUTH_TIME, "auth_time")])
def test_what_claims_require_the_id_token_must_say(
    either_world: World, claims: str, fault: Any, claim: str, response_type: str
) -> None:
    realm = new_realm(either_world, userinfo_http_method=None)
    assert realm.log_in(claims=claims, response_type=response_type).id_token["sub"] == "alice"
    with realm.provider.misbehaving(fault):
        assert realm.log_in(response_type=response_type).id_token["iss"] == realm.provider.issuer
        with pytest.raises(ClaimInvalid) as caught:
            realm.log_in(claims=claims, response_type=response_type)
    assert caught.value.claim == claim


def test_other_essential_claims_are_no_error_when_they_are_missing(either_world: World) -> None:
    """OIDC Core 5.5.1."""
    login = new_realm(either_world).log_in(claims=OTHERS)
    assert ("address" in login.id_token, "picture" in (login.userinfo or {})) == (False, False)


def test_what_is_required_is_remembered_with_the_login(either_world: World) -> None:
    realm = new_realm(either_world)
    both = json.dumps({"id_token": {"sub": {"values": ["alice", "bob"]}, "auth_time": {"essential": True}}})
    pending = realm.begin(claims=both).pending
    kept = type(pending).from_dict(json.loads(json.dumps(pending.to_dict())))
    assert kept == pending
    assert (kept.subjects, kept.requires_auth_time) == (("alice", "bob"), True)
