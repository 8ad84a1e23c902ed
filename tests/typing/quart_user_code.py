# the ignored errors below are what is tested: both checkers complain when one of them is not an error
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What type checkers make of an application for Quart. Checked by mypy and pyright, both strict; never run."""

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, assert_type

import quart
from quart import Quart, jsonify
from quart.typing import ResponseReturnValue
from quart_oidc_async import ClaimsProvider, ClientKeys, LoginRefused, NewLogin, OIDCAuthentication
from quart_oidc_async.provider_configuration import (
    ClientMetadata,
    ClientRegistrationInfo,
    ProviderConfiguration,
    ProviderMetadata,
)
from quart_oidc_async.redirect_uri_config import RedirectUriConfig
from quart_oidc_async.signals import logged_in, login_failed
from quart_oidc_async.user_session import UninitialisedSession, UserSession

from oidc_async import Access, AsyncRelyingParty, AuthorizationRequest, Login, PendingLogin, Statistics
from oidc_async.protocol.token import TokenResponse

app = Quart(__name__)
client = ClientMetadata("client1", client_secret="secret1", post_logout_redirect_uris=["https://rp.example/bye"])
by_issuer = ProviderConfiguration(issuer="https://op.example", client_metadata=client)
by_metadata = ProviderConfiguration(
    provider_metadata=ProviderMetadata("https://op.example", "https://op.example/auth", "https://op.example/keys"),
    client_registration_info=ClientRegistrationInfo(client_name="An application", contacts=["dev@rp.example"]),
    auth_request_params={"scope": ["openid", "profile"], "max_age": 60},
    session_refresh_interval_seconds=1800,
)
auth = OIDCAuthentication({"default": by_issuer, "other": by_metadata}, app)
with_uri = OIDCAuthentication({"default": by_issuer}, app, RedirectUriConfig("https://rp.example/cb", "cb"))
later = OIDCAuthentication()
later.init_app(app)
later.init_app(app, provider_configurations={"default": by_issuer})

# the configuration classes

assert_type(client["client_id"], Any)
assert_type(client.get("client_secret"), Any | None)
assert_type("client_id" in client, bool)
assert_type(client.copy(client_secret="another"), ClientMetadata)
assert_type(client.to_dict(), dict[str, Any])

# the client's own keys

keys = ClientKeys.from_pem(Path("client.pem"), password="secret", alg="ES256") + ClientKeys.from_jwk({"keys": []})
assert_type(keys, ClientKeys)
assert_type(keys.jwks(), dict[str, list[dict[str, str]]])
ProviderConfiguration("https://op.example", client_metadata=client, client_keys=keys)
ProviderConfiguration("https://op.example", client_metadata=client, client_keys=keys, request_object="value")
trusted = {"https://claims.example": ClaimsProvider(algorithms=("ES256",), origins=["https://claims.example"])}
ProviderConfiguration("https://op.example", client_metadata=client, claims_providers=trusted)
ProviderConfiguration("https://op.example", client_metadata=client, claims_providers=["a"])  # type: ignore[arg-type]
ProviderConfiguration("https://op.example", client_metadata=client, client_keys={"keys": []})  # type: ignore[arg-type]
ClientKeys.from_pem(5)  # type: ignore[arg-type]

# the clients want `await`


async def of_the_clients() -> None:
    assert_type(auth.clients, dict[str, AsyncRelyingParty])
    party = auth.clients["default"]
    request = await party.begin_login(login_hint="alice")
    assert_type(request, AuthorizationRequest)
    assert_type(request.url, str)
    assert_type(request.pending, PendingLogin)
    assert_type(request.request_object, str | None)
    login = await party.complete_login(request.pending, "code=1&state=2", response_mode="query")
    assert_type(login, Login)
    assert_type(login.tokens.access_token, str)
    assert_type(login.id_token_jwt, str)
    assert_type(await party.userinfo("token", sub="alice"), dict[str, Any] | None)
    assert_type(await party.end_session_url(state="1"), str | None)
    party.begin_login()  # type: ignore[unused-coroutine]


# the session


def of_the_session() -> None:
    for session in (UserSession(quart.session), UserSession(quart.session, "default"), UserSession({}, "default")):
        assert_type(session.access_token, str | None)
        assert_type(session.access_token_expires_at, float | None)
        assert_type(session.current_provider, str)
        assert_type(session.id_token, dict[str, Any] | None)
        assert_type(session.id_token_jwt, str | None)
        assert_type(session.is_authenticated(), bool)
        assert_type(session.last_authenticated, float | None)
        assert_type(session.refresh_token, str | None)
        assert_type(session.should_refresh(60), bool)
        assert_type(session.userinfo, dict[str, Any] | None)


# views of every kind: their parameters stay


@app.route("/text")
@auth.oidc_auth("default")
async def text() -> str:
    return "text"


@app.route("/page/<int:number>")
@auth.oidc_auth("default")
async def page(number: int, extra: str = "") -> quart.Response:
    return jsonify(number=number, extra=extra)


@app.route("/waits/<name>")
@auth.oidc_auth("default")
def waits(name: str) -> dict[str, str]:
    return {"name": name}


@app.route("/maybe")
@auth.oidc_auth("default")
async def maybe() -> ResponseReturnValue:
    try:
        return {"name": UserSession(quart.session).current_provider}
    except UninitialisedSession:
        return "nobody", 404


async def of_the_views() -> None:
    assert_type(text, Callable[[], Coroutine[Any, Any, ResponseReturnValue]])
    assert_type(await page(1, extra="more"), ResponseReturnValue)
    assert_type(await waits("alice"), ResponseReturnValue)
    await page("one")  # type: ignore[arg-type]
    await page(1, 2, 3)  # type: ignore[call-arg, arg-type]
    auth.oidc_auth(1)  # type: ignore[arg-type]


# hooks, which may return nothing: for a whole app, and for a blueprint

inner = quart.Blueprint("inner", __name__)


@app.before_request
@auth.oidc_auth("default")
def require_login() -> None:
    return None


@inner.before_request
@auth.token_auth("default", "read")
async def require_token() -> None:
    return None


@app.before_request
@auth.access_control("default")
def require_either() -> ResponseReturnValue | None:
    return None if quart.request.is_json else ("JSON, please.", 415)


require_by_hand = auth.oidc_auth("default")(lambda: None)


def of_the_hooks() -> None:
    assert_type(require_login, Callable[[], Coroutine[Any, Any, ResponseReturnValue | None]])
    assert_type(require_token, Callable[[], Coroutine[Any, Any, ResponseReturnValue | None]])
    assert_type(require_either, Callable[[], Coroutine[Any, Any, ResponseReturnValue | None]])


# which a view may not


@app.route("/nothing")  # type: ignore[type-var]
@auth.oidc_auth("default")
def nothing() -> None:
    return None


# starting a login from a view


async def again() -> ResponseReturnValue:
    assert_type(await auth.login("default"), quart.Response)
    await auth.login("default", return_to=5)  # type: ignore[arg-type]
    return await auth.login("default", return_to="/", prompt="login", max_age=0)


# logout, in its three forms


@app.route("/logout")
@auth.oidc_logout
async def logout() -> str:
    return "logged out"


@app.route("/logout-called/<name>")
@auth.oidc_logout()
async def logout_called(name: str) -> str:
    return name


@app.route("/logout-elsewhere")
@auth.oidc_logout(post_logout_redirect_uri="https://rp.example/bye")
def logout_elsewhere() -> str:
    return "logged out"


async def of_the_logouts() -> None:
    assert_type(logout, Callable[[], Coroutine[Any, Any, ResponseReturnValue]])
    assert_type(await logout_called("alice"), ResponseReturnValue)
    assert_type(await logout_elsewhere(), ResponseReturnValue)
    auth.oidc_logout(post_logout_redirect_uri=1)  # type: ignore[call-overload]


# the error view stays what it is


@auth.error_view
async def sorry(error: str | None = None, error_description: str | None = None) -> tuple[str, int]:
    return f"{error}: {error_description}", 418


@later.error_view
async def sorry_later(**problem: str) -> str:
    return problem["error"]


async def of_the_error_view() -> None:
    assert_type(await sorry(error="access_denied"), tuple[str, int])


# so does the hook after a login


@auth.after_login
def admit(login: NewLogin) -> str | None:
    assert_type(login.provider, str)
    assert_type(login.tokens.access_token, str)
    assert_type(login.userinfo, Mapping[str, Any] | None)
    if login.id_token["sub"] == "mallory":
        raise LoginRefused("not you")
    return "/welcome" if login.return_path == "/" else None


@later.after_login
async def admit_later(login: NewLogin) -> None:
    admit(login)


@later.after_login
def admit_all(login: NewLogin) -> None:
    assert_type(login.id_token_jwt, str)


def of_the_hook(login: NewLogin) -> None:
    assert_type(admit(login), str | None)
    auth.after_login(lambda: None)  # type: ignore[type-var]
    auth.after_login(is_alice)  # type: ignore[type-var]


# receivers of signals


@logged_in.connect_via(app)
def note_login(sender: Quart, provider: str, claims: dict[str, Any], **extra: Any) -> None:
    assert claims["sub"], provider


@login_failed.connect
async def note_failure(sender: Quart, code: str, **extra: Any) -> None:
    assert code


# views for bearer tokens keep their parameters, too


@app.route("/api/token/<int:number>")
@auth.token_auth("default", scopes_required=["read"])
def api(number: int, extra: str = "") -> quart.Response:
    identity = auth.current_token_identity
    assert_type(identity, dict[str, Any] | None)
    return jsonify(number=number, extra=extra, identity=identity)


@app.route("/api/several")
@auth.token_auth(["default", "other"], "read write", scopes_any={"a", "b"}, acr_values="gold", max_age=60)
async def several() -> dict[str, str]:
    return {}


@app.route("/api/both")
@auth.access_control("default", ("read",), requires=lambda access: access.subject == "alice")
def both() -> str:
    return "both"


def is_alice(access: Access) -> bool:
    assert_type(access.scopes, frozenset[str])
    assert_type(access.subject, str | None)
    assert_type(access.expires_at, float | None)
    assert_type(access.to_dict(), dict[str, Any])
    return access.get("sub") == "alice"


async def is_alice_async(access: Access) -> bool:
    return is_alice(access)


async def of_the_views_for_tokens() -> None:
    assert_type(both, Callable[[], Coroutine[Any, Any, ResponseReturnValue]])
    assert_type(await api(1, extra="more"), ResponseReturnValue)
    assert_type(await several(), ResponseReturnValue)
    auth.token_auth("default", requires=is_alice)
    auth.access_control("default", requires=is_alice_async)
    await api("one")  # type: ignore[arg-type]
    auth.token_auth(1)  # type: ignore[arg-type]
    auth.token_auth("default", 5)  # type: ignore[arg-type]
    auth.token_auth("default", None, ["read"])  # type: ignore[call-arg]
    auth.token_auth("default", requires=lambda: True)  # type: ignore[arg-type, misc]
    auth.access_control(["default"])  # type: ignore[arg-type]


# WebSockets, which return nothing, are protected by the same decorators


@app.websocket("/chat/<room>")
@auth.oidc_auth("default")
async def chat(room: str) -> None:
    assert_type(await auth.is_still_authorized(), bool)
    assert_type(await auth.valid_access_token(), str | None)


@app.websocket("/feed")
@auth.token_auth(["default", "other"], "read", max_age=60)
async def feed() -> None:
    assert_type(auth.current_token_identity, dict[str, Any] | None)


@app.websocket("/either")
@auth.access_control("default")
async def either() -> str | None:
    return None


@app.before_websocket
@auth.token_auth("default")
async def before_all() -> None: ...


@app.before_request
@auth.token_auth("default")
def before_requests() -> None: ...


async def of_the_sockets() -> None:
    assert_type(feed, Callable[[], Coroutine[Any, Any, ResponseReturnValue | None]])
    assert_type(await chat("lobby"), ResponseReturnValue | None)
    await chat(1)  # type: ignore[arg-type]
    app.route("/feed")(feed)  # type: ignore[type-var]


# the client's own tokens, and what an operator asks for


async def of_the_client_itself() -> None:
    client = auth.clients["default"]
    assert_type(await client.client_credentials_grant(), TokenResponse)
    assert_type(await client.client_credentials_grant(scope=["read"], audience="api"), TokenResponse)
    tokens = await client.service_token(scope="read")
    assert_type(tokens.access_token, str)
    assert_type(tokens.expires_in, float | None)
    assert_type(tokens.get("scope"), Any | None)
    assert_type(auth.statistics(), dict[str, Statistics])
    assert_type(auth.statistics()["default"].hits, int)


async def of_a_missing_await() -> None:
    client = auth.clients["default"]
    client.client_credentials_grant()  # type: ignore[unused-coroutine]
    print(client.service_token().access_token)  # type: ignore[attr-defined]
    client.client_credentials_grant()["access_token"]  # type: ignore[index]
