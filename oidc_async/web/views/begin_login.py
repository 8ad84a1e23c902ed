"""A login that a view asks for: to log in again, to authenticate better, or at a provider that the user chose."""

import logging
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from posixpath import normpath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from oidc_async.configuration.request_parameters import as_parameters, require_theirs
from oidc_async.errors import LoginLoop, LoginRequestInvalid, OIDCError
from oidc_async.protocol.parameters import Parameter
from oidc_async.relying_party.login import AuthorizationRequest
from oidc_async.web.application import WebApplication
from oidc_async.web.http.messages import MAX_URL_LENGTH, Cookie, WebResponse, redirect
from oidc_async.web.http.navigation import comes_without_cookies, is_navigation, login_required
from oidc_async.web.http.return_path import is_same_origin_path, path_of
from oidc_async.web.request_context import RequestContext
from oidc_async.web.sessions.pending_logins import LoginInBrowser
from oidc_async.web.sessions.user_session import UserSession
from oidc_async.web.signals import login_failed

logger = logging.getLogger("oidc_async.login")

MAX_LOGINS_IN_A_ROW = 5
LOGINS_IN_A_ROW_SECONDS = 30
COUNT_KIND: Final = "logins"


OF_ALL_LOGINS = {
    "response_mode": "the redirect URI awaits what auth_request_params asks for",
    "response_type": "the redirect URI awaits what auth_request_params asks for",
}


async def log_in(
    context: RequestContext, provider_name: str, return_to: str | None, parameters: Mapping[str, Any]
) -> WebResponse:
    """The way to that provider's login, and back to `return_to`; 401 for a script.

    What another site posted is asked for once more by GET, with which the session comes.
    `return_to` is a path or a URL of this origin, the page of the request when None. `parameters` are laid over
    `auth_request_params`. The present session stays until the new login has succeeded. Raises LoginRequestInvalid
    before anybody is asked; ConfigurationError, ProviderError, LoginLoop, StoreError.
    """
    if not is_navigation(context.request):
        return login_required()
    context.login_provider = provider_name
    with announcing_failure(context):
        path = None if return_to is None else _return_path(context.application, return_to)
    if comes_without_cookies(context.request):
        return redirect(context.return_path(), 303)
    await context.require_session()
    asked = as_parameters("login", parameters)
    require_theirs("login", asked, OF_ALL_LOGINS)
    return await begin_login(context, provider_name, path, **asked)


def _return_path(application: WebApplication, return_to: str) -> str:
    is_path = is_same_origin_path(return_to)
    path = return_to if is_path else path_of(return_to, application.settings.redirect_uri.full_uri)
    return require_page(application, path, "return_to")


def require_page(application: WebApplication, path: str | None, parameter: str) -> str:
    """`path`, if a page may be there to be shown after a login. Raises LoginRequestInvalid, naming `parameter`."""
    # our own routes show nothing, and one of them would begin a login after each login
    if path is None or application.endpoint_below("", _as_routed(path)):
        raise LoginRequestInvalid(
            f"{parameter} must be the address of a page with the scheme, host and port of OIDC_REDIRECT_URI.",
            parameter=parameter,
        )
    return path


def _as_routed(path: str) -> str:
    """Decoded, without what browsers and servers leave out of a path: dot segments and second slashes."""
    return normpath("/" + unquote(re.split("[?#]", path)[0]).lstrip("/"))


async def begin_login(
    context: RequestContext, provider_name: str, path: str | None = None, /, **parameters: Parameter
) -> WebResponse:
    """The way to that provider's login, and back to `path`; to where the request came from when None.

    `parameters` are laid over those of the provider's configuration. The session must be loaded.
    Raises ProviderError, LoginLoop.
    """
    context.login_provider = provider_name
    with announcing_failure(context):
        _require_no_loop(context, provider_name)
        return await request_login(context, provider_name, path, **parameters)


async def request_login(
    context: RequestContext, provider_name: str, path: str | None = None, /, **parameters: Parameter
) -> WebResponse:
    """The way to a login, and back to `path`; to where the request came from when None.

    Raises ProviderError, and StoreError when the request goes by an object that can't be kept.
    """
    _warn_of_other_host(context)
    logger.debug("a login begins: provider %r", provider_name)
    login = await context.application.clients[provider_name].begin_login(**parameters)
    return await _departure(context, provider_name, login, path or context.return_path())


async def request_renewal(context: RequestContext, provider_name: str) -> WebResponse:
    """The way to a renewal of the present session, during which nobody is asked anything. Raises the same."""
    client, session = context.application.clients[provider_name], context.session
    id_token = UserSession(session, provider_name).id_token_jwt
    login = await client.begin_login(prompt="none", **({"id_token_hint": id_token} if id_token else {}))
    if len(login.url) > MAX_URL_LENGTH:
        login = await client.begin_login(prompt="none")
    return await _departure(context, provider_name, login, context.return_path(), renews=session.session_id)


async def _departure(
    context: RequestContext, provider_name: str, login: AuthorizationRequest, path: str, renews: str | None = None
) -> WebResponse:
    in_browser = LoginInBrowser(pending=login.pending, provider=provider_name, return_path=path, renews=renews)
    if (objects := context.application.request_objects) is not None:
        await objects.keep(login)
    context.set_cookies(*context.application.pending_logins.begin(in_browser, context.request.cookies))
    return redirect(login.url, 302)


def _warn_of_other_host(context: RequestContext) -> None:
    expected = urlsplit(context.application.settings.redirect_uri.full_uri).netloc
    host = context.request.headers.get("host", expected)
    if host != expected:
        logger.warning(
            "a login begins on the host %s, but OIDC_REDIRECT_URI is on %s: its cookie may not be there. "
            "Use one host name, and let proxies pass Host on, or declare them (ProxyFix).",
            ascii(host)[:200],
            expected,
        )


@contextmanager
def announcing_failure(context: RequestContext) -> Generator[None, None, None]:
    """Announce that a login failed by what is raised here."""
    try:
        yield
    except OIDCError as error:
        context.announce_failure(login_failed, context.login_provider, error)
        raise


def count_login(context: RequestContext) -> Cookie:
    """A cookie that counts logins in quick succession: more than a few mean that the session isn't kept."""
    cookies = context.application.cookies
    return cookies.set(cookies.name(COUNT_KIND), str(_logins_in_a_row(context) + 1), LOGINS_IN_A_ROW_SECONDS)


def forget_count(application: WebApplication) -> Cookie:
    return application.cookies.delete(application.cookies.name(COUNT_KIND))


def _require_no_loop(context: RequestContext, provider_name: str) -> None:
    # who is logged in elsewhere has a browser that keeps sessions; who is here has one that keeps an old one
    keeps_sessions = context.session and not context.is_logged_in(provider_name)
    if _logins_in_a_row(context) >= MAX_LOGINS_IN_A_ROW and not keeps_sessions:
        context.set_cookies(forget_count(context.application))
        raise LoginLoop(
            f"{MAX_LOGINS_IN_A_ROW} logins in a row succeeded, but the browser or a proxy doesn't keep the session "
            "cookie. Check limits on the size of request headers, and that pages are served on the host of "
            "OIDC_REDIRECT_URI."
        )


def _logins_in_a_row(context: RequestContext) -> int:
    count = context.request.cookies.get(context.application.cookies.name(COUNT_KIND), "")
    return int(count) if count in ("1", "2", "3", "4", "5") else 0
