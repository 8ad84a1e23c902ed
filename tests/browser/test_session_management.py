"""The frame that watches the provider's session, in a real browser, with the page of the guide around it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

from oidc_async import ClientMetadata, ProviderConfiguration
from oidc_async.testing import SimulatedProvider
from oidc_async.testing.faults.responses import header
from oidc_async.testing.session_management import COOKIE
from oidc_async.testing.stages import ANY_REPLY, AUTHORIZATION, Answer, Misbehaviour, Scene, harmless
from oidc_async.web.sessions.renewal_state import MOST_SECONDS
from tests.adapters.served import served
from tests.adapters.site import FlaskFramework, Framework, QuartFramework
from tests.providers.processes import free_port

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "session-management.md").read_text()
(EMBEDDED,) = re.findall(r"```html\n(.*?)```", GUIDE, re.DOTALL)
QUESTION = 3_500
"""Milliseconds within which the frame asks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An application and its provider at two ports of one host: one site, to a browser."""

    app: str
    issuer: str
    provider: SimulatedProvider


@pytest.fixture(params=[FlaskFramework(), QuartFramework()], ids=lambda framework: framework.name)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    framework: Framework = request.param
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    provider = SimulatedProvider()
    provider.register("client1", "secret1", redirect_uris=[f"{address}/redirect_uri"])
    provider.add_user("alice", password="wonderland")
    provider.manage_sessions()
    with provider.serve() as issuer, served(framework, new_app(framework, address, issuer), port):
        yield Place(app=address, issuer=issuer, provider=provider)


def new_app(framework: Framework, address: str, issuer: str) -> object:
    app = framework.new_app()
    app.config.update(
        SECRET_KEY="a secret of the tests, long enough",
        OIDC_REDIRECT_URI=f"{address}/redirect_uri",
        OIDC_SESSION_IFRAME_URI=f"{address}/session_iframe",
    )
    client = ClientMetadata("client1", "secret1")
    auth = framework.new_authentication({"default": ProviderConfiguration(issuer, client_metadata=client)}, app)

    def page() -> str:
        return f'<!doctype html><link rel="icon" href="data:,"><h1>Welcome</h1>{EMBEDDED}'

    app.add_url_rule("/", "page", auth.oidc_auth("default")(page))
    return app


def log_in(tab: Page, place: Place) -> None:
    tab.goto(f"{place.app}/")
    tab.fill("input[name=username]", "alice")
    tab.fill("input[name=password]", "wonderland")
    tab.click("button[value=allow]")
    expect(tab.locator("h1")).to_have_text("Welcome")


def watch(tab: Page) -> Locator:
    """The body of our frame, which notes what the provider's frame answers."""
    return tab.frame_locator("iframe").locator("body")


def renewals(tab: Page, place: Place) -> list[Request]:
    """The ways through the provider, from now on."""
    found: list[Request] = []

    def note(request: Request) -> None:
        if request.is_navigation_request() and f"{place.issuer}/authorize" in request.url:
            found.append(request)

    tab.on("request", note)
    return found


def with_state(session_state: str) -> Misbehaviour:
    def change(response: Answer, scene: Scene) -> Answer:
        others = [pair for pair in response.parameters if pair[0] != "session_state"]
        response.parameters = [*others, ("session_state", session_state)]
        return response

    return harmless("another session_state", AUTHORIZATION(change))


def test_nothing_happens_while_the_session_is_the_same(place: Place, tab: Page) -> None:
    log_in(tab, place)
    ways = renewals(tab, place)
    expect(watch(tab)).to_have_attribute("data-answer", "unchanged")
    tab.wait_for_timeout(QUESTION)
    expect(watch(tab)).to_have_attribute("data-answer", "unchanged")
    assert ways == []


def test_who_logs_out_at_the_provider_is_asked_to_log_in(place: Place, browser: BrowserContext, tab: Page) -> None:
    log_in(tab, place)
    ways = renewals(tab, place)
    expect(watch(tab)).to_have_attribute("data-answer", "unchanged")
    second_tab = browser.new_page()
    second_tab.goto(f"{place.issuer}/end_session")
    expect(second_tab.locator("h1")).to_have_text("Logged out")
    expect(tab.locator("input[name=username]")).to_be_visible()
    assert ["prompt=none" in way.url for way in ways] == [True, False]
    tab.fill("input[name=username]", "alice")
    tab.fill("input[name=password]", "wonderland")
    tab.click("button[value=allow]")
    expect(watch(tab)).to_have_attribute("data-answer", "unchanged")


