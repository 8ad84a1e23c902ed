"""The session in a WebSocket is read, not changed, and may end while the socket is open. threat model 382 to 384."""

from collections.abc import Callable
from typing import Any

import pytest
import quart
from quart_oidc_async import UserSession

from oidc_async.testing import Fault
from oidc_async.web.signals import token_refreshed
from tests.web.watched_store import WatchedStore

from .cookie_jar import logged_in, login_again
from .provider_logout import back_site, end
from .refresh_site import LIFETIME, OFFLINE, asked
from .site import ORIGIN, Browser, Framework, QuartFramework, Site
from .sockets import converse, of_page, socket_views

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "memory", "sqlite", "cookies beside sqlite")
in_cookies = pytest.mark.parametrize("sessions_in", ["cookies", "cookies beside sqlite"], indirect=True)
in_a_store = pytest.mark.sessions_in("memory", "sqlite")
PRIVATE = "/ws/private"


@pytest.fixture(params=[QuartFramework()], ids=["quart"])
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


@pytest.fixture
def make_socket_site(make_site: MakeSite) -> MakeSite:
    def make(config: dict[str, Any] | None = None, **options: Any) -> Site:
        return make_site(config=config, **{"views": socket_views(), **OFFLINE, **options})

    return make


@pytest.fixture
def site(make_socket_site: MakeSite) -> Site:
    return make_socket_site()


def ask(site: Site, browser: Browser, *said: Any, path: str = PRIVATE) -> list[str]:
    opened = converse(site.app, path, *said, headers=of_page(browser))
    assert opened.status == 101, opened
    return opened.answers


def token_in(browser: Browser) -> str:
    token: str = browser.who()["access_token"]
    return token


# Refreshing


def test_a_token_that_lasts_is_given_as_it_is(site: Site) -> None:
    browser = logged_in(site)
    assert ask(site, browser, "token", path="/ws/open") == [token_in(browser)]
    assert asked(site.provider) == 0


@in_cookies
@pytest.mark.parametrize(
    ("passed", "words", "answers"),
    [
        (0, "new token", ["none: session_not_writable"]),
        (LIFETIME - 10, "token", ["the present one"]),
        (LIFETIME + 1, "token", ["none: session_not_writable"]),
    ],
    ids=["force_refresh", "about to expire", "expired"],
)
def test_a_refresh_token_is_not_spent_where_its_successor_can_not_be_kept(
    site: Site, passed: float, words: str, answers: list[str]
) -> None:
    """threat model 382: in a socket, the session being in cookies; the next request refreshes it"""
    browser = logged_in(site)
    token = token_in(browser)
    opened = converse(site.app, PRIVATE, lambda: site.provider.clock.advance(passed), words, headers=of_page(browser))
    assert opened.answers == [token if answer == "the present one" else answer for answer in answers]
    assert asked(site.provider) == 0
    assert token_in(browser) == token


@in_a_store
def test_a_store_keeps_what_a_socket_refreshes(site: Site) -> None:
    """threat model 382: once, for all requests and sockets of the user, under the same id"""
    browser = logged_in(site)
    token, announced = token_in(browser), list[str]()

    def receive(_app: Any, provider: str, **_more: Any) -> None:
        announced.append(provider)

    def expire() -> None:
        site.provider.clock.advance(LIFETIME + 1)

    with token_refreshed.connected_to(receive):
        (first, second) = ask(site, browser, expire, "token", "token")
    assert first == second != token
    assert (token_in(browser), asked(site.provider), announced) == (first, 1, ["default"])


@in_a_store
def test_a_socket_sees_what_a_request_refreshed(site: Site) -> None:
    browser = logged_in(site)
    seen = list[str]()

    def refresh_elsewhere() -> None:
        site.provider.clock.advance(LIFETIME + 1)
        seen.extend(ask_in_thread(site, browser))

    assert ask(site, browser, "token", refresh_elsewhere, "token")[1:] == seen
    assert asked(site.provider) == 1


def ask_in_thread(site: Site, browser: Browser) -> list[str]:
    return ask(site, browser, "token")


@in_a_store
def test_a_dead_refresh_token_is_dropped(site: Site) -> None:
    browser = logged_in(site)
    refresh_token = browser.who()["refresh_token"]
    assert refresh_token is not None

    def expire() -> None:
        site.provider.clock.advance(LIFETIME + 1)

    with site.provider.misbehaving(Fault.TOKEN_INVALID_GRANT):
        assert ask(site, browser, expire, "token", "token") == ["none: oauth_error", "none: nobody"]
    assert browser.who()["refresh_token"] is None


def test_a_socket_does_not_renew_the_session(make_socket_site: MakeSite) -> None:
    """threat model 382: neither by the refresh token; the next request does"""
    site = make_socket_site(session_refresh_interval_seconds=60, renew_with_refresh_token=True)
    browser = logged_in(site)
    site.provider.clock.advance(120)
    assert ask(site, browser, "who") == ["alice"]
    assert asked(site.provider) == 0
    assert browser.get("/private").text == "private"
    assert asked(site.provider) == 1


# The end


@in_a_store
def test_a_logout_in_another_tab_ends_the_session(site: Site) -> None:
    """threat model 383"""
    browser = logged_in(site)
    said = ("authorized", lambda: browser.get("/logout"), "authorized", "who", "token", "authorized")
    assert ask(site, browser, *said) == ["yes", "no", "nobody", "none: nobody", "no"]


