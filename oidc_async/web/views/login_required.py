"""The guard of a view: let a login through, begin one otherwise (OIDC Core 3.1.2.1)."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from oidc_async.errors import LoginLoop, OIDCError
from oidc_async.protocol.parameters import Parameter
from oidc_async.web.application import WebApplication
from oidc_async.web.http.bearer_errors import token_challenge
from oidc_async.web.http.messages import Cookie, WebResponse, redirect
from oidc_async.web.http.navigation import comes_without_cookies, is_navigation, login_required
from oidc_async.web.request_context import RequestContext
from oidc_async.web.signals import login_failed
from oidc_async.web.websockets import refused_origin

from .authorization_redirect import request_login
from .silent_renewal import begin_renewal, is_in_force

MAX_LOGINS_IN_A_ROW = 5
LOGINS_IN_A_ROW_SECONDS = 30
COUNT_KIND = "logins"


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


async def require_login_or_token(context: RequestContext, provider_name: str, scope: str = "") -> WebResponse | None:
    """As `require_login`, for views that accept tokens with this `scope` too: a 401 says so (RFC 6750 3)."""
    answer = await require_login(context, provider_name)
    if answer is None or answer.status != 401:
        return answer
    return replace(answer, headers={**answer.headers, **token_challenge(context.application.settings, scope)})


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
