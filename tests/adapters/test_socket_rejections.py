"""Which clients may open a WebSocket; the answers to others before the handshake. threat model 377, 378, 381."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from quart import Blueprint, websocket

from oidc_async.errors import StoreUnavailable
from oidc_async.testing import Fault
from tests.web.challenge import read_challenge
from tests.web.watched_store import WatchedStore

from .cookie_jar import logged_in
from .site import ORIGIN, Framework, QuartFramework, Site, new_provider
from .sockets import Conversation, converse, of_page, socket_views

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "sqlite")
LOGIN, TOKEN, EITHER = "/ws/private", "/ws/api", "/ws/both"


@pytest.fixture(params=[QuartFramework()], ids=["quart"])
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(views=socket_views())


def bearer(site: Site, **options: Any) -> dict[str, str]:
    token = site.provider.issue_access_token("client1", **{"scope": "read", "username": "alice", **options})
    return {"authorization": f"Bearer {token}"}


def require_rejection(rejected: Conversation, status: int, error: str) -> None:
    assert (rejected.status, rejected.error, rejected.answers) == (status, error, [])
    assert rejected.headers["content-type"] == "application/json"
    assert rejected.headers["cache-control"] == "no-store"
    assert "location" not in rejected.headers
    assert rejected.subprotocol is None


# Who may


@pytest.mark.parametrize("path", [LOGIN, EITHER, "/ws/open"])
def test_who_is_logged_in_opens_it_from_a_page_of_the_application(site: Site, path: str) -> None:
    opened = converse(site.app, path, "who", headers=of_page(logged_in(site)))
    assert (opened.status, opened.subprotocol, opened.answers) == (101, None, ["alice"])


@pytest.mark.parametrize("path", [TOKEN, "/ws/read", "/ws/alice", "/ws/any", EITHER])
def test_a_client_with_a_token_opens_it_from_anywhere(site: Site, path: str) -> None:
    """No page can make a browser bring a token that it does not know: its origin is of no interest."""
    headers = {**bearer(site), "origin": "https://elsewhere.example"}
    opened = converse(site.app, path, "identity", "who", headers=headers)
    assert (opened.status, opened.answers) == (101, ["alice", "nobody"])


def test_a_token_decides_also_for_a_user_who_is_logged_in(site: Site) -> None:
    browser = logged_in(site)
    inactive = {**of_page(browser), "authorization": "Bearer unknown"}
    require_rejection(converse(site.app, EITHER, headers=inactive), 403, "invalid_token")


# Who may not


def nobody(site: Site) -> dict[str, str]:
    return {"origin": ORIGIN}


def without_origin(site: Site) -> dict[str, str]:
    return of_page(logged_in(site), None)


def from_elsewhere(site: Site) -> dict[str, str]:
    return of_page(logged_in(site), "https://elsewhere.example")


def expired(site: Site) -> dict[str, str]:
    headers = bearer(site)
    site.provider.clock.advance(3600)
    return headers


def of_another_scope(site: Site) -> dict[str, str]:
    return bearer(site, scope="write")


def of_bob(site: Site) -> dict[str, str]:
    return bearer(site, username="bob")


def of_long_ago(site: Site) -> dict[str, str]:
    return bearer(site, claims={"auth_time": 1})


REJECTIONS = [
    # what comes, at which path, the status, the error, and the error in the challenge (None: no challenge)
    pytest.param(nobody, LOGIN, 401, "login_required", None, id="nobody, at a login"),
    pytest.param(nobody, TOKEN, 401, "bearer_token_missing", "", id="nobody, at a token"),
    pytest.param(nobody, EITHER, 401, "login_required", "", id="nobody, at either"),
    pytest.param(without_origin, LOGIN, 401, "login_required", None, id="378: a session without Origin"),
    pytest.param(without_origin, EITHER, 401, "login_required", "", id="378: the same, where a token would do"),
    pytest.param(from_elsewhere, LOGIN, 403, "origin_not_allowed", None, id="377: a page of another site"),
    pytest.param(from_elsewhere, EITHER, 403, "origin_not_allowed", None, id="377: the same, where a token would do"),
    pytest.param(
        lambda site: {"authorization": "Bearer a b"}, TOKEN, 400, "invalid_request", "invalid_request", id="no token"
    ),
    pytest.param(
        lambda site: {"authorization": "Bearer x"},
        TOKEN,
        403,
        "invalid_token",
        "invalid_token",
        id="a guessed token",
    ),
    pytest.param(expired, TOKEN, 403, "invalid_token", "invalid_token", id="an expired token"),
    pytest.param(of_another_scope, "/ws/read", 403, *["insufficient_scope"] * 2, id="a missing scope"),
    pytest.param(of_bob, "/ws/alice", 403, *["insufficient_scope"] * 2, id="claims that the view does not want"),
    pytest.param(of_long_ago, "/ws/recent", 401, *["insufficient_user_authentication"] * 2, id="an old login"),
]


@pytest.mark.parametrize(("headers", "path", "status", "error", "challenge"), REJECTIONS)
def test_a_client_that_may_not_learns_why_before_the_handshake(
    site: Site, headers: Callable[[Site], dict[str, str]], path: str, status: int, error: str, challenge: str | None
) -> None:
    """threat model 381"""
    rejected = converse(site.app, path, headers=headers(site))
    require_rejection(rejected, status, error)
    header = rejected.headers.get("www-authenticate")
    assert (header is None) == (challenge is None)
    if header is not None:
        scheme, parameters = read_challenge(header)
        assert (scheme, parameters.get("error", "")) == ("Bearer", challenge)


@pytest.mark.parametrize(("headers", "path", "status", "error", "challenge"), REJECTIONS)
def test_a_server_that_can_not_answer_has_to_close(
    site: Site, headers: Callable[[Site], dict[str, str]], path: str, status: int, error: str, challenge: str | None
) -> None:
    """threat model 381: servers answer 403 to a close before the handshake"""
    rejected = converse(site.app, path, headers=headers(site), answers_rejections=False)
    assert (rejected.status, rejected.answers) == (403, [])


@pytest.mark.parametrize(
    "accept", ["text/html", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "application/json", ""]
)
def test_nobody_is_sent_to_a_login_and_nothing_is_begun(site: Site, accept: str) -> None:
    """threat model 381"""
    headers = {"origin": ORIGIN, "accept": accept, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    rejected = converse(site.app, LOGIN, headers=headers)
    require_rejection(rejected, 401, "login_required")
    assert "set-cookie" not in rejected.headers


def test_the_challenge_stays_when_the_application_writes_its_own_page(make_site: MakeSite) -> None:
    site = make_site(views=socket_views())

    async def rejected(_error: Exception) -> tuple[str, int]:
        return "no", 418

    site.app.errorhandler(401)(rejected)
    answer = converse(site.app, TOKEN)
    assert (answer.status, answer.body) == (418, b"no")
    assert answer.headers["www-authenticate"] == "Bearer"


# Cross-site WebSocket hijacking


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://elsewhere.example",
        "http://rp.example",
        "https://rp.example:8443",
        "https://rp.example:443",
        "https://www.rp.example",
        "https://rp.example.elsewhere.example",
        "https://elsewhere.example/https://rp.example",
        "https://rp.example@elsewhere.example",
        "https://rp.example/",
        "https://rp.example, https://elsewhere.example",
        "wss://rp.example",
        "RP.EXAMPLE",
    ],
)
@pytest.mark.parametrize("path", [LOGIN, "/ws/open"])
def test_a_page_of_another_origin_gets_nothing_of_the_session(
    site: Site, path: str, origin: str, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 377: also where no decorator is before the view"""
    browser = logged_in(site)
    answer = converse(site.app, path, "who", "token", "authorized", headers=of_page(browser, origin))
    if path == LOGIN:
        require_rejection(answer, 403, "origin_not_allowed")
        (record,) = [record for record in caplog.records if "Origin" in record.message]
        assert record.levelno == logging.WARNING
        assert repr(origin) in record.message
        assert "OIDC_WEBSOCKET_ORIGINS" in record.message
    else:
        assert answer.answers == ["nobody", "none: nobody", "no"]
    # the session itself is none the worse for it
    assert browser.get("/private").text == "private"


