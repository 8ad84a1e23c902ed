"""`renew_with_refresh_token`: where there is a refresh token, no browser is sent anywhere for a renewal."""

from typing import Any

import pytest

from oidc_async.testing import REFRESH_FAULTS, Fault, Misbehaviour
from oidc_async.testing.faults.documents import put
from oidc_async.testing.faults.responses import answered
from oidc_async.testing.stages import TOKEN_REPLY, USERINFO, harmless, rejected

from .at_once import Fetch, at_once
from .cookie_jar import in_cookies, logged_in
from .refresh_site import asked
from .renewal_site import FETCH, PAUSE, MakeSite, answer, grow_old, is_login, is_renewal, kept, renewal_site
from .site import ORIGIN, Framework, Page, Site
from .test_navigation import FORM, NAVIGATION
from .test_overlapping_refreshes import CROWD, copy_of
from .test_valid_access_token import Switch

SESSIONS_IN = ("cookies", "memory", "sqlite")
OUTAGES = [
    Fault.TOKEN_RESET,
    Fault.TOKEN_500,
    Fault.TOKEN_SLOW,
    Fault.TOKEN_INVALID_CLIENT,
]
OPTIONS: dict[str, Any] = {
    "renew_with_refresh_token": True,
    "auth_request_params": {"scope": "openid profile offline_access"},
}


def rejecting(error: str) -> Misbehaviour:
    return rejected(error, TOKEN_REPLY(answered({"error": error}, status=400)))


@pytest.fixture
def site(make_site: MakeSite, framework: Framework) -> Site:
    return renewal_site(make_site, framework, **OPTIONS)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        pytest.param("GET", "/private", NAVIGATION, id="a page"),
        pytest.param("GET", "/either", NAVIGATION, id="a page that takes tokens too"),
        pytest.param("GET", "/private", FETCH, id="fetch"),
        pytest.param("GET", "/private", {"accept": "application/json"}, id="JSON"),
        pytest.param("POST", "/form", FORM, id="a form"),
        pytest.param("HEAD", "/private", {}, id="HEAD"),
        pytest.param("GET", "/private", {**NAVIGATION, "sec-fetch-dest": "iframe"}, id="a frame"),
    ],
)
def test_any_request_renews_the_session_by_itself(
    site: Site, method: str, path: str, headers: dict[str, str]
) -> None:
    browser = logged_in(site)
    before = kept(browser)
    grow_old(site)
    with site.provider.misbehaving(harmless("a new name", USERINFO(put(name="Alice Liddell")))):
        assert browser.request(method, path, headers=headers).status_code == 200
    after = kept(browser)
    assert (asked(site.provider), site.provider.count("userinfo")) == (1, 2)
    for name in ("access_token", "refresh_token", "id_token_jwt"):
        assert after[name] not in (None, before[name])
    assert (after["userinfo"]["name"], after["last_authenticated"]) == ("Alice Liddell", before["last_authenticated"])
    assert browser.get("/private").text == "private"
    assert asked(site.provider) == 1
    grow_old(site)
    assert browser.get("/private").text == "private"
    assert asked(site.provider) == 2


def test_of_many_requests_one_renews(site: Site, framework: Framework) -> None:
    """threat model 243"""
    browser = logged_in(site)
    grow_old(site)
    crowd = [copy_of(browser) for _ in range(CROWD[framework.name])]
    pages = at_once(site, [visit_private] * len(crowd), crowd, threads=len(crowd))
    assert {page.text for page in pages} == {"private"}
    assert asked(site.provider) == 1


async def visit_private(fetch: Fetch) -> Page:
    return await fetch(f"{ORIGIN}/private")


@in_cookies
def test_without_a_refresh_token_the_browser_is_sent(make_site: MakeSite, framework: Framework) -> None:
    site = renewal_site(make_site, framework, renew_with_refresh_token=True)
    browser = logged_in(site)
    grow_old(site)
    page = browser.get("/private")
    assert is_renewal(page)
    answer(browser, page)
    assert browser.get("/private").text == "private"


