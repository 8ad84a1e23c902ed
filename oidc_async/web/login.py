"""The guard of a view: let a login through, begin one otherwise (OIDC Core 3.1.2.1)."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from ..errors import LoginLoop, OIDCError
from .application import Exchange, WebApplication
from .messages import Cookie, WebResponse, redirect
from .navigation import is_navigation, login_required
from .pending_logins import LoginInBrowser
from .return_path import return_path
from .signals import login_failed
from .token_failure import token_challenge

logger = logging.getLogger(__name__)

MAX_LOGINS_IN_A_ROW = 5
LOGINS_IN_A_ROW_SECONDS = 30
COUNT_KIND = "logins"


async def require_login(exchange: Exchange, provider_name: str) -> WebResponse | None:
    """None for who is logged in at that provider; otherwise the way to its login, or 401 for a script.

    Raises ProviderError when the provider can't be reached, LoginLoop when logins don't stay.
    """
    await exchange.require_session()
    if exchange.is_logged_in(provider_name):
        return None
    if not is_navigation(exchange.request):
        return login_required()
    exchange.login_provider = provider_name
    with announcing_failure(exchange):
        _require_no_loop(exchange)
        return await _begin_login(exchange, provider_name)


async def require_login_or_token(exchange: Exchange, provider_name: str) -> WebResponse | None:
    """As `require_login`, where a token would do, too: a script is told so (RFC 6750 3)."""
    answer = await require_login(exchange, provider_name)
    if answer is None or answer.status != 401:
        return answer
    return replace(answer, headers={**answer.headers, **token_challenge(exchange.application.settings)})


@contextmanager
def announcing_failure(exchange: Exchange) -> Generator[None, None, None]:
    """Announce that a login failed by what is raised here."""
    try:
        yield
    except OIDCError as error:
        exchange.announce_failure(login_failed, exchange.login_provider, error)
        raise


async def _begin_login(exchange: Exchange, provider_name: str) -> WebResponse:
    application, request = exchange.application, exchange.request
    _warn_of_other_host(exchange)
    logger.debug("a login begins: provider %r", provider_name)
    login = await application.clients[provider_name].begin_login()
    path = return_path(request, application.settings.redirect_uri.full_uri)
    in_browser = LoginInBrowser(pending=login.pending, provider=provider_name, return_path=path)
    exchange.set_cookies(*application.pending_logins.begin(in_browser, request.cookies))
    return redirect(login.url, 302)


def count_login(exchange: Exchange) -> Cookie:
    """A cookie that counts logins in quick succession: more than a few mean that the session isn't kept."""
    cookies = exchange.application.cookies
    return cookies.set(cookies.name(COUNT_KIND), str(_logins_in_a_row(exchange) + 1), LOGINS_IN_A_ROW_SECONDS)


def forget_count(application: WebApplication) -> Cookie:
    return application.cookies.delete(application.cookies.name(COUNT_KIND))


def _require_no_loop(exchange: Exchange) -> None:
    # who is logged in elsewhere has a browser that keeps sessions
    if _logins_in_a_row(exchange) >= MAX_LOGINS_IN_A_ROW and not exchange.session:
        exchange.set_cookies(forget_count(exchange.application))
        raise LoginLoop(
            f"{MAX_LOGINS_IN_A_ROW} logins in a row succeeded, but the browser or a proxy doesn't keep the session "
            "cookie. Check limits on the size of request headers, and that pages are served on the host of "
            "OIDC_REDIRECT_URI."
        )


def _logins_in_a_row(exchange: Exchange) -> int:
    count = exchange.request.cookies.get(exchange.application.cookies.name(COUNT_KIND), "")
    return int(count) if count in ("1", "2", "3", "4", "5") else 0


def _warn_of_other_host(exchange: Exchange) -> None:
    expected = urlsplit(exchange.application.settings.redirect_uri.full_uri).netloc
    host = exchange.request.headers.get("host", expected)
    if host != expected:
        logger.warning(
            "a login begins on the host %s, but OIDC_REDIRECT_URI is on %s: its cookie may not be there. "
            "Use one host name, and let proxies pass Host on, or declare them (ProxyFix).",
            ascii(host)[:200],
            expected,
        )
