"""Whose session it is: the subject's at its issuer, whatever name or email address comes along. threat model 168."""

from collections.abc import Callable

from oidc_async.testing.faults.documents import put
from oidc_async.testing.stages import CLAIMS, USERINFO, harmless

from .cookie_jar import logged_in, session_of
from .refresh_site import LIFETIME, asked, token_of, token_site, user_of
from .site import Framework, Site, new_provider

MakeSite = Callable[..., Site]
SESSIONS_IN = ("cookies", "sqlite")
EMAIL = "alice@example.com"
ANOTHER_ADDRESS = put(email="alice@elsewhere.example", email_verified=True)


def test_the_same_subject_and_address_at_another_issuer_is_somebody_else(make_site: MakeSite) -> None:
    """threat model 46, 168, 235"""
    providers = {"first": new_provider(), "second": new_provider("https://second.example")}
    site = make_site(providers=providers, auth_request_params={"scope": "openid profile email"})
    browser = logged_in(site, user="alice")
    first = browser.who()
    assert browser.get("/private-second").status_code == 302
    browser.log_in("/private-second", user="alice")
    second = browser.who()
    assert first["userinfo"] == second["userinfo"]
    assert first["userinfo"]["email"] == EMAIL
    assert [who["id_token"]["sub"] for who in (first, second)] == ["alice", "alice"]
    assert [who["id_token"]["iss"] for who in (first, second)] == [provider.issuer for provider in site.providers]
    assert browser.get("/private").status_code == 302


def test_somebody_with_the_address_of_another_is_not_that_user(make_site: MakeSite) -> None:
    """threat model 168: an address that nobody verified opens no session that is there"""
    provider = new_provider()
    provider.add_user("mallory", claims={"email": EMAIL, "email_verified": False})
    site = make_site(providers={"default": provider}, auth_request_params={"scope": "openid email"})
    alice, mallory = logged_in(site, user="alice"), logged_in(site, user="mallory")
    assert alice.who()["userinfo"]["email"] == mallory.who()["userinfo"]["email"] == EMAIL
    assert [browser.who()["id_token"]["sub"] for browser in (alice, mallory)] == ["alice", "mallory"]
    assert not set(session_of(alice).values()) & set(session_of(mallory).values())
    mallory.get("/logout")
    assert alice.get("/private").text == "private"


def test_who_changes_the_address_stays_logged_in(make_site: MakeSite, framework: Framework) -> None:
    """threat model 71, 168"""
    site = token_site(make_site, framework)
    browser = user_of(site)
    site.provider.clock.advance(LIFETIME)
    with site.provider.misbehaving(
        harmless("another address", CLAIMS(ANOTHER_ADDRESS), USERINFO(ANOTHER_ADDRESS)),
    ):
        assert token_of(browser) is not None
    assert asked(site.provider) == 1
    assert browser.who()["id_token"]["email"] == "alice@elsewhere.example"
    assert browser.who()["id_token"]["sub"] == "alice"
