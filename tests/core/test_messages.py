"""A rejection that a setting can change names the setting, the claim and the numbers."""

from collections.abc import Callable
from typing import Any

import pytest

from oidc_async import ClientMetadata
from oidc_async.errors import OAuthError, OIDCError
from oidc_async.testing import Clock, Fault, Misbehaviour, stages
from oidc_async.testing.faults.documents import put, without
from oidc_async.testing.faults.responses import error
from oidc_async.testing.reply import Reply
from tests.core import realm
from tests.core.api import new_api
from tests.core.realm import SECRET, new_realm
from tests.core.worlds import World


def does(stage: Callable[..., Any], change: Callable[[Any], Any]) -> Misbehaviour:
    return stages.harmless("an oddity", stage(lambda value, scene: change(value)))


def later(seconds: float, *names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The claims, with these times moved by `seconds`."""
    return lambda claims: {**claims, **{name: claims[name] + seconds for name in names}}


def answers(status: int = 200, body: bytes = b"{}", media_type: str = "application/json") -> Callable[[Reply], Reply]:
    return lambda reply: Reply(status=status, headers={"content-type": media_type}, body=body)


ENTRA = "https://login.microsoftonline.com/{tenantid}/v2.0"
LOGINS: dict[str, tuple[Misbehaviour, dict[str, Any], tuple[str, ...]]] = {
    "userinfo 401": (
        does(stages.USERINFO_REPLY, answers(401, b'{"error_description": "Not for this API"}')),
        {},
        ("401", 'The provider says: "Not for this API"', "userinfo_http_method=None"),
    ),
    "userinfo of another shape": (does(stages.USERINFO_REPLY, answers(body=b"[]")), {}, ("userinfo_http_method",)),
    "userinfo of somebody else": (
        stages.harmless("no sub", stages.USERINFO(without("sub"))),
        {},
        ("sub in the userinfo response", "userinfo_http_method"),
    ),
    "userinfo as a JWT": (
        does(stages.USERINFO_REPLY, answers(body=b"a.b.c", media_type="application/jwt")),
        {},
        ("userinfo_signed_response_alg", "userinfo_encrypted_response_alg"),
    ),
    "userinfo as no JWT": (
        does(stages.USERINFO_REPLY, answers()),
        {"client_metadata": ClientMetadata("client1", SECRET, userinfo_signed_response_alg="RS256")},
        ("application/jwt", "userinfo_signed_response_alg"),
    ),
    "audiences": (
        stages.harmless("an oddity", stages.CLAIMS(put(aud=["client1", "sibling@project"], azp="client1"))),
        {},
        ("aud", "'sibling@project'", "trusted_audiences"),
    ),
    "iat ahead": (
        does(stages.CLAIMS, later(312, "iat", "exp")),
        {},
        ("iat is 312 s in the future", "OIDC_CLOCK_SKEW = 30 s"),
    ),
    "nbf ahead": (
        does(stages.CLAIMS, lambda it: {**it, "nbf": it["iat"] + 45}),
        {},
        ("nbf is 45 s", "OIDC_CLOCK_SKEW = 30 s"),
    ),
    "expired": (does(stages.CLAIMS, later(-700, "exp")), {}, ("exp is 100 s in the past", "OIDC_CLOCK_SKEW = 30 s")),
    "iat long ago": (
        does(stages.CLAIMS, later(-700, "iat")),
        {"id_token_issued_within_seconds": 60},
        ("iat is 700 s in the past", "at most id_token_issued_within_seconds = 60 s", "OIDC_CLOCK_SKEW = 30 s"),
    ),
    "auth_time": (
        does(stages.CLAIMS, lambda it: {**it, "auth_time": it["iat"] - 500}),
        {"auth_request_params": {"max_age": 60}},
        ("auth_time is 500 s in the past", "max_age=60", "OIDC_CLOCK_SKEW = 30 s"),
    ),
    "issuer": (
        stages.harmless("an oddity", stages.CLAIMS(put(iss="https://other.example"))),
        {},
        ("iss", "'https://other.example'", "configured issuer"),
    ),
    "algorithm": (
        Fault.TOKEN_SCOPE_MISSING,
        {"client_metadata": ClientMetadata("client1", SECRET, id_token_signed_response_alg="ES256")},
        ("alg must be ES256", "id_token_signed_response_alg", "not RS256"),
    ),
    "no encryption": (
        Fault.TOKEN_SCOPE_MISSING,
        {"client_metadata": ClientMetadata("client1", SECRET, id_token_encrypted_response_alg="dir")},
        ("5 segments", "encrypted_response_alg"),
    ),
    "a tenant": (
        stages.harmless("an oddity", stages.DISCOVERY(put(issuer=ENTRA))),
        {},
        (f"'{ENTRA}'", "'https://op.example'", "placeholder for a tenant", "set issuer"),
    ),
    "another issuer": (
        stages.harmless("an oddity", stages.DISCOVERY(put(issuer="https://identity.example/"))),
        {},
        ("'https://identity.example/'", "set issuer", "discovery_url"),
    ),
    "no ID token": (
        stages.harmless("no ID token", stages.TOKEN(without("id_token"))),
        {},
        ("id_token", "scope openid"),
    ),
    "no access token": (
        stages.harmless("no access token", stages.TOKEN(without("access_token"))),
        {},
        ("access_token in the token response is missing",),
    ),
    "bound to a key": (Fault.TOKEN_TYPE_DPOP, {}, ("token_type", "must be Bearer", "DPoP")),
}


@pytest.mark.parametrize("name", LOGINS)
def test_a_login_that_is_rejected_names_the_setting(name: str, either_world: World) -> None:
    fault, configuration, words = LOGINS[name]
    ours = new_realm(either_world, realm.new_provider(clock=Clock(1_700_000_000.0)), **configuration)
    with ours.provider.misbehaving(fault), pytest.raises(OIDCError) as caught:
        ours.log_in()
    assert [word for word in words if word not in caught.value.message] == []


def test_a_login_that_took_too_long_says_how_long(either_world: World) -> None:
    ours = new_realm(either_world, realm.new_provider(clock=Clock(1_700_000_000.0)))
    begun = ours.begin()
    callback = ours.provider.authorize(begun.url)
    ours.provider.clock.advance(700)
    with pytest.raises(OIDCError, match="took 700 s; OIDC_LOGIN_SECONDS = 600 s"):
        ours.complete(begun.pending, callback)


LOCAL: dict[str, Any] = {"audience": "api", "access_token_verification": "jwt"}
TOKENS: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = {
    "another audience": (
        {"audience": "other"},
        LOCAL,
        ("aud must contain api", "other", "set audience", "enforce_audience=False"),
    ),
    "introspected for another audience": (
        {"audience": "other"},
        {},
        ("aud must contain api", "set audience", "enforce_audience"),
    ),
    "another algorithm": (
        {},
        {**LOCAL, "access_token_algorithms": ("ES256",)},
        ("not RS256", "access_token_algorithms"),
    ),
    "ends before now": ({"lifetime": -40}, LOCAL, ("exp is 40 s in the past", "OIDC_CLOCK_SKEW = 30 s")),
}


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_that_is_rejected_names_the_setting(name: str, either_world: World) -> None:
    issued, configuration, words = TOKENS[name]
    ours = new_api(either_world, **configuration)
    message = ours.rejection(
        ours.issue(jwt=ours.server.configuration.access_token_verification == "jwt", **issued)
    ).message
    assert [word for word in words if word not in message] == []


def test_an_opaque_token_names_who_knows_it(either_world: World) -> None:
    message = new_api(either_world, **LOCAL).rejection("opaque").message
    assert 'access_token_verification="introspection" or "auto"' in message


def test_a_token_that_is_not_active_names_the_provider_that_says_so_to_others(either_world: World) -> None:
    ours = new_api(either_world)
    message = ours.rejection("unknown").message
    assert [word for word in ("not active", "revoked", "Keycloak", "audience mapper") if word not in message] == []


def test_what_was_sent_is_in_no_message_though_the_provider_quotes_it(either_world: World) -> None:
    """threat model 394"""
    ours = new_realm(either_world)
    quotes = stages.TOKEN_REPLY(error("invalid_client", status=401, description=f"The secret {SECRET} is wrong"))
    with ours.provider.misbehaving(stages.harmless("quotes", quotes)), pytest.raises(OAuthError) as caught:
        ours.log_in()
    assert 'The provider says: "The secret ... is wrong"' in caught.value.message
    assert "token_endpoint_auth_method" in caught.value.message
