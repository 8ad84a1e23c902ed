"""Requests that a strict provider rejects: they are wrong in one place each."""

import base64
from urllib.parse import urlencode

import pytest

from oidc_async.protocol.http_message import HttpRequest, HttpResponse
from oidc_async.testing import NotRedirected, SimulatedProvider

from .conftest import SECRET
from .mini_relying_party import AFTER_LOGOUT, FORM, REDIRECT_URI, MiniRelyingParty, basic, changed, read

Changes = dict[str, str | None]

# The authorization endpoint


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_id": "nobody"}, id="unknown client"),
        pytest.param({"client_id": None}, id="no client"),
        pytest.param({"redirect_uri": None}, id="no redirect_uri"),
        pytest.param({"redirect_uri": f"{REDIRECT_URI}/"}, id="a slash more"),
        pytest.param({"redirect_uri": f"{REDIRECT_URI}?a=b"}, id="a query more"),
        pytest.param({"redirect_uri": REDIRECT_URI.upper()}, id="other case"),
        pytest.param({"redirect_uri": "https://evil.example/callback"}, id="other host"),
    ],
)
def test_the_browser_is_not_sent_to_strangers(
    provider: SimulatedProvider, rp: MiniRelyingParty, changes: Changes
) -> None:
    with pytest.raises(NotRedirected) as caught:
        provider.authorize(rp.authorization_url(**changes))
    assert caught.value.response.status == 400


def test_a_parameter_that_occurs_twice_is_rejected(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    with pytest.raises(NotRedirected, match="occurs twice"):
        provider.authorize(rp.authorization_url() + "&state=state2")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="unregistered response_type"),
        pytest.param({"response_type": None}, "unsupported_response_type", id="no response_type"),
        pytest.param({"response_mode": "carrier pigeon"}, "invalid_request", id="unknown response_mode"),
        pytest.param({"code_challenge": None}, "invalid_request", id="no code_challenge"),
        pytest.param({"code_challenge": "too-short"}, "invalid_request", id="short code_challenge"),
        pytest.param({"code_challenge_method": "plain"}, "invalid_request", id="plain code_challenge"),
        pytest.param({"code_challenge_method": None}, "invalid_request", id="no code_challenge_method"),
        pytest.param({"prompt": "none login"}, "invalid_request", id="none and login"),
        pytest.param({"claims": "{"}, "invalid_request", id="broken claims"),
        pytest.param({"claims": "[]"}, "invalid_request", id="claims of another type"),
    ],
)
def test_a_wrong_authorization_request_is_answered_with(
    provider: SimulatedProvider, rp: MiniRelyingParty, changes: Changes, error: str
) -> None:
    callback = provider.authorize(rp.authorization_url(**changes))
    assert (callback.get("error"), callback.get("state"), callback.get("code")) == (error, "state1", None)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"nonce": None}, "invalid_request", id="no nonce"),
        pytest.param({"scope": "profile"}, "invalid_scope", id="no openid"),
        pytest.param({"response_mode": "query"}, "invalid_request", id="tokens in the query"),
    ],
)
def test_front_channel_tokens_need_more(
    provider: SimulatedProvider, rp: MiniRelyingParty, changes: Changes, error: str
) -> None:
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], response_types=["code id_token"])
    callback = provider.authorize(rp.authorization_url(response_type="id_token code", **changes))
    assert callback.get("error") == error


def test_an_unknown_user_is_a_mistake_of_the_test(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    with pytest.raises(KeyError, match="add_user"):
        provider.authorize(rp.authorization_url(), user="nobody")


# The token endpoint


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"grant_type": None}, "invalid_request", id="no grant_type"),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="unknown grant_type"),
        pytest.param({"code": "guessed"}, "invalid_grant", id="unknown code"),
        pytest.param({"redirect_uri": AFTER_LOGOUT}, "invalid_grant", id="other redirect_uri"),
        pytest.param({"redirect_uri": None}, "invalid_grant", id="no redirect_uri"),
        pytest.param({"code_verifier": None}, "invalid_request", id="no code_verifier"),
        pytest.param({"code_verifier": "short"}, "invalid_request", id="short code_verifier"),
        pytest.param({"code_verifier": "x" * 43}, "invalid_grant", id="other code_verifier"),
        pytest.param({"client_id": "client2"}, "invalid_client", id="client_id of another"),
    ],
)
def test_a_wrong_token_request_is_answered_with(
    provider: SimulatedProvider, rp: MiniRelyingParty, changes: Changes, error: str
) -> None:
    form = rp.code_form(provider.authorize(rp.authorization_url()))
    response = rp.ask_for_tokens(changed(form, changes))
    assert read(response)["error"] == error
    assert response.status == (401 if error == "invalid_client" else 400)
    assert rp.ask_for_tokens(form).status == 200


