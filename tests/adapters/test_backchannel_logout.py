"""A provider ends sessions in the background: at once, everywhere, and nobody else does. threat model 175 to 192."""

from typing import Any

import pytest

from oidc_async import ClientMetadata
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.testing import LOGOUT_FAULTS, Fault, Misbehaviour
from oidc_async.testing.faults.documents import changed, without
from oidc_async.testing.faults.responses import reset
from oidc_async.testing.stages import CLAIMS, JWKS_REPLY, REFRESH_CLAIMS, harmless
from tests.web.watched_store import WatchedStore

from .cookie_jar import is_anonymous, jar_of, logged_in, put, session_of
from .provider_logout import BACK, KEPT_IN, MakeSite, back_site, end, require_rejected, tell
from .refresh_site import token_of, token_site
from .site import ORIGIN, Framework, Site, new_provider
from .toolbox import toolbox

SESSIONS_IN = KEPT_IN
in_memory = pytest.mark.parametrize("sessions_in", ["memory"], indirect=True)
in_files = pytest.mark.parametrize("sessions_in", ["sqlite", "cookies beside sqlite"], indirect=True)


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return back_site(make_site)


# What ends


def test_a_session_that_the_provider_ends_is_over(site: Site) -> None:
    """threat model 186"""
    browser = logged_in(site)
    page = end(site)
    assert (page.status_code, page.content) == (200, b"")
    assert page.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.headers
    assert is_anonymous(browser)


def test_what_was_ended_is_taken_from_the_browser_by_its_next_page(site: Site) -> None:
    browser = logged_in(site)
    end(site)
    assert browser.get("/").text == "public"
    assert session_of(browser) == {}


def test_a_new_login_in_the_same_second_stays(site: Site) -> None:
    """threat model 192: also in the same session at the provider"""
    abouts: list[dict[str, Any]] = [{}, {"sid": False}, {"sub": False}]
    for about in abouts:
        browser = logged_in(site)
        assert end(site, **about).status_code == 200
        assert is_anonymous(browser)
        assert browser.log_in().text == "private"
        assert browser.who()["id_token"]["sub"] == "alice"


@pytest.mark.parametrize(
    ("about", "left"),
    [
        pytest.param({"sid": False}, ["bob"], id="sub alone"),
        pytest.param({"sub": False}, ["first", "bob"], id="sid alone"),
        pytest.param({}, ["first", "bob"], id="both"),
    ],
)
def test_a_token_ends_the_sessions_that_it_names_and_no_others(
    site: Site, about: dict[str, Any], left: list[str]
) -> None:
    """threat model 188"""
    browsers = {"first": logged_in(site)}
    site.provider.sign_in("alice")
    browsers["second"] = logged_in(site)
    browsers["bob"] = logged_in(site, user="bob")
    assert end(site, **about).status_code == 200
    assert [name for name, browser in browsers.items() if not is_anonymous(browser)] == left


def test_sessions_of_another_provider_stay_though_their_names_are_the_same(make_site: MakeSite) -> None:
    """threat model 188, 235"""
    first, second = new_provider(), new_provider("https://second.example")
    site = back_site(make_site, providers={"first": first, "second": second})
    here, there = site.browser(), site.browser()
    here.log_in()
    there.log_in("/private-second")
    sid = here.who()["id_token"]["sid"]
    assert tell(site, second.logout_token("client1", "bob", sid=False, claims={"sid": sid})).status_code == 200
    assert here.get("/private").text == "private"
    assert end(site, provider=first, sid=False).status_code == 200
    assert is_anonymous(here)
    assert there.get("/private-second").text == "private elsewhere"


def test_a_session_of_which_no_sid_is_known_ends_with_any_of_its_user(site: Site) -> None:
    with site.provider.misbehaving(harmless("no sid", CLAIMS(without("sid")))):
        nameless = logged_in(site)
    bob = logged_in(site, user="bob")
    assert end(site).status_code == 200
    assert is_anonymous(nameless)
    assert not is_anonymous(bob)


@pytest.mark.parametrize("edit", [without("sid"), changed("iat", lambda iat: iat + 20)], ids=["no sid", "later"])
@pytest.mark.parametrize("about", [{"sub": False}, {"sid": False}], ids=["sid alone", "sub alone"])
def test_tokens_that_were_refreshed_make_no_new_session(
    make_site: MakeSite, framework: Framework, edit: Any, about: dict[str, Any]
) -> None:
    """threat model 192: whatever the ID token of the refresh says of the session or the time"""
    site = token_site(make_site, framework, config={"OIDC_BACKCHANNEL_LOGOUT_URI": BACK})
    browser = logged_in(site)
    with site.provider.misbehaving(harmless("another ID token", REFRESH_CLAIMS(edit))):
        assert token_of(browser, "/token/new")
    assert end(site, **about).status_code == 200
    assert is_anonymous(browser)


@pytest.mark.parametrize("username", ["alice", "bob"])
def test_a_session_that_is_gone_already_is_not_an_error(site: Site, username: str) -> None:
    """threat model 185"""
    browser = logged_in(site)
    browser.get("/logout")
    site.provider.sign_in(username)
    assert end(site, username).status_code == 200


