"""A site whose sessions are renewed, and what happens to them on the way."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from oidc_async.testing import Fault

from .refresh_site import TOKENS, token_views
from .site import Browser, Framework, Page, Site

INTERVAL = 300
PAUSE = 60
"""The most seconds between two tries."""
DAY = 86_400
FETCH = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
REJECTIONS = [
    Fault.AUTHORIZATION_LOGIN_REQUIRED,
    Fault.AUTHORIZATION_INTERACTION_REQUIRED,
    Fault.AUTHORIZATION_CONSENT_REQUIRED,
    Fault.AUTHORIZATION_ACCOUNT_SELECTION_REQUIRED,
    Fault.AUTHORIZATION_ACCESS_DENIED,
]
OUTAGES = [
    Fault.AUTHORIZATION_SERVER_ERROR,
    Fault.AUTHORIZATION_TEMPORARILY_UNAVAILABLE,
    Fault.AUTHORIZATION_ERROR_MARKUP,
    Fault.TOKEN_500,
    Fault.TOKEN_RESET,
    Fault.TOKEN_SLOW,
    Fault.TOKEN_HTML,
    Fault.TOKEN_INVALID_CLIENT,
    Fault.TOKEN_INVALID_GRANT,
    Fault.USERINFO_500,
    Fault.USERINFO_SUB_OTHER,
]
LIES = [
    Fault.ID_TOKEN_ISS_OTHER,
    Fault.ID_TOKEN_NONCE_WRONG,
    Fault.ID_TOKEN_SIGNATURE_BROKEN,
    Fault.ID_TOKEN_ALG_NONE,
    Fault.AUTHORIZATION_ISS_WRONG,
]
MakeSite = Callable[..., Site]


def renewal_views(framework: Framework) -> Callable[[Any, Any], None]:
    """The standard views, those of tokens, and `/either`, which takes a token or a session."""

    def add(app: Any, auth: Any) -> None:
        token_views(framework)(app, auth)
        app.add_url_rule("/either", "either", auth.access_control(next(iter(auth_names(app))))(lambda: "either"))

    return add


def auth_names(app: Any) -> dict[str, Any]:
    names: dict[str, Any] = app.extensions["oidc_async"].application.clients
    return names


def renewal_site(make_site: MakeSite, framework: Framework, **options: Any) -> Site:
    return make_site(**{"views": renewal_views(framework), "session_refresh_interval_seconds": INTERVAL, **options})


def asked_with(page: Page) -> dict[str, str]:
    """What the browser is sent to the provider with; it is sent there."""
    assert page.status_code == 302, (page.status_code, page.text)
    target = urlsplit(page.headers["location"])
    assert target.path == "/authorize"
    return dict(parse_qsl(target.query))


def is_renewal(page: Page) -> bool:
    return page.status_code == 302 and asked_with(page).get("prompt") == "none"


def is_login(page: Page) -> bool:
    return page.status_code == 302 and "prompt" not in asked_with(page)


def answer(browser: Browser, page: Page, **authorize: Any) -> Page:
    """What the application makes of the provider's answer to this request."""
    return browser.come_back(browser.site.provider.authorize(page.headers["location"], **authorize))


def leave(browser: Browser, path: str = "/private") -> Page:
    """The way to a renewal, begun by going to a page."""
    page = browser.get(path)
    assert is_renewal(page), (page.status_code, page.text)
    return page


def kept(browser: Browser) -> dict[str, Any]:
    who = browser.who()
    return {name: who[name] for name in (*TOKENS, "last_authenticated")}


def grow_old(site: Site) -> None:
    """Let the interval pass."""
    site.provider.clock.advance(INTERVAL + 1)
