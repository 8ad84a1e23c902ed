"""What people do, in a real browser, at the example applications."""

import re
from datetime import datetime

from playwright.sync_api import BrowserContext, Cookie, Page, Request, Response, expect

from examples.demo import FRAMEWORKS
from tests.providers.real_provider import Person

from .conftest import Scene

JWT = re.compile(r"eyJ[\w-]+\.[\w-]+")
"""The access tokens of canaille look like this."""


def begin_login(tab: Page, scene: Scene) -> None:
    tab.goto(scene.app)
    tab.click("#login")


def enter_password(tab: Page, username: str, password: str) -> None:
    tab.fill("input[name=login]", username)
    tab.click("form button[type=submit]")
    tab.fill("input[name=password]", password)
    tab.click("form button[type=submit]")


def identify(tab: Page, person: Person) -> None:
    enter_password(tab, person.username, person.password)


def log_in(tab: Page, scene: Scene, person: Person) -> None:
    begin_login(tab, scene)
    identify(tab, person)
    tab.click("#accept")
    expect_profile(tab, scene, person)


def expect_profile(tab: Page, scene: Scene, person: Person) -> None:
    expect(tab.locator("#email")).to_have_text(f"{person.username}@example.com")
    assert tab.url == f"{scene.app}/profile"


def our_cookies(browser: BrowserContext) -> list[Cookie]:
    return [cookie for cookie in browser.cookies() if cookie.get("name", "").startswith("oidc-")]


def test_a_login_leads_to_the_page_that_was_asked_for(
    scene: Scene, browser: BrowserContext, tab: Page, guest: Person
) -> None:
    log_in(tab, scene, guest)
    expect(tab.locator("#expires")).to_contain_text("UTC")
    tab.goto(scene.app)
    expect(tab.locator("#profile-link")).to_be_visible()
    cookies = our_cookies(browser)
    assert cookies
    assert all(cookie.get("httpOnly") and cookie.get("sameSite") == "Lax" for cookie in cookies)


def test_two_tabs_can_log_in_at_the_same_time(
    scene: Scene, browser: BrowserContext, tab: Page, guest: Person
) -> None:
    begin_login(tab, scene)
    identify(tab, guest)
    expect(tab.locator("#accept")).to_be_visible()
    second_tab = browser.new_page()
    begin_login(second_tab, scene)
    expect(second_tab.locator("#accept")).to_be_visible()
    for each in (tab, second_tab):
        each.click("#accept")
        expect_profile(each, scene, guest)


def test_a_wrong_password_and_then_the_right_one(scene: Scene, tab: Page, guest: Person) -> None:
    begin_login(tab, scene)
    enter_password(tab, guest.username, "not-my-password")
    assert tab.url.startswith(scene.provider.issuer)
    tab.fill("input[name=password]", guest.password)
    tab.click("form button[type=submit]")
    tab.click("#accept")
    expect_profile(tab, scene, guest)


def test_a_logout_ends_the_session_here_and_at_the_provider(
    scene: Scene, browser: BrowserContext, tab: Page, guest: Person
) -> None:
    log_in(tab, scene, guest)
    tab.click("#logout")
    expect(tab.locator("#logged-out")).to_be_visible()
    assert tab.url.startswith(f"{scene.app}/logout")
    assert list(our_cookies(browser)) == []
    tab.click("#login")
    expect(tab.locator("input[name=login]")).to_be_visible()


def test_after_a_rejected_consent_one_may_change_ones_mind(scene: Scene, tab: Page, guest: Person) -> None:
    begin_login(tab, scene)
    identify(tab, guest)
    with tab.expect_response(f"{scene.app}/callback?**") as callback:
        tab.click("#deny")
    assert callback.value.status == 403
    expect(tab.locator("#error")).to_have_text("access_denied")
    tab.click("#login")
    tab.click("#accept")
    expect_profile(tab, scene, guest)


def test_a_session_larger_than_a_cookie(scene: Scene, browser: BrowserContext, tab: Page) -> None:
    bob = scene.provider.bob
    begin_login(tab, scene)
    identify(tab, bob)
    accept_if_asked(tab)
    expect_profile(tab, scene, bob)
    tab.reload()
    groups = tab.locator("#claims tr", has_text="groups").locator("td").inner_text().split(", ")
    assert len(groups) == bob.groups
    sizes = [len(cookie.get("name", "") + cookie.get("value", "")) for cookie in our_cookies(browser)]
    assert sum(sizes) > 4096 > max(sizes)
    tab.click("#logout")
    expect(tab.locator("#logged-out")).to_be_visible()
    assert list(our_cookies(browser)) == []


