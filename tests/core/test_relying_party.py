"""A login without a framework: security.md C, D, F, O, P and Q as the relying party sees them."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from oidc_async import AsyncRelyingParty, ClientMetadata, ConfigurationError, ProviderConfiguration, RelyingParty
from oidc_async.errors import (
    AuthorizationRefused,
    AuthorizationResponseInvalid,
    ClaimInvalid,
    LoginExpired,
    OAuthError,
    OIDCError,
    StateMismatch,
    TokenExpired,
    UserInfoInvalid,
)
from oidc_async.login import AuthorizationRequest, PendingLogin
from oidc_async.protocol.authorization import code_challenge
from oidc_async.testing import ALL_FAULTS, Callback, Fault, Misbehaviour
from oidc_async.testing.faults.documents import changed
from oidc_async.testing.stages import CLAIMS, harmless
from tests.core.realm import REDIRECT_URI, SECRET, Realm, new_provider, new_realm, served, simulated
from tests.core.worlds import World

ESSENTIAL_ACR = '{"id_token":{"acr":{"essential":true,"values":["urn:example:strong"]}}}'


@pytest.fixture
def realm(either_world: World) -> Realm:
    return new_realm(either_world)


def asked(begun: AuthorizationRequest) -> dict[str, str]:
    """The parameters of the authentication request, each once."""
    return {name: value for name, (value,) in parse_qs(urlsplit(begun.url).query, strict_parsing=True).items()}


def endpoints(realm: Realm) -> list[str]:
    return [recorded.endpoint for recorded in realm.provider.requests]


def back_with(callback: Callback, **changes: str | None) -> Callback:
    """The callback with other parameters; None takes one away."""
    pairs = {**dict(callback.parameters), **changes}
    parameters = tuple((name, value) for name, value in pairs.items() if value is not None)
    return replace(callback, parameters=parameters, url=f"{REDIRECT_URI}?{urlencode(parameters)}")


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
    """security.md 120: with the token in the header."""
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
    """security.md 119."""
    with realm.provider.misbehaving(Fault.USERINFO_ID_TOKEN_CLAIMS):
        login = realm.log_in()
    assert login.id_token["iss"] == realm.provider.issuer
    assert login.id_token["aud"] == "client1"
    assert login.id_token["exp"] > realm.provider.clock()
    assert (login.userinfo or {})["iss"] == "https://other.example"


def test_a_narrower_scope_is_told(realm: Realm) -> None:
    """security.md 67."""
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
    """security.md 197."""

    async def url() -> str | None:
        party = realm.party
        return party.end_session_url() if isinstance(party, RelyingParty) else await party.end_session_url()

    with realm.provider.misbehaving(Fault.DISCOVERY_OPTIONAL_MISSING):
        assert realm.world.run(url()) is None


# The authentication request


def test_the_request_asks_for_a_code_and_is_protected(realm: Realm) -> None:
    """security.md 41, 56, 260."""
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
    """security.md 41, 260: 256 bits each, never the same twice, in characters that need no encoding."""
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
    """security.md 56, 213, 214."""
    with pytest.raises(ConfigurationError):
        realm.begin(**parameters)


# The authorization response


@pytest.mark.parametrize("parameter", ["state", "iss"])
def test_nothing_is_sent_for_a_response_to_another_request(realm: Realm, parameter: str) -> None:
    """security.md 39, 44."""
    begun = realm.begin()
    callback = back_with(realm.provider.authorize(begun.url), **{parameter: "https://other.example"})
    with pytest.raises((StateMismatch, AuthorizationResponseInvalid)):
        realm.complete(begun.pending, callback)
    assert "token" not in endpoints(realm)


@pytest.mark.parametrize(
    ("asked_by", "came_by"),
    [("query", "form_post"), ("form_post", "query")],
    ids=["form-for-query", "query-for-form"],
)
def test_a_response_by_another_channel_is_refused(realm: Realm, asked_by: str, came_by: str) -> None:
    """security.md 52."""
    begun = realm.begin(response_mode=asked_by)
    callback = realm.provider.authorize(begun.url)
    method = "POST" if came_by == "form_post" else "GET"
    with pytest.raises(AuthorizationResponseInvalid, match=f"response_mode={asked_by}, not {came_by}"):
        realm.complete(begun.pending, replace(back_with(callback), method=method))
    assert "token" not in endpoints(realm)


@pytest.mark.parametrize(
    ("seconds", "party"),
    [(601, {}), (61, {"login_lifetime_seconds": 60.0})],
    ids=["the-default", "configured"],
)
def test_a_login_that_took_too_long_is_refused(either_world: World, seconds: float, party: dict[str, Any]) -> None:
    """security.md 43."""
    realm = new_realm(either_world, party=party)
    begun = realm.begin()
    callback = realm.provider.authorize(begun.url)
    realm.provider.clock.advance(seconds)
    with pytest.raises(LoginExpired, match="Begin it again"):
        realm.complete(begun.pending, callback)
    assert "token" not in endpoints(realm)


def test_a_clock_that_was_set_back_does_not_make_logins_last_for_ever(realm: Realm) -> None:
    """security.md 43, 236."""
    begun = realm.begin()
    callback = realm.provider.authorize(begun.url)
    realm.provider.clock.jump(-31)
    with pytest.raises(LoginExpired):
        realm.complete(begun.pending, callback)


def test_a_clock_that_was_corrected_a_little_disturbs_no_login(realm: Realm) -> None:
    """security.md 236."""
    begun = realm.begin()
    callback = realm.provider.authorize(begun.url)
    realm.provider.clock.jump(-20)
    assert realm.complete(begun.pending, callback).id_token["sub"] == "alice"


@pytest.mark.parametrize("iss", ["sent", "not sent"])
def test_a_login_begun_at_one_provider_is_not_finished_at_another(either_world: World, iss: str) -> None:
    """security.md 46, 59, 79: not even when neither sends `iss`; no code, no verifier, no secret goes out."""
    providers = [new_provider("https://op.example"), new_provider("https://evil.example")]
    runtime = simulated(either_world, *providers)
    honest, evil = (new_realm(either_world, provider, runtime=runtime) for provider in providers)
    faults = [] if iss == "sent" else [Fault.AUTHORIZATION_ISS_UNSUPPORTED]
    with providers[0].misbehaving(*faults), providers[1].misbehaving(*faults):
        begun = honest.begin()
        callback = providers[0].authorize(begun.url)
        with pytest.raises(StateMismatch, match="begun at another issuer"):
            evil.complete(begun.pending, callback)
    assert "token" not in endpoints(honest) + endpoints(evil)


def test_the_response_of_one_provider_does_not_finish_a_login_at_another(either_world: World) -> None:
    """security.md 44, 46: mix-up, seen from the honest provider's login."""
    providers = [new_provider("https://op.example"), new_provider("https://evil.example")]
    runtime = simulated(either_world, *providers)
    honest, evil = (new_realm(either_world, provider, runtime=runtime) for provider in providers)
    begun = honest.begin()
    foreign = providers[1].authorize(evil.begin().url)
    with pytest.raises(AuthorizationResponseInvalid, match="another provider"):
        honest.complete(begun.pending, back_with(foreign, state=begun.pending.state))
    assert "token" not in endpoints(honest) + endpoints(evil)