def test_a_user_whose_session_changed_and_continues_stays_logged_in_and_there_is_no_storm(
    place: Place, browser: BrowserContext, tab: Page
) -> None:
    log_in(tab, place)
    ways = renewals(tab, place)
    expect(watch(tab)).to_have_attribute("data-answer", "unchanged")
    # as where the browser keeps the cookie from the frame: it will say the same of each new state
    browser.clear_cookies(name=COOKIE)
    expect(watch(tab)).to_have_attribute("data-wait", re.compile("[1-9]"))
    expect(tab.locator("h1")).to_have_text("Welcome")
    assert ["prompt=none" in way.url for way in ways] == [True]
    assert MOST_SECONDS - 15 < float(watch(tab).get_attribute("data-wait") or 0) <= MOST_SECONDS
    tab.wait_for_timeout(QUESTION)
    expect(watch(tab)).not_to_have_attribute("data-answer", re.compile("."))
    assert len(ways) == 1


def test_an_error_is_the_end_of_it(place: Place, tab: Page) -> None:
    """OIDC Session Management 3.1: nothing may be renewed by it."""
    with place.provider.misbehaving(with_state("no-salt")):
        log_in(tab, place)
    ways = renewals(tab, place)
    expect(watch(tab)).to_have_attribute("data-answer", "error")
    watch(tab).evaluate("body => { delete body.dataset.answer; }")
    tab.wait_for_timeout(QUESTION)
    expect(watch(tab)).not_to_have_attribute("data-answer", re.compile("."))
    assert ways == []


@pytest.mark.parametrize("origin_of", ["the page around", "another frame of the provider"])
def test_what_others_say_is_not_heard(place: Place, tab: Page, origin_of: str) -> None:
    """threat model 200"""
    log_in(tab, place)
    ways = renewals(tab, place)
    expect(watch(tab)).to_have_attribute("data-answer", "unchanged")
    if origin_of == "the page around":
        tab.evaluate("frames[0].postMessage('changed', '*')")
    else:
        tab.evaluate(
            "url => new Promise((loaded) => { const it = document.createElement('iframe'); it.src = url; "
            "it.onload = loaded; document.body.append(it); })",
            f"{place.issuer}/check_session",
        )
        stranger = next(frame for frame in tab.main_frame.child_frames if place.issuer in frame.url)
        stranger.evaluate("parent.frames[0].postMessage('changed', '*')")
    tab.wait_for_timeout(QUESTION)
    expect(tab.frame_locator("iframe").first.locator("body")).to_have_attribute("data-answer", "unchanged")
    assert ways == []


def test_a_frame_that_is_not_of_the_providers_origin_any_more_is_not_heard(place: Place, tab: Page) -> None:
    log_in(tab, place)
    ways = renewals(tab, place)
    sandboxed = header("content-security-policy", "sandbox allow-scripts")
    with place.provider.misbehaving(harmless("a frame without an origin", ANY_REPLY(sandboxed))):
        tab.reload()
        tab.wait_for_load_state("networkidle")
    (ours,) = tab.main_frame.child_frames
    (theirs,) = ours.child_frames
    assert theirs.evaluate("origin") == "null"
    theirs.evaluate("parent.postMessage('changed', '*')")
    tab.wait_for_timeout(QUESTION)
    expect(watch(tab)).not_to_have_attribute("data-answer", re.compile("."))
    assert ways == []


def test_without_a_session_nobody_is_asked(place: Place, tab: Page) -> None:
    tab.goto(f"{place.app}/session_iframe")
    expect(tab.locator("p")).to_have_text("There is no session to watch.")
    assert tab.locator("iframe").count() == 0


def test_no_other_site_puts_it_into_a_frame(place: Place, tab: Page) -> None:
    log_in(tab, place)
    tab.goto(f"{place.issuer}/.well-known/openid-configuration")
    problems: list[str] = []
    tab.on("console", lambda message: problems.append(message.text))
    tab.evaluate(
        "url => { const it = document.createElement('iframe'); it.src = url; document.documentElement.append(it); }",
        f"{place.app}/session_iframe",
    )
    tab.wait_for_timeout(1_000)
    assert any("frame-ancestors" in problem for problem in problems), problems