@pytest.mark.parametrize("error", ["invalid_grant", "login_required", "interaction_required", "consent_required"])
def test_a_rejection_is_the_end_of_what_the_session_opens(site: Site, error: str) -> None:
    """threat model 74: the user has to log in, scripts learn so, and the provider is asked once"""
    browser = logged_in(site)
    before = kept(browser)
    grow_old(site)
    with site.provider.misbehaving(rejecting(error)):
        assert browser.get("/private", headers=FETCH).status_code == 401
        assert is_login(browser.get("/private"))
        site.provider.clock.advance(2 * PAUSE)
        assert browser.get("/private", headers=FETCH).status_code == 401
    assert asked(site.provider) == 1
    dropped = {"refresh_token": None} if error == "invalid_grant" else {}
    assert kept(browser) == {**before, **dropped}
    assert is_login(browser.get("/private"))
    assert browser.log_in().text == "private"
    assert browser.get("/private", headers=FETCH).text == "private"


@in_cookies  # time is the provider's, and no store's
@pytest.mark.parametrize("fault", OUTAGES, ids=str)
def test_an_outage_costs_no_session_and_one_request_in_a_minute_its_time(site: Site, fault: Misbehaviour) -> None:
    browser = logged_in(site)
    before = kept(browser)
    grow_old(site)
    site.provider.forget_requests()
    with site.provider.misbehaving(fault):
        assert [browser.get("/private").text for _ in range(3)] == ["private"] * 3
        assert kept(browser) == before
        tried = site.provider.count("token")
        site.provider.clock.advance(PAUSE - 25)
        assert browser.get("/private").text == "private"
        assert (tried, site.provider.count("token")) == (1, 1)
        site.provider.clock.advance(26)
        assert browser.get("/private").text == "private"
        assert site.provider.count("token") == 2


@pytest.mark.parametrize("fault", [Fault.USERINFO_500, Fault.USERINFO_RESET, Fault.USERINFO_SUB_OTHER], ids=str)
def test_tokens_are_kept_though_the_response_has_no_claims_of_the_user(site: Site, fault: Misbehaviour) -> None:
    """threat model 243: the old refresh token is spent"""
    browser = logged_in(site)
    before = kept(browser)
    grow_old(site)
    with site.provider.misbehaving(fault):
        assert browser.get("/private").text == "private"
    after = kept(browser)
    assert after["refresh_token"] not in (None, before["refresh_token"])
    assert after["userinfo"] == before["userinfo"]
    site.provider.clock.advance(PAUSE + 1)
    assert browser.get("/private").text == "private"
    assert asked(site.provider) == 2


@pytest.mark.parametrize("fault", [fault for fault in REFRESH_FAULTS if fault.rejected], ids=str)
def test_an_id_token_that_is_wrong_changes_nothing_but_the_spent_refresh_token(
    site: Site, fault: Misbehaviour
) -> None:
    """threat model 71, 72, 355; contract.md 2: above all not the user"""
    browser = logged_in(site)
    before = kept(browser)
    grow_old(site)
    with site.provider.misbehaving(fault):
        assert browser.get("/private").text == "private"
    dropped = {} if fault is Fault.REFRESH_ID_TOKEN_TAMPERED else {"refresh_token": None}
    assert kept(browser) == {**before, **dropped}


@in_cookies
def test_after_a_refresh_token_was_spent_without_success_the_browser_is_sent(site: Site) -> None:
    """threat model 355: the session continues, and the provider is asked by prompt=none"""
    browser = logged_in(site)
    grow_old(site)
    with site.provider.misbehaving(Fault.TOKEN_HTML):
        assert browser.get("/private").text == "private"
    assert kept(browser)["refresh_token"] is None
    site.provider.clock.advance(PAUSE + 1)
    assert is_renewal(browser.get("/private"))
    assert asked(site.provider) == 1


@in_cookies
@pytest.mark.parametrize("off", ["get_many", "put_if_absent", "replace"])
def test_while_the_store_is_down_the_answer_is_503(make_site: MakeSite, framework: Framework, off: str) -> None:
    """contract.md 4"""
    store = Switch()
    site = renewal_site(make_site, framework, config={"OIDC_STORE": store}, **OPTIONS)
    browser = logged_in(site)
    grow_old(site)
    store.off = {off}
    assert browser.get("/private").status_code == 503
    store.off = set()
    assert browser.get("/private").text == "private"
    assert kept(browser)["refresh_token"]
