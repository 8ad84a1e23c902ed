"""Access tokens that live for seconds: none is given that has expired or was just rejected. threat model 357, 358."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oidc_async.testing import Misbehaviour, SimulatedProvider
from oidc_async.testing.faults.documents import put
from oidc_async.testing.stages import REFRESH, TOKEN, harmless

from .cookie_jar import in_cookies
from .refresh_site import asked, keeping_provider, token_of, token_site, user_of
from .site import Browser, Framework, new_provider
from .test_overlapping_refreshes import copy_of

SESSIONS_IN = ("cookies", "memory", "sqlite")
MakeSite = Callable[..., Any]
LIFETIME = 10
"""Shorter than OIDC_REFRESH_BEFORE_SECONDS, and than the time for which results are replayed."""
SHORT: Misbehaviour = harmless("it lasts 10 seconds", TOKEN(put(expires_in=LIFETIME)))


def sending_it_back(provider: SimulatedProvider) -> Misbehaviour:
    """The refresh token comes back as it was sent, as Spring Authorization Server does by default (RFC 6749 6)."""

    def answer(document: dict[str, Any], scene: object) -> dict[str, Any]:
        (token,) = provider._registry.refresh_tokens
        return {**document, "refresh_token": token}

    return harmless("the same refresh token", REFRESH(answer))


@pytest.fixture(params=["rotated", "left out", "sent back"])
def browser(request: pytest.FixtureRequest, make_site: MakeSite, framework: Framework) -> Iterator[Browser]:
    provider = new_provider() if request.param == "rotated" else keeping_provider()
    faults = [SHORT, sending_it_back(provider)] if request.param == "sent back" else [SHORT]
    site = token_site(make_site, framework, providers={"default": provider})
    with provider.misbehaving(*faults):
        yield user_of(site)


def lasting_token(browser: Browser, path: str = "/token") -> str:
    """What the view gets, which is the session's, and is not over."""
    token = token_of(browser, path)
    who = browser.who()
    assert token is not None
    assert (token, who["access_token_expires_at"] > browser.site.provider.clock()) == (who["access_token"], True)
    return token


def test_each_request_gets_one_that_lasts(browser: Browser) -> None:
    """threat model 358: at 11, 22 and 29 seconds, and one refresh each time"""
    tokens = [browser.who()["access_token"]]
    for number, pause in enumerate((11, 11, 7, 60), 1):
        browser.site.provider.clock.advance(pause)
        tokens += [lasting_token(browser) for _ in range(3)]
        assert asked(browser.site.provider) == number
    assert len(set(tokens)) == 5


def test_one_that_was_rejected_is_replaced_each_time(browser: Browser) -> None:
    """threat model 357: also when it is a second old"""
    tokens = [browser.who()["access_token"]]
    tokens += [lasting_token(browser, "/token/new") for _ in range(4)]
    assert (len(set(tokens)), asked(browser.site.provider)) == (5, 4)


def test_who_comes_late_gets_no_expired_one(browser: Browser) -> None:
    """threat model 358: the session of before, and what it is replayed has expired, too"""
    late = copy_of(browser)
    lasting_token(browser, "/token/new")
    browser.site.provider.clock.advance(LIFETIME + 5)
    assert lasting_token(late)
    assert asked(browser.site.provider) == 2


@in_cookies
def test_who_comes_later_still_follows_what_others_refreshed(make_site: MakeSite, framework: Framework) -> None:
    """threat model 358: from one rotated refresh token to the next"""
    provider = new_provider()
    site = token_site(make_site, framework, providers={"default": provider})
    with provider.misbehaving(SHORT):
        browser = user_of(site)
        late = copy_of(browser)
        for _ in range(2):
            lasting_token(browser, "/token/new")
            provider.clock.advance(LIFETIME + 1)
        assert lasting_token(late)
        assert lasting_token(browser)
    assert asked(provider) == 3


@in_cookies
@pytest.mark.parametrize("rotates", [True, False], ids=["rotated", "kept"])
def test_the_one_that_was_rejected_is_none(make_site: MakeSite, framework: Framework, rotates: bool) -> None:
    """threat model 357: a provider that gives the same access token again has given no other"""
    provider = new_provider() if rotates else keeping_provider()
    site = token_site(make_site, framework, providers={"default": provider})
    browser = user_of(site)
    token = browser.who()["access_token"]
    with provider.misbehaving(harmless("the same", REFRESH(put(access_token=token, id_token=None)))):
        assert token_of(browser, "/token/new") is None
    assert token_of(browser) == token
    assert asked(provider) == 1


@in_cookies
def test_none_is_given_that_expires_at_once(make_site: MakeSite, framework: Framework) -> None:
    """threat model 358: however it is asked for, and without a storm"""
    provider = keeping_provider()
    site = token_site(make_site, framework, providers={"default": provider})
    browser = user_of(site)
    with provider.misbehaving(harmless("over at once", REFRESH(put(expires_in=0)))):
        assert [token_of(browser, "/token/new"), token_of(browser)] == [None, None]
    assert asked(provider) == 2