def test_a_session_without_an_origin_is_none_in_a_view_without_a_decorator(site: Site) -> None:
    """threat model 378"""
    answer = converse(site.app, "/ws/open", "who", "token", headers=of_page(logged_in(site), None))
    assert answer.answers == ["nobody", "none: nobody"]


def test_other_origins_may_be_named(make_site: MakeSite) -> None:
    site = make_site(views=socket_views(), config={"OIDC_WEBSOCKET_ORIGINS": ["https://www.example"]})
    browser = logged_in(site)
    for origin in (ORIGIN, "https://www.example"):
        assert converse(site.app, LOGIN, "who", headers=of_page(browser, origin)).answers == ["alice"]
    rejected = converse(site.app, LOGIN, headers=of_page(browser, "https://other.example"))
    require_rejection(rejected, 403, "origin_not_allowed")


# Outages


def test_a_store_that_is_down_is_503_and_says_when_to_come_again(make_site: MakeSite) -> None:
    store = WatchedStore()
    site = make_site(views=socket_views(), config={"OIDC_STORE": store, "TESTING": False})
    headers = of_page(logged_in(site))
    store.break_down()
    rejected = converse(site.app, LOGIN, headers=headers)
    require_rejection(rejected, 503, StoreUnavailable.code)
    assert rejected.headers["retry-after"] == "5"
    store.come_back()
    assert converse(site.app, LOGIN, "who", headers=headers).answers == ["alice"]


