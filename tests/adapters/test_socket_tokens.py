"""Access tokens of browsers, which can set no header for a WebSocket: as a subprotocol. threat model 379, 380."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from quart import websocket

from oidc_async.testing import SimulatedProvider

from .cookie_jar import logged_in
from .site import Framework, QuartFramework, Site, new_provider
from .sockets import converse, of_page, socket_views

MakeSite = Callable[..., Site]
API = "/ws/api"


@pytest.fixture(params=[QuartFramework()], ids=["quart"])
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(views=socket_views())


def token_of(provider: SimulatedProvider, **options: Any) -> str:
    return provider.issue_access_token("client1", **{"scope": "read", "username": "alice", **options})


@pytest.mark.parametrize("path", [API, "/ws/read", "/ws/alice", "/ws/any", "/ws/both"])
@pytest.mark.parametrize("jwt", [False, True], ids=["opaque", "a JWT"])
def test_a_token_as_a_subprotocol_is_one(site: Site, path: str, jwt: bool) -> None:
    token = token_of(site.provider, jwt=jwt)
    opened = converse(site.app, path, "identity", subprotocols=["bearer", token])
    assert (opened.status, opened.answers) == (101, ["alice"])


@pytest.mark.parametrize(
    ("offered", "left"),
    [
        (["bearer", "{}"], ["bearer"]),
        (["chat.v2", "bearer", "{}"], ["chat.v2", "bearer"]),
        (["bearer", "{}", "chat.v2", "chat.v1"], ["bearer", "chat.v2", "chat.v1"]),
    ],
)
def test_the_token_is_never_seen_again(
    site: Site, offered: Sequence[str], left: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 379: neither selected, nor among what the view or a server's log sees, nor logged"""
    caplog.set_level(logging.DEBUG)
    token = token_of(site.provider)
    opened = converse(site.app, API, "protocols", subprotocols=[name.format(token) for name in offered])
    assert opened.answers == [f"{left} {', '.join(left)}"]
    # a browser closes the socket if none is selected
    assert opened.subprotocol == "bearer"
    assert opened.scope["subprotocols"] == left
    assert token not in repr(opened.scope)
    assert token not in caplog.text


