"""The guard of a view: let a login through, begin one otherwise (OIDC Core 3.1.2.1)."""

from dataclasses import replace

from oidc_async.web.http.bearer_errors import token_challenge
from oidc_async.web.http.messages import WebResponse, redirect
from oidc_async.web.http.navigation import comes_without_cookies, is_navigation, login_required
from oidc_async.web.request_context import RequestContext
from oidc_async.web.websockets import refused_origin

from .begin_login import begin_login
from .silent_renewal import begin_renewal, is_in_force


async def require_login(context: RequestContext, provider_name: str) -> WebResponse | None:
    """None for who is logged in at that provider; otherwise the way to its login, or 401 for a script.

    What another site posted is asked for once more by GET, with which the session comes.
    A WebSocket is refused, too, when another site's page opens it.
    Now and then the way of who is logged in leads through the provider, too, which renews the session unseen.
    Raises ProviderError when the provider can't be reached for a login, LoginLoop when logins don't stay, StoreError.
    """
    if refusal := refused_origin(context):
        return refusal
    await context.require_session()
    if context.is_logged_in(provider_name) and await is_in_force(context, provider_name):
        context.requires_login = True
        return await begin_renewal(context, provider_name)
    if not is_navigation(context.request):
        return login_required()
    if comes_without_cookies(context.request):
        return redirect(context.return_path(), 303)
    return await begin_login(context, provider_name)


async def require_login_or_token(context: RequestContext, provider_name: str, scope: str = "") -> WebResponse | None:
    """As `require_login`, for views that accept tokens with this `scope` too: a 401 says so (RFC 6750 3)."""
    answer = await require_login(context, provider_name)
    if answer is None or answer.status != 401:
        return answer
    return replace(answer, headers={**answer.headers, **token_challenge(context.application.settings, scope)})