def test_a_code_works_once_and_a_second_use_revokes_what_it_gave(
    provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    form = rp.code_form(provider.authorize(rp.authorization_url()))
    tokens = read(rp.ask_for_tokens(form))
    assert rp.ask_who(tokens["access_token"]).status == 200
    assert read(rp.ask_for_tokens(form))["error"] == "invalid_grant"
    assert rp.ask_who(tokens["access_token"]).status == 401


@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400)])
def test_a_code_lives_for_a_minute(
    provider: SimulatedProvider, rp: MiniRelyingParty, seconds: int, status: int
) -> None:
    form = rp.code_form(provider.authorize(rp.authorization_url()))
    provider.clock.advance(seconds)
    assert rp.ask_for_tokens(form).status == status


def test_a_code_belongs_to_one_client(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    provider.register("client2", "secret2", redirect_uris=[REDIRECT_URI])
    thief = MiniRelyingParty(provider.handle, provider.issuer, client_id="client2", client_secret="secret2")
    form = rp.code_form(provider.authorize(rp.authorization_url()))
    assert read(thief.ask_for_tokens(form))["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("registered", "used", "secret"),
    [
        pytest.param("client_secret_basic", "client_secret_post", SECRET, id="post for basic"),
        pytest.param("client_secret_post", "client_secret_basic", SECRET, id="basic for post"),
        pytest.param("client_secret_basic", "none", SECRET, id="nothing for basic"),
        pytest.param("none", "client_secret_post", SECRET, id="post for none"),
        pytest.param("client_secret_basic", "client_secret_basic", "wrong", id="wrong secret"),
        pytest.param("client_secret_post", "client_secret_post", "wrong", id="wrong secret in the form"),
        pytest.param("client_secret_basic", "client_secret_basic", "", id="empty secret"),
    ],
)
def test_only_the_registered_authentication_is_taken(
    provider: SimulatedProvider, rp: MiniRelyingParty, registered: str, used: str, secret: str
) -> None:
    known = None if registered == "none" else SECRET
    provider.register("client1", known, redirect_uris=[REDIRECT_URI], token_endpoint_auth_method=registered)
    rp.auth_method, rp.client_secret = used, secret
    response = rp.ask_for_tokens(rp.code_form(provider.authorize(rp.authorization_url())))
    assert (response.status, read(response)["error"]) == (401, "invalid_client")
    assert response.headers["www-authenticate"].startswith("Basic ")


def test_basic_credentials_are_form_encoded(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    """threat model 77"""
    provider.register("client1", "100%+1", redirect_uris=[REDIRECT_URI])
    form = {"grant_type": "client_credentials"}
    assert ask(provider, "/token", basic("client1", "100%+1"), form).status == 200
    unencoded = "Basic " + base64.b64encode(b"client1:100%+1").decode()
    assert ask(provider, "/token", unencoded, form).status == 401
    assert ask(provider, "/token", "Basic not-base64!", form).status == 401


@pytest.mark.parametrize(
    ("method", "content_type", "authorization", "body", "status"),
    [
        pytest.param("GET", FORM["Content-Type"], "", b"", 405, id="GET"),
        pytest.param("POST", "application/json", "", b"{}", 400, id="JSON"),
        pytest.param("POST", FORM["Content-Type"], "", b"grant_type=a&grant_type=b", 400, id="a field twice"),
        pytest.param(
            "POST",
            FORM["Content-Type"],
            basic("client1", SECRET),
            b"grant_type=client_credentials&client_secret=x",
            400,
            id="two authentications",
        ),
    ],
)
def test_a_malformed_token_request_is_rejected(
    provider: SimulatedProvider, method: str, content_type: str, authorization: str, body: bytes, status: int
) -> None:
    headers = {"Content-Type": content_type, "Authorization": authorization}
    request = HttpRequest(method=method, url=f"{provider.issuer}/token", headers=headers, body=body)
    response = provider.handle(request)
    assert (response.status, read(response)["error"]) == (status, "invalid_request")


def test_a_public_client_has_no_client_credentials(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    provider.register("client1", redirect_uris=[REDIRECT_URI])
    rp.auth_method = "none"
    assert read(rp.ask_for_tokens({"grant_type": "client_credentials"}))["error"] == "unauthorized_client"


def test_a_refresh_may_not_widen_the_scope(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    rp.scope = "openid offline_access"
    refresh_token = rp.log_in(provider).tokens["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    assert read(rp.ask_for_tokens({**form, "scope": "openid email"}))["error"] == "invalid_scope"
    assert rp.ask_for_tokens({**form, "scope": "openid"}).status == 200


# Userinfo


@pytest.mark.parametrize(
    ("authorization", "body", "status"),
    [
        pytest.param("", {}, 401, id="nothing"),
        pytest.param("Bearer guessed", {}, 401, id="guessed token"),
        pytest.param("Basic Y2xpZW50", {}, 400, id="another scheme"),
        pytest.param("", {"access_token": "guessed"}, 401, id="guessed token in the form"),
        pytest.param("", {"access_token": ""}, 401, id="empty in the form"),
        pytest.param("Bearer guessed", {"access_token": "guessed"}, 400, id="twice"),
        pytest.param("Bearer guessed", {"access_token": ""}, 400, id="twice, once empty"),
    ],
)
def test_userinfo_wants_one_valid_token(
    provider: SimulatedProvider, authorization: str, body: dict[str, str], status: int
) -> None:
    response = ask(provider, "/userinfo", authorization, body)
    assert response.status == status
    assert ("www-authenticate" in response.headers) == (status == 401)


def test_a_valid_token_is_rejected_twice_or_in_the_url(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    """RFC 6750 2: clients use one way, and this provider doesn't take it from the URL."""
    token = rp.log_in(provider).tokens["access_token"]
    in_url = f"/userinfo?access_token={token}"
    assert ask(provider, "/userinfo", "", {"access_token": token}).status == 200
    assert ask(provider, "/userinfo", f"Bearer {token}", {"a": "b"}).status == 200
    assert ask(provider, "/userinfo", f"Bearer {token}", {"access_token": token}).status == 400
    assert ask(provider, in_url, f"Bearer {token}", {"a": "b"}).status == 400
    assert ask(provider, in_url, "", {"a": "b"}).status == 400


def test_an_access_token_expires(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    token = rp.log_in(provider).tokens["access_token"]
    provider.clock.advance(599)
    assert rp.ask_who(token).status == 200
    provider.clock.advance(1)
    assert rp.ask_who(token).status == 401


def test_userinfo_needs_the_scope_openid(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    rp.scope = "email"
    tokens = read(rp.ask_for_tokens(rp.code_form(provider.authorize(rp.authorization_url()))))
    assert "id_token" not in tokens
    assert rp.ask_who(tokens["access_token"]).status == 403


# The end of the session


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"id_token_hint": "e30.e30.e30"}, id="foreign hint"),
        pytest.param({"id_token_hint": "e30.e30.e30", "client_id": "client1"}, id="foreign hint, known client"),
        pytest.param({"id_token_hint": "e30.e30.e30", "post_logout_redirect_uri": None}, id="foreign hint alone"),
        pytest.param({"client_id": "client2"}, id="client_id of another"),
        pytest.param({"post_logout_redirect_uri": "https://evil.example/"}, id="unregistered URI"),
        pytest.param({"post_logout_redirect_uri": REDIRECT_URI}, id="URI of another kind"),
        pytest.param({"id_token_hint": None}, id="nobody's URI"),
        pytest.param({"id_token_hint": None, "client_id": "client3"}, id="a stranger's URI"),
        pytest.param(
            {"id_token_hint": None, "client_id": "client3", "post_logout_redirect_uri": None}, id="a stranger"
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_wrong_logout_request_gets_a_page_and_ends_nothing(
    provider: SimulatedProvider, rp: MiniRelyingParty, changes: Changes, method: str
) -> None:
    provider.register("client2", "secret2", post_logout_redirect_uris=[AFTER_LOGOUT])
    login = rp.log_in(provider)
    parameters = {"id_token_hint": login.tokens["id_token"], "post_logout_redirect_uri": AFTER_LOGOUT}
    sent, url = changed(parameters, changes), f"{provider.issuer}/end_session"
    with pytest.raises(NotRedirected) as caught:
        provider.end_session(f"{url}?{urlencode(sent)}") if method == "GET" else provider.end_session(url, form=sent)
    assert caught.value.response.status == 400
    assert rp.log_in(provider).claims["sid"] == login.claims["sid"]


@pytest.mark.parametrize(
    ("query", "media_type", "times"),
    [
        pytest.param("", "application/json", 1, id="no form"),
        pytest.param("", "", 1, id="of no type"),
        pytest.param("", "multipart/form-data", 1, id="a form of another kind"),
        pytest.param("?state=s", FORM["Content-Type"], 1, id="parameters in the query, too"),
        pytest.param("", FORM["Content-Type"], 2, id="each of them twice"),
    ],
)
def test_a_logout_by_post_is_one_form(
    provider: SimulatedProvider, rp: MiniRelyingParty, query: str, media_type: str, times: int
) -> None:
    """OIDC RP-Initiated Logout 2"""
    login = rp.log_in(provider)
    body = "&".join([urlencode({"id_token_hint": login.tokens["id_token"]})] * times).encode()
    url, headers = f"{provider.issuer}/end_session{query}", {"Content-Type": media_type}
    reply = provider.handle(HttpRequest(method="POST", url=url, headers=headers, body=body))
    assert reply.status == 400
    assert rp.log_in(provider).claims["sid"] == login.claims["sid"]


def test_a_logout_by_post_is_as_good_as_one_by_get(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    login = rp.log_in(provider)
    form = {"id_token_hint": login.tokens["id_token"], "post_logout_redirect_uri": AFTER_LOGOUT, "state": "a b"}
    back = provider.end_session(f"{provider.issuer}/end_session", form=form)
    assert (back.method, back.url) == ("GET", f"{AFTER_LOGOUT}?state=a+b")
    assert rp.log_in(provider).claims["sid"] != login.claims["sid"]


def test_logout_without_a_return_url_shows_a_page(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    token = rp.log_in(provider).tokens["id_token"]
    with pytest.raises(NotRedirected, match="You are logged out"):
        provider.end_session(f"{provider.issuer}/end_session?id_token_hint={token}")


def test_client_id_replaces_the_hint(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    first = rp.log_in(provider)
    parameters = {"client_id": "client1", "post_logout_redirect_uri": AFTER_LOGOUT}
    assert provider.end_session(f"{provider.issuer}/end_session?{urlencode(parameters)}").url == AFTER_LOGOUT
    assert rp.log_in(provider).claims["sid"] != first.claims["sid"]


# Everywhere


@pytest.mark.parametrize("path", ["/nothing", "/jwks/", "/TOKEN", "/elsewhere/nothing"])
def test_strays_are_recorded_and_sent_away(provider: SimulatedProvider, rp: MiniRelyingParty, path: str) -> None:
    assert rp.get(path).status == 404
    assert provider.count("elsewhere", path=path) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/jwks"), ("DELETE", "/userinfo"), ("PUT", "/.well-known/openid-configuration")],
)
def test_other_methods_are_rejected(provider: SimulatedProvider, method: str, path: str) -> None:
    response = provider.handle(HttpRequest(method=method, url=provider.issuer + path))
    assert response.status == 405
    assert method not in response.headers["allow"]


def ask(provider: SimulatedProvider, path: str, authorization: str, form: dict[str, str]) -> HttpResponse:
    headers = {**FORM, "Authorization": authorization}
    body = urlencode(form).encode()
    return provider.handle(HttpRequest(method="POST", url=provider.issuer + path, headers=headers, body=body))
