"""Sessions in a store, seen from outside: an id in the browser, sealed records in the store, and few questions."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from oidc_async import ClientMetadata, ProviderConfiguration
from oidc_async.web.request_context import RequestContext
from oidc_async.web.sessions.lifecycle import SessionLifecycle
from oidc_async.web.views.access_token import valid_access_token
from tests.web.watched_store import WatchedStore
from tests.web.web_request import web_request

from .cookie_jar import is_anonymous, jar_of, logged_in, login_again, put, session_name, session_of
from .site import ORIGIN, REDIRECT_URI, SECRET_KEY, Browser, Framework, Site, cookies_of, new_provider
from .toolbox import toolbox

MakeSite = Callable[..., Site]
SESSIONS_IN = ("memory", "sqlite")
OFFLINE = {"auth_request_params": {"scope": "openid profile offline_access"}}
on_one_store = pytest.mark.parametrize("sessions_in", ["cookies"], indirect=True)
"""For a test that brings its own store."""
GROUPS = [f"{number * 7919:032x}" for number in range(4000)]


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore()


# What the browser has


@pytest.mark.parametrize("response_mode", ["query", "fragment", "form_post"])
def test_the_browser_has_an_id_and_nothing_else(make_site: MakeSite, response_mode: str) -> None:
    """contract.md 2; threat model 157, 164"""
    site = make_site(auth_request_params={"response_mode": response_mode})
    browser = site.browser()
    page = browser.come_back(browser.begin_login())
    cookie = cookies_of(page)[session_name(site)]
    assert cookie.name.startswith("__Host-")
    assert len(cookie.value) == 43
    assert {"secure", "httponly"} <= set(cookie.attributes)
    assert (cookie.attributes["samesite"], cookie.attributes["path"]) == ("Lax", "/")
    assert "domain" not in cookie.attributes
    assert "no-store" in page.headers["cache-control"]
    assert {name.rpartition("-")[2] for name in jar_of(browser)} == {"sid", "logins"}


def test_a_login_changes_the_id_and_the_one_of_before_is_good_for_nothing(make_site: MakeSite) -> None:
    """contract.md 2; threat model 156"""
    site = make_site()
    browser = logged_in(site, user="alice")
    before = session_of(browser)
    browser.come_back(site.provider.authorize(login_again(browser), user="bob"))
    assert browser.who()["id_token"]["sub"] == "bob"
    assert not set(before.values()) & set(session_of(browser).values())
    stranger = site.browser()
    put(stranger, before)
    assert is_anonymous(stranger)


def test_an_id_that_somebody_planted_is_not_taken_over(make_site: MakeSite) -> None:
    """threat model 156"""
    site = make_site()
    planted = {session_name(site): "A" * 43}
    browser, attacker = site.browser(), site.browser()
    put(browser, planted)
    browser.log_in()
    put(attacker, planted)
    assert session_of(browser) != planted
    assert is_anonymous(attacker)


def changed(value: str) -> str:
    return ("A" if value[0] != "A" else "B") + value[1:]


@on_one_store
@pytest.mark.parametrize(
    ("change", "asked"),
    [
        pytest.param(changed, 1, id="altered"),
        pytest.param(lambda value: value.swapcase(), 1, id="other case"),
        pytest.param(lambda value: value[:-1], 0, id="cut short"),
        pytest.param(lambda value: value + "A", 0, id="longer"),
        pytest.param(lambda value: value * 2000, 0, id="much longer"),
        pytest.param(lambda value: "", 0, id="empty"),
        pytest.param(lambda value: "=" + value[1:], 0, id="other characters"),
        pytest.param(lambda value: '"' + value, 0, id="a quote"),
        pytest.param(lambda value: "1." + value, 0, id="a count of parts"),
    ],
)
def test_an_id_that_is_none_is_nobody_and_a_login_mends_it(
    make_site: MakeSite, store: WatchedStore, change: Callable[[str], str], asked: int
) -> None:
    """threat model 160, 161, 162: and what can't be one is not even asked for"""
    browser = logged_in(make_site(config={"OIDC_STORE": store}))
    put(browser, {name: change(value) for name, value in session_of(browser).items()})
    store.calls.clear()
    assert browser.who() == {}
    assert store.calls == ["get_many"] * asked
    assert is_anonymous(browser)
    assert browser.log_in().text == "private"