@in_files
def test_what_ends_at_one_worker_is_over_at_the_next_request_to_another(make_site: MakeSite) -> None:
    provider = new_provider()
    workers = [back_site(make_site, providers={"default": provider}) for _ in range(2)]
    browser = logged_in(workers[0])
    elsewhere = workers[1].browser()
    put(elsewhere, jar_of(browser))
    assert elsewhere.get("/private").text == "private"
    assert end(workers[0]).status_code == 200
    assert is_anonymous(elsewhere)
    put(browser, jar_of(elsewhere))
    assert browser.log_in().text == "private"


@in_files
def test_another_application_on_the_same_store_keeps_its_sessions(make_site: MakeSite) -> None:
    provider = new_provider()
    other_uri = f"{ORIGIN}/other/redirect_uri"
    provider.register("other", "secret of another", redirect_uris=[other_uri])
    here = back_site(make_site, providers={"default": provider})
    there = back_site(
        make_site,
        {"OIDC_REDIRECT_URI": other_uri},
        providers={"default": provider},
        client_metadata=ClientMetadata("other", "secret of another"),
    )
    mine, theirs = logged_in(here), logged_in(there)
    assert end(here, sid=False).status_code == 200
    assert is_anonymous(mine)
    assert theirs.get("/private").text == "private"


def test_sessions_may_stay_in_cookies_and_nothing_of_them_is_in_the_store(
    make_site: MakeSite, framework: Framework
) -> None:
    store = WatchedStore()
    site = back_site(make_site, {"OIDC_STORE": store, "OIDC_SESSION_IN_COOKIES": True})
    browser = logged_in(site)
    assert store.values == {}
    assert end(site).status_code == 200
    assert all(key.startswith("logout:") and "alice" not in key for key in store.values)
    assert is_anonymous(browser)


@in_memory
@pytest.mark.parametrize("in_cookies", [False, True], ids=["in the store", "in cookies"])
@pytest.mark.parametrize("value", [b"\x80", b"1", b"[1]", b"[null,null]", b"[253402300799, 253402300799]"], ids=str)
def test_a_mark_that_somebody_else_wrote_is_an_outage_for_those_whom_it_concerns(
    make_site: MakeSite, value: bytes, in_cookies: bool
) -> None:
    """threat model 351: no error page, and nobody is let in or locked out by it"""
    store = WatchedStore()
    site = back_site(make_site, {"OIDC_STORE": store, "OIDC_SESSION_IN_COOKIES": in_cookies})
    bob = logged_in(site, user="bob")
    logged_in(site)
    end(site)
    alice = logged_in(site)
    marks = {key: mark for key, mark in store.values.items() if key.startswith("logout:")}
    assert len(marks) >= 2
    for key in marks:
        run_without_loop(store.put(key, value, 60))
    for path in ("/private", "/who"):
        page = alice.get(path)
        assert (page.status_code, page.headers["retry-after"]) == (503, "5")
    assert alice.get("/").text == "public"
    assert bob.get("/private").text == "private"
    for key, mark in marks.items():
        run_without_loop(store.put(key, mark, 60))
    assert alice.get("/private").text == "private"


@pytest.mark.parametrize("ahead", [-30, 30])
def test_the_clock_of_the_worker_that_gets_it_spares_no_session(site: Site, ahead: float) -> None:
    """threat model 348: the session began less than OIDC_CLOCK_SKEW before"""
    clock = site.provider.clock
    browser = logged_in(site)
    clock.advance(5)
    site.web.now = lambda: clock() + ahead
    assert end(site).status_code == 200
    site.web.now = clock
    assert is_anonymous(browser)


def test_a_session_of_which_the_store_was_not_asked_is_none(site: Site) -> None:
    """Where there was no waiting, as for static files, cookies alone prove nothing."""
    browser = logged_in(site)
    assert dict(site.web.sessions.load(jar_of(browser), site.web.now())) == {}


# A login under way


@pytest.mark.parametrize("about", [{}, {"sid": False}, {"sub": False}], ids=str)
def test_a_login_that_was_under_way_is_not_a_login_any_more(site: Site, about: dict[str, Any]) -> None:
    """threat model 192: whatever the provider still gives for the code"""
    browser = site.browser()
    callback = browser.begin_login()
    assert end(site, **about).status_code == 200
    page = browser.come_back(callback)
    assert page.status_code == 400
    assert is_anonymous(browser)
    assert browser.log_in().text == "private"


