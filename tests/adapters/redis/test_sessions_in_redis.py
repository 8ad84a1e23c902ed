"""What sessions in a store promise, at a real Redis: over restarts, outages and several processes."""

from collections.abc import Callable

import pytest

from oidc_async.stores import RedisStore
from tests.adapters.cookie_jar import is_anonymous, jar_of, logged_in, login_again, put, session_of
from tests.adapters.site import Page, Site
from tests.adapters.test_stored_sessions import finish_late, request_of
from tests.stores.redis.server import RedisServer

MakeSite = Callable[..., Site]


def require_come_again(page: Page) -> None:
    assert page.status_code == 503
    assert page.headers["retry-after"] == "5"


def test_a_session_begins_is_seen_by_another_process_and_ends(
    make_site: MakeSite, site: Site, redis_server: RedisServer
) -> None:
    """contract.md 2"""
    browser = logged_in(site)
    assert redis_server.cli("DBSIZE") == "1"
    store = RedisStore.from_url(redis_server.url)
    worker = make_site(providers={"default": site.provider}, config={"OIDC_STORE": store}).browser()
    put(worker, jar_of(browser))
    assert worker.get("/private").text == "private"
    worker.get("/logout")
    assert redis_server.cli("DBSIZE") == "0"
    assert is_anonymous(browser)


def test_nothing_of_a_login_can_be_read_in_redis(site: Site, redis_server: RedisServer) -> None:
    """threat model 164"""
    browser = logged_in(site)
    (session_id,) = session_of(browser).values()
    who = browser.who()
    (key,) = redis_server.cli("KEYS", "*").split()
    assert key.startswith("oidc:session:")
    stored = key + redis_server.cli("GET", key)
    secrets = [session_id, who["access_token"], who["refresh_token"], *who["id_token_jwt"].split("."), "alice"]
    assert [secret for secret in secrets if secret in stored] == []


@pytest.mark.parametrize("written", ["", "garbage", '{"current_provider": "default"}'], ids=ascii)
def test_what_somebody_wrote_into_redis_is_nobody_and_a_login_mends_it(
    site: Site, redis_server: RedisServer, written: str
) -> None:
    """threat model 160"""
    browser = logged_in(site)
    redis_server.cli("SET", redis_server.cli("KEYS", "*"), written)
    assert is_anonymous(browser)
    assert browser.log_in().text == "private"


def test_the_record_of_another_is_not_a_record(site: Site, redis_server: RedisServer) -> None:
    """threat model 160: who may write to Redis can't take a session over"""
    alice, bob = logged_in(site, user="alice"), logged_in(site, user="bob")
    one, other = redis_server.cli("KEYS", "*").split()
    redis_server.cli("RENAME", one, "between")
    redis_server.cli("RENAME", other, one)
    redis_server.cli("RENAME", "between", other)
    assert is_anonymous(alice)
    assert is_anonymous(bob)


def test_a_key_of_another_kind_is_nobody_and_a_login_mends_it(site: Site, redis_server: RedisServer) -> None:
    """threat model 160"""
    browser = logged_in(site)
    key = redis_server.cli("KEYS", "*")
    redis_server.cli("DEL", key)
    redis_server.cli("LPUSH", key, "a")
    assert is_anonymous(browser)
    assert browser.log_in().text == "private"


def test_redis_drops_a_session_by_itself_when_it_is_over(make_site: MakeSite, redis_server: RedisServer) -> None:
    """contract.md 2"""
    logged_in(make_site(config={"OIDC_SESSION_SECONDS": 3600}))
    assert 3500 < int(redis_server.cli("TTL", redis_server.cli("KEYS", "*"))) <= 3600


def test_a_login_has_a_new_id_and_the_record_of_before_is_gone(site: Site, redis_server: RedisServer) -> None:
    """threat model 156"""
    browser = logged_in(site, user="alice")
    before = redis_server.cli("KEYS", "*")
    browser.come_back(site.provider.authorize(login_again(browser), user="bob"))
    assert browser.who()["id_token"]["sub"] == "bob"
    assert redis_server.cli("KEYS", "*") != before
    assert redis_server.cli("DBSIZE") == "1"


def test_requests_that_overlap_keep_both_changes_and_revive_nothing(site: Site, redis_server: RedisServer) -> None:
    """threat model 243, 248"""
    browser = logged_in(site)
    first, second, slow = request_of(browser), request_of(browser), request_of(browser)
    first.session["userinfo"] = {"name": "Alice"}
    second.session["access_token"] = slow.session["access_token"] = "next"
    finish_late(second, browser)
    finish_late(first, browser)
    who = browser.who()
    assert (who["userinfo"], who["access_token"]) == ({"name": "Alice"}, "next")
    browser.get("/logout")
    finish_late(slow, browser)
    assert redis_server.cli("DBSIZE") == "0"


def test_an_outage_ends_nothing_and_heals_without_a_restart(site: Site, redis_server: RedisServer) -> None:
    """contract.md 4: frozen, so that it keeps its contents"""
    browser = logged_in(site)
    redis_server.freeze()
    for path in ("/private", "/who", "/logout"):
        require_come_again(browser.get(path))
    assert browser.get("/").text == "public"
    redis_server.thaw()
    assert browser.get("/private").text == "private"


def test_who_was_logged_in_before_redis_lost_everything_logs_in_again(site: Site, redis_server: RedisServer) -> None:
    """contract.md 4"""
    browser = logged_in(site)
    redis_server.stop()
    require_come_again(browser.get("/private"))
    redis_server.start()
    assert is_anonymous(browser)
    assert browser.log_in().text == "private"