def test_an_error_view_writes_no_page_for_a_socket(make_site: MakeSite) -> None:
    store = WatchedStore()
    site = make_site(views=socket_views(), config={"OIDC_STORE": store, "TESTING": False})
    site.auth.error_view(lambda error=None, error_description=None: "a page")
    headers = of_page(logged_in(site))
    store.break_down()
    require_rejection(converse(site.app, LOGIN, headers=headers), 503, StoreUnavailable.code)


def test_a_provider_that_is_down_is_503_and_says_when_to_come_again(site: Site) -> None:
    with site.provider.misbehaving(Fault.INTROSPECTION_500):
        rejected = converse(site.app, TOKEN, headers=bearer(site))
    require_rejection(rejected, 503, "temporarily_unavailable")
    assert int(rejected.headers["retry-after"]) >= 1
    assert "www-authenticate" not in rejected.headers


# Places


def test_a_socket_below_a_mount_knows_the_session(make_site: MakeSite) -> None:
    redirect_uri = f"{ORIGIN}/app/redirect_uri"
    site = make_site(
        views=socket_views(),
        config={"OIDC_REDIRECT_URI": redirect_uri},
        root_path="/app",
        providers={"default": new_provider(redirect_uri=redirect_uri)},
    )
    browser = site.browser()
    assert browser.log_in("/app/private").text == "private"
    opened = converse(site.app, f"/app{LOGIN}", "who", headers=of_page(browser), root_path="/app")
    assert opened.answers == ["alice"]


def test_a_hook_before_all_sockets_and_a_blueprint(make_site: MakeSite) -> None:
    def add_views(app: Any, auth: Any) -> None:
        socket_views()(app, auth)
        chat = Blueprint("chat", __name__, url_prefix="/chat")

        async def before() -> None:
            return None

        async def room() -> None:
            await websocket.send("welcome")

        chat.before_websocket(auth.oidc_auth("default")(before))
        chat.websocket("/room")(room)
        app.register_blueprint(chat)

    site = make_site(views=add_views)
    require_rejection(converse(site.app, "/chat/room", headers={"origin": ORIGIN}), 401, "login_required")
    assert converse(site.app, "/chat/room", headers=of_page(logged_in(site))).answers == ["welcome"]
