"""A login without a framework: threat model C, D, F, O, P and Q as the relying party sees them."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from oidc_async import AsyncRelyingParty, ClientMetadata, ConfigurationError, ProviderConfiguration, RelyingParty
from oidc_async.errors import (
    ClaimInvalid,
    LoginExpired,
    TokenExpired,
    UserInfoInvalid,
)
from oidc_async.protocol.authorization import code_challenge
from oidc_async.relying_party.login import PendingLogin
from oidc_async.testing import Fault, Misbehaviour
from oidc_async.testing.faults.documents import changed
from oidc_async.testing.stages import CLAIMS, harmless
from tests.core.login_responses import asked, endpoints
from tests.core.realm import REDIRECT_URI, SECRET, Realm, new_provider, new_realm, served
from tests.core.worlds import World

ESSENTIAL_ACR = '{"id_token":{"acr":{"essential":true,"values":["urn:example:strong"]}}}'


@pytest.fixture
def realm(either_world: World) -> Realm:
    return new_realm(either_world)


# A login that goes well


def test_a_login_brings_tokens_and_verified_claims(realm: Realm) -> None:
    login = realm.log_in(scope="openid email offline_access")
    assert login.id_token["sub"] == "alice"
    assert login.id_token["aud"] == "client1"
    assert login.userinfo == {"sub": "alice", "email": "alice@example.com"}
    assert login.tokens.access_token
    assert login.tokens.refresh_token
    assert login.tokens.expires_in == 600
    assert login.id_token_jwt == login.tokens.id_token
    assert endpoints(realm) == ["discovery", "authorization", "token", "jwks", "userinfo"]


def test_a_form_post_brings_a_login_too(realm: Realm) -> None:
    begun = realm.begin(response_mode="form_post")
    callback = realm.provider.authorize(begun.url)
    assert callback.method == "POST"
    assert realm.complete(begun.pending, callback).id_token["sub"] == "alice"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_userinfo_is_asked_by_the_configured_method(either_world: World, method: str) -> None:
    """threat model 120: with the token in the header."""
    realm = new_realm(either_world, userinfo_http_method=method)
    assert realm.log_in().userinfo == {"sub": "alice"}
    request = realm.provider.requests[-1].request
    assert (request.method, request.url) == (method, "https://op.example/userinfo")


def test_the_token_for_userinfo_may_be_in_the_form(either_world: World) -> None:
    """RFC 6750 2.2: and in no header then."""
    realm = new_realm(either_world, userinfo_http_method="POST", userinfo_token_in_body=True)
    login = realm.log_in()
    assert login.userinfo == {"sub": "alice"}
    request = realm.provider.requests[-1].request
    assert (request.method, request.url) == ("POST", "https://op.example/userinfo")
    assert parse_qs(request.body.decode()) == {"access_token": [login.access_token]}
    assert "authorization" not in {name.lower() for name in request.headers}


def test_userinfo_can_be_left_out(either_world: World) -> None:
    realm = new_realm(either_world, userinfo_http_method=None)
    assert realm.log_in().userinfo is None
    assert "userinfo" not in endpoints(realm)


def test_claims_of_userinfo_do_not_replace_those_of_the_id_token(realm: Realm) -> None:
    """threat model 119."""
    with realm.provider.misbehaving(Fault.USERINFO_ID_TOKEN_CLAIMS):
        login = realm.log_in()
    assert login.id_token["iss"] == realm.provider.issuer
    assert login.id_token["aud"] == "client1"
    assert login.id_token["exp"] > realm.provider.clock()
    assert (login.userinfo or {})["iss"] == "https://other.example"


def test_the_login_has_a_narrower_scope(realm: Realm) -> None:
    """threat model 67."""
    with realm.provider.misbehaving(Fault.TOKEN_SCOPE_NARROWER):
        assert realm.log_in(scope="openid email").tokens.scope == "openid"


def test_the_blocking_face_can_be_put_on_an_async_party() -> None:
    provider = new_provider()
    configuration = ProviderConfiguration(provider.issuer, client_metadata=ClientMetadata("client1", SECRET))
    origin = AsyncRelyingParty(configuration, redirect_uri=REDIRECT_URI, runtime=provider.blocking_runtime())
    party = RelyingParty.over(origin)
    begun = party.begin_login()
    login = party.complete_login(begun.pending, provider.authorize(begun.url).response)
    assert login.id_token["sub"] == "alice"
    assert party.userinfo(login.tokens.access_token, sub="alice") == {"sub": "alice"}
    assert (party.end_session_url(state="s") or "").endswith("?client_id=client1&state=s")


def test_logout_goes_to_the_provider_with_what_it_needs(realm: Realm) -> None:
    async def url() -> str | None:
        given: dict[str, Any] = {"id_token_hint": "a.b.c", "post_logout_redirect_uri": "https://rp.example/out?a=b"}
        party = realm.party
        return (
            party.end_session_url(**given)
            if isinstance(party, RelyingParty)
            else await party.end_session_url(**given)
        )

    parts = urlsplit(realm.world.run(url()) or "")
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://op.example/end_session"
    assert parse_qsl(parts.query) == [
        ("id_token_hint", "a.b.c"),
        ("client_id", "client1"),
        ("post_logout_redirect_uri", "https://rp.example/out?a=b"),
    ]


def test_a_provider_without_logout_has_no_url_for_it(realm: Realm) -> None:
    """threat model 197."""

    async def url() -> str | None:
        party = realm.party
        return party.end_session_url() if isinstance(party, RelyingParty) else await party.end_session_url()

    with realm.provider.misbehaving(Fault.DISCOVERY_OPTIONAL_MISSING):
        assert realm.world.run(url()) is None


# The authentication request


def test_the_request_asks_for_a_code_and_is_protected(realm: Realm) -> None:
    """threat model 41, 56, 260."""
    begun = realm.begin()
    parameters = asked(begun)
    assert parameters == {
        "response_type": "code",
        "scope": "openid",
        "client_id": "client1",
        "redirect_uri": REDIRECT_URI,
        "state": begun.pending.state,
        "nonce": begun.pending.nonce,
        "code_challenge": code_challenge(begun.pending.code_verifier),
        "code_challenge_method": "S256",
    }
    assert begun.pending.code_verifier not in begun.url


def test_state_nonce_and_verifier_are_long_random_and_plain(realm: Realm) -> None:
    """threat model 41, 260: 256 bits each, never the same twice, in characters that need no encoding."""
    pending = [realm.begin().pending for _ in range(50)]
    secrets = [secret for login in pending for secret in (login.state, login.nonce, login.code_verifier)]
    assert len(set(secrets)) == 150
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in secrets)


def test_parameters_of_the_configuration_and_of_the_call_are_sent(either_world: World) -> None:
    realm = new_realm(either_world, auth_request_params={"scope": ["openid", "email"], "prompt": "login", "x": "a b"})
    sent = asked(realm.begin(prompt="consent", login_hint="a@b.example&state=other"))
    assert sent["scope"] == "openid email"
    assert sent["prompt"] == "consent"
    assert sent["x"] == "a b"
    assert sent["login_hint"] == "a@b.example&state=other"


def test_parameters_of_the_call_may_be_what_those_of_the_configuration_may_be(realm: Realm) -> None:
    sent = asked(
        realm.begin(max_age=60, scope=["openid", "email"], claims={"userinfo": {"email": None}}, ui_locales=None)
    )
    assert (sent["max_age"], sent["scope"]) == ("60", "openid email")
    assert sent["claims"] == '{"userinfo": {"email": null}}'
    assert "ui_locales" not in sent


@pytest.mark.parametrize(
    "parameters",
    [
        {"state": "s"},
        {"nonce": "n"},
        {"redirect_uri": "https://evil.example/"},
        {"client_id": "other"},
        {"code_challenge_method": "plain"},
        {"response_type": "token"},
        {"response_mode": "query.jwt"},
        {"scope": "email"},
        {"max_age": "-1"},
        {"claims": "{"},
        {"login_hint": "\ud800"},
    ],
    ids=str,
)
def test_a_caller_cannot_weaken_the_request(realm: Realm, parameters: dict[str, str]) -> None:
    """threat model 56, 213, 214."""
    with pytest.raises(ConfigurationError) as rejected:
        realm.begin(**parameters)
    # it was not set there
    assert "auth_request_params" not in rejected.value.message


# The request


def test_max_age_is_enforced(realm: Realm) -> None:
    """threat model 101."""
    with realm.provider.misbehaving(Fault.ID_TOKEN_AUTH_TIME_OLD):
        assert realm.log_in().id_token["sub"] == "alice"
        with pytest.raises(ClaimInvalid, match="auth_time"):
            realm.log_in(max_age="600")


def test_max_age_0_means_a_login_just_now(realm: Realm) -> None:
    """threat model 261."""
    assert realm.log_in(max_age="0").id_token["sub"] == "alice"


@pytest.mark.parametrize("fault", [Fault.ID_TOKEN_ACR_WEAK, Fault.ID_TOKEN_ACR_MISSING], ids=str)
def test_an_essential_acr_is_enforced(realm: Realm, fault: Misbehaviour) -> None:
    """threat model 102."""
    assert realm.log_in(claims=ESSENTIAL_ACR).id_token["acr"] == "urn:example:strong"
    with realm.provider.misbehaving(fault):
        assert realm.log_in().id_token["sub"] == "alice"
        with pytest.raises(ClaimInvalid, match="acr must be one of urn:example:strong"):
            realm.log_in(claims=ESSENTIAL_ACR)


EXPIRED_20_SECONDS_AGO = harmless("it expired 20 seconds ago", CLAIMS(changed("exp", lambda exp: exp - 620)))


@pytest.mark.parametrize(
    "settings",
    [{}, {"clock_skew_seconds": 60}, {"party": {"clock_skew_seconds": 25.0}}],
    ids=["default", "of-the-provider", "of-the-application"],
)
def test_the_clocks_may_differ_a_little(either_world: World, settings: dict[str, Any]) -> None:
    realm = new_realm(either_world, **settings)
    with realm.provider.misbehaving(EXPIRED_20_SECONDS_AGO):
        assert realm.log_in().id_token["sub"] == "alice"


@pytest.mark.parametrize(
    "settings",
    [
        {"clock_skew_seconds": 0},
        {"clock_skew_seconds": 10, "party": {"clock_skew_seconds": 60.0}},
        {"party": {"clock_skew_seconds": 10.0}},
    ],
    ids=["none", "that-of-the-provider-counts", "of-the-application"],
)
def test_the_clocks_may_not_differ_more(either_world: World, settings: dict[str, Any]) -> None:
    """threat model 91."""
    realm = new_realm(either_world, **settings)
    with realm.provider.misbehaving(EXPIRED_20_SECONDS_AGO), pytest.raises(TokenExpired):
        realm.log_in()


def test_userinfo_of_somebody_else_ends_the_login(realm: Realm) -> None:
    """threat model 112."""
    with realm.provider.misbehaving(Fault.USERINFO_SUB_OTHER), pytest.raises(UserInfoInvalid):
        realm.log_in()


# A pending login


def test_a_pending_login_can_be_kept_as_json(realm: Realm) -> None:
    begun = realm.begin(claims=ESSENTIAL_ACR, max_age="600")
    kept = PendingLogin.from_dict(json.loads(json.dumps(begun.pending.to_dict())))
    assert kept == begun.pending
    assert realm.complete(kept, realm.provider.authorize(begun.url)).id_token["acr"] == "urn:example:strong"


@pytest.mark.parametrize("name", [field.name for field in fields(PendingLogin)])
def test_a_pending_login_that_lacks_something_is_too_old(realm: Realm, name: str) -> None:
    """As after an update of the library: the login begins again, nothing breaks."""
    values = realm.begin().pending.to_dict()
    del values[name]
    with pytest.raises(LoginExpired):
        PendingLogin.from_dict(values)


def test_a_pending_login_that_has_more_is_too_new(realm: Realm) -> None:
    with pytest.raises(LoginExpired):
        PendingLogin.from_dict({**realm.begin().pending.to_dict(), "more": 1})


# Over HTTP


@pytest.fixture
def over_http(either_world: World) -> Iterator[Realm]:
    with served(either_world) as realm:
        yield realm


def test_a_cookie_that_was_set_for_one_user_is_not_sent_for_the_next(over_http: Realm) -> None:
    """threat model 122."""
    over_http.provider.add_user("bob")
    with over_http.provider.misbehaving(Fault.ANY_COOKIE):
        for user in ("alice", "bob"):
            over_http.provider.user = user
            assert over_http.log_in().id_token["sub"] == user
    sent = [recorded.request.headers for recorded in over_http.provider.requests]
    assert len(sent) > 6
    assert [headers for headers in sent if "cookie" in {name.lower() for name in headers}] == []
