"""Silent renewal: asks the provider from time to time whether the user is still logged in there (prompt=none).

A renewal redirects the whole tab to the provider and back, without interaction (OIDC Core 3.1.2.1). It has three
outcomes:

- The same user is logged in: the session gets the new tokens and claims. Another user never takes the session over.
- The provider reports an error about the user, such as login_required: the session is no longer valid for protected
  views, which start a login.
- The provider is down or reports another error: the session remains valid, and the next attempt follows after a
  pause. An outage of the provider must not become an outage of the application.
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
    is_rejected,
    is_unanswered,
    note_attempt,
    note_rejection,
    note_return,
    note_start,
    read_state,
)
from oidc_async.web.sessions.user_session import UserSession
from oidc_async.web.signals import refresh_failed

from .access_token import refresh_tokens, update_within_limits
from .begin_login import request_login, request_renewal

logger = logging.getLogger("oidc_async.login")

ERRORS_ABOUT_THE_USER = frozenset(
    {
        "access_denied",
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "invalid_grant",
        "login_required",
    }
)
"""Errors that concern the user (OIDC Core 3.1.2.6, RFC 6749 4.1.2.1 and 5.2); all others concern the provider."""


async def is_session_valid(context: RequestContext, provider_name: str) -> bool:
    """Whether the session is valid for protected views: the provider has not rejected its renewal.

    With `renew_with_refresh_token` the session is renewed here when it is due. Raises StoreError.
    """
    client = context.application.clients[provider_name]
    if client.configuration.session_refresh_interval_seconds is None and not _is_watched(context):
        return True
    if is_rejected(context):
        return False
    user = UserSession(context.session, provider_name)
    if _has_changed(context) and is_page(context.request):
        # A refresh token does not show which user is logged in at the provider now, so the browser is redirected.
        return True
    if not context.sets_cookies:
        # Neither the new tokens nor the attempt could be saved.
        return True
    if client.configuration.renew_with_refresh_token and user.refresh_token and _is_old(context, client, user):
        return await _renew_with(user.refresh_token, context, client, user)
    return True


async def begin_renewal(context: RequestContext, provider_name: str) -> WebResponse | None:
    """Redirect to the provider if a renewal is due and the request is a page; None to show the view."""
    client = context.application.clients[provider_name]
    user = UserSession(context.session, provider_name)
    is_due = _is_old(context, client, user) or _has_changed(context)
    if not is_due or not is_page(context.request) or user.id_token is None or is_unanswered(context):
        return None
    # The attempt is recorded before its result is known. So the browser is not redirected again at once, whatever
    # happens at the provider.
    _note_attempt(context, client)
    try:
        renewal = await request_renewal(context, provider_name)
    except ProviderError as error:
        _report(context, error)
        return None
    note_start(context)
    return renewal


async def finish_renewal(
    context: RequestContext,
    client: AsyncRelyingParty,
    begun: LoginInBrowser,
    response: Mapping[str, str],
    response_mode: ResponseMode,
) -> WebResponse | None:
    """Renew the session with an authorization response.

    Returns a redirect to a login if the provider requires one; otherwise None.

    Args:
        context: The context of the request.
        client: The relying party.
        begun: The pending renewal.
        response: The parameters of the authorization response, decoded.
        response_mode: How it was sent.

    Raises:
        UserChanged: Another user is logged in at the provider. The session is kept, here and in all other cases.
        LoginError: The response is invalid.
        TokenError: A token is invalid.
        StoreError: The session could not be saved.
    """
    note_return(context)
    # The session may have ended or been replaced while the browser was at the provider. The response then belongs to
    # nobody, and the page is shown as for any other request.
    if not _is_session_of(context, begun):
        logger.info("a session ended during its renewal")
        return None
    try:
        login = await client.complete_login(begun.pending, response, response_mode=response_mode)
        await _renew(context, login)
    except AuthorizationRefused as error:
        _report(context, error)
        if error.error in ERRORS_ABOUT_THE_USER:
            note_rejection(context)
            # The user was going to a page, so the login follows at once instead of after another click.
            return await request_login(context, begun.provider, begun.return_path)
    except (ProviderError, LoginExpired, SessionTooLarge) as error:
        _report(context, error)
    return None


def _is_watched(context: RequestContext) -> bool:
    return context.application.settings.session_iframe_uri is not None


def _has_changed(context: RequestContext) -> bool:
    """Whether our iframe found that the session at the provider has changed (OIDC Session Management 3.1)."""
    if not _is_watched(context):
        return False
    state = read_state(context)
    return state.has_changed(context.session) and not state.is_paused(context.application.now())


def _is_old(context: RequestContext, client: AsyncRelyingParty, user: UserSession) -> bool:
    interval = client.configuration.session_refresh_interval_seconds
    now = context.application.now()
    return user.should_refresh(interval, now=now) and not read_state(context).is_paused(now)


def _is_session_of(context: RequestContext, begun: LoginInBrowser) -> bool:
    return context.is_logged_in(begun.provider) and context.session.session_id == begun.renews


async def _renew(context: RequestContext, login: Login) -> None:
    # Another user may have logged in at the provider meanwhile. The session must not change its user without a login
    # that this user sees (OIDC Core 12.2 requires the same of refreshes).
    if not is_same_user(login.id_token, UserSession(context.session).id_token or {}):
        raise UserChanged("Another user is logged in at the provider than in this session. Log out first.")
    await SessionLifecycle(context).renew(login)


async def _renew_with(
    refresh_token: str, context: RequestContext, client: AsyncRelyingParty, user: UserSession
) -> bool:
    _note_attempt(context, client)
    try:
        await _refresh_all(refresh_token, context, client, user)
    except StoreError:
        raise
    except OIDCError as error:
        _log(error)
        if isinstance(error, OAuthError) and error.error in ERRORS_ABOUT_THE_USER:
            note_rejection(context)
            return False
    return True


async def _refresh_all(
    refresh_token: str, context: RequestContext, client: AsyncRelyingParty, user: UserSession
) -> None:
    record = context.session
    refresh = await refresh_tokens(context, client, record, refresh_token)
    userinfo = await client.userinfo(refresh.tokens.access_token, sub=(user.id_token or {}).get("sub", ""))
    update_within_limits(context, record, userinfo=userinfo, now=refresh.at)


def _note_attempt(context: RequestContext, client: AsyncRelyingParty) -> None:
    note_attempt(context, client.configuration.session_refresh_interval_seconds or MOST_SECONDS)


def _report(context: RequestContext, error: OIDCError) -> None:
    _log(error)
    user = UserSession(context.session)
    context.announce_failure(refresh_failed, user.current_provider, error, claims=user.id_token or {})


def _log(error: OIDCError) -> None:
    logger.warning("a session could not be renewed: %s (%s)", error, error.code)
