"""A provider that answers prompt=none with an error page of its own: threat model 375."""

from collections.abc import Callable

from oidc_async.web.sessions.renewal_state import UNANSWERED_SECONDS

from .renewal_site import PAUSE, answer, grow_old, is_renewal, leave, renewal_site
from .site import Framework, Site

MakeSite = Callable[..., Site]


def test_who_comes_back_by_hand_is_not_sent_there_again_soon(make_site: MakeSite, framework: Framework) -> None:
    site = renewal_site(make_site, framework)
    browser = site.browser()
    browser.log_in()
    grow_old(site)
    leave(browser)
    site.provider.clock.advance(UNANSWERED_SECONDS - 1)
    assert browser.get("/private").text == "private"
    site.provider.clock.advance(1)
    assert is_renewal(browser.get("/private"))


def test_an_answer_of_any_kind_lets_the_next_renewal_begin(make_site: MakeSite, framework: Framework) -> None:
    site = renewal_site(make_site, framework)
    browser = site.browser()
    browser.log_in()
    grow_old(site)
    assert answer(browser, leave(browser)).status_code == 302
    site.provider.clock.advance(UNANSWERED_SECONDS // 2 + PAUSE)
    assert is_renewal(browser.get("/private"))
