"""Asking the provider now and then whether the user is still logged in there (OIDC Core 3.1.2.1, prompt=none).

Where the provider says no, the session is in force no more: guarded views ask for a login. Where it says nothing,
because it is down, the session goes on and the next try is made a little later: an outage of the provider is none of
its applications. Whoever else is logged in there never takes the session over.
"""

import logging
from collections.abc import Mapping

from oidc_async.errors import (
    AuthorizationRefused,
    LoginExpired,
    OAuthError,
    OIDCError,
    ProviderError,
    SessionTooLarge,
    StoreError,
    UserChanged,
)
from oidc_async.protocol.id_token import is_same_user
from oidc_async.protocol.response_type import ResponseMode
from oidc_async.relying_party.login import Login
from oidc_async.relying_party.relying_party import AsyncRelyingParty
from oidc_async.web.http.messages import WebResponse
from oidc_async.web.http.navigation import is_page
from oidc_async.web.request_context import RequestContext
from oidc_async.web.sessions.lifecycle import SessionLifecycle
from oidc_async.web.sessions.pending_logins import LoginInBrowser
from oidc_async.web.sessions.renewal_state import (
    MOST_SECONDS,
    is_refused,
    is_unanswered,
    mark_refusal,
    mark_try,
    note_answered,
    note_begun,
    read_mark,
)
from oidc_async.web.sessions.user_session import UserSession
from oidc_async.web.signals import refresh_failed

from .access_token import refresh_tokens, update_within_limits
from .begin_login import request_login, request_renewal

logger = logging.getLogger("oidc_async.login")

REFUSALS = frozenset(
    {
        "access_denied",
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "invalid_grant",
        "login_required",
    }
)
"""Errors that speak of the user (OIDC Core 3.1.2.6, RFC 6749 4.1.2.1 and 5.2); all others are of the provider."""


async def is_in_force(context: RequestContext, provider_name: str) -> bool:
    """Whether the session will do, or has to be replaced by a login because the provider refused to renew it.

    With `renew_with_refresh_token` it is renewed here, when it is time. Raises StoreError.
    """
    client = context.application.clients[provider_name]
    if client.configuration.session_refresh_interval_seconds is None and not _is_watched(context):
        return True
    if is_refused(context):
        return False
    user = UserSession(context.session, provider_name)
    if _has_changed(context) and is_page(context.request):
        # a refresh token tells nothing of who is logged in there now
        return True
    if not context.sets_cookies:
        # what it brings could not be kept, nor that it was tried
        return True
    if client.configuration.renew_with_refresh_token and user.refresh_token and _is_old(context, client, user):
        return await _renew_with(user.refresh_token, context, client, user)
    return True


async def begin_renewal(context: RequestContext, provider_name: str) -> WebResponse | None:
    """The way through the provider, when it is time and somebody goes to a page; None to show the view."""
    client, user = context.application.clients[provider_name], UserSession(context.session, provider_name)
    is_time = _is_old(context, client, user) or _has_changed(context)
    if not is_time or not is_page(context.request) or user.id_token is None or is_unanswered(context):
        return None
    _mark_try(context, client)
    try:
        renewal = await request_renewal(context, provider_name)
    except ProviderError as error:
        _tell(context, error)
        return None
    note_begun(context)
    return renewal


async def finish_renewal(
    context: RequestContext,
    client: AsyncRelyingParty,
    begun: LoginInBrowser,
    response: Mapping[str, str],
    response_mode: ResponseMode,
) -> WebResponse | None:
    """Renew the session by the provider's `response`; the way to a login when it wants one, None to go on.

    Raises UserChanged, other LoginErrors, TokenError, StoreError; the session then stays as it was.
    """
    note_answered(context)
    if not _is_session_of(context, begun):
        logger.info("a session ended while it was renewed")
        return None
    try:
        login = await client.complete_login(begun.pending, response, response_mode=response_mode)
        await _renew(context, login)
    except AuthorizationRefused as refusal:
        _tell(context, refusal)
        if refusal.error in REFUSALS:
            mark_refusal(context)
            return await request_login(context, begun.provider, begun.return_path)
    except (ProviderError, LoginExpired, SessionTooLarge) as error:
        _tell(context, error)
    return None


def _is_watched(context: RequestContext) -> bool:
    return context.application.settings.session_iframe_uri is not None


def _has_changed(context: RequestContext) -> bool:
    """Whether our frame saw that the provider's session is another one (OIDC Session Management 3.1)."""
    if not _is_watched(context):
        return False
    mark = read_mark(context)
    return mark.is_change(context.session) and not mark.is_pause(context.application.now())


def _is_old(context: RequestContext, client: AsyncRelyingParty, user: UserSession) -> bool:
    interval, now = client.configuration.session_refresh_interval_seconds, context.application.now()
    return user.should_refresh(interval, now=now) and not read_mark(context).is_pause(now)


def _is_session_of(context: RequestContext, begun: LoginInBrowser) -> bool:
    return context.is_logged_in(begun.provider) and context.session.session_id == begun.renews


async def _renew(context: RequestContext, login: Login) -> None:
    if not is_same_user(login.id_token, UserSession(context.session).id_token or {}):
        raise UserChanged("The provider says that another user is logged in there than here: log out here first.")
    await SessionLifecycle(context).renew(login)


async def _renew_with(
    refresh_token: str, context: RequestContext, client: AsyncRelyingParty, user: UserSession
) -> bool:
    _mark_try(context, client)
    try:
        await _refresh_all(refresh_token, context, client, user)
    except StoreError:
        raise
    except OIDCError as error:
        _log(error)
        if isinstance(error, OAuthError) and error.error in REFUSALS:
            mark_refusal(context)
            return False
    return True


async def _refresh_all(
    refresh_token: str, context: RequestContext, client: AsyncRelyingParty, user: UserSession
) -> None:
    record = context.session
    refresh = await refresh_tokens(context, client, record, refresh_token)
    userinfo = await client.userinfo(refresh.tokens.access_token, sub=(user.id_token or {}).get("sub", ""))
    update_within_limits(context, record, userinfo=userinfo, now=refresh.at)


def _mark_try(context: RequestContext, client: AsyncRelyingParty) -> None:
    mark_try(context, client.configuration.session_refresh_interval_seconds or MOST_SECONDS)


def _tell(context: RequestContext, error: OIDCError) -> None:
    _log(error)
    user = UserSession(context.session)
    context.announce_failure(refresh_failed, user.current_provider, error, claims=user.id_token or {})


def _log(error: OIDCError) -> None:
    logger.warning("a session was not renewed: %s (%s)", error, error.code)
