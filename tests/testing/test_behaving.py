"""The provider at its best: what it sends is right, as a relying party written by hand sees it."""

import hashlib
import re
from urllib.parse import urlencode

import pytest

from oidc_async.protocol.http_message import HttpRequest
from oidc_async.testing import NotRedirected, SimulatedProvider

from .conftest import SECRET
from .mini_relying_party import (
    AFTER_LOGOUT,
    FORM,
    REDIRECT_URI,
    MiniRelyingParty,
    decoded,
    read,
    segment,
    unpadded,
)

EVERY_RESPONSE_TYPE = ("code", "id_token", "code id_token", "code token", "code id_token token", "id_token token")


def test_a_login_gives_verified_claims_and_userinfo(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    login = rp.log_in(provider)
    assert login.claims["sub"] == login.userinfo["sub"] == "alice"
    assert login.claims["exp"] - login.claims["iat"] == 600
    assert login.claims["auth_time"] == login.claims["iat"] == 1_700_000_000
    assert login.claims["tenant"] == "blue"
    assert login.callback.get("iss") == provider.issuer
    assert login.tokens["token_type"] == "Bearer"
    assert login.tokens["expires_in"] == 600
    assert "refresh_token" not in login.tokens


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA", "HS256"])
def test_each_algorithm_verifies(provider: SimulatedProvider, rp: MiniRelyingParty, alg: str) -> None:
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], id_token_signed_response_alg=alg)
    rp.alg = alg
    login = rp.log_in(provider)
    assert segment(login.tokens["id_token"], 0).get("kid") == (None if alg == "HS256" else f"{alg.lower()}-1")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_each_client_authentication_method_works(
    provider: SimulatedProvider, rp: MiniRelyingParty, method: str
) -> None:
    secret = None if method == "none" else "s p+c%:ü"
    provider.register("a client:1", secret, redirect_uris=[REDIRECT_URI], token_endpoint_auth_method=method)
    rp.client_id, rp.client_secret, rp.auth_method = "a client:1", secret, method
    assert rp.log_in(provider).claims["aud"] == "a client:1"
    assert provider.count("token", client_id="a client:1", status=200) == 1


@pytest.mark.parametrize("issuer", ["https://op.example/tenant", "https://op.example/", "http://127.0.0.1:8080"])
def test_any_issuer_will_do(issuer: str) -> None:
    provider = SimulatedProvider(issuer)
    provider.register("client1", "secret1", redirect_uris=[REDIRECT_URI])
    provider.add_user("alice")
    assert MiniRelyingParty(provider.handle, issuer).log_in(provider).claims["iss"] == issuer


