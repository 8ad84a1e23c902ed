"""Sending the browser to the provider, for a login or to renew a session unseen (OIDC Core 3.1.2.1)."""

import logging
from urllib.parse import urlsplit

from oidc_async.protocol.parameters import Parameter
from oidc_async.relying_party.login import AuthorizationRequest
from oidc_async.web.http.messages import MAX_URL_LENGTH, WebResponse, redirect
from oidc_async.web.request_context import RequestContext
from oidc_async.web.sessions.pending_logins import LoginInBrowser
from oidc_async.web.sessions.user_session import UserSession

logger = logging.getLogger("oidc_async.login")


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