def test_a_code_and_a_secret_go_to_the_token_endpoint_of_their_own_provider_only(either_world: World) -> None:
    """security.md 79."""
    providers = [new_provider("https://op.example"), new_provider("https://other.example")]
    runtime = simulated(either_world, *providers)
    new_realm(either_world, providers[0], runtime=runtime).log_in()
    assert [recorded.endpoint for recorded in providers[1].requests] == []


def test_a_code_of_another_session_is_refused_by_its_verifier(realm: Realm) -> None:
    """security.md 55."""
    attacker, victim = realm.begin(), realm.begin()
    stolen = realm.provider.authorize(victim.url).get("code")
    callback = back_with(realm.provider.authorize(attacker.url), code=stolen)
    with pytest.raises(OAuthError, match="invalid_grant"):
        realm.complete(attacker.pending, callback)


def test_a_code_of_another_session_is_refused_by_its_nonce(realm: Realm) -> None:
    """security.md 55, 95: also when the provider doesn't check the verifier."""
    attacker, victim = realm.begin(), realm.begin()
    stolen = str(realm.provider.authorize(victim.url).get("code"))
    codes = realm.provider._registry.codes
    codes[stolen] = replace(codes[stolen], code_challenge=code_challenge(attacker.pending.code_verifier))
    callback = back_with(realm.provider.authorize(attacker.url), code=stolen)
    with pytest.raises(ClaimInvalid, match="nonce"):
        realm.complete(attacker.pending, callback)


