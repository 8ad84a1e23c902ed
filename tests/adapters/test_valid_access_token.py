"""A usable access token for views, in every session storage. threat model 71 to 74, 243, 244, 250, 253."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from oidc_async.errors import StoreUnavailable
from oidc_async.stores import MemoryStore
from oidc_async.testing import REFRESH_FAULTS, Fault, Misbehaviour, SimulatedProvider
from oidc_async.testing.faults.documents import put as putting
from oidc_async.testing.stages import REFRESH, REFRESH_CLAIMS, TOKEN, harmless

from .cookie_jar import in_cookies
from .refresh_site import LIFETIME, MARGIN, asked, keeping_provider, kept, token_of, token_site, user_of
from .site import Framework, Site, cookies_of

SESSIONS_IN = ("cookies", "memory", "sqlite")
MakeSite = Callable[..., Site]
AWAY = [Fault.TOKEN_RESET, Fault.TOKEN_500, Fault.TOKEN_SLOW, Fault.TOKEN_INVALID_CLIENT]


@pytest.fixture
def site(make_site: MakeSite, framework: Framework) -> Site:
    return token_site(make_site, framework)


def lasting(seconds: float) -> Misbehaviour:
    return harmless(f"it lasts {seconds:g} seconds", TOKEN(putting(expires_in=seconds)))


# When it is refreshed


def test_a_token_that_lives_is_given_as_it_is(site: Site) -> None:
    browser = user_of(site)
    token = browser.who()["access_token"]
    site.provider.clock.advance(LIFETIME - MARGIN - 5)
    page = browser.get("/token")
    assert (page.json()["token"], asked(site.provider), cookies_of(page)) == (token, 0, {})


def test_it_is_refreshed_shortly_before_it_expires(site: Site) -> None:
    """threat model 73: tokens, claims and time of expiry are those of the response"""
    browser = user_of(site)
    before = browser.who()
    site.provider.clock.advance(LIFETIME - MARGIN + 1)
    token = token_of(browser)
    after = browser.who()
    assert (token, asked(site.provider)) == (after["access_token"], 1)
    for name in ("access_token", "refresh_token", "id_token_jwt"):
        assert after[name] not in (None, before[name])
    assert after["id_token"]["iat"] > before["id_token"]["iat"]
    assert 0 <= site.provider.clock() + LIFETIME - after["access_token_expires_at"] <= 5
    assert (after["userinfo"], after["last_authenticated"]) == (before["userinfo"], before["last_authenticated"])
    assert token_of(browser) == token
    assert asked(site.provider) == 1


@pytest.mark.parametrize("seconds", [0, 120], ids=str)
def test_how_long_before_is_a_setting(make_site: MakeSite, framework: Framework, seconds: float) -> None:
    site = token_site(make_site, framework, config={"OIDC_REFRESH_BEFORE_SECONDS": seconds})
    browser = user_of(site)
    site.provider.clock.advance(LIFETIME - seconds - 5)
    token_of(browser)
    assert asked(site.provider) == 0
    site.provider.clock.advance(6)
    token_of(browser)
    assert asked(site.provider) == 1


def test_a_token_that_lives_shortly_is_not_refreshed_with_every_request(site: Site) -> None:
    """With 20 seconds of life and a margin of 30, it would be: half of its life is left to it."""
    with site.provider.misbehaving(lasting(20)):
        browser = user_of(site)
        site.provider.clock.advance(5)
        assert token_of(browser) == token_of(browser)
        assert asked(site.provider) == 0
        site.provider.clock.advance(6)
        renewed = token_of(browser)
        assert (token_of(browser), asked(site.provider)) == (renewed, 1)


def test_a_refresh_may_be_forced(site: Site) -> None:
    browser = user_of(site)
    before = kept(browser)
    token = token_of(browser, "/token/new")
    after = kept(browser)
    assert (token, asked(site.provider)) == (after["access_token"], 1)
    assert token != before["access_token"]
    # each with the refresh token that the one before brought
    again = [token_of(browser, "/token/new") for _ in range(3)]
    assert (len({*again, token}), asked(site.provider)) == (4, 4)


def test_a_token_of_which_nobody_knows_the_end_is_kept(site: Site) -> None:
    with site.provider.misbehaving(Fault.REFRESH_EXPIRES_IN_MISSING):
        browser = user_of(site)
        token = token_of(browser, "/token/new")
    assert browser.who()["access_token_expires_at"] is None
    site.provider.clock.advance(100_000)
    assert token_of(browser) == token
    assert asked(site.provider) == 1


def test_one_that_is_over_when_it_comes_is_none(site: Site) -> None:
    browser = user_of(site)
    site.provider.clock.advance(LIFETIME)
    with site.provider.misbehaving(harmless("over at once", REFRESH(putting(expires_in=0)))):
        assert (token_of(browser), asked(site.provider)) == (None, 1)
    assert browser.who()["access_token_expires_at"] <= site.provider.clock()


# What else there may be


@pytest.mark.parametrize("path", ["/token", "/token/new"])
def test_nobody_has_no_token(site: Site, path: str) -> None:
    page = site.browser().get(path)
    assert (page.json(), asked(site.provider)) == ({"token": None}, 0)


@pytest.mark.parametrize("path", ["/token", "/token/new"])
def test_without_a_refresh_token_there_is_none_when_it_has_expired(
    make_site: MakeSite, framework: Framework, path: str
) -> None:
    site = token_site(make_site, framework, auth_request_params={"scope": "openid profile"})
    browser = user_of(site)
    token = browser.who()["access_token"]
    assert token_of(browser, path) == (token if path == "/token" else None)
    site.provider.clock.advance(LIFETIME - MARGIN + 1)
    # it is not new, but it lives
    assert token_of(browser, path) == (token if path == "/token" else None)
    site.provider.clock.advance(MARGIN)
    assert token_of(browser, path) is None
    assert browser.who()["access_token"] == token
    assert asked(site.provider) == 0


@in_cookies  # time is the provider's, and no store's
def test_a_refresh_token_that_is_not_replaced_stays(make_site: MakeSite, framework: Framework) -> None:
    """threat model 73"""
    site = token_site(make_site, framework, providers={"default": keeping_provider()})
    browser = user_of(site)
    refresh_token = browser.who()["refresh_token"]
    for number in range(1, 4):
        site.provider.clock.advance(LIFETIME)
        assert token_of(browser)
        assert (browser.who()["refresh_token"], asked(site.provider)) == (refresh_token, number)


def test_without_a_new_id_token_the_claims_stay(site: Site) -> None:
    browser = user_of(site)
    before = browser.who()
    with site.provider.misbehaving(Fault.REFRESH_ID_TOKEN_MISSING):
        assert token_of(browser, "/token/new") != before["access_token"]
    after = browser.who()
    for name in ("id_token", "id_token_jwt", "userinfo", "last_authenticated"):
        assert after[name] == before[name]


@pytest.mark.parametrize("fault", [fault for fault in REFRESH_FAULTS if fault.harmless], ids=str)
def test_what_is_harmless_brings_a_token(site: Site, fault: Misbehaviour) -> None:
    """threat model 71: also the nonce of the login, once more"""
    browser = user_of(site)
    site.provider.clock.advance(LIFETIME)
    with site.provider.misbehaving(fault):
        assert token_of(browser)
    assert asked(site.provider) == 1
    assert browser.who()["id_token"]["sub"] == "alice"


def test_the_login_is_the_one_that_counts_after_any_number_of_refreshes(site: Site) -> None:
    """threat model 71; OIDC Core 12.2: the nonce of the first ID token, though the second one had none"""
    browser = user_of(site)
    assert token_of(browser, "/token/new")
    before = kept(browser)
    with site.provider.misbehaving(Fault.REFRESH_NONCE_OTHER):
        assert token_of(browser, "/token/new") is None
    assert kept(browser) == {**before, "refresh_token": None}


def test_a_user_who_authenticated_again_elsewhere_is_the_same(site: Site) -> None:
    """threat model 71: auth_time may be later than at the login, and then that of the login again"""
    later = harmless(
        "300 seconds later", REFRESH_CLAIMS(lambda claims, _: {**claims, "auth_time": claims["auth_time"] + 300})
    )
    browser = user_of(site)
    site.provider.clock.advance(400)
    with site.provider.misbehaving(later):
        assert token_of(browser, "/token/new")
    assert token_of(browser, "/token/new")
    assert asked(site.provider) == 2


# What goes wrong


@pytest.mark.parametrize("fault", [fault for fault in REFRESH_FAULTS if fault.rejected], ids=str)
def test_an_id_token_that_is_wrong_changes_nothing_but_the_spent_refresh_token(
    site: Site, fault: Misbehaviour, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 71, 72, 355: a signature may be valid with keys that are published later"""
    browser = user_of(site)
    before = kept(browser)
    dropped = {} if fault is Fault.REFRESH_ID_TOKEN_TAMPERED else {"refresh_token": None}
    with site.provider.misbehaving(fault):
        assert token_of(browser, "/token/new") is None
        assert kept(browser) == {**before, **dropped}
        assert token_of(browser) == before["access_token"]
    assert asked(site.provider) == 1
    assert "an access token could not be refreshed" in caplog.text
    assert browser.get("/private").text == "private"


