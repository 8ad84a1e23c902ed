"""Aggregated and distributed claims, at logins in both frameworks (OIDC Core 5.6.2). threat model 121."""

from collections.abc import Callable
from typing import Any

import pytest

from oidc_async import ClaimsProvider
from oidc_async.testing import Fault, SimulatedProvider
from oidc_async.web.login_hook import NewLogin

from .site import Site, new_provider

MakeSite = Callable[..., Site]
KINDS = ("aggregated", "distributed")


def telling(kind: str) -> SimulatedProvider:
    provider = new_provider()
    claims = {"age": 30, "sub": "mallory"}
    source = {"JWT": provider.claims_token(claims)} if kind == "aggregated" else provider.distribute_claims(claims)
    told = {"_claim_names": {"age": "s", "sub": "s"}, "_claim_sources": {"s": source}}
    provider.add_user("alice", claims=told, id_token_claims=told)
    return provider


def logged_in(make_site: MakeSite, provider: SimulatedProvider) -> tuple[dict[str, Any], dict[str, Any]]:
    """The claims of the ID token as a hook sees them, and userinfo in the session."""
    site = make_site(providers={"default": provider}, claims_providers={provider.issuer: ClaimsProvider()})
    seen: dict[str, Any] = {}

    def see(login: NewLogin) -> None:
        seen.update(login.id_token)

    site.auth.after_login(see)
    browser = site.browser()
    assert browser.log_in().text == "private"
    return seen, browser.who()["userinfo"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_login_has_what_was_verified_and_no_token_for_anybody(make_site: MakeSite, kind: str) -> None:
    provider = telling(kind)
    id_token, userinfo = logged_in(make_site, provider)
    assert userinfo == {"sub": "alice", "age": 30}
    assert (id_token["sub"], id_token["age"], "_claim_sources" in id_token) == ("alice", 30, False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_login_has_nothing_of_what_can_not_be_trusted(make_site: MakeSite, kind: str) -> None:
    provider = telling(kind)
    with provider.misbehaving(Fault.SOURCE_FOREIGN):
        again = provider.claims_token({"age": 30})
        if kind == "aggregated":
            told = {"_claim_names": {"age": "s"}, "_claim_sources": {"s": {"JWT": again}}}
            provider.add_user("alice", claims=told, id_token_claims=told)
        id_token, userinfo = logged_in(make_site, provider)
    assert (userinfo, "age" in id_token) == ({"sub": "alice"}, False)
