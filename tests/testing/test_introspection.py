"""The introspection endpoint and access tokens at their best, as a resource server written by hand sees them."""

from collections.abc import Callable
from typing import Any

import pytest

from oidc_async.protocol.http_message import HttpRequest
from oidc_async.testing import SimulatedProvider

from .conftest import SECRET
from .mini_relying_party import FORM, REDIRECT_URI, MiniRelyingParty, basic, read, segment
from .mini_resource_server import JWT_MEDIA_TYPE, MiniResourceServer

INACTIVE = {"active": False}
API = "https://api.example"

# Introspection


def test_discovery_names_the_endpoint(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    metadata = rp.discover()
    assert metadata["introspection_endpoint"] == f"{provider.issuer}/introspect"
    # nobody asks without authentication (RFC 7662 2.1)
    assert metadata["introspection_endpoint_auth_methods_supported"] == [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
    ]


def test_the_response_for_a_token_of_a_user_is_complete(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    provider.add_user("bob", sub="248289761001")
    token = provider.issue_access_token("client1", scope="read write", username="bob", audience=API)
    answer = api.introspect(token)
    assert len(answer.pop("jti")) > 20
    assert answer == {
        "active": True,
        "iss": provider.issuer,
        "sub": "248289761001",
        "client_id": "client1",
        "username": "bob",
        "aud": API,
        "scope": "read write",
        "exp": 1_700_000_600,
        "iat": 1_700_000_000,
        "nbf": 1_700_000_000,
        "token_type": "Bearer",
    }


def test_a_token_of_a_client_names_no_user(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    answer = api.introspect(provider.issue_access_token("client1"))
    assert {"sub", "username", "scope"} & set(answer) == set()
    assert (answer["active"], answer["aud"]) == (True, "client1")


def test_the_tokens_of_a_login_are_introspected_too(
    provider: SimulatedProvider, rp: MiniRelyingParty, api: MiniResourceServer
) -> None:
    rp.parameters["acr_values"] = "urn:gold"
    answer = api.introspect(rp.log_in(provider).tokens["access_token"])
    assert (answer["sub"], answer["client_id"], answer["scope"]) == ("alice", "client1", "openid")
    assert (answer["acr"], answer["auth_time"]) == ("urn:gold", 1_700_000_000)


@pytest.mark.parametrize(
    ("audience", "told"), [(None, "client1"), ("api", "api"), (["api", API], ["api", API]), ([API], [API])]
)
def test_the_audience_is_returned_as_it_was_given(
    provider: SimulatedProvider, api: MiniResourceServer, audience: Any, told: object
) -> None:
    assert api.introspect(provider.issue_access_token("client1", audience=audience))["aud"] == told


def revoked(provider: SimulatedProvider, rp: MiniRelyingParty) -> str:
    token = provider.issue_access_token("client1")
    provider.revoke_access_token(token)
    return token


def replaced(provider: SimulatedProvider, rp: MiniRelyingParty) -> str:
    """Of a client whose code was replayed."""
    form = rp.code_form(provider.authorize(rp.authorization_url()))
    token: str = read(rp.ask_for_tokens(form))["access_token"]
    rp.ask_for_tokens(form)
    return token


def id_token(provider: SimulatedProvider, rp: MiniRelyingParty) -> str:
    token: str = rp.log_in(provider).tokens["id_token"]
    return token


def refresh_token(provider: SimulatedProvider, rp: MiniRelyingParty) -> str:
    rp.scope = "openid offline_access"
    token: str = rp.log_in(provider).tokens["refresh_token"]
    return token


@pytest.mark.parametrize(
    "invalid_token",
    [
        pytest.param(lambda provider, rp: "guessed", id="unknown"),
        pytest.param(lambda provider, rp: "", id="empty"),
        pytest.param(lambda provider, rp: provider.issue_access_token("client1") + "&x=é", id="with more behind it"),
        pytest.param(lambda provider, rp: provider.issue_access_token("client1", lifetime=0), id="expired"),
        pytest.param(
            lambda provider, rp: provider.issue_access_token("client1", lifetime=-1, jwt=True), id="old JWT"
        ),
        pytest.param(revoked, id="revoked"),
        pytest.param(replaced, id="of a replayed code"),
        pytest.param(id_token, id="an ID token"),
        pytest.param(refresh_token, id="a refresh token"),
    ],
)
def test_an_inactive_token_has_no_other_members(
    provider: SimulatedProvider,
    rp: MiniRelyingParty,
    api: MiniResourceServer,
    invalid_token: Callable[[SimulatedProvider, MiniRelyingParty], str],
) -> None:
    assert api.introspect(invalid_token(provider, rp)) == INACTIVE


@pytest.mark.parametrize("jwt", [False, True])
def test_a_token_is_active_until_it_expires(provider: SimulatedProvider, api: MiniResourceServer, jwt: bool) -> None:
    token = provider.issue_access_token("client1", lifetime=30, jwt=jwt)
    provider.clock.advance(29.25)
    assert api.introspect(token)["exp"] == 1_700_000_030
    provider.clock.advance(0.25)  # the very second that exp names
    assert provider.clock() == 1_700_000_030
    assert api.introspect(token) == INACTIVE


def test_revoking_what_is_not_there_is_no_mistake(provider: SimulatedProvider) -> None:
    provider.revoke_access_token("guessed")


def test_claims_of_ones_own_are_returned(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    claims = {"cnf": {"jkt": "abc"}, "sub": "somebody"}
    opaque = api.introspect(provider.issue_access_token("client1", claims=claims))
    told = api.verified(provider.issue_access_token("client1", claims=claims, jwt=True))
    assert (opaque["cnf"], opaque["sub"]) == (told["cnf"], told["sub"]) == ({"jkt": "abc"}, "somebody")


@pytest.mark.parametrize(("names", "maker"), [(("nobody", None), "register"), (("client1", "nobody"), "add_user")])
def test_an_unknown_name_is_a_mistake_of_the_test(
    provider: SimulatedProvider, names: tuple[str, str | None], maker: str
) -> None:
    with pytest.raises(KeyError, match=maker):
        provider.issue_access_token(names[0], username=names[1])


# Who may ask


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_the_token_endpoints_authentication_is_good_unless_told(
    provider: SimulatedProvider, api: MiniResourceServer, method: str
) -> None:
    api.client_id, api.client_secret, api.auth_method = "an api:1", "s p+c%:ü", method
    provider.register("an api:1", "s p+c%:ü", token_endpoint_auth_method=method)
    assert api.introspect(provider.issue_access_token("client1"))["active"] is True
    assert provider.count("introspection", client_id="an api:1", status=200) == 1


def test_an_endpoint_may_have_a_method_of_its_own(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    provider.register("api", "secret of the api", introspection_endpoint_auth_method="client_secret_post")
    assert api.ask("token").status == 401
    api.auth_method = "client_secret_post"
    assert api.ask("token").status == 200
    party = MiniRelyingParty(provider.handle, provider.issuer, client_id="api", client_secret="secret of the api")
    assert party.ask_for_tokens({"grant_type": "client_credentials"}).status == 200


@pytest.mark.parametrize(
    ("client_id", "secret", "method"),
    [
        pytest.param("api", "wrong", "client_secret_basic", id="wrong secret"),
        pytest.param("api", "", "client_secret_basic", id="empty secret"),
        pytest.param("api", "secret of the api", "client_secret_post", id="post for basic"),
        pytest.param("api", "", "none", id="nothing for basic"),
        pytest.param("nobody", "secret of the api", "client_secret_basic", id="unknown client"),
        pytest.param("public", "", "none", id="a public client"),
        pytest.param("public", "", "client_secret_basic", id="a public client with an empty secret"),
    ],
)
def test_strangers_learn_nothing(
    provider: SimulatedProvider, api: MiniResourceServer, client_id: str, secret: str, method: str
) -> None:
    provider.register("public")
    api.client_id, api.client_secret, api.auth_method = client_id, secret, method
    response = api.ask(provider.issue_access_token("client1"))
    assert (response.status, read(response)["error"]) == (401, "invalid_client")
    assert response.headers["www-authenticate"].startswith("Basic ")
    assert provider.count("introspection", client_id=None, status=401) == 1


@pytest.mark.parametrize(
    ("method", "content_type", "body", "status"),
    [
        pytest.param("GET", FORM["Content-Type"], b"", 405, id="GET"),
        pytest.param("POST", "application/json", b'{"token":"a"}', 400, id="JSON"),
        pytest.param("POST", FORM["Content-Type"], b"token=a&token=b", 400, id="token twice"),
        pytest.param("POST", FORM["Content-Type"], b"token_type_hint=access_token", 400, id="no token"),
        pytest.param("POST", FORM["Content-Type"], b"token=a&client_secret=x", 400, id="two authentications"),
    ],
)
def test_a_malformed_request_is_rejected(
    provider: SimulatedProvider, method: str, content_type: str, body: bytes, status: int
) -> None:
    provider.register("api", "secret of the api")
    headers = {"Content-Type": content_type, "Authorization": basic("api", "secret of the api")}
    url = f"{provider.issuer}/introspect?token=a"
    response = provider.handle(HttpRequest(method=method, url=url, headers=headers, body=body))
    assert (response.status, read(response)["error"]) == (status, "invalid_request")


def test_a_request_is_recorded(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    api.ask("token", token_type_hint="access_token")
    (recorded,) = provider.requests
    assert (recorded.endpoint, recorded.client_id, recorded.status) == ("introspection", "api", 200)
    assert recorded.form_names == ("token", "token_type_hint")


# Signed answers (RFC 9701)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
@pytest.mark.parametrize("accept", [JWT_MEDIA_TYPE, f"application/json;q=0.5, {JWT_MEDIA_TYPE.title()}"])
def test_who_registered_and_asks_gets_a_signed_answer(
    provider: SimulatedProvider, api: MiniResourceServer, alg: str, accept: str
) -> None:
    provider.register("api", "secret of the api", introspection_signed_response_alg=alg)
    token = provider.issue_access_token("client1", scope="read")
    plain = api.introspect(token)
    api.accept = accept
    response = api.ask(token)
    assert (response.status, response.media_type) == (200, JWT_MEDIA_TYPE)
    header = segment(response.body.decode(), 0)
    assert (header["alg"], header["typ"]) == (alg, "token-introspection+jwt")
    assert api.verified(response.body.decode()) == {
        "iss": provider.issuer,
        "aud": "api",
        "iat": 1_700_000_000,
        "token_introspection": plain,
    }


def test_an_inactive_token_gets_a_signed_answer(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    provider.register("api", "secret of the api", introspection_signed_response_alg="RS256")
    api.accept = JWT_MEDIA_TYPE
    assert api.verified(api.ask("guessed").body.decode())["token_introspection"] == INACTIVE


def test_who_did_not_register_gets_json_whatever_it_accepts(
    provider: SimulatedProvider, api: MiniResourceServer
) -> None:
    api.accept = JWT_MEDIA_TYPE
    assert api.introspect("guessed") == INACTIVE


def test_strangers_get_no_signed_answer(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    provider.register("api", "another secret", introspection_signed_response_alg="RS256")
    api.accept = JWT_MEDIA_TYPE
    assert (api.ask("guessed").status, api.ask("guessed").media_type) == (401, "application/json")


@pytest.mark.parametrize("parameter", ["id_token_signed_response_alg", "introspection_signed_response_alg"])
def test_an_unknown_algorithm_is_a_mistake_of_the_test(provider: SimulatedProvider, parameter: str) -> None:
    unknown: dict[str, Any] = {parameter: "RS257"}
    with pytest.raises(ValueError, match="RS257"):
        provider.register("api", "secret of the api", **unknown)


# JWT access tokens (RFC 9068)


def test_a_jwt_says_what_rfc_9068_asks_for(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    token = provider.issue_access_token("client1", scope="read", username="alice", audience=API, jwt=True)
    assert segment(token, 0) == {"alg": "RS256", "typ": "at+jwt", "kid": "rs256-1"}
    claims = api.verified(token)
    assert len(claims.pop("jti")) > 20
    assert claims == {
        "iss": provider.issuer,
        "sub": "alice",
        "aud": API,
        "client_id": "client1",
        "scope": "read",
        "exp": 1_700_000_600,
        "iat": 1_700_000_000,
    }


def test_the_subject_of_a_jwt_without_user_is_the_client(
    provider: SimulatedProvider, api: MiniResourceServer
) -> None:
    assert api.verified(provider.issue_access_token("client1", jwt=True))["sub"] == "client1"


def test_introspection_knows_a_jwt(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    token = provider.issue_access_token("client1", username="alice", jwt=True)
    answer = api.introspect(token)
    assert (answer["active"], answer["username"]) == (True, "alice")
    assert answer["jti"] == segment(token, 1)["jti"]
    provider.revoke_access_token(token)
    assert api.introspect(token) == INACTIVE


def test_a_header_of_ones_own_is_written(provider: SimulatedProvider) -> None:
    token = provider.issue_access_token("client1", jwt=True, header={"typ": "application/at+jwt", "foo": 1})
    assert (segment(token, 0)["typ"], segment(token, 0)["foo"]) == ("application/at+jwt", 1)


def test_a_jwt_is_signed_with_the_key_of_the_day(provider: SimulatedProvider, api: MiniResourceServer) -> None:
    provider.rotate_keys()
    token = provider.issue_access_token("client1", jwt=True)
    assert segment(token, 0)["kid"] == "rs256-2"
    assert api.verified(token)["client_id"] == "client1"


def test_a_client_may_be_registered_for_jwts(
    provider: SimulatedProvider, rp: MiniRelyingParty, api: MiniResourceServer
) -> None:
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], access_tokens="jwt")
    rp.scope = "openid offline_access"
    login = rp.log_in(provider)
    refreshed = read(
        rp.ask_for_tokens({"grant_type": "refresh_token", "refresh_token": login.tokens["refresh_token"]})
    )
    own = read(rp.ask_for_tokens({"grant_type": "client_credentials"}))
    claims = [api.verified(tokens["access_token"]) for tokens in (login.tokens, refreshed, own)]
    assert [told["sub"] for told in claims] == ["alice", "alice", "client1"]
    assert [told.get("auth_time") for told in claims] == [1_700_000_000, 1_700_000_000, None]
    assert len({told["jti"] for told in claims}) == 3


@pytest.mark.parametrize("form", [{"resource": API}, {"audience": API}, {"resource": API, "audience": "other"}])
def test_a_client_says_whom_its_token_is_for(
    provider: SimulatedProvider, rp: MiniRelyingParty, api: MiniResourceServer, form: dict[str, str]
) -> None:
    """RFC 8707 2"""
    tokens = read(rp.ask_for_tokens({"grant_type": "client_credentials", **form}))
    assert api.introspect(tokens["access_token"])["aud"] == API


@pytest.mark.parametrize("resource", ["api", "", f"{API}#part"])
def test_a_resource_is_an_absolute_uri(rp: MiniRelyingParty, resource: str) -> None:
    """RFC 8707 2"""
    response = rp.ask_for_tokens({"grant_type": "client_credentials", "resource": resource})
    assert (response.status, read(response)["error"]) == (400, "invalid_target")
