"""A refresh that brings more than the session has room for: threat model 165."""

from collections.abc import Callable
from secrets import token_urlsafe

import pytest

from oidc_async.testing import Misbehaviour
from oidc_async.testing.faults.documents import put
from oidc_async.testing.stages import TOKEN, USERINFO, rejected

from .cookie_jar import logged_in
from .refresh_site import asked, token_of, token_site, user_of
from .renewal_site import grow_old, renewal_site
from .site import Framework, Site
from .test_renewal_with_refresh_token import OPTIONS

pytestmark = pytest.mark.parametrize("sessions_in", ["cookies", "cookies beside sqlite"], indirect=True)
MakeSite = Callable[..., Site]
BIG = token_urlsafe(24_000)
TOKENS = rejected("a refresh token of 32 kB", TOKEN(put(refresh_token=BIG)))
CLAIMS = rejected("userinfo of 32 kB", USERINFO(put(groups=BIG)))


def test_a_page_is_shown_without_what_the_session_has_no_room_for(
    make_site: MakeSite, framework: Framework, caplog: pytest.LogCaptureFixture
) -> None:
    browser = user_of(token_site(make_site, framework))
    provider, token = browser.site.provider, browser.who()["access_token"]
    with provider.misbehaving(TOKENS):
        assert token_of(browser, "/token/new") is None
    assert "session_too_large" in caplog.text
    who = browser.who()
    assert (who["access_token"], who["refresh_token"]) == (token, None)
    assert token_of(browser) == token
    assert token_of(browser, "/token/new") is None
    assert asked(provider) == 1


@pytest.mark.parametrize("fault", [TOKENS, CLAIMS], ids=["tokens", "claims"])
def test_a_session_continues_without_a_renewal_that_it_has_no_room_for(
    make_site: MakeSite, framework: Framework, caplog: pytest.LogCaptureFixture, fault: Misbehaviour
) -> None:
    site = renewal_site(make_site, framework, **OPTIONS)
    browser = logged_in(site)
    grow_old(site)
    with site.provider.misbehaving(fault):
        pages = [browser.get("/private") for _ in range(3)]
    assert [page.status_code for page in pages] == [200] * 3
    assert "session_too_large" in caplog.text
    assert BIG not in caplog.text
    who = browser.who()
    assert who["id_token"]["sub"] == "alice"
    assert (who["refresh_token"] is None) is (fault is TOKENS)
    assert asked(site.provider) == 1
