"""Why there is no usable access token, for the view that asked for one."""

from collections.abc import Callable
from typing import Any

import pytest

from oidc_async import OIDCError
from oidc_async.testing import Fault, Misbehaviour
from oidc_async.testing.faults.documents import put
from oidc_async.testing.stages import REFRESH, harmless

from .refresh_site import LIFETIME, OFFLINE, asked, user_of
from .site import Browser, Framework, Site

MakeSite = Callable[..., Site]


def view_of_why(framework: Framework) -> Callable[[Any, Any], None]:
    """The standard views, and `/why`: whether there is a token, and why not, before and after it is asked for."""

    def add(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def code() -> str | None:
            failure: OIDCError | None = auth.refresh_failure
            return None if failure is None else failure.code

        def why() -> list[Any]:
            return [code(), auth.valid_access_token() is not None, code()]

        async def awaited_why() -> list[Any]:
            return [code(), await auth.valid_access_token() is not None, code()]

        app.add_url_rule("/why", "why", why if framework.name == "flask" else awaited_why)

    return add


@pytest.fixture
def browser(make_site: MakeSite, framework: Framework) -> Browser:
    """Of somebody whose access token has expired."""
    browser = user_of(make_site(views=view_of_why(framework), **OFFLINE))
    browser.site.provider.clock.advance(LIFETIME)
    return browser


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.TOKEN_RESET, "provider_unreachable"),
        (Fault.TOKEN_500, "provider_unreachable"),
        (Fault.TOKEN_HTML, "token_response_invalid"),
        (Fault.TOKEN_INVALID_GRANT, "oauth_error"),
        (Fault.REFRESH_SUB_OTHER, "claim_invalid"),
        (harmless("over at once", REFRESH(put(expires_in=0))), "token_response_invalid"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_refresh_without_success_says_why(browser: Browser, fault: Misbehaviour, code: str) -> None:
    with browser.site.provider.misbehaving(fault):
        assert browser.get("/why").json() == [None, False, code]
    assert asked(browser.site.provider) == 1


def test_a_refresh_that_succeeds_has_no_failure(browser: Browser) -> None:
    assert browser.get("/why").json() == [None, True, None]


def test_who_has_nothing_to_refresh_with_has_no_failure(make_site: MakeSite, framework: Framework) -> None:
    site = make_site(views=view_of_why(framework))
    assert site.browser().get("/why").json() == [None, False, None]
    browser = user_of(site)
    site.provider.clock.advance(LIFETIME)
    assert browser.get("/why").json() == [None, False, None]


def test_a_later_success_takes_it_back(make_site: MakeSite, framework: Framework) -> None:
    site = make_site(views=view_of_why(framework), **OFFLINE)
    seen: list[str | None] = []

    def note() -> None:
        failure: OIDCError | None = site.auth.refresh_failure
        seen.append(None if failure is None else failure.code)

    def twice() -> str:
        with site.provider.misbehaving(Fault.TOKEN_RESET):
            site.auth.valid_access_token(force_refresh=True)
        note()
        site.provider.clock.advance(10)
        site.auth.valid_access_token()
        note()
        return "twice"

    async def awaited_twice() -> str:
        with site.provider.misbehaving(Fault.TOKEN_RESET):
            await site.auth.valid_access_token(force_refresh=True)
        note()
        site.provider.clock.advance(10)
        await site.auth.valid_access_token()
        note()
        return "twice"

    site.app.add_url_rule("/twice", "twice", twice if framework.name == "flask" else awaited_twice)
    assert user_of(site).get("/twice").text == "twice"
    assert seen == ["provider_unreachable", None]