def test_what_is_advertised_is_there(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    metadata = rp.discover()
    endpoints = [name for name in metadata if name.endswith(("_endpoint", "_uri"))]
    assert len(endpoints) == 8
    for name in endpoints:
        assert provider.handle(HttpRequest(method="GET", url=metadata[name])).status != 404
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["code_challenge_methods_supported"] == ["S256"]


def test_claims_come_with_their_scope_or_by_name(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    assert set(rp.log_in(provider).userinfo) == {"sub", "groups"}
    rp.scope = "openid email"
    assert set(rp.log_in(provider).userinfo) == {"sub", "groups", "email"}
    rp.parameters["claims"] = '{"userinfo": {"name": null}, "id_token": {"email": {"essential": true}}}'
    login = rp.log_in(provider)
    assert login.userinfo["name"] == "Alice"
    assert login.claims["email"] == "alice@example.com"


def test_a_user_may_be_in_200_groups(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    groups = [f"group-{number}" for number in range(200)]
    provider.add_user("bob", sub="248289761001", id_token_claims={"groups": groups})
    provider.user = "bob"
    login = rp.log_in(provider)
    assert login.claims["sub"] == login.userinfo["sub"] == "248289761001"
    assert login.claims["groups"] == groups


def test_acr_is_the_requested_one(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    assert "acr" not in rp.log_in(provider).claims
    rp.parameters["acr_values"] = "urn:gold urn:silver"
    assert rp.log_in(provider).claims["acr"] == "urn:gold"
    rp.parameters["claims"] = '{"id_token": {"acr": {"essential": true, "values": ["urn:strong"]}}}'
    assert rp.log_in(provider).claims["acr"] == "urn:strong"


def test_userinfo_answers_post_too(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    token = rp.log_in(provider).tokens["access_token"]
    url = f"{provider.issuer}/userinfo"
    by_header = HttpRequest(method="POST", url=url, headers={"authorization": f"bearer {token}"})
    by_form = HttpRequest(method="POST", url=url, headers=FORM, body=urlencode({"access_token": token}).encode())
    assert read(provider.handle(by_header)) == read(provider.handle(by_form)) == {"sub": "alice", "groups": ["staff"]}


def test_an_authorization_request_may_be_a_post(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    callback = provider.authorize(f"{provider.issuer}/authorize", form=rp.authorization_parameters())
    assert rp.ask_for_tokens(rp.code_form(callback)).status == 200


def test_form_post_brings_a_form_and_shows_a_page_that_posts_it(
    provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    url = rp.authorization_url(response_mode="form_post", state='"><b>')
    callback = provider.authorize(url)
    assert (callback.method, callback.url) == ("POST", REDIRECT_URI)
    assert callback.form["state"] == '"><b>'
    assert b"state=%22%3E%3Cb%3E" in callback.body
    page = provider.handle(HttpRequest(method="GET", url=url)).body.decode()
    assert f'<form method="post" action="{REDIRECT_URI}">' in page
    assert 'name="state" value="&quot;&gt;&lt;b&gt;"' in page


def test_a_redirect_uri_keeps_its_own_query(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    provider.register("client1", SECRET, redirect_uris=[f"{REDIRECT_URI}?tenant=a"])
    callback = provider.authorize(rp.authorization_url(redirect_uri=f"{REDIRECT_URI}?tenant=a"))
    assert callback.url.startswith(f"{REDIRECT_URI}?tenant=a&code=")


@pytest.mark.parametrize("response_type", EVERY_RESPONSE_TYPE)
def test_every_response_type_brings_what_it_names(
    provider: SimulatedProvider, rp: MiniRelyingParty, response_type: str
) -> None:
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], response_types=EVERY_RESPONSE_TYPE)
    callback = provider.authorize(rp.authorization_url(response_type=response_type))
    names = {name.removeprefix("access_") for name, _ in callback.parameters}
    assert names & {"code", "token", "id_token"} == set(response_type.split())
    assert ("#" in callback.url) == (response_type != "code")
    if id_token := callback.get("id_token"):
        claims = rp.verified(id_token)
        assert ("at_hash" in claims, "c_hash" in claims) == ("token" in names, "code" in names)


def test_hashes_are_the_left_half_of_sha256(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    login = rp.log_in(provider)
    hashed = hashlib.sha256(login.tokens["access_token"].encode()).digest()
    assert login.claims["at_hash"] == unpadded(hashed[:16])
    assert len(decoded(login.claims["at_hash"])) == 16


def test_refresh_tokens_need_offline_access_and_rotate(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    rp.scope = "openid offline_access"
    first = rp.log_in(provider).tokens
    second = read(rp.ask_for_tokens({"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}))
    assert second["refresh_token"] != first["refresh_token"]
    claims = segment(second["id_token"], 1)
    assert (claims["sub"], claims.get("nonce")) == ("alice", None)
    assert rp.ask_who(second["access_token"]).status == 200


def test_a_reused_refresh_token_ends_them_all(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    rp.scope = "openid offline_access"
    form = {"grant_type": "refresh_token", "refresh_token": rp.log_in(provider).tokens["refresh_token"]}
    latest = read(rp.ask_for_tokens(form))
    assert read(rp.ask_for_tokens(form))["error"] == "invalid_grant"
    assert rp.ask_who(latest["access_token"]).status == 401
    form["refresh_token"] = latest["refresh_token"]
    assert read(rp.ask_for_tokens(form))["error"] == "invalid_grant"


def test_client_credentials_give_a_token_without_user(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    tokens = read(rp.ask_for_tokens({"grant_type": "client_credentials", "scope": "read write"}))
    assert (tokens["scope"], "id_token" in tokens) == ("read write", False)
    assert rp.ask_who(tokens["access_token"]).status == 403


# Sessions at the provider


def test_one_session_spans_logins_until_logout(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    first = rp.log_in(provider)
    provider.clock.advance(30)
    second = rp.log_in(provider)
    assert (second.claims["sid"], second.claims["auth_time"]) == (first.claims["sid"], first.claims["auth_time"])
    hint = {"id_token_hint": second.tokens["id_token"], "post_logout_redirect_uri": AFTER_LOGOUT, "state": "s/1"}
    assert (
        provider.end_session(f"{provider.issuer}/end_session?{urlencode(hint)}").url == f"{AFTER_LOGOUT}?state=s%2F1"
    )
    assert rp.log_in(provider).claims["sid"] != first.claims["sid"]


@pytest.mark.parametrize("parameters", [{"prompt": "login"}, {"max_age": "20"}])
def test_a_new_login_is_made_when_asked_for(
    provider: SimulatedProvider, rp: MiniRelyingParty, parameters: dict[str, str]
) -> None:
    rp.log_in(provider)
    provider.clock.advance(30)
    rp.parameters.update(parameters)
    assert rp.log_in(provider).claims["auth_time"] == 1_700_000_030


def test_silence_needs_a_session(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    silent = rp.authorization_url(prompt="none")
    assert provider.authorize(silent).get("code")
    assert provider.authorize(silent, user=None).get("error") == "login_required"
    provider.clock.advance(30)
    assert provider.authorize(rp.authorization_url(prompt="none", max_age="20")).get("error") == "login_required"
    token = rp.log_in(provider).tokens["id_token"]
    provider.handle(HttpRequest(method="GET", url=f"{provider.issuer}/end_session?id_token_hint={token}"))
    assert provider.authorize(silent).get("error") == "login_required"


def test_nobody_sees_a_page(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    provider.user = None
    with pytest.raises(NotRedirected, match="Please log in"):
        provider.authorize(rp.authorization_url())


def test_a_user_may_say_no(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    callback = provider.authorize(rp.authorization_url(), consent=False)
    assert (callback.get("error"), callback.get("state")) == ("access_denied", "state1")
    assert callback.get("iss") == provider.issuer
    assert callback.get("code") is None


# What tests can see


def test_requests_are_recorded(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    rp.log_in(provider)
    assert [recorded.endpoint for recorded in provider.requests] == [
        "discovery",
        "authorization",
        "token",
        "jwks",
        "userinfo",
    ]
    token = provider.requests[2]
    assert (token.method, token.path, token.client_id, token.status) == ("POST", "/token", "client1", 200)
    assert token.form_names == ("grant_type", "code", "redirect_uri", "code_verifier")
    assert provider.count("token", grant_type="authorization_code") == 1
    assert provider.count("token", grant_type="refresh_token") == 0
    provider.forget_requests()
    assert provider.count("token") == 0


def test_secrets_stay_out_of_reprs(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    login = rp.log_in(provider)
    client = provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI])
    user = provider.add_user("carol", password="carols secret")
    shown = f"{client!r}{user!r}{provider.requests!r}"
    assert SECRET not in shown
    assert "carols secret" not in shown
    assert login.tokens["access_token"] not in shown


# Keys


@pytest.mark.parametrize("keep_old", [False, True])
@pytest.mark.parametrize("same_kid", [False, True])
def test_rotated_keys_sign(provider: SimulatedProvider, rp: MiniRelyingParty, keep_old: bool, same_kid: bool) -> None:
    before = read(rp.get("/jwks"))["keys"]
    provider.rotate_keys(keep_old=keep_old, same_kid=same_kid)
    after = read(rp.get("/jwks"))["keys"]
    assert all((key in after) == keep_old for key in before)
    kid = segment(rp.log_in(provider).tokens["id_token"], 0)["kid"]
    assert kid == ("rs256-1" if same_kid else "rs256-2")


def test_two_issuers_have_different_keys_under_the_same_names() -> None:
    jwks = [
        read(MiniRelyingParty(SimulatedProvider(issuer).handle, issuer).get("/jwks"))["keys"]
        for issuer in ("https://a.example", "https://b.example")
    ]
    assert [key["kid"] for key in jwks[0]] == [key["kid"] for key in jwks[1]]
    assert jwks[0][0]["n"] != jwks[1][0]["n"]


def test_published_keys_hold_nothing_private(rp: MiniRelyingParty) -> None:
    keys = read(rp.get("/jwks"))["keys"]
    assert [key["alg"] for key in keys] == ["RS256", "ES256"]
    assert not any(re.fullmatch("d|p|q|dp|dq|qi|k", name) for key in keys for name in key)