# What the store has


@pytest.mark.parametrize("sessions_in", ["sqlite"], indirect=True)
def test_nothing_of_a_login_can_be_read_in_the_store(make_site: MakeSite, tmp_path: Path) -> None:
    """threat model 164"""
    browser = logged_in(make_site(**OFFLINE))
    (session_id,) = session_of(browser).values()
    who = browser.who()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("sessions.db*"))
    assert b"session:" in stored
    secrets = [session_id, who["access_token"], who["refresh_token"], *who["id_token_jwt"].split(".")]
    secrets += [who["id_token"]["nonce"], "alice", "Alice", "access_token", browser.site.provider.issuer]
    assert [secret for secret in secrets if secret.encode() in stored] == []


def overwritten(value: bytes) -> dict[str, Any]:
    """What somebody may write in place of a record."""
    return {
        "nothing": b"",
        "half": value[: len(value) // 2],
        "altered": value[:50] + bytes([value[50] ^ 1]) + value[51:],
        "garbage": b"garbage \xff\xfe",
        "JSON": b'{"current_provider": "default"}',
        "text": "1.\u20ac",
        "a number": 5,
    }


@pytest.mark.parametrize("case", overwritten(bytes(60)))
@pytest.mark.parametrize("sessions_in", ["sqlite"], indirect=True)
def test_what_somebody_wrote_into_the_file_is_nobody_and_a_login_mends_it(
    make_site: MakeSite, tmp_path: Path, case: str
) -> None:
    """threat model 160"""
    browser = logged_in(make_site())
    with closing(sqlite3.connect(tmp_path / "sessions.db")) as file, file:
        ((value,),) = file.execute("SELECT value FROM entries")
        file.execute("UPDATE entries SET value = ?", [overwritten(value)[case]])
    assert is_anonymous(browser)
    assert browser.log_in().text == "private"


@pytest.mark.parametrize("sessions_in", ["sqlite"], indirect=True)
def test_the_record_of_another_is_not_a_record(make_site: MakeSite, tmp_path: Path) -> None:
    """threat model 160: who may write to the file can't take a session over"""
    site = make_site()
    alice, bob = logged_in(site, user="alice"), logged_in(site, user="bob")
    with closing(sqlite3.connect(tmp_path / "sessions.db")) as file, file:
        (one, its_value), (other, other_value) = file.execute("SELECT key, value FROM entries").fetchall()
        file.executemany("UPDATE entries SET value = ? WHERE key = ?", [(other_value, one), (its_value, other)])
    assert is_anonymous(alice)
    assert is_anonymous(bob)


def test_a_session_is_much_larger_than_cookies(make_site: MakeSite) -> None:
    """threat model 165"""
    provider = new_provider()
    provider.add_user("carol", claims={"groups": GROUPS})
    browser = logged_in(make_site(providers={"default": provider}), user="carol")
    assert browser.who()["userinfo"]["groups"] == GROUPS
    assert sum(map(len, session_of(browser).values())) == 43


def test_the_session_of_another_secret_is_none_and_that_of_a_former_one_is_one(make_site: MakeSite) -> None:
    """threat model 160"""
    former = "the former secret of the tests"
    browser = logged_in(make_site(config={"SECRET_KEY": former}))
    other, rolled_out = make_site().browser(), make_site(config={"SECRET_KEY_FALLBACKS": [former]}).browser()
    put(other, jar_of(browser))
    put(rolled_out, jar_of(browser))
    assert is_anonymous(other)
    assert rolled_out.who()["id_token"]["sub"] == "alice"


def test_applications_with_one_store_one_secret_and_one_client_keep_apart(make_site: MakeSite) -> None:
    """threat model 37, 160: who could read the cookies of one is nobody at the other"""
    other_uri = f"{ORIGIN}/admin/redirect_uri"
    shop = make_site()
    admin = make_site(config={"OIDC_REDIRECT_URI": other_uri})
    browser, attacker = logged_in(shop), admin.browser()
    (session_id,) = session_of(browser).values()
    put(attacker, {session_name(admin): session_id})
    assert is_anonymous(attacker)
    assert attacker.get("/logout").text == "logged out"
    assert browser.get("/private").text == "private"


# Requests that overlap


def request_of(browser: Browser) -> RequestContext:
    """A request of this browser, that has loaded its session and is under way."""
    begun = RequestContext(browser.site.web, web_request(cookies=jar_of(browser)))
    browser.site.framework.run(begun.open_session())
    return begun


def finish_late(begun: RequestContext, browser: Browser) -> list[str]:
    """Let it end; the names of the cookies that it sets."""
    return [cookie.name for cookie in browser.site.framework.run(SessionLifecycle(begun).response_cookies())]


def test_a_request_that_was_under_way_during_a_logout_revives_nothing(make_site: MakeSite) -> None:
    """threat model 248"""
    browser = logged_in(make_site())
    kept = jar_of(browser)
    slow = request_of(browser)
    slow.session["userinfo"] = {"name": "Alice"}
    browser.get("/logout")
    assert finish_late(slow, browser) == []
    put(browser, kept)
    assert is_anonymous(browser)


def test_a_dead_refresh_token_that_was_replaced_in_the_same_request_is_not_dropped(make_site: MakeSite) -> None:
    """threat model 243: tasks of one request share its session"""
    begun = request_of(logged_in(make_site()))
    begun.session["refresh_token"] = "newer"
    SessionLifecycle(begun).drop_refresh_token("older")
    assert begun.session["refresh_token"] == "newer"
    SessionLifecycle(begun).drop_refresh_token("newer")
    assert "refresh_token" not in begun.session


def test_requests_that_change_different_things_both_keep_theirs(make_site: MakeSite) -> None:
    """threat model 243"""
    browser = logged_in(make_site())
    first, second = request_of(browser), request_of(browser)
    first.session["userinfo"] = {"name": "Alice"}
    second.session["access_token"] = "next"
    assert finish_late(second, browser) == finish_late(first, browser) == []
    who = browser.who()
    assert (who["userinfo"], who["access_token"]) == ({"name": "Alice"}, "next")


def test_a_refresh_that_is_saved_late_does_not_undo_a_later_one(make_site: MakeSite) -> None:
    """threat model 243: the refresh token would be one that was used"""
    site = make_site(**OFFLINE)
    browser = logged_in(site)
    run = site.framework.run
    slow = request_of(browser)
    for _ in range(2):
        request = request_of(browser)
        assert run(valid_access_token(request, force_refresh=True))
        finish_late(request, browser)
    newest = browser.who()
    site.provider.clock.advance(2)
    replayed = run(valid_access_token(slow, force_refresh=True))
    finish_late(slow, browser)
    assert replayed not in (None, newest["access_token"])
    assert site.provider.count("token") == 3
    assert {name: browser.who()[name] for name in ("access_token", "refresh_token")} == {
        name: newest[name] for name in ("access_token", "refresh_token")
    }


# How often the store is asked


@on_one_store
def test_a_request_asks_the_store_once_and_writes_nothing(make_site: MakeSite, store: WatchedStore) -> None:
    browser = logged_in(make_site(config={"OIDC_STORE": store, "OIDC_SESSION_IDLE_SECONDS": 600}))
    for path in ("/private", "/who", "/deep/a?b=c"):
        store.calls.clear()
        assert browser.get(path).status_code == 200
        assert store.calls == ["get_many"], path


@on_one_store
def test_a_session_in_use_is_prolonged_by_pages_that_ask_for_it(make_site: MakeSite, store: WatchedStore) -> None:
    """contract.md 2"""
    site = make_site(config={"OIDC_STORE": store, "OIDC_SESSION_IDLE_SECONDS": 600})
    browser = logged_in(site)
    site.provider.clock.advance(100)
    for path, calls in [("/", ["get_many"]), ("/who", ["get_many", "replace"]), ("/who", ["get_many"])]:
        store.calls.clear()
        browser.get(path)
        assert store.calls == calls, path


@on_one_store
def test_the_store_gets_no_request_for_a_browser_without_a_session(make_site: MakeSite, store: WatchedStore) -> None:
    site = make_site(config={"OIDC_STORE": store})
    browser = site.browser()
    for path in ("/", "/who", "/private", "/logout", "/nothing", "/redirect_uri?code=a&state=b"):
        browser.get(path)
    assert store.calls == []
    browser.log_in()
    assert store.calls == ["put", "get_many"]


@on_one_store
def test_the_store_hears_nothing_of_static_files(
    make_site: MakeSite, framework: Framework, store: WatchedStore, tmp_path: Path
) -> None:
    (tmp_path / "style.css").write_text("a style")
    tools = toolbox(framework)

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        app.static_folder = str(tmp_path)
        shop = tools.blueprint("shop", "site", static_folder=tmp_path, static_url_path="/static", url_prefix="/shop")
        app.register_blueprint(shop)

    browser = logged_in(make_site(config={"OIDC_STORE": store}, views=views))
    store.calls.clear()
    for path in ("/static/style.css", "/shop/static/style.css"):
        assert browser.get(path).text == "a style"
    assert browser.get("/static/nothing").status_code == 404
    assert store.calls == []


def test_a_view_of_that_name_is_a_view_like_any_other(make_site: MakeSite, framework: Framework) -> None:
    tools = toolbox(framework)

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        blueprint = tools.blueprint("own", "site")
        blueprint.add_url_rule("/own", "static", auth.oidc_auth("default")(lambda: "protected"))
        blueprint.add_url_rule(
            "/ecstatic", "ecstatic", lambda: str(tools.user_session(tools.session).id_token["sub"])
        )
        app.register_blueprint(blueprint)

    browser = logged_in(make_site(views=views))
    assert browser.get("/own").text == "protected"
    assert browser.get("/ecstatic").text == "alice"


def test_a_hook_that_the_app_had_before_sees_who_is_logged_in(
    framework: Framework, sessions_in: dict[str, Any]
) -> None:
    tools = toolbox(framework)
    provider, app, seen = new_provider(), framework.new_app(), list[bool]()

    def look() -> None:
        seen.append(tools.user_session(tools.session, "default").is_authenticated())

    app.before_request(look)
    app.config.update(OIDC_REDIRECT_URI=REDIRECT_URI, SECRET_KEY=SECRET_KEY, **sessions_in)
    configuration = ProviderConfiguration(
        issuer=provider.issuer,
        client_metadata=ClientMetadata("client1", "secret1"),
        runtime=framework.runtime(provider),
    )
    auth = framework.new_authentication({"default": configuration}, app)
    framework.add_standard_views(app, auth)
    site = Site(framework, app, auth, [provider])
    assert site.browser().log_in().text == "private"
    assert seen == [False, False, True]
    site.close()


@on_one_store
@pytest.mark.parametrize("way", ["/logout", "/change"])
def test_a_session_that_ends_is_deleted(
    make_site: MakeSite, framework: Framework, store: WatchedStore, way: str
) -> None:
    """threat model 248: by a logout, and by a view that clears it"""
    tools = toolbox(framework)

    def clear() -> str:
        tools.user_session(tools.session).clear()
        return "cleared"

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)
        app.add_url_rule("/change", "change", clear)

    browser = logged_in(make_site(config={"OIDC_STORE": store}, views=views))
    kept = jar_of(browser)
    assert len(store) == 1
    browser.get(way)
    assert len(store) == 0
    assert session_of(browser) == {}
    put(browser, kept)
    assert is_anonymous(browser)