def test_a_dead_refresh_token_is_dropped_and_never_asked_with_again(site: Site) -> None:
    """threat model 74"""
    browser = user_of(site)
    before = kept(browser)
    site.provider.clock.advance(LIFETIME)
    site.provider.forget_requests()
    with site.provider.misbehaving(Fault.TOKEN_INVALID_GRANT):
        assert [token_of(browser) for _ in range(5)] == [None] * 5
        site.provider.clock.advance(100)
        assert token_of(browser, "/token/new") is None
        assert site.provider.count("token") == 1
    assert kept(browser) == {**before, "refresh_token": None}
    assert browser.get("/private").text == "private"


@in_cookies  # time is the provider's, and no store's
def test_a_rejection_of_another_kind_is_none_and_the_provider_is_asked_again_later(
    make_site: MakeSite, framework: Framework
) -> None:
    """threat model 74"""
    site = token_site(make_site, framework, providers={"default": keeping_provider()})
    browser = user_of(site)
    before = kept(browser)
    site.provider.clock.advance(LIFETIME)
    site.provider.forget_requests()
    with site.provider.misbehaving(Fault.TOKEN_INVALID_CLIENT):
        assert [token_of(browser) for _ in range(5)] == [None] * 5
        assert site.provider.count("token") == 1
        site.provider.clock.advance(4.5)
        assert token_of(browser) is None
        assert site.provider.count("token") == 2
    assert kept(browser) == before
    site.provider.clock.advance(4.5)
    assert token_of(browser)