def test_a_page_that_was_under_way_brings_nothing_back(make_site: MakeSite, framework: Framework) -> None:
    """threat model 248: a response of before has set the cookies once more"""
    tools = toolbox(framework)

    def views(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def change() -> str:
            tools.user_session(tools.session).update(userinfo={"name": "Another"})
            return "changed"

        app.add_url_rule("/change", "change", change)

    site = back_site(make_site, views=views)
    browser = logged_in(site)
    before = jar_of(browser)
    browser.get("/change")
    after = jar_of(browser)
    assert end(site).status_code == 200
    for jar in (before, after):
        put(browser, jar)
        assert is_anonymous(browser)


# What ends nothing


@pytest.mark.parametrize("fault", LOGOUT_FAULTS, ids=str)
def test_a_token_that_is_wrong_ends_nothing(site: Site, fault: Misbehaviour) -> None:
    """threat model 175 to 184"""
    browser = logged_in(site)
    with site.provider.misbehaving(fault):
        token = site.provider.logout_token("client1", "alice")
    page = tell(site, token)
    if fault.harmless:
        assert page.status_code == 200
        assert is_anonymous(browser)
    else:
        said = require_rejected(page)
        assert not any(segment in said for segment in token.split(".") if len(segment) > 20)
        assert browser.get("/private").text == "private"


def test_an_id_token_ends_nothing(site: Site) -> None:
    """threat model 183"""
    browser = logged_in(site)
    require_rejected(tell(site, browser.who()["id_token_jwt"]))
    assert browser.get("/private").text == "private"


def test_a_token_is_good_for_one_use(site: Site) -> None:
    """threat model 182"""
    browser = logged_in(site)
    token = site.provider.logout_token("client1", "alice")
    assert tell(site, token).status_code == 200
    browser.log_in()
    assert "jti" in require_rejected(tell(site, token))
    assert browser.get("/private").text == "private"


def test_the_token_of_a_stranger_costs_no_request(site: Site) -> None:
    logged_in(site)
    stranger = new_provider("https://stranger.example")
    stranger.sign_in("alice")
    site.provider.forget_requests()
    with site.provider.misbehaving(Fault.LOGOUT_TOKEN_AUD_OTHER):
        foreign = site.provider.logout_token("client1", "alice")
    for token in (stranger.logout_token("client1", "alice"), foreign, "no.token", ""):
        require_rejected(tell(site, token))
    assert site.provider.requests == ()


FORM = "application/x-www-form-urlencoded"


@in_memory
@pytest.mark.parametrize(
    ("method", "content_type", "body", "status"),
    [
        pytest.param("POST", FORM, "logout_token={0}&logout_token={0}", 400, id="two"),
        pytest.param("POST", FORM, "logout_token={0}&logout_token=", 400, id="a good one and none"),
        pytest.param("POST", FORM, "", 400, id="nothing"),
        pytest.param("POST", FORM, "token={0}", 400, id="another name"),
        pytest.param("POST", FORM, "logout_token=\u00fc", 400, id="outside ASCII"),
        pytest.param("POST", FORM, "a=1&" * 60 + "logout_token={0}", 400, id="too many fields"),
        pytest.param("POST", FORM, "logout_token={0}&pad=" + "x" * 70_000, 413, id="too large"),
        pytest.param("POST", "application/json", '{{"logout_token":"{0}"}}', 415, id="JSON"),
        pytest.param("POST", "application/logout+jwt", "{0}", 415, id="the bare token"),
        pytest.param("POST", "multipart/form-data; boundary=b", "--b", 415, id="multipart"),
        pytest.param("PUT", FORM, "logout_token={0}", 405, id="PUT"),
    ],
)
def test_a_request_that_is_none_ends_nothing(
    site: Site, method: str, content_type: str, body: str, status: int
) -> None:
    """threat model 189, 231"""
    browser = logged_in(site)
    content = body.format(site.provider.logout_token("client1", "alice")).encode()
    page = site.browser().request(
        method, "/backchannel_logout", content=content, headers={"content-type": content_type}
    )
    assert page.status_code == status
    if status == 400:
        require_rejected(page)
    assert browser.get("/private").text == "private"


@in_memory
def test_a_link_ends_nothing(site: Site) -> None:
    """threat model 189"""
    browser = logged_in(site)
    token = site.provider.logout_token("client1", "alice")
    page = browser.get(f"/backchannel_logout?logout_token={token}")
    assert (page.status_code, page.headers["allow"]) == (405, "POST")
    assert browser.get("/private").text == "private"


def test_unknown_claims_are_not_a_reason_to_reject(site: Site) -> None:
    """threat model 190"""
    browser = logged_in(site)
    token = site.provider.logout_token("client1", "alice", claims={"trace_id": "1"})
    form = {"logout_token": token, "client_id": "client1", "more": ""}
    assert site.browser().post("/backchannel_logout", form).status_code == 200
    assert is_anonymous(browser)


def test_a_provider_whose_keys_can_not_be_had_may_come_again(site: Site) -> None:
    browser = logged_in(site)
    site.provider.rotate_keys()
    token = site.provider.logout_token("client1", "alice")
    with site.provider.misbehaving(harmless("down", JWKS_REPLY(reset))):
        page = tell(site, token)
    require_rejected(page, 503)
    assert page.headers["retry-after"]
    assert browser.get("/private").text == "private"
    site.provider.clock.advance(40)
    assert tell(site, token).status_code == 200
    assert is_anonymous(browser)
