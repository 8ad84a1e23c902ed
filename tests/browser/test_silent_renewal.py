"""Sessions that are renewed in a real browser, which is sent through the provider and back."""

import re
import time

from playwright.sync_api import BrowserContext, Page, Request, expect

from oidc_async.web.sessions.renewal_state import LEAST_SECONDS
from tests.providers.real_provider import Person

from .conftest import Scene
from .test_scenarios import expect_profile, identify, log_in

THE_PROVIDERS = re.compile("(?!oidc-)")


def grow_old() -> None:
    time.sleep(LEAST_SECONDS + 1)


def visits_to(tab: Page, scene: Scene) -> list[Request]:
    """The navigations of this tab that lead to the provider, from now on."""
    found: list[Request] = []

    def note(request: Request) -> None:
        if request.is_navigation_request() and request.url.startswith(scene.provider.issuer):
            found.append(request)

    tab.on("request", note)
    return found


def status_for_a_script(tab: Page) -> int:
    status: int = tab.evaluate("fetch('/profile').then(response => response.status)")
    return status


def test_a_page_is_shown_after_a_way_that_nobody_sees(renewing_scene: Scene, tab: Page, guest: Person) -> None:
    log_in(tab, renewing_scene, guest)
    grow_old()
    visits = visits_to(tab, renewing_scene)
    assert status_for_a_script(tab) == 200
    assert visits == []
    tab.goto(f"{renewing_scene.app}/profile")
    expect_profile(tab, renewing_scene, guest)
    assert ["prompt=none" in visit.url for visit in visits] == [True]
    tab.reload()
    expect_profile(tab, renewing_scene, guest)
    assert len(visits) == 1


def test_who_is_logged_out_at_the_provider_has_to_log_in(
    renewing_scene: Scene, browser: BrowserContext, tab: Page, guest: Person
) -> None:
    log_in(tab, renewing_scene, guest)
    grow_old()
    browser.clear_cookies(name=THE_PROVIDERS)
    second_tab = browser.new_page()
    second_tab.goto(f"{renewing_scene.app}/profile")
    expect(second_tab.locator("input[name=login]")).to_be_visible()
    assert status_for_a_script(tab) == 401
    identify(second_tab, guest)
    expect_profile(second_tab, renewing_scene, guest)
    assert status_for_a_script(tab) == 200


def test_two_tabs_are_renewed_at_once(
    renewing_scene: Scene, browser: BrowserContext, tab: Page, guest: Person
) -> None:
    log_in(tab, renewing_scene, guest)
    second_tab = browser.new_page()
    second_tab.goto(f"{renewing_scene.app}/profile")
    grow_old()
    for each in (tab, second_tab):
        each.evaluate("setTimeout(() => location.reload(), 50)")
    time.sleep(1)
    for each in (tab, second_tab):
        each.wait_for_load_state()
        expect_profile(each, renewing_scene, guest)