@in_cookies
@pytest.mark.parametrize("fault", AWAY, ids=str)
def test_while_the_provider_is_down_a_token_that_lives_will_do(
    make_site: MakeSite, framework: Framework, fault: Misbehaviour
) -> None:
    site = token_site(make_site, framework, providers={"default": keeping_provider()})
    browser = user_of(site)
    before = kept(browser)
    site.provider.clock.advance(LIFETIME - MARGIN + 1)
    with site.provider.misbehaving(fault):
        assert token_of(browser) == before["access_token"]
        assert token_of(browser, "/token/new") is None
        site.provider.clock.advance(MARGIN)
        assert token_of(browser) is None
        assert kept(browser) == before
    site.provider.clock.advance(10)
    assert token_of(browser) not in (None, before["access_token"])


# A store that is down


class Switch:
    """A store that can be switched off."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.off: set[str] = set()

    def blocking(self) -> Any:
        return self

    def asynchronous(self) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.store, name)

        async def call(*args: Any) -> Any:
            if name in self.off:
                raise StoreUnavailable("the store is down", store="of the tests")
            return await method(*args)

        return call


@in_cookies
@pytest.mark.parametrize("off", ["get_many", "put_if_absent"])
def test_while_the_store_is_down_no_refresh_is_sent(make_site: MakeSite, framework: Framework, off: str) -> None:
    """threat model 244: 503, and nothing has ended"""
    store = Switch()
    site = token_site(make_site, framework, config={"OIDC_STORE": store})
    browser = user_of(site)
    before = kept(browser)
    store.off = {off}
    page = browser.get("/token/new")
    assert (page.status_code, asked(site.provider)) == (503, 0)
    assert "no-store" in page.headers["cache-control"]
    store.off = set()
    assert kept(browser) == before
    site.provider.clock.advance(2)
    assert token_of(browser, "/token/new") not in (None, before["access_token"])


@in_cookies
def test_a_store_that_fails_between_refresh_and_answer_costs_a_page_and_no_session(
    make_site: MakeSite, framework: Framework
) -> None:
    """threat model 243: the refresh token is spent, and the new one must not be lost"""
    store = Switch()
    site = token_site(make_site, framework, config={"OIDC_STORE": store})
    browser = user_of(site)
    store.off = {"put", "replace", "delete_if"}
    assert browser.get("/token/new").status_code == 503
    store.off = set()
    token = token_of(browser, "/token/new")
    assert (browser.who()["access_token"], asked(site.provider)) == (token, 1)


# Secrets


@pytest.mark.parametrize("fault", [None, Fault.TOKEN_INVALID_GRANT, Fault.TOKEN_500, *REFRESH_FAULTS], ids=str)
def test_no_token_is_shown_or_logged(
    site: Site, fault: Misbehaviour | None, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 250, 253"""
    provider: SimulatedProvider = site.provider
    browser = user_of(site)
    with caplog.at_level(logging.DEBUG), provider.misbehaving(*([fault] if fault else [])):
        page = browser.get("/token/new")
    registry = provider._registry
    tokens = {*registry.access_tokens, *registry.refresh_tokens, *registry.spent_refresh_tokens, *registry.id_tokens}
    texts = [caplog.text, repr(site.web), repr(site.web.clients), str(dict(page.headers))]
    assert len(tokens) >= 4
    assert [token for token in tokens if any(token in text for text in texts)] == []
