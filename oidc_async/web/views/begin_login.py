"""Starts logins: redirects the browser to the provider (OIDC Core 3.1.2.1).

A protected view starts a login by itself. A view can also start one to log in again, for step-up authentication, or
at a provider that the user has chosen.
"""

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
    "response_mode": "the callback expects the one of auth_request_params",
    "response_type": "the callback expects the one of auth_request_params",
}


async def log_in(
    context: RequestContext, provider_name: str, return_to: str | None, parameters: Mapping[str, Any]
) -> WebResponse:
    """Redirect to the login of a provider for a view; 401 for requests that are not navigations.

    A cross-site POST is redirected to GET, so that Lax cookies are sent. The present session is kept until the new
    login succeeds.

    Args:
        context: The context of the request.
        provider_name: The provider.
        return_to: The page to return to, as a path or a URL of this origin; the page of the request if None.
        parameters: Parameters of the authorization request, which replace those of `auth_request_params`.

    Raises:
        LoginRequestInvalid: `return_to` or a parameter is invalid. No provider was contacted.
        ConfigurationError: A parameter cannot be set for one login.
        ProviderError: The provider could not be reached.
        LoginLoop: The browser does not keep the session.
        StoreError: The session could not be loaded.
    """
    if not is_navigation(context.request):
        return login_required()
    context.login_provider = provider_name
    with announcing_failure(context):
        path = None if return_to is None else _return_path(context.application, return_to)
    if comes_without_cookies(context.request):
        return redirect(context.return_path(), 303)
    await context.require_session()
    requested = as_parameters("login", parameters)
    require_theirs("login", requested, OF_ALL_LOGINS)
    return await begin_login(context, provider_name, path, **requested)


def _return_path(application: WebApplication, return_to: str) -> str:
    is_path = is_same_origin_path(return_to)
    path = return_to if is_path else path_of(return_to, application.settings.redirect_uri.full_uri)
    return require_page(application, path, "return_to")


def require_page(application: WebApplication, path: str | None, parameter: str) -> str:
    """Return `path` if it can be the page after a login. Raises LoginRequestInvalid, which names `parameter`."""
    # Our own routes show no pages, and one of them would start another login.
    if path is None or application.endpoint_below("", _as_routed(path)):
        raise LoginRequestInvalid(
            f"{parameter} must be the URL of a page with the scheme, host and port of OIDC_REDIRECT_URI.",
            parameter=parameter,
        )
    return path


def _as_routed(path: str) -> str:
    """Decode and normalise a path as browsers and servers do: without dot segments and double slashes."""
    return normpath("/" + unquote(re.split("[?#]", path)[0]).lstrip("/"))


async def begin_login(
    context: RequestContext, provider_name: str, path: str | None = None, /, **parameters: Parameter
) -> WebResponse:
    """Redirect to the login of a provider, unless logins repeat in a loop. The session must be loaded.

    Args:
        context: The context of the request.
        provider_name: The provider.
        path: The path to return to; the page of the request if None.
        parameters: Parameters of the authorization request, which replace those of the configuration.

    Raises:
        ProviderError: The provider could not be reached.
        LoginLoop: The browser does not keep the session.
    """
    context.login_provider = provider_name
    with announcing_failure(context):
        _require_no_loop(context, provider_name)
        return await request_login(context, provider_name, path, **parameters)


async def request_login(
    context: RequestContext, provider_name: str, path: str | None = None, /, **parameters: Parameter
) -> WebResponse:
    """Redirect to the login of a provider, and afterwards to `path`, or to the page of the request if None.

    Raises:
        ProviderError: The provider could not be reached.
        StoreError: The request object could not be stored.
    """
    _warn_of_other_host(context)
    logger.debug("starting a login: provider %r", provider_name)
    login = await context.application.clients[provider_name].begin_login(**parameters)
    return await _departure(context, provider_name, login, path or context.return_path())


async def request_renewal(context: RequestContext, provider_name: str) -> WebResponse:
    """Redirect to a silent renewal of the present session (prompt=none). Raises ProviderError, StoreError."""
    client = context.application.clients[provider_name]
    session = context.session
    id_token = UserSession(session, provider_name).id_token_jwt
    # The hint names the user whose session is renewed. It is optional, so it is omitted if the URL becomes too long.
    login = await client.begin_login(prompt="none", **({"id_token_hint": id_token} if id_token else {}))
    if len(login.url) > MAX_URL_LENGTH:
        login = await client.begin_login(prompt="none")
    return await _departure(context, provider_name, login, context.return_path(), renews=session.session_id)


async def _departure(
    context: RequestContext, provider_name: str, login: AuthorizationRequest, path: str, renews: str | None = None
) -> WebResponse:
    in_browser = LoginInBrowser(pending=login.pending, provider=provider_name, return_path=path, renews=renews)
    # The request object is stored before the browser is redirected, since the provider fetches it at once.
    if (objects := context.application.request_objects) is not None:
        await objects.keep(login)
    context.set_cookies(*context.application.pending_logins.begin(in_browser, context.request.cookies))
    return redirect(login.url, 302)


def _warn_of_other_host(context: RequestContext) -> None:
    expected = urlsplit(context.application.settings.redirect_uri.full_uri).netloc
    host = context.request.headers.get("host", expected)
    if host != expected:
        logger.warning(
            "a login starts on the host %s, but OIDC_REDIRECT_URI is on %s, which may not receive its cookie: use "
            "one host name, and let proxies pass the Host header on or declare them (ProxyFix)",
            ascii(host)[:200],
            expected,
        )


@contextmanager
def announcing_failure(context: RequestContext) -> Generator[None, None, None]:
    """Send the signal `login_failed` for an error that is raised in the body of the `with` statement."""
    try:
        yield
    except OIDCError as error:
        context.announce_failure(login_failed, context.login_provider, error)
        raise


def count_login(context: RequestContext) -> Cookie:
    """Return the cookie that counts logins in quick succession, to detect browsers that do not keep the session."""
    cookies = context.application.cookies
    return cookies.set(cookies.name(COUNT_KIND), str(_logins_in_a_row(context) + 1), LOGINS_IN_A_ROW_SECONDS)


def delete_login_count(application: WebApplication) -> Cookie:
    """Return the cookie that deletes the count of logins."""
    return application.cookies.delete(application.cookies.name(COUNT_KIND))


def _require_no_loop(context: RequestContext, provider_name: str) -> None:
    # If the browser drops the session cookie, for instance because it is too large, each login is followed by another
    # one without interaction, as the user is still logged in at the provider. A small cookie counts them.
    # A session at another provider shows that the browser keeps sessions. One at this provider is an old one, which
    # the browser keeps instead of the new ones.
    keeps_sessions = context.session and not context.is_logged_in(provider_name)
    if _logins_in_a_row(context) >= MAX_LOGINS_IN_A_ROW and not keeps_sessions:
        context.set_cookies(delete_login_count(context.application))
        raise LoginLoop(
            f"{MAX_LOGINS_IN_A_ROW} logins in a row succeeded, but the browser or a proxy does not keep the session "
            "cookie. Check the limits of header sizes, and serve pages on the host of OIDC_REDIRECT_URI."
        )


def _logins_in_a_row(context: RequestContext) -> int:
    count = context.request.cookies.get(context.application.cookies.name(COUNT_KIND), "")
    return int(count) if count in ("1", "2", "3", "4", "5") else 0