def accept_if_asked(tab: Page) -> None:
    """For people who meet in several tests."""
    tab.wait_for_load_state()
    if tab.locator("#accept").count():
        tab.click("#accept")


def test_who_goes_back_to_the_callback_is_sent_on(scene: Scene, tab: Page, guest: Person) -> None:
    begin_login(tab, scene)
    identify(tab, guest)
    with tab.expect_request(f"{scene.app}/callback?**") as callback:
        tab.click("#accept")
    expect_profile(tab, scene, guest)
    repeated = tab.goto(callback.value.url)
    assert repeated is not None
    assert repeated.status == 200
    expect_profile(tab, scene, guest)
    # another browser gains nothing by it, and finds the way to a login
    tab.context.clear_cookies()
    replayed = tab.goto(callback.value.url)
    assert replayed is not None
    assert replayed.status == 400
    expect(tab.locator("#problem")).to_be_visible()
    tab.click("#login")
    identify(tab, guest)
    expect_profile(tab, scene, guest)


def counter(tab: Page, framework: str, name: str) -> int:
    return int(tab.locator(f"#{framework}-api [data-counter={name}]").inner_text())


def test_both_apis_take_the_token_of_the_login_and_know_it_the_next_time(
    scene: Scene, tab: Page, guest: Person
) -> None:
    log_in(tab, scene, guest)
    tab.click("#call-apis")
    for framework in FRAMEWORKS:
        expect(tab.locator(f"#{framework}-api .sub")).to_have_text(guest.username)
    hits, calls = ({each: counter(tab, each, name) for each in FRAMEWORKS} for name in ("hits", "upstream_calls"))
    tab.click("#again")
    tab.reload()
    assert {each: counter(tab, each, "hits") - 2 for each in FRAMEWORKS} == hits
    assert {each: counter(tab, each, "upstream_calls") for each in FRAMEWORKS} == calls


def expiry(tab: Page) -> datetime:
    """When the access token ends, as the profile says."""
    return datetime.strptime(tab.locator("#expires").inner_text(), "%d %B %Y, %H:%M:%S %Z")


def test_a_refresh_replaces_the_tokens_and_shows_none(scene: Scene, tab: Page, guest: Person) -> None:
    log_in(tab, scene, guest)
    responses: list[Response] = []
    tab.on("response", lambda response: responses.append(response))
    before = expiry(tab)
    tab.wait_for_timeout(1_100)  # the page shows seconds
    # within one second canaille issues the same access token again, which would replace nothing
    tab.wait_for_timeout(1100)
    tab.click("#refresh")
    expect(tab.locator("#refreshed")).to_contain_text("has replaced the refresh token")
    expect_profile(tab, scene, guest)
    assert expiry(tab) > before
    assert [response.status for response in responses if response.url == f"{scene.app}/refresh"] == [303]
    assert all(response.url.startswith(f"{scene.app}/") for response in responses)
    assert not JWT.search(tab.content())
    tab.click("#call-apis")
    for framework in FRAMEWORKS:
        expect(tab.locator(f"#{framework}-api .sub")).to_have_text(guest.username)
    tab.click("#profile-link")
    expect(tab.locator("#refreshed")).to_have_count(0)
    tab.click("#logout")
    expect(tab.locator("#logged-out")).to_be_visible()


def test_the_browser_never_sees_the_access_token(scene: Scene, tab: Page, guest: Person) -> None:
    log_in(tab, scene, guest)
    requests: list[Request] = []
    tab.on("request", lambda request: requests.append(request))
    tab.click("#call-apis")
    expect(tab.locator("#flask-api")).to_be_visible()
    assert requests
    assert all(request.url.startswith(f"{scene.app}/") for request in requests)
    assert not any("authorization" in request.all_headers() for request in requests)
    assert not JWT.search(tab.content())


def test_an_api_rejects_a_client_without_a_token(scene: Scene, browser: BrowserContext) -> None:
    answer = browser.request.get(f"{scene.app}/api")
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