def test_a_rejected_token_is_not_seen_either(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 379"""
    caplog.set_level(logging.DEBUG)
    rejected = converse(site.app, API, subprotocols=["bearer", "canary-3141592653"])
    assert (rejected.status, rejected.error) == (403, "invalid_token")
    assert "canary" not in repr((rejected.headers, rejected.body, rejected.scope)) + caplog.text


def test_a_view_may_select_another_subprotocol(make_site: MakeSite) -> None:
    async def greet() -> None:
        await websocket.accept(subprotocol="chat.v2")
        await websocket.send("hello")

    def add_views(app: Any, auth: Any) -> None:
        app.websocket("/ws/api")(auth.token_auth("default")(greet))

    site = make_site(views=add_views)
    opened = converse(site.app, API, subprotocols=["bearer", token_of(site.provider), "chat.v2"])
    assert (opened.subprotocol, opened.answers) == ("chat.v2", ["hello"])


@pytest.mark.parametrize(
    "subprotocols",
    [
        pytest.param(["bearer"], id="380: no token behind it"),
        pytest.param(["chat", "bearer"], id="380: no token behind it, at the end"),
        pytest.param(["bearer", "{0}", "bearer", "{0}"], id="380: two"),
        pytest.param(["bearer", "{0}", "bearer"], id="380: one, and none"),
        pytest.param(["bearer", "%C3%BC"], id="380: characters of no token"),
        pytest.param(["bearer", "{0}%0D%0Ax"], id="380: a line end behind it"),
        pytest.param(["bearer", "{0}%2Cx"], id="380: a list"),
        pytest.param(["bearer", "%"], id="380: half an encoding"),
    ],
)
def test_what_is_not_one_token_is_rejected(site: Site, subprotocols: list[str]) -> None:
    """threat model 380"""
    token = token_of(site.provider)
    rejected = converse(site.app, "/ws/both", subprotocols=[name.format(token) for name in subprotocols])
    assert (rejected.status, rejected.error, rejected.answers) == (400, "invalid_request", [])
    assert site.provider.count("introspection") == 0


@pytest.mark.parametrize("path", [API, "/ws/both"])
def test_a_token_in_two_places_is_rejected(site: Site, path: str) -> None:
    """threat model 380: also when it is the same one, and known to be good"""
    token = token_of(site.provider)
    header = {"authorization": f"Bearer {token}"}
    assert converse(site.app, path, "identity", headers=header).answers == ["alice"]
    rejected = converse(site.app, path, headers=header, subprotocols=["bearer", token])
    assert (rejected.status, rejected.error) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["access_token", "token", "bearer", "authorization"])
def test_a_token_in_the_query_is_none(site: Site, name: str) -> None:
    """threat model 380"""
    rejected = converse(site.app, f"{API}?{name}={token_of(site.provider)}")
    assert (rejected.status, rejected.error) == (401, "bearer_token_missing")


@pytest.mark.parametrize("name", ["Bearer", "BEARER", "bearer.", "access_token"])
def test_a_token_behind_another_name_is_none(site: Site, name: str) -> None:
    rejected = converse(site.app, API, subprotocols=[name, token_of(site.provider)])
    assert (rejected.status, rejected.error) == (401, "bearer_token_missing")


def test_the_issuer_chooses_among_several_providers(make_site: MakeSite) -> None:
    providers = {"default": new_provider(), "other": new_provider("https://other.example")}
    site = make_site(
        views=socket_views(),
        providers=providers,
        access_token_verification="jwt",
        audience="client1",
    )
    for provider in providers.values():
        token = token_of(provider, jwt=True)
        assert converse(site.app, "/ws/any", "identity", subprotocols=["bearer", token]).answers == ["alice"]
    rejected = converse(site.app, API, subprotocols=["bearer", token_of(providers["other"], jwt=True)])
    assert (rejected.status, rejected.error) == (403, "invalid_token")


def test_two_decorators_see_one_token(make_site: MakeSite) -> None:
    def add_views(app: Any, auth: Any) -> None:
        async def talk() -> None:
            await websocket.send(auth.current_token_identity["sub"])

        app.before_websocket(auth.token_auth("default")(nothing))
        app.websocket("/ws/api")(auth.token_auth("default", "read")(talk))

    async def nothing() -> None:
        return None

    site = make_site(views=add_views)
    assert converse(site.app, API, subprotocols=["bearer", token_of(site.provider)]).answers == ["alice"]


# While the socket is open


def test_a_token_is_introspected_again(make_site: MakeSite) -> None:
    """threat model 383: a revoked one, and one that has expired"""
    site = make_site(views=socket_views(), config={"OIDC_TOKEN_CACHE_SECONDS": 0})
    token = token_of(site.provider)
    revoked = converse(
        site.app,
        API,
        "authorized",
        lambda: site.provider.revoke_access_token(token),
        "authorized",
        subprotocols=["bearer", token],
    )
    assert revoked.answers == ["yes", "no"]
    expired = converse(
        site.app,
        API,
        "authorized",
        lambda: site.provider.clock.advance(3600),
        "authorized",
        "identity",
        headers={"authorization": f"Bearer {token_of(site.provider)}"},
    )
    # what it said when the socket was opened stays known
    assert expired.answers == ["yes", "no", "alice"]


def test_the_requirements_of_a_decorator_apply_again(site: Site) -> None:
    """threat model 383"""
    now = int(site.provider.clock())
    token = token_of(site.provider, claims={"auth_time": now})
    answers = converse(
        site.app,
        "/ws/recent",
        "authorized",
        lambda: site.provider.clock.advance(120),
        "authorized",
        subprotocols=["bearer", token],
    ).answers
    assert answers == ["yes", "no"]


async def nothing() -> None:
    """What a hook does beside what its decorator requires."""


def with_hook(hook: Any) -> Any:
    """The WebSockets, and this hook before each of them."""

    def add_views(app: Any, auth: Any) -> None:
        socket_views()(app, auth)
        app.before_websocket(hook(auth))

    return add_views


@pytest.mark.parametrize("path", [API, "/ws/read"])
@pytest.mark.parametrize(
    ("hook", "end"),
    [
        (lambda auth: auth.oidc_auth("default")(nothing), lambda site, browser: browser.get("/logout")),
        (
            lambda auth: auth.token_auth("default", max_age=60)(nothing),
            lambda site, browser: site.provider.clock.advance(120),
        ),
    ],
    ids=["a session", "a recent login"],
)
def test_what_a_hook_requires_is_required_again_beside_what_the_view_does(
    make_site: MakeSite, hook: Any, end: Any, path: str
) -> None:
    """threat model 383: the decorator of the view, which comes last, does not replace that of the hook"""
    site = make_site(views=with_hook(hook), config={"OIDC_STORE": "memory:"})
    browser = logged_in(site)
    token = token_of(site.provider, scope="read", claims={"auth_time": int(site.provider.clock())})
    answers = converse(
        site.app,
        path,
        "authorized",
        lambda: end(site, browser),
        "authorized",
        "authorized",
        headers=of_page(browser),
        subprotocols=["bearer", token],
    ).answers
    assert answers == ["yes", "no", "no"]


def test_a_token_needs_no_session_and_a_session_no_token(site: Site) -> None:
    token = token_of(site.provider, username="bob")
    headers = of_page(logged_in(site))
    both = converse(site.app, "/ws/both", "identity", "who", headers=headers, subprotocols=["bearer", token])
    assert both.answers == ["bob", "alice"]
