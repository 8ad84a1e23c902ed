"""Responses of several providers, and of many browsers at once (threat model C, O)."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from oidc_async.testing import Fault, SimulatedProvider

from .at_once import Fetch, at_once
from .authorization_response import back_with, code_of, is_logged_in
from .cookie_jar import in_cookies
from .site import ORIGIN, Framework, Site, new_provider

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "sqlite")


# Two providers


@pytest.fixture
def two(make_site: MakeSite) -> Site:
    """A site with an honest provider and another one, each with a user of the same name and keys of the same name."""
    providers = {"honest": new_provider("https://op.example"), "evil": new_provider("https://evil.example")}
    return make_site(providers=providers)


def silent(*providers: SimulatedProvider) -> ExitStack:
    """While these providers don't say who they are (RFC 9207)."""
    stack = ExitStack()
    for provider in providers:
        stack.enter_context(provider.misbehaving(Fault.AUTHORIZATION_ISS_UNSUPPORTED))
    return stack


def test_a_response_of_another_provider_is_rejected(two: Site, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 44, 46: mix-up; neither provider learns a code of the other."""
    browser = two.browser()
    honest, evil = browser.begin_login("/private"), browser.begin_login("/private-evil")
    page = browser.come_back(back_with(evil, state=honest.get("state")))
    assert (page.status_code, code_of(caplog)) == (400, "authorization_response_invalid")
    assert [provider.count("token") for provider in two.providers] == [0, 0]
    assert not is_logged_in(browser)


def test_a_code_goes_to_the_provider_that_the_login_was_begun_at(two: Site) -> None:
    """threat model 46, 79: also when no provider says who it is."""
    browser = two.browser()
    with silent(*two.providers):
        honest, evil = browser.begin_login("/private"), browser.begin_login("/private-evil")
        page = browser.come_back(back_with(evil, state=honest.get("state")))
    assert page.status_code == 400
    assert [provider.count("token") for provider in two.providers] == [1, 0]
    assert not is_logged_in(browser)


def test_each_response_logs_in_at_its_own_provider(two: Site) -> None:
    """threat model 46, 235."""
    browser = two.browser()
    honest, evil = browser.begin_login("/private"), browser.begin_login("/private-evil")
    browser.come_back(honest)
    assert browser.who()["id_token"]["iss"] == "https://op.example"
    browser.come_back(evil)
    assert browser.who()["id_token"]["iss"] == "https://evil.example"


def test_a_login_is_not_finished_at_what_its_provider_was_replaced_by(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 59, 79: one name, another issuer after a deployment; code and verifier stay here."""
    before, after = new_provider("https://op.example"), new_provider("https://evil.example")
    first, second = make_site(providers={"default": before}), make_site(providers={"default": after})
    browser, moved = first.browser(), second.browser()
    with silent(before, after):
        callback = browser.begin_login()
        moved.cookies.update(browser.cookies)
        page = moved.come_back(callback)
    assert (page.status_code, code_of(caplog)) == (400, "state_mismatch")
    assert [before.count("token"), after.count("token")] == [0, 0]


def test_a_login_whose_provider_is_gone_is_rejected(make_site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    provider = new_provider()
    first, second = make_site(providers={"old": provider}), make_site(providers={"new": provider})
    browser, moved = first.browser(), second.browser()
    callback = browser.begin_login()
    moved.cookies.update(browser.cookies)
    assert (moved.come_back(callback).status_code, code_of(caplog)) == (400, "state_mismatch")
    assert provider.count("token") == 0


# Many at once


@pytest.mark.whole
@in_cookies
def test_a_thousand_first_visitors_cost_one_discovery(framework: Framework, make_site: MakeSite) -> None:
    """threat model 241."""
    provider = new_provider()
    runtime = slow_runtime(framework, provider)
    site = make_site(providers={"default": provider}, runtime=runtime)
    statuses = at_once(site, [first_page] * 1000)
    assert statuses == [302] * 1000
    assert (provider.count("discovery"), provider.count("jwks")) == (1, 0)


def test_a_hundred_first_logins_cost_one_discovery_and_one_fetch_of_keys(
    framework: Framework, make_site: MakeSite
) -> None:
    """threat model 241."""
    provider = new_provider()
    site = make_site(providers={"default": provider}, runtime=slow_runtime(framework, provider))

    async def log_in(fetch: Fetch) -> int:
        begun = await fetch(f"{ORIGIN}/private")
        done = await fetch(provider.authorize(begun.headers["location"]).url)
        return done.status_code

    assert at_once(site, [log_in] * 100) == [302] * 100
    assert [provider.count(endpoint) for endpoint in ("discovery", "jwks", "token")] == [1, 1, 100]


@in_cookies
def test_visitors_of_a_dead_provider_share_its_silence(framework: Framework, make_site: MakeSite) -> None:
    """threat model 229: one attempt with its retries, then a pause in which nobody is asked."""
    provider = new_provider()
    site = make_site(providers={"default": provider}, runtime=slow_runtime(framework, provider))
    with provider.misbehaving(Fault.DISCOVERY_RESET):
        statuses = at_once(site, [first_page] * 200)
    assert statuses == [502] * 200
    # each by itself would ask three times; where the visits take long, they outlast a pause or two
    assert provider.count("discovery") <= 30
    provider.clock.advance(5)
    assert site.browser().log_in().text == "private"


def slow_runtime(framework: Framework, provider: SimulatedProvider) -> Any:
    make = provider.blocking_runtime if framework.name == "flask" else provider.async_runtime
    return make(latency=0.05)


async def first_page(fetch: Fetch) -> int:
    return (await fetch(f"{ORIGIN}/private")).status_code
