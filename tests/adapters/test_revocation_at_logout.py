"""Which logouts revoke tokens at the provider, in each way that sessions are kept: threat model 194, 197, 395."""

import logging
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest

from oidc_async.testing import Misbehaviour, SimulatedProvider
from oidc_async.testing.faults.documents import without
from oidc_async.testing.faults.responses import error, reset
from oidc_async.testing.stages import ANY_REPLY, DISCOVERY, harmless, rejected

from .refresh_site import OFFLINE
from .site import Browser, Framework, Site, new_provider

SESSIONS_IN = ("cookies", "memory", "sqlite")
MakeSite = Callable[..., Site]
NO_LOGOUT = harmless("no end_session_endpoint", DISCOVERY(without("end_session_endpoint")))
NEITHER = harmless("nor a place to revoke", DISCOVERY(without("end_session_endpoint", "revocation_endpoint")))


def user_at(provider: SimulatedProvider, make_site: MakeSite, **options: object) -> Browser:
    browser = make_site(**{"providers": {"default": provider}, **OFFLINE, **options}).browser()
    browser.log_in()
    assert browser.who() != {}
    provider.forget_requests()
    return browser


def revoked(provider: SimulatedProvider) -> list[tuple[str, str]]:
    """Hints and tokens of the requests to the revocation endpoint."""
    forms = [parse_qs(seen.request.body.decode()) for seen in provider.requests if seen.endpoint == "revocation"]
    return [(form["token_type_hint"][0], form["token"][0]) for form in forms]


def test_the_refresh_token_is_revoked_and_then_the_access_token(make_site: MakeSite) -> None:
    provider = new_provider()
    with provider.misbehaving(NO_LOGOUT):
        browser = user_at(provider, make_site)
        known = browser.who()
        page = browser.get("/logout")
    assert (page.status_code, page.text) == (200, "logged out")
    assert revoked(provider) == [
        ("refresh_token", known["refresh_token"]),
        ("access_token", known["access_token"]),
    ]
    assert browser.who() == {}
    assert not provider._registry.refresh_tokens
    assert known["access_token"] not in provider._registry.access_tokens


def test_without_a_refresh_token_the_access_token_is(make_site: MakeSite) -> None:
    provider = new_provider()
    with provider.misbehaving(NO_LOGOUT):
        browser = user_at(provider, make_site, auth_request_params={"scope": "openid"})
        token = browser.who()["access_token"]
        browser.get("/logout")
    assert revoked(provider) == [("access_token", token)]


def test_where_there_is_a_logout_or_neither_nothing_is_revoked(make_site: MakeSite) -> None:
    for fault in (None, NEITHER):
        provider = new_provider()
        with provider.misbehaving(*([fault] if fault else [])):
            browser = user_at(provider, make_site)
            page = browser.get("/logout")
        assert page.status_code == (303 if fault is None else 200)
        assert browser.who() == {}
        assert provider.requests == ()


DOWN = rejected("nobody answers", ANY_REPLY(reset))
REJECTS = rejected("invalid_client", ANY_REPLY(error("invalid_client", status=401)))


@pytest.mark.parametrize("fault", [DOWN, REJECTS], ids=lambda fault: fault.does)
def test_a_provider_that_does_not_revoke_keeps_nobody_logged_in(
    make_site: MakeSite, framework: Framework, fault: Misbehaviour, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 197, 250"""
    provider = new_provider()
    with provider.misbehaving(NO_LOGOUT):
        browser = user_at(provider, make_site)
        known = browser.who()
        with provider.misbehaving(fault), caplog.at_level(logging.DEBUG):
            page = browser.get("/logout")
    assert (page.status_code, page.text) == (200, "logged out")
    assert browser.who() == {}
    assert "a token could not be revoked" in caplog.text
    assert provider.count("revocation") == 1  # who fails once is not asked for the next token
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("oidc_async"))
    assert [name for name in ("access_token", "refresh_token", "id_token_jwt") if known[name] in ours] == []


@pytest.mark.parametrize("offers_logout", [True, False], ids=["with a logout", "without"])
@pytest.mark.parametrize(("choice", "without", "beside"), [("auto", 2, 0), (True, 2, 2), (False, 0, 0)])
def test_the_configuration_says_when_tokens_are_revoked(
    make_site: MakeSite, choice: object, without: int, beside: int, offers_logout: bool
) -> None:
    """threat model 395"""
    provider = new_provider()
    with provider.misbehaving(*([] if offers_logout else [NO_LOGOUT])):
        browser = user_at(provider, make_site, revoke_at_logout=choice)
        known = browser.who()
        page = browser.get("/logout")
    assert page.status_code == (303 if offers_logout else 200)
    expected = [(name, known[name]) for name in ("refresh_token", "access_token")]
    assert revoked(provider) == expected[: beside if offers_logout else without]
    assert browser.who() == {}


@pytest.mark.parametrize("fault", [DOWN, REJECTS], ids=lambda fault: fault.does)
def test_a_failed_revocation_stops_no_logout_at_the_provider(
    make_site: MakeSite, fault: Misbehaviour, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 395"""
    provider = new_provider()
    browser = user_at(provider, make_site, revoke_at_logout=True)
    with provider.misbehaving(fault), caplog.at_level(logging.WARNING):
        page = browser.get("/logout")
    assert page.status_code == 303
    assert page.headers["location"].startswith(f"{provider.issuer}/")
    assert browser.who() == {}
    assert "a token could not be revoked" in caplog.text


def test_a_provider_that_can_not_revoke_is_warned_of_where_that_is_wanted(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    provider = new_provider()
    with provider.misbehaving(NEITHER), caplog.at_level(logging.WARNING):
        user_at(provider, make_site, revoke_at_logout="auto").get("/logout")
        assert caplog.messages == []
        user_at(provider, make_site, revoke_at_logout=True).get("/logout")
    assert [message for message in caplog.messages if "revoke_at_logout=True needs a revocation_endpoint" in message]
