"""Protects views with a login: shows the view to a user who is logged in, and starts a login otherwise."""

from dataclasses import replace

from oidc_async.web.http.bearer_errors import token_challenge
from oidc_async.web.http.messages import WebResponse, redirect
from oidc_async.web.http.navigation import comes_without_cookies, is_navigation, login_required
from oidc_async.web.request_context import RequestContext
from oidc_async.web.websockets import origin_rejection

from .begin_login import begin_login
from .silent_renewal import begin_renewal, is_session_valid


async def require_login(context: RequestContext, provider_name: str) -> WebResponse | None:
    """Require a login at a provider.

    Returns None if the user is logged in at the provider; otherwise a redirect to its login, or 401 for requests that
    are not navigations. A cross-site POST is redirected to GET, so that Lax cookies are sent. A WebSocket that a page
    of another origin opens is rejected. When a silent renewal is due, a logged-in user is redirected, too.

    Raises:
        ProviderError: The provider could not be reached for a login.
        LoginLoop: The browser does not keep the session.
        StoreError: The session could not be loaded.
    """
    if rejection := origin_rejection(context):
        return rejection
    await context.require_session()
    # `is_session_valid` comes before the renewal: a session whose renewal was rejected needs a login, not another
    # try.
    if context.is_logged_in(provider_name) and await is_session_valid(context, provider_name):
        context.requires_login = True
        return await begin_renewal(context, provider_name)
    if not is_navigation(context.request):
        return login_required()
    if comes_without_cookies(context.request):
        return redirect(context.return_path(), 303)
    return await begin_login(context, provider_name)


async def require_login_or_token(context: RequestContext, provider_name: str, scope: str = "") -> WebResponse | None:
    """As `require_login`, for views that also accept bearer tokens: a 401 has their challenge (RFC 6750 3)."""
    response = await require_login(context, provider_name)
    if response is None or response.status != 401:
        return response
    return replace(response, headers={**response.headers, **token_challenge(context.application.settings, scope)})