@in_a_store
def test_a_session_that_was_read_at_the_beginning_is_that_of_now(make_socket_site: MakeSite) -> None:
    """A view reads it once; what it asks for later, such as a token, shows whether it has ended."""

    def add_views(app: Any, auth: Any) -> None:
        QuartFramework().add_standard_views(app, auth)

        async def talk() -> None:
            user = UserSession(quart.session)
            while True:
                await quart.websocket.receive()
                await auth.valid_access_token()
                await quart.websocket.send(f"{user.is_authenticated()} {(user.id_token or {}).get('sub')}")

        app.websocket(PRIVATE)(auth.oidc_auth("default")(talk))

    site = make_socket_site(views=add_views)
    browser = logged_in(site)
    assert ask(site, browser, "", lambda: browser.get("/logout"), "") == ["True alice", "False None"]


@in_a_store
def test_a_new_login_is_another_session(site: Site) -> None:
    """threat model 383"""
    browser = logged_in(site)

    def log_in_again() -> None:
        assert browser.come_back(site.provider.authorize(login_again(browser))).status_code == 302

    assert ask(site, browser, "who", log_in_again, "authorized") == ["alice", "no"]
    assert ask(site, browser, "authorized") == ["yes"]


@pytest.mark.sessions_in("memory", "sqlite", "cookies beside sqlite")
def test_a_logout_by_the_provider_ends_the_session(make_socket_site: MakeSite) -> None:
    """threat model 383"""
    site = back_site(make_socket_site)
    browser = logged_in(site)

    def end_at_provider() -> None:
        assert end(site).status_code == 200

    assert ask(site, browser, "authorized", end_at_provider, "authorized") == ["yes", "no"]


@pytest.mark.parametrize(
    ("setting", "seconds"), [("OIDC_SESSION_SECONDS", 1000), ("PERMANENT_SESSION_LIFETIME", 1000)]
)
def test_a_session_that_is_too_old_is_over(make_socket_site: MakeSite, setting: str, seconds: float) -> None:
    """threat model 383"""
    site = make_socket_site({setting: seconds})
    browser = logged_in(site)

    def wait() -> None:
        site.provider.clock.advance(seconds + 1)

    assert ask(site, browser, "authorized", wait, "authorized") == ["yes", "no"]


def test_an_open_socket_does_not_keep_an_idle_session(make_socket_site: MakeSite) -> None:
    """threat model 383: no user need be there who has it open"""
    site = make_socket_site({"OIDC_SESSION_IDLE_SECONDS": 600})
    browser = logged_in(site)

    def wait() -> None:
        site.provider.clock.advance(250)

    said = ("token", wait, "authorized", wait, "authorized", wait, "authorized")
    assert ask(site, browser, *said)[1:] == ["yes", "yes", "no"]
    assert browser.get("/private").status_code == 302


@in_a_store
def test_a_refresh_in_a_socket_does_not_keep_it_either(make_socket_site: MakeSite) -> None:
    """threat model 383"""
    site = make_socket_site({"OIDC_SESSION_IDLE_SECONDS": 2 * LIFETIME})
    browser = logged_in(site)

    def wait() -> None:
        site.provider.clock.advance(LIFETIME + 60)

    tokens = ask(site, browser, wait, "token", wait, "token")
    assert tokens[0].startswith("none") is False
    assert tokens[1] == "none: nobody"
    assert browser.get("/private").status_code == 302


def test_nobody_is_not_authorized(site: Site) -> None:
    opened = converse(site.app, "/ws/open", "authorized", headers={"origin": ORIGIN})
    assert opened.answers == ["no"]


@pytest.mark.sessions_in("memory")
def test_a_store_that_is_down_is_not_an_answer(make_site: MakeSite) -> None:
    """Whether a session has ended is not known then: the socket is closed, and the session stays."""
    store = WatchedStore()
    site = make_site(views=socket_views(), config={"OIDC_STORE": store, "TESTING": False})
    browser = logged_in(site)
    opened = converse(site.app, PRIVATE, "authorized", store.break_down, "authorized", headers=of_page(browser))
    assert opened.answers == ["yes"]
    store.come_back()
    assert browser.get("/private").text == "private"


# What a socket can't do


@pytest.mark.parametrize("words", ["change", "clear"])
def test_the_session_can_not_be_changed(site: Site, words: str) -> None:
    """threat model 384: it would be lost without a word"""
    browser = logged_in(site)
    before = browser.who()
    (answer,) = ask(site, browser, words)
    assert "can read the session, but not change it" in answer
    assert browser.who() == before


def test_nobody_can_be_sent_to_a_login(site: Site) -> None:
    """threat model 384"""
    (answer,) = ask(site, logged_in(site), "login")
    assert answer.startswith("auth.login does not work in a WebSocket")


def test_nobody_can_be_logged_out(make_socket_site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 384"""
    site = make_socket_site({"TESTING": False})
    browser = logged_in(site)
    rejected = converse(site.app, "/ws/logout", headers=of_page(browser))
    assert (rejected.status, b"WebSocket" in rejected.body) == (500, False)
    assert "oidc_logout does not work in a WebSocket" in caplog.text
    assert browser.get("/private").text == "private"


def test_a_rejection_of_the_provider_to_renew_is_heeded(make_socket_site: MakeSite) -> None:
    site = make_socket_site(session_refresh_interval_seconds=60, renew_with_refresh_token=True)
    browser = logged_in(site)
    site.provider.clock.advance(120)
    with site.provider.misbehaving(Fault.TOKEN_INVALID_GRANT):
        assert browser.get("/private").status_code == 302
    rejected = converse(site.app, PRIVATE, headers=of_page(browser))
    assert (rejected.status, rejected.error) == (401, "login_required")