def test_a_response_is_good_once(realm: Realm) -> None:
    """security.md 42: who keeps a pending login too long is saved by the provider."""
    begun = realm.begin()
    callback = realm.provider.authorize(begun.url)
    realm.complete(begun.pending, callback)
    with pytest.raises(OAuthError, match="invalid_grant"):
        realm.complete(begun.pending, callback)


def test_a_refusal_is_told_with_the_words_of_the_provider(realm: Realm) -> None:
    """security.md 49."""
    begun = realm.begin()
    callback = realm.provider.authorize(begun.url, consent=False)
    with pytest.raises(AuthorizationRefused) as caught:
        realm.complete(begun.pending, callback)
    assert (caught.value.error, caught.value.error_description) == ("access_denied", "The user said no.")


# The token endpoint


@pytest.mark.parametrize(
    "fault",
    [fault for fault in ALL_FAULTS if fault.name.startswith("TOKEN_") and fault.refused],
    ids=str,
)
def test_a_code_is_sent_once_whatever_comes_back(realm: Realm, fault: Misbehaviour) -> None:
    """security.md 61 to 70, 76: also when it is told to come again with another proof."""
    with realm.provider.misbehaving(fault), pytest.raises(OIDCError):
        realm.log_in()
    assert endpoints(realm).count("token") == 1
    assert "elsewhere" not in endpoints(realm)
    assert "userinfo" not in endpoints(realm)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_a_client_authenticates_as_it_is_registered(either_world: World, method: str) -> None:
    """security.md 77: with a secret and an id that need every kind of encoding."""
    client_id, secret = "client +%:&=/é", None if method == "none" else "a b+c%d:e&f=g/é𝄞"
    provider = new_provider()
    provider.register(client_id, secret, redirect_uris=[REDIRECT_URI], token_endpoint_auth_method=method)
    client = ClientMetadata(client_id, secret, token_endpoint_auth_method=method)
    assert new_realm(either_world, provider, client_metadata=client).log_in().id_token["aud"] == client_id
    assert provider.count("token", client_id=client_id) == 1


# What was asked for


def test_max_age_is_enforced(realm: Realm) -> None:
    """security.md 101."""
    with realm.provider.misbehaving(Fault.ID_TOKEN_AUTH_TIME_OLD):
        assert realm.log_in().id_token["sub"] == "alice"
        with pytest.raises(ClaimInvalid, match="auth_time"):
            realm.log_in(max_age="600")


def test_max_age_0_means_a_login_just_now(realm: Realm) -> None:
    """security.md 261."""
    assert realm.log_in(max_age="0").id_token["sub"] == "alice"


@pytest.mark.parametrize("fault", [Fault.ID_TOKEN_ACR_WEAK, Fault.ID_TOKEN_ACR_MISSING], ids=str)
def test_an_essential_acr_is_enforced(realm: Realm, fault: Misbehaviour) -> None:
    """security.md 102."""
    assert realm.log_in(claims=ESSENTIAL_ACR).id_token["acr"] == "urn:example:strong"
    with realm.provider.misbehaving(fault):
        assert realm.log_in().id_token["sub"] == "alice"
        with pytest.raises(ClaimInvalid, match="acr must be one of urn:example:strong"):
            realm.log_in(claims=ESSENTIAL_ACR)


EXPIRED_20_SECONDS_AGO = harmless("it expired a moment ago", CLAIMS(changed("exp", lambda exp: exp - 620)))


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
    """security.md 91."""
    realm = new_realm(either_world, **settings)
    with realm.provider.misbehaving(EXPIRED_20_SECONDS_AGO), pytest.raises(TokenExpired):
        realm.log_in()


def test_userinfo_of_somebody_else_ends_the_login(realm: Realm) -> None:
    """security.md 112."""
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
    """security.md 122."""
    over_http.provider.add_user("bob")
    with over_http.provider.misbehaving(Fault.ANY_COOKIE):
        for user in ("alice", "bob"):
            over_http.provider.user = user
            assert over_http.log_in().id_token["sub"] == user
    sent = [recorded.request.headers for recorded in over_http.provider.requests]
    assert len(sent) > 6
    assert [headers for headers in sent if "cookie" in {name.lower() for name in headers}] == []
